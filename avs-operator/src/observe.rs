//! What the node says of itself: one verb for each thing that happens. Level, fields and metric of
//! an event are decided here and nowhere else.

use std::time::Duration;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
};
use quorate_canon::{Digest, Round};
use quorate_chain::Head;
use quorate_service::{Metrics, metrics::seconds};
use quorate_store::StoreError;
use tracing::{error, info, warn};

/// Label of [`Observe`]'s abstentions.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

/// Label of how something ended.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ResultLabel {
    result: &'static str,
}

/// Metrics and log lines of an operator.
#[derive(Clone, Debug)]
pub struct Observe {
    head: Gauge,
    signed: Counter,
    abstained: Family<ReasonLabel, Counter>,
    sent: Family<ResultLabel, Counter>,
    beacon_to_vote: Histogram,
    matching: Histogram,
    self_checks: Family<ResultLabel, Counter>,
    self_check: Histogram,
    last_signed: Gauge,
}

impl Observe {
    /// Registers the metrics.
    #[must_use]
    pub fn new(metrics: &Metrics) -> Self {
        Self {
            head: metrics.register(
                "operator_head",
                "Newest L2 block followed",
                Gauge::default(),
            ),
            signed: metrics.register("operator_signed", "Rounds signed", Counter::default()),
            abstained: metrics.register(
                "operator_abstained",
                "Live rounds in which nothing was signed, by reason",
                Family::default(),
            ),
            sent: metrics.register(
                "operator_votes_sent",
                "Votes sent to aggregators, by result",
                Family::default(),
            ),
            beacon_to_vote: metrics.register(
                "operator_beacon_to_vote_seconds",
                "From a beacon's arrival to the signed vote",
                seconds(),
            ),
            matching: metrics.register(
                "operator_matching_seconds",
                "Duration of the matching and its commitments",
                seconds(),
            ),
            self_checks: metrics.register(
                "operator_self_checks",
                "Outcomes shown to the contracts before they are signed, by result",
                Family::default(),
            ),
            self_check: metrics.register(
                "operator_self_check_seconds",
                "How long the contracts took to agree with an outcome",
                seconds(),
            ),
            last_signed: metrics.register(
                "operator_last_signed_round",
                "Last round signed",
                Gauge::default(),
            ),
        }
    }

    /// A new head.
    pub fn head(&self, head: Head, taken_back: u64) {
        self.head
            .set(i64::try_from(head.number).unwrap_or(i64::MAX));
        if taken_back > 0 {
            warn!(
                head = head.number,
                taken_back, "L2 reorganised, index rolled back"
            );
        }
    }

    /// A snapshot stands in the ledger.
    pub fn snapshot_fixed(&self, round: Round, block: Head) {
        info!(%round, block = block.number, hash = %block.hash, "snapshot fixed");
    }

    /// Outcome and roots of a round are computed.
    pub fn matched(&self, round: Round, requests: usize, matched: usize, took: Duration) {
        self.matching.observe(took.as_secs_f64());
        info!(%round, requests, matched, ms = took.as_millis(), "outcome computed");
    }

    /// The contracts see the outcome as this node does, as far as they were asked.
    pub fn self_checked(&self, round: Round, asked: usize, took: Duration) {
        self.count_check("agreed");
        self.self_check.observe(took.as_secs_f64());
        info!(%round, asked, ms = took.as_millis(), "the contracts agree with our outcome");
    }

    /// The contracts see the outcome otherwise; the abstention says how.
    pub fn self_check_disagreed(&self) {
        self.count_check("disagreed");
    }

    /// The contracts could not be asked in time; the abstention says why.
    pub fn self_check_unanswered(&self) {
        self.count_check("unanswered");
    }

    /// A vote exists.
    pub fn voted(&self, round: Round, digest: Digest, since_beacon: Duration) {
        self.signed.inc();
        self.last_signed
            .set(i64::try_from(round.get()).unwrap_or(i64::MAX));
        self.beacon_to_vote.observe(since_beacon.as_secs_f64());
        info!(%round, %digest, ms = since_beacon.as_millis(), "round signed");
    }

    /// Nothing is signed in a live round. Costs reward, never stake.
    pub fn abstained(&self, round: Round, reason: Abstention, detail: &str) {
        self.abstained
            .get_or_create(&ReasonLabel {
                reason: reason.name(),
            })
            .inc();
        warn!(%round, reason = reason.name(), detail, remedy = reason.remedy(), "abstained");
    }

