//! What operators were shown to have done, by stake epoch, and what L1 handed to EigenLayer's core for
//! it: both from L1, whose events hold all of it.

use std::collections::BTreeMap;

use alloy::{
    primitives::{Address, B256, U256},
    providers::{DynProvider, Provider as _},
    rpc::types::{Filter, Log},
    sol_types::SolEvent as _,
};
use quorate_bindings::IRewards;
use quorate_bindings::eigenlayer::IRewardsCoordinator::OperatorDirectedOperatorSetRewardsSubmissionCreated as Created;
use quorate_canon::Epoch;
use quorate_chain::{Rpc, views};
use quorate_protocol::StakeTable;
use serde::{Serialize, Serializer};

use super::rounds::{chain, connect};
use crate::{Error, World, deploy::Price};

/// Seconds from the moment in which an epoch may be told to its pay, at the most: some blocks on both
/// chains.
const PATIENCE: u64 = 30;

/// A stake epoch that was counted and paid for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WorkedEpoch {
    /// The epoch.
    pub epoch: u64,
    /// Weight of the rounds of its sample that count.
    pub rounds: u16,
    /// Probes of its sample that count.
    pub probes: u16,
    /// What share of its work each operator was shown to have done, by number, basis points.
    pub shares_bps: Vec<u16>,
    /// What L1 handed to the core for each, smallest units of the token.
    #[serde(serialize_with = "decimal")]
    pub paid: Vec<U256>,
    /// What budget, stakes and shares come to for each.
    #[serde(serialize_with = "decimal")]
    pub due: Vec<U256>,
}

/// As strings: JSON's numbers are too short.
fn decimal<S: Serializer>(amounts: &[U256], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(amounts.iter().map(U256::to_string))
}

impl WorkedEpoch {
    /// What L1 handed to the core for all of them.
    #[must_use]
    pub fn total(&self) -> U256 {
        self.paid
            .iter()
            .fold(U256::ZERO, |sum, part| sum.saturating_add(*part))
    }
}

/// Follows `Rewards` and the core behind it.
#[derive(Debug)]
pub(super) struct Payday {
    l1: DynProvider,
    rpc: Rpc,
    service_manager: Address,
    rewards: Address,
    coordinator: Address,
    operators: Vec<Address>,
    next_block: u64,
    told: BTreeMap<u64, Told>,
    /// When the first epoch should have been paid for, Unix seconds.
    late: u64,
    /// The epoch that a transaction submitted: the core's event comes behind ours.
    submitting: Option<(B256, u64)>,
    worked: Vec<WorkedEpoch>,
}

/// What L2 said of an epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    rounds: u16,
    probes: u16,
    shares: Vec<u16>,
}

impl Payday {
    /// From the first block on.
    ///
    /// # Errors
    /// When the chain does not answer.
    pub(super) async fn open(world: &World) -> Result<Self, Error> {
        let l1 = &world.chains.l1;
        Ok(Self {
            l1: l1.provider().clone(),
            rpc: connect(l1.url().clone(), l1.chain_id()).await?,
            service_manager: world.contracts.l1.service_manager,
            rewards: world.contracts.l1.rewards,
            coordinator: world.core.rewards_coordinator,
            operators: world.operators.iter().map(|keys| keys.address()).collect(),
            next_block: 0,
            told: BTreeMap::new(),
            late: world.clock.told_at(0) + PATIENCE,
            submitting: None,
            worked: Vec::new(),
        })
    }

    /// The epochs that were paid for since the last call.
    ///
    /// # Errors
    /// When the chain does not answer, or says what it must not.
    pub(super) async fn advance(&mut self) -> Result<Vec<WorkedEpoch>, Error> {
        let head = self.l1.get_block_number().await?;
        if head < self.next_block {
            return Ok(Vec::new());
        }
        let filter = Filter::new()
            .address(vec![self.rewards, self.coordinator])
            .from_block(self.next_block)
            .to_block(head);
        let logs = self.l1.get_logs(&filter).await?;
        self.next_block = head + 1;
        let mut fresh = Vec::new();
        for log in &logs {
            fresh.extend(self.note(log).await?);
        }
        self.worked.extend(fresh.iter().cloned());
        Ok(fresh)
    }

    /// All epochs that were paid for so far.
    pub(super) fn worked(&self) -> &[WorkedEpoch] {
        &self.worked
    }

