//! One verb for each thing worth noticing: it decides level, fields and metric. Labels are bounded.

use std::{fmt::Display, time::Duration};

use alloy::primitives::U256;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
};
use quorate_canon::{Digest, Epoch, OperatorIndex, Round};
use quorate_protocol::{Evidence, Offence};
use quorate_rpc::{RoundFailure, VoteRejection};
use quorate_service::{Metrics, metrics::seconds};
use tracing::{debug, error, info, warn};

use crate::chain::{Action, Fault, Mined};

mod downs;
mod duties;
mod seldom;
mod work;

/// A reason of docs/reasons.md.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct ReasonLabel {
    /// The reason's name.
    pub reason: &'static str,
}

/// An action and how it went.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct ActionLabel {
    /// The action's name.
    pub action: &'static str,
    /// `mined`, `refused`, `unreachable`, `expired` or `bad_data`.
    pub result: &'static str,
}

/// A kind of evidence.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct OffenceLabel {
    /// `equivocation`, `divergence`, `wrong_outcome`, `wrong_seed` or `false_attestation`.
    pub offence: &'static str,
}

/// The aggregator's metrics; cheap to clone.
#[derive(Clone, Debug)]
pub struct Observe {
    votes: Counter,
    duplicates: Counter,
    rejected: Family<ReasonLabel, Counter>,
    batch: Histogram,
    batch_time: Histogram,
    certified: Counter,
    settled: Counter,
    failed: Family<ReasonLabel, Counter>,
    signed_share: Gauge<f64, std::sync::atomic::AtomicU64>,
    actions: Family<ActionLabel, Counter>,
    gas: Family<ActionLabel, Counter>,
    cases: Family<OffenceLabel, Counter>,
    punished: Family<OffenceLabel, Counter>,
    refuted: Counter,
    proposed: Counter,
    bonds_lost: Counter,
    rounds: Gauge,
    lists: Counter,
    last_settled: Gauge,
    downs: Counter,
    downs_rejected: Family<ReasonLabel, Counter>,
    downs_certified: Counter,
    seats_struck: Counter,
    contradictions: Counter,
    contradictions_rejected: Family<ReasonLabel, Counter>,
    duties: duties::DutyMetrics,
    work: work::WorkMetrics,
}

