//! What showing operators' work asks of `Tally` and `Attendance` on L2 and of `Rewards` on L1.

use std::collections::BTreeSet;
use std::future::Future;

use alloy::primitives::Address;
use quorate_bindings::{IAttendance, IRewards, ITally};
use quorate_canon::{Epoch, HealthEpoch, OfferId, OperatorIndex, Round, Timestamp};
use quorate_health::{SAMPLES, Window};

use super::ethereum::{Ethereum, view_fault};
use super::{Fault, HealthChain};

/// A sampled (machine, window).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeAt {
    /// Its health epoch.
    pub epoch: HealthEpoch,
    /// The machine.
    pub machine: OfferId,
    /// The window.
    pub window: Window,
}

/// What a stake epoch's work is counted on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sampled {
    /// The rounds, in the order of drawing; one may come more than once.
    pub rounds: Vec<Round>,
    /// The probes, by the number of their sample.
    pub probes: Vec<ProbeAt>,
}

/// What L2 has counted of a stake epoch so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Weight of the rounds that count.
    pub rounds: u16,
    /// Probes that count.
    pub probes: u16,
    /// The share of each operator, by index, basis points.
    pub shares: Vec<u16>,
}

/// What is asked about operators' work. Where a contract is not configured nobody asks for it.
pub trait TallyChain: HealthChain {
    /// The last second in which work of a stake epoch is shown.
    fn showable_until(&self, epoch: Epoch)
    -> impl Future<Output = Result<Timestamp, Fault>> + Send;

    /// Whether a stake epoch's sample was drawn, and if so, whether L1 was told.
    fn told(&self, epoch: Epoch) -> impl Future<Output = Result<Option<bool>, Fault>> + Send;

    /// The sample of a stake epoch that was drawn.
    fn sampled(&self, epoch: Epoch) -> impl Future<Output = Result<Sampled, Fault>> + Send;

    /// Which of `count` operators were presented in a round.
    fn presented(
        &self,
        round: Round,
        count: u32,
    ) -> impl Future<Output = Result<BTreeSet<OperatorIndex>, Fault>> + Send;

    /// Whether an operator's word about a sampled probe was shown.
    fn is_shown(
        &self,
        epoch: Epoch,
        sample: u16,
        operator: OperatorIndex,
    ) -> impl Future<Output = Result<bool, Fault>> + Send;

    /// What L2 has counted so far.
    fn counted(&self, epoch: Epoch) -> impl Future<Output = Result<Counted, Fault>> + Send;

    /// Whether L1 has heard what L2 counted.
    fn is_heard(&self, epoch: Epoch) -> impl Future<Output = Result<bool, Fault>> + Send;

    /// Whether a stake epoch was handed to the core on L1.
    fn is_submitted(&self, epoch: Epoch) -> impl Future<Output = Result<bool, Fault>> + Send;

    /// Stake epochs in a row in which an operator was below the floor.
    fn run_of(&self, operator: OperatorIndex) -> impl Future<Output = Result<u16, Fault>> + Send;

    /// The run with which anybody may have an operator ejected.
    fn patience(&self) -> impl Future<Output = Result<u16, Fault>> + Send;
}

impl Ethereum {
    fn tally(&self) -> Result<ITally::ITallyInstance<impl alloy::providers::Provider + '_>, Fault> {
        let at = configured(self.addresses().tally, "Tally")?;
        Ok(ITally::new(at, self.l2().provider()))
    }

    fn rewards(
        &self,
    ) -> Result<IRewards::IRewardsInstance<impl alloy::providers::Provider + '_>, Fault> {
        let at = configured(self.addresses().rewards, "Rewards")?;
        Ok(IRewards::new(at, self.l1().provider()))
    }
}

fn configured(address: Option<Address>, name: &str) -> Result<Address, Fault> {
    address.ok_or_else(|| Fault::BadData(format!("no {name} contract is configured")))
}

impl TallyChain for Ethereum {
    async fn showable_until(&self, epoch: Epoch) -> Result<Timestamp, Fault> {
        let until = self.tally()?.showableUntil(epoch.get()).call().await;
        until.map(Timestamp::new).map_err(view_fault)
    }