    /// Whether no epoch's pay is worth waiting for any more.
    pub(super) const fn is_late(&self, now: u64) -> bool {
        now > self.late
    }

    async fn note(&mut self, log: &Log) -> Result<Option<WorkedEpoch>, Error> {
        let transaction = log.transaction_hash.unwrap_or_default();
        if let Ok(event) = IRewards::Told::decode_log(&log.inner) {
            let told = told(&event.message).ok_or_else(|| wrong("a message of another form"))?;
            self.told.insert(event.epoch, told);
        } else if let Ok(event) = IRewards::Submitted::decode_log(&log.inner) {
            self.submitting = Some((transaction, event.epoch));
            if event.total.is_zero() {
                return self
                    .worked_epoch(event.epoch, &BTreeMap::new())
                    .await
                    .map(Some);
            }
        } else if let Ok(event) = Created::decode_log(&log.inner)
            && let Some((of, epoch)) = self.submitting
            && of == transaction
        {
            let rewards = &event.operatorDirectedRewardsSubmission.operatorRewards;
            let paid = rewards.iter().map(|r| (r.operator, r.amount)).collect();
            return self.worked_epoch(epoch, &paid).await.map(Some);
        }
        Ok(None)
    }

    async fn worked_epoch(
        &self,
        epoch: u64,
        paid: &BTreeMap<Address, U256>,
    ) -> Result<WorkedEpoch, Error> {
        let told = self.told.get(&epoch).cloned();
        let told = told.ok_or_else(|| wrong("an epoch that nobody told of"))?;
        let table = views::l1_table(&self.rpc, self.service_manager, Epoch::new(epoch))
            .await
            .map_err(chain)?
            .ok_or_else(|| wrong("an epoch without a table"))?
            .table;
        let of = |operator: &Address| paid.get(operator).copied().unwrap_or_default();
        Ok(WorkedEpoch {
            epoch,
            rounds: told.rounds,
            probes: told.probes,
            paid: self.operators.iter().map(of).collect(),
            due: due(&table, &told.shares),
            shares_bps: told.shares,
        })
    }
}

/// What each operator is owed (docs/formats.md, section 15).
fn due(table: &StakeTable, shares: &[u16]) -> Vec<U256> {
    let whole = U256::from(table.total().get()) * U256::from(10_000);
    let stakes = table.stakes().iter().zip(shares);
    stakes
        .map(|(stake, share)| {
            let part = U256::from(stake.get()) * U256::from(*share);
            (Price::devnet().epoch_budget * part)
                .checked_div(whole)
                .unwrap_or_default()
        })
        .collect()
}

/// Reads `E u64 ‖ rounds u16 ‖ probes u16 ‖ count u32 ‖ count x share u16`.
fn told(message: &[u8]) -> Option<Told> {
    let (head, shares) = message.split_at_checked(16)?;
    let number = |at: usize| Some(u16::from_be_bytes([*head.get(at)?, *head.get(at + 1)?]));
    let count = u32::from_be_bytes(head.get(12..16)?.try_into().ok()?);
    let shares: Vec<_> = shares
        .chunks(2)
        .map(|share| share.try_into().map(u16::from_be_bytes).ok())
        .collect::<Option<_>>()?;
    (u32::try_from(shares.len()) == Ok(count)).then_some(Told {
        rounds: number(8)?,
        probes: number(10)?,
        shares,
    })
}

fn wrong(what: &str) -> Error {
    Error::program("rewards", what)
}

#[cfg(test)]
mod tests {
    use quorate_canon::Bps;
    use quorate_health::{Share, Shares};

    use super::*;

    #[test]
    fn a_message_is_read_as_it_was_written() {
        let share = |total| Share {
            total: Bps::new(total).expect("a share"),
            ..Share::default()
        };
        let shares = Shares {
            rounds: 5,
            probes: 9,
            operators: [10_000, 0, 7_501].map(share).into(),
        };
        let expected = Told {
            rounds: 5,
            probes: 9,
            shares: vec![10_000, 0, 7_501],
        };
        let message = shares.message(Epoch::new(3));
        assert_eq!(told(&message), Some(expected));
        assert_eq!(told(&message[..message.len() - 1]), None);
        assert_eq!(told(&message[..message.len() - 2]), None);
    }
}
