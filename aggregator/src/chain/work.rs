//! What the aggregator sends about operators' work. Anyone may send it, and others may be faster.

use alloy::primitives::Address;
use quorate_bindings::{IAttendance, IRewards, ITally};
use quorate_canon::{Epoch, OperatorIndex, Round, hash};
use quorate_chain::sender::Call;

use super::Side;
use super::ethereum::Addresses;

/// One transaction's worth of work about operators' work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkAction {
    /// Draws the sample of a stake epoch on L2.
    Draw(Epoch),
    /// Shows who signed the header of a round on L2.
    Present(Round, Signed),
    /// Shows who gave a receipt of a sampled (machine, window) on L2.
    ShowReceipts {
        /// The stake epoch.
        epoch: Epoch,
        /// The number of the sample.
        sample: u16,
        /// Who signed.
        signed: Signed,
    },
    /// Shows who called a sampled (machine, window) DOWN on L2.
    ShowDowns {
        /// The stake epoch.
        epoch: Epoch,
        /// The number of the sample.
        sample: u16,
        /// The list that has it.
        list: Vec<u8>,
        /// Who signed the list.
        signed: Signed,
    },
    /// Counts a stake epoch on L2 and tells L1.
    Tell(Epoch),
    /// Hands the rewards of a stake epoch to the core on L1.
    Submit(Epoch),
    /// Ejects an operator on L1 that was below the floor for too long, as of this stake epoch.
    Eject(OperatorIndex, Epoch),
}

/// Many signatures of one message as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Who signed, as bytes of a bitmap.
    pub bitmap: Vec<u8>,
    /// The sum of their signatures, EIP-2537.
    pub aggregate: Vec<u8>,
}

impl WorkAction {
    /// Where it goes.
    pub const fn side(&self) -> Side {
        match self {
            Self::Submit(_) | Self::Eject(..) => Side::L1,
            _ => Side::L2,
        }
    }

    /// Name in logs and in the labels of metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Draw(_) => "draw_sample",
            Self::Present(..) => "present_signers",
            Self::ShowReceipts { .. } => "show_receipts",
            Self::ShowDowns { .. } => "show_downs",
            Self::Tell(_) => "tell_shares",
            Self::Submit(_) => "submit_rewards",
            Self::Eject(..) => "eject_operator",
        }
    }

    /// Names the work. What is shown goes with its signers: more of them may be shown later.
    pub fn key(&self) -> String {
        let name = self.name();
        match self {
            Self::Draw(epoch) | Self::Tell(epoch) | Self::Submit(epoch) => {
                format!("{name}/{epoch}")
            }
            Self::Present(round, signed) => {
                format!("{name}/{round}/{}", hash::sha256(&[&signed.bitmap]))
            }
            Self::ShowReceipts {
                epoch,
                sample,
                signed,
            } => format!(
                "{name}/{epoch}/{sample}/{}",
                hash::sha256(&[&signed.bitmap])
            ),
            Self::ShowDowns {
                epoch,
                sample,
                list,
                signed,
            } => format!(
                "{name}/{epoch}/{sample}/{}",
                hash::sha256(&[list, &signed.bitmap])
            ),
            Self::Eject(operator, epoch) => format!("{name}/{operator}/{epoch}"),
        }
    }

    /// The call that does it. Where a contract is not configured nobody asks for it; a call of
    /// nothing does nothing.
    pub(super) fn call(&self, at: &Addresses) -> Call {
        let to = |address: Option<Address>| address.unwrap_or_default();
        let (tally, rewards) = (to(at.tally), to(at.rewards));
        match self {
            Self::Draw(epoch) => Call::new(tally, &ITally::drawCall { epoch: epoch.get() }),
            Self::Tell(epoch) => Call::new(tally, &ITally::tellCall { epoch: epoch.get() }),
            Self::Submit(epoch) => {
                let epoch = epoch.get();
                Call::new(rewards, &IRewards::submitCall { epoch })
            }
            Self::Eject(operator, _) => {
                let call = IRewards::ejectCall {
                    operatorIndex: operator.get(),
                };
                Call::new(rewards, &call)
            }
            Self::Present(round, signed) => {
                let call = IAttendance::presentCall {
                    n: round.get(),
                    bitmap: signed.bitmap.clone().into(),
                    aggregate: signed.aggregate.clone().into(),
                };
                Call::new(to(at.attendance), &call)
            }
            Self::ShowReceipts {
                epoch,
                sample,
                signed,
            } => {
                let call = ITally::showReceiptsCall {
                    epoch: epoch.get(),
                    sample: *sample,
                    bitmap: signed.bitmap.clone().into(),
                    aggregate: signed.aggregate.clone().into(),
                };
                Call::new(tally, &call)
            }
            Self::ShowDowns {
                epoch,
                sample,
                list,
                signed,
            } => {
                let call = ITally::showDownsCall {
                    epoch: epoch.get(),
                    sample: *sample,
                    list: list.clone().into(),
                    bitmap: signed.bitmap.clone().into(),
                    aggregate: signed.aggregate.clone().into(),
                };
                Call::new(tally, &call)
            }
        }
    }
}