    async fn told(&self, epoch: Epoch) -> Result<Option<bool>, Fault> {
        let sample = self.tally()?.sampleOf(epoch.get()).call().await;
        let sample = sample.map_err(view_fault)?;
        Ok((!sample.randomness.is_zero()).then_some(sample.told))
    }

    async fn sampled(&self, epoch: Epoch) -> Result<Sampled, Fault> {
        let tally = self.tally()?;
        let rounds = tally.sampledRounds(epoch.get()).call().await;
        let rounds = rounds.map_err(view_fault)?;
        let mut probes = Vec::new();
        for sample in 0..SAMPLES {
            let probe = tally.sampledProbe(epoch.get(), sample).call().await;
            match probe {
                Ok(probe) => probes.push(ProbeAt {
                    epoch: HealthEpoch::new(probe.healthEpoch),
                    machine: OfferId::new(probe.offerId),
                    window: Window(probe.window),
                }),
                // An epoch without health epochs has no probes at all.
                Err(error) if error.as_decoded_error::<ITally::NoSuchSample>().is_some() => break,
                Err(error) => return Err(view_fault(error)),
            }
        }
        Ok(Sampled {
            rounds: rounds.into_iter().map(Round::new).collect(),
            probes,
        })
    }

    async fn presented(&self, round: Round, count: u32) -> Result<BTreeSet<OperatorIndex>, Fault> {
        let at = configured(self.addresses().attendance, "Attendance")?;
        let contract = IAttendance::new(at, self.l2().provider());
        let mut presented = BTreeSet::new();
        for word in 0..count.div_ceil(256) {
            let number = alloy::primitives::U256::from(word);
            let bits = contract.wordOf(round.get(), number).call().await;
            let bytes: [u8; 32] = bits.map_err(view_fault)?.to_be_bytes();
            presented.extend(operators_of(word, &bytes));
        }
        Ok(presented)
    }

    async fn is_shown(
        &self,
        epoch: Epoch,
        sample: u16,
        operator: OperatorIndex,
    ) -> Result<bool, Fault> {
        let tally = self.tally()?;
        let shown = tally.isShown(epoch.get(), sample, operator.get());
        shown.call().await.map_err(view_fault)
    }

    async fn counted(&self, epoch: Epoch) -> Result<Counted, Fault> {
        let counted = self.tally()?.sharesOf(epoch.get()).call().await;
        let counted = counted.map_err(view_fault)?;
        Ok(Counted {
            rounds: counted.rounds,
            probes: counted.probes,
            shares: counted.shares,
        })
    }

    async fn is_heard(&self, epoch: Epoch) -> Result<bool, Fault> {
        let message = self.rewards()?.messageOf(epoch.get()).call().await;
        message
            .map(|message| !message.is_empty())
            .map_err(view_fault)
    }

    async fn is_submitted(&self, epoch: Epoch) -> Result<bool, Fault> {
        let submitted = self.rewards()?.isSubmitted(epoch.get()).call().await;
        submitted.map_err(view_fault)
    }

    async fn run_of(&self, operator: OperatorIndex) -> Result<u16, Fault> {
        let run = self.rewards()?.runOf(operator.get()).call().await;
        run.map_err(view_fault)
    }

    async fn patience(&self) -> Result<u16, Fault> {
        self.rewards()?.patience().call().await.map_err(view_fault)
    }
}

/// The operators of one word: bytes from the left, bits within a byte from the right.
fn operators_of(word: u32, bytes: &[u8; 32]) -> impl Iterator<Item = OperatorIndex> + '_ {
    let first = word.saturating_mul(256);
    (0u32..).zip(bytes).flat_map(move |(byte, bits)| {
        (0u32..8)
            .filter(move |bit| bits >> bit & 1 == 1)
            .map(move |bit| OperatorIndex::new(first.saturating_add(8 * byte + bit)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_bytes_from_the_left_and_bits_from_the_right() {
        let mut bytes = [0; 32];
        (bytes[0], bytes[31]) = (0b0000_0101, 0b1000_0000);
        let operators: Vec<_> = operators_of(1, &bytes).map(OperatorIndex::get).collect();
        assert_eq!(operators, [256, 258, 511]);
    }
}