impl Observe {
    /// Registers the metrics.
    pub fn new(metrics: &Metrics) -> Self {
        let name = |name: &str| format!("aggregator_{name}");
        macro_rules! metric {
            ($name:literal, $help:literal, $metric:expr) => {
                metrics.register(&name($name), $help, $metric)
            };
            ($name:literal by $($label:literal),+ : $help:literal) => {
                metrics.register_family(&name($name), $help, &[$($label),+], Family::default())
            };
        }
        Self {
            votes: metric!(
                "votes",
                "Votes that were stored and counted",
                Counter::default()
            ),
            duplicates: metric!(
                "votes_again",
                "Votes that were counted before",
                Counter::default()
            ),
            rejected: metric!("votes_rejected" by "reason": "Votes that were not counted, by reason"),
            batch: metric!(
                "batch_votes",
                "Votes verified together",
                Histogram::new([1.0, 2.0, 4.0, 8.0, 16.0, 64.0, 256.0, 1024.0])
            ),
            batch_time: metric!(
                "batch_seconds",
                "Time to verify and store a batch of votes",
                seconds()
            ),
            certified: metric!(
                "rounds_certified",
                "Rounds that reached their quorum here",
                Counter::default()
            ),
            settled: metric!(
                "rounds_settled",
                "Rounds whose last chunk stands on L2",
                Counter::default()
            ),
            failed: metric!("rounds_failed" by "reason": "Rounds that came to nothing, by reason"),
            signed_share: metric!(
                "signed_share",
                "Share of stake that signed the last certificate",
                Gauge::default()
            ),
            actions: metric!("transactions" by "action", "result": "Transactions by kind and result"),
            gas: metric!("gas" by "action", "result": "Gas of mined transactions by kind"),
            cases: metric!("evidence" by "offence": "Offences that were noticed"),
            punished: metric!("punished" by "offence": "Offences that were punished on L1"),
            refuted: metric!(
                "rounds_refuted",
                "Refuted rounds whose signers are tried",
                Counter::default()
            ),
            proposed: metric!(
                "rounds_proposed",
                "Rounds that were proposed here for a bond",
                Counter::default()
            ),
            bonds_lost: metric!(
                "bonds_lost",
                "Bonds of proposals that were lost",
                Counter::default()
            ),
            rounds: metric!(
                "rounds_kept",
                "Rounds whose votes are kept",
                Gauge::default()
            ),
            lists: metric!(
                "lists",
                "Outcome lists that were received",
                Counter::default()
            ),
            downs: metric!(
                "down_lists",
                "Lists of windows DOWN that were taken",
                Counter::default()
            ),
            downs_rejected: metric!("down_lists_rejected" by "reason": "Lists of windows DOWN that were not taken, by reason"),
            downs_certified: metric!(
                "machines_down",
                "Entries of lists that were certified on L2 from here",
                Counter::default()
            ),
            seats_struck: metric!(
                "seats_struck",
                "Operators whose receipts struck their seats on L2",
                Counter::default()
            ),
            contradictions: metric!(
                "contradictions",
                "Operators whose receipt was handed in against their list",
                Counter::default()
            ),
            contradictions_rejected: metric!("contradictions_rejected" by "reason": "Receipts against lists that were not taken, by reason"),
            last_settled: metric!(
                "last_settled_round",
                "The last round that was settled",
                Gauge::default()
            ),
            duties: duties::DutyMetrics::new(metrics),
            work: work::WorkMetrics::new(metrics),
        }
    }

    /// A vote was counted.
    pub fn vote_counted(&self, round: Round, operator: OperatorIndex, digest: Digest) {
        self.votes.inc();
        debug!(%round, %operator, %digest, "vote counted");
    }

    /// A vote came again.
    pub fn vote_again(&self) {
        self.duplicates.inc();
    }

    /// A vote was not taken.
    pub fn vote_rejected(&self, reason: VoteRejection, detail: &str) {
        self.rejected
            .get_or_create(&ReasonLabel {
                reason: reason.name(),
            })
            .inc();
        debug!(
            reason = reason.name(),
            code = reason.code(),
            detail,
            "vote rejected"
        );
    }

    /// A batch was verified and stored.
    pub fn batch_done(&self, votes: usize, time: Duration) {
        self.batch
            .observe(u32::try_from(votes).map_or(f64::MAX, f64::from));
        self.batch_time.observe(time.as_secs_f64());
    }

    /// The number of rounds that are kept.
    pub fn rounds_kept(&self, rounds: usize) {
        self.rounds.set(i64::try_from(rounds).unwrap_or(i64::MAX));
    }

    /// A header reached its quorum.
    pub fn round_certified(
        &self,
        round: Round,
        digest: Digest,
        signers: u32,
        signed: u128,
        total: u128,
    ) {
        self.certified.inc();
        // Parts in ten thousand are exact enough for a gauge.
        let share = signed
            .saturating_mul(10_000)
            .checked_div(total)
            .unwrap_or(0);
        let share = u32::try_from(share).map_or(1.0, |share| f64::from(share) / 10_000.0);
        self.signed_share.set(share);
        info!(%round, %digest, signers, share, "quorum");
    }

    /// The last chunk of a round stands.
    pub fn round_settled(&self, round: Round, chunks: u32) {
        self.settled.inc();
        self.last_settled
            .set(i64::try_from(round.get()).unwrap_or(i64::MAX));
        info!(%round, chunks, "settled");
    }