    /// A stored vote of before the restart is sent again.
    pub fn resending(&self, round: Round) {
        info!(%round, "sending the stored vote again");
    }

    /// Something that can be derived again could not be written or read; rounds go on without it.
    pub fn not_kept(&self, what: &'static str, error: &StoreError) {
        error!(what, %error, "store.data fails, rounds go on without it; check its disk");
    }

    /// An aggregator has taken a vote.
    pub fn vote_taken(&self, round: Round, aggregator: &str, duplicate: bool) {
        self.count_sent(if duplicate { "duplicate" } else { "accepted" });
        info!(%round, aggregator, duplicate, "vote taken");
    }

    /// An aggregator cannot take a vote now; it is offered again until the round is over.
    pub fn vote_put_off(&self, round: Round, aggregator: &str, code: u32, detail: &str) {
        self.count_sent("put_off");
        info!(%round, aggregator, code, detail, "vote put off, sending it again");
    }

    /// An aggregator has refused a vote.
    pub fn vote_refused(&self, round: Round, aggregator: &str, code: u32, detail: &str) {
        self.count_sent("refused");
        warn!(%round, aggregator, code, detail, "vote refused; docs/reasons.md lists the codes");
    }

    /// An aggregator could not be reached, or put the vote off, until the round was over.
    pub fn vote_undelivered(&self, round: Round, aggregator: &str, detail: &str) {
        self.count_sent("undelivered");
        warn!(%round, aggregator, detail, "vote not delivered before the deadline");
    }

    /// An aggregator asked for the list and got it.
    pub fn list_sent(&self, round: Round, aggregator: &str, entries: u32) {
        info!(%round, aggregator, entries, "list sent");
    }

    fn count_sent(&self, result: &'static str) {
        self.sent.get_or_create(&ResultLabel { result }).inc();
    }

    fn count_check(&self, result: &'static str) {
        self.self_checks
            .get_or_create(&ResultLabel { result })
            .inc();
    }
}

/// Why nothing was signed; the table of docs/operators.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Abstention {
    /// The snapshot was not known before the beacon's time.
    SnapshotLate,
    /// The ledger or a rule refused.
    LedgerRefused,
    /// The snapshot's block is no longer on the chain.
    SnapshotReplaced,
    /// No relay gave a valid beacon before the deadline.
    NoBeacon,
    /// The policy or another input could not be read.
    InputsUnreadable,
    /// The contracts see our own outcome otherwise than we do.
    ContractDisagrees,
    /// The contracts could not be asked about our outcome while there was time.
    ContractSilent,
    /// The next round began before this node was done with this one.
    Overtaken,
}

impl Abstention {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::SnapshotLate,
        Self::LedgerRefused,
        Self::SnapshotReplaced,
        Self::NoBeacon,
        Self::InputsUnreadable,
        Self::ContractDisagrees,
        Self::ContractSilent,
        Self::Overtaken,
    ];

    /// Name in logs and labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SnapshotLate => "snapshot_late",
            Self::LedgerRefused => "ledger_refused",
            Self::SnapshotReplaced => "snapshot_replaced",
            Self::NoBeacon => "no_beacon",
            Self::InputsUnreadable => "inputs_unreadable",
            Self::ContractDisagrees => "contract_disagrees",
            Self::ContractSilent => "contract_silent",
            Self::Overtaken => "overtaken",
        }
    }

    /// What the operator can do about it.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::SnapshotLate => "check this machine's clock and the lag of the L2 endpoints",
            Self::LedgerRefused => "nothing to do if the node was restarted in this round",
            Self::SnapshotReplaced => "L2 was reorganised; if it repeats, use endpoints that agree",
            Self::NoBeacon => "add beacon relays, check outgoing HTTPS",
            Self::InputsUnreadable => "check the L2 endpoints with `avs-operator doctor`",
            Self::ContractDisagrees => {
                "stop the node and report it with the file: Rust and Solidity differ"
            }
            Self::ContractSilent => "check the L2 endpoints with `avs-operator doctor`",
            Self::Overtaken => "use a faster machine or faster L2 endpoints",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Abstention;

    #[test]
    fn the_guide_lists_every_reason() {
        let guide = include_str!("../../docs/operators.md");
        for reason in Abstention::ALL {
            assert!(
                guide.contains(&format!("| `{}` |", reason.name())),
                "{reason:?}"
            );
        }
    }
}
