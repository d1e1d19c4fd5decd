//! What is worth noticing about operators' work.

use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge};
use quorate_canon::{Epoch, OperatorIndex, OperatorStake, Round};
use quorate_rpc::ReceiptRejection;
use quorate_service::Metrics;
use tracing::{debug, info, warn};

use super::{Observe, ReasonLabel};
use crate::chain::Counted;

/// Metrics about operators' work.
#[derive(Clone, Debug)]
pub(super) struct WorkMetrics {
    receipts: Counter,
    rejected: Family<ReasonLabel, Counter>,
    rounds: Counter,
    probes: Counter,
    counted: Counter,
    lost: Counter,
    lowest: Gauge<f64, std::sync::atomic::AtomicU64>,
    ejected: Counter,
}

impl WorkMetrics {
    /// Registers them.
    pub(super) fn new(metrics: &Metrics) -> Self {
        let counter = |name: &str, help: &str| {
            metrics.register(&format!("aggregator_{name}"), help, Counter::default())
        };
        Self {
            receipts: counter("receipts", "Receipts of sampled probes that were taken"),
            rejected: metrics.register_family(
                "aggregator_receipts_rejected",
                "Requests with receipts that were not taken, by reason",
                &["reason"],
                Family::default(),
            ),
            rounds: counter(
                "rounds_shown",
                "Sampled rounds whose signers were shown from here",
            ),
            probes: counter(
                "probes_shown",
                "Sums of receipts, or of signatures of a list, that were shown from here",
            ),
            counted: counter(
                "work_epochs_counted",
                "Stake epochs whose work L2 has counted while this process looked on",
            ),
            lost: counter(
                "work_epochs_lost",
                "Stake epochs whose sample nobody drew in time: they pay nobody",
            ),
            lowest: metrics.register(
                "aggregator_work_share_lowest",
                "The lowest share of an operator with stake in the last epoch that was counted",
                Gauge::default(),
            ),
            ejected: counter("operators_ejected", "Operators that were ejected from here"),
        }
    }
}

impl Observe {
    /// Receipts were taken.
    pub fn receipts_taken(&self, epoch: Epoch, operator: OperatorIndex, receipts: usize) {
        self.work.receipts.inc_by(count(receipts));
        debug!(%epoch, %operator, receipts, "receipts");
    }

    /// Receipts were not taken.
    pub fn receipts_rejected(&self, reason: ReceiptRejection, detail: &str) {
        let label = ReasonLabel {
            reason: reason.name(),
        };
        self.work.rejected.get_or_create(&label).inc();
        debug!(
            reason = reason.name(),
            code = reason.code(),
            detail,
            "receipts rejected"
        );
    }

    /// The signers of a sampled round were shown.
    pub fn round_shown(&self, round: Round, signers: usize) {
        self.work.rounds.inc();
        debug!(%round, signers, "signers shown");
    }

    /// Members' words about a sampled probe were shown.
    pub fn probe_shown(&self, epoch: Epoch, sample: u16, signers: usize) {
        self.work.probes.inc();
        debug!(%epoch, sample, signers, "probe shown");
    }

    /// A stake epoch was counted. With the stakes of its table only those are told who have any.
    pub fn work_counted(&self, epoch: Epoch, counted: &Counted, stakes: Option<&[OperatorStake]>) {
        self.work.counted.inc();
        let has_stake = |index: usize| {
            stakes.is_none_or(|stakes| stakes.get(index).is_some_and(|stake| stake.get() != 0))
        };
        let shares = counted.shares.iter().enumerate();
        let shares: Vec<u16> = shares
            .filter(|(index, _)| has_stake(*index))
            .map(|(_, share)| *share)
            .collect();
        let lowest = shares.iter().copied().min().unwrap_or(0);
        self.work.lowest.set(f64::from(lowest) / 10_000.0);
        info!("{}", line(epoch, counted, &shares));
    }

    /// Nobody drew the sample of a stake epoch in time.
    pub fn work_lost(&self, epoch: Epoch) {
        self.work.lost.inc();
        warn!(%epoch, "no sample was drawn in time: the stake epoch pays nobody");
    }

    /// An operator was ejected.
    pub fn operator_ejected(&self, operator: OperatorIndex, run: u16) {
        self.work.ejected.inc();
        warn!(%operator, run, "operator ejected: below the floor in too many stake epochs in a row");
    }
}

/// An epoch for people to read.
fn line(epoch: Epoch, counted: &Counted, shares: &[u16]) -> String {
    let shares: Vec<String> = shares
        .iter()
        .map(|share| format!("{} %", share / 100))
        .collect();
    format!(
        "stake epoch {epoch}: rounds counted {} of 16, probes {} of 16; shares {}",
        counted.rounds,
        counted.probes,
        shares.join(" ")
    )
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_is_told_in_one_line() {
        let counted = Counted {
            rounds: 14,
            probes: 9,
            shares: Vec::new(),
        };
        assert_eq!(
            line(Epoch::new(12), &counted, &[9_850, 10_000, 0]),
            "stake epoch 12: rounds counted 14 of 16, probes 9 of 16; shares 98 % 100 % 0 %"
        );
    }
}