    /// A round came to nothing here.
    pub fn round_failed(&self, round: Round, reason: RoundFailure, detail: &str) {
        self.failed
            .get_or_create(&ReasonLabel {
                reason: reason.name(),
            })
            .inc();
        warn!(%round, reason = reason.name(), code = reason.code(), detail, "round failed");
    }

    /// A list came.
    pub fn list_received(&self, round: Round, digest: Digest, entries: u32) {
        self.lists.inc();
        info!(%round, %digest, entries, "list received");
    }

    /// An offence was noticed.
    pub fn offence_noticed(&self, operator: OperatorIndex, evidence: &Evidence) {
        self.cases.get_or_create(&offence(evidence)).inc();
        warn!(%operator, round = %evidence.round(), offence = offence(evidence).offence, "offence noticed");
    }

    /// An offence was punished.
    pub fn offence_punished(&self, operator: OperatorIndex, evidence: &Evidence) {
        self.punished.get_or_create(&offence(evidence)).inc();
        info!(%operator, round = %evidence.round(), offence = offence(evidence).offence, "offence punished");
    }

    /// A case came to its end without punishment.
    pub fn case_lapsed(&self, operator: OperatorIndex, evidence: &Evidence, why: &'static str) {
        info!(%operator, round = %evidence.round(), offence = offence(evidence).offence, why, "case lapsed");
    }

    /// A signer of a refuted header was not punished: it would cost gas and move nothing.
    pub fn nothing_to_lose(&self, operator: OperatorIndex, round: Round, offence: Offence) {
        let offence = offence.name();
        info!(%operator, %round, offence, "nothing left to lose");
    }

    /// Who signed a refuted round could not be read; it is tried again.
    pub fn refutation_not_read(&self, round: Round, why: impl Display) {
        warn!(%round, %why, "signers of a refuted round not read yet");
    }

    /// A round was proposed here.
    pub fn round_proposed(&self, round: Round, bond: U256) {
        self.proposed.inc();
        info!(%round, %bond, "proposed");
    }

    /// The bond of a proposal will not come back: its round is void.
    pub fn bond_lost(&self, round: Round) {
        self.bonds_lost.inc();
        warn!(%round, "bond lost");
    }

    /// A round was refuted on L2 and its signers are to be punished.
    pub fn round_refuted(&self, round: Round, code: u8, signers: usize) {
        self.refuted.inc();
        warn!(%round, code, signers, "round refuted");
    }

    /// A signer of a refuted header was punished.
    pub fn verdict_executed(&self, operator: OperatorIndex, round: Round, offence: Offence) {
        let offence = offence.name();
        self.punished.get_or_create(&OffenceLabel { offence }).inc();
        info!(%operator, %round, offence, "offence punished");
    }

    /// The time to punish signers of a refuted round is over.
    pub fn trial_lapsed(&self, round: Round) {
        warn!(%round, "trial lapsed");
    }

    /// An action was tried or sent.
    pub fn acted(&self, action: &Action, result: &Result<Mined, Fault>) {
        let name = action.name();
        let label = |result| ActionLabel {
            action: name,
            result,
        };
        match result {
            Ok(mined) => {
                self.actions.get_or_create(&label("mined")).inc();
                self.gas.get_or_create(&label("mined")).inc_by(mined.gas);
                info!(action = name, gas = mined.gas, block = mined.block, "mined");
            }
            Err(fault) => {
                self.actions.get_or_create(&label(fault.name())).inc();
                debug!(action = name, %fault, "not mined");
            }
        }
    }

    /// A table is complete on L2.
    pub fn table_complete(&self, epoch: Epoch) {
        info!(%epoch, "stake table complete");
    }

    /// Something that others control went wrong; the work goes on.
    pub fn hindered(&self, what: &'static str, why: impl Display) {
        debug!(what, %why, "hindered");
    }

    /// Our own store errs.
    pub fn store_failed(&self, why: impl Display) {
        error!(%why, "store");
    }
}

const fn offence(evidence: &Evidence) -> OffenceLabel {
    let offence = evidence.offence().name();
    OffenceLabel { offence }
}
