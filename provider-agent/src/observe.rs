//! What the agent says of itself: one verb for each thing that happens. Level, fields and metric of an
//! event are decided here and nowhere else.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge};
use quorate_canon::{HealthEpoch, Timestamp};
use quorate_health::{Question, Reason};
use quorate_rpc::wire::{ContradictionVerdict, Delivery};
use quorate_rpc::{Accuser, AgentRefusal, Contradiction, ContradictionRejection, WireError};
use quorate_service::Metrics;
use tracing::{debug, error, info, warn};

use crate::chain::{Appeal, ChainTrouble, Done, Event};

/// Operators of one answer that get a line of their own.
const NAMED: usize = 16;

/// Label of how something ended.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ResultLabel {
    result: &'static str,
}

/// Metrics and log lines of an agent.
#[derive(Clone, Debug)]
pub struct Observe {
    probes: Family<ResultLabel, Counter>,
    receipts: Family<ResultLabel, Counter>,
    held: Gauge,
    faults: Gauge,
    paused: Gauge,
    pauses: Counter,
    appeals: Family<ResultLabel, Counter>,
    contradictions: Family<ResultLabel, Counter>,
    head: Gauge,
    clock: Gauge,
}

impl Observe {
    /// Registers the metrics.
    #[must_use]
    pub fn new(metrics: &Metrics) -> Self {
        let family = |name, help| metrics.register(name, help, Family::default());
        let gauge = |name, help| metrics.register(name, help, Gauge::default());
        Self {
            probes: family("agent_probes", "Probes, by result"),
            receipts: family("agent_receipts", "Receipts delivered, by result"),
            held: gauge("agent_receipts_held", "Receipts on disk"),
            faults: gauge("agent_faults", "Faults by the agent's own judgement"),
            paused: gauge("agent_paused", "Whether the chain has the machine paused"),
            pauses: metrics.register(
                "agent_pauses",
                "Pauses that the agent sent for a fault",
                Counter::default(),
            ),
            appeals: family("agent_appeals", "Receipts shown against lists, by result"),
            contradictions: family(
                "agent_contradictions",
                "Receipts handed to aggregators against lists, by result",
            ),
            head: gauge("agent_head", "Newest L2 block read"),
            clock: gauge(
                "agent_clock_offset_seconds",
                "This machine's clock minus the newest block's",
            ),
        }
    }

    /// A probe was answered, or not.
    pub fn probe(&self, question: &Question, refusal: Option<&AgentRefusal>) {
        let (epoch, window, operator) = (question.epoch, question.window, question.operator);
        match refusal {
            None => debug!(%operator, %epoch, %window, "probe answered"),
            Some(refusal) => debug!(%operator, %epoch, %window, %refusal, "probe refused"),
        }
        count(&self.probes, refusal.map_or("answered", refused));
    }

    /// A receipt was kept, or not.
    pub fn receipt(&self, delivery: &Delivery, kept: Result<&bool, &AgentRefusal>) {
        let place = delivery.receipt.0;
        let (operator, epoch, window) = (delivery.operator, place.epoch, place.window);
        let result = match kept {
            Ok(true) => "stored",
            Ok(false) => "known",
            Err(refusal) => refused(refusal),
        };
        count(&self.receipts, result);
        match kept.err() {
            None => debug!(%operator, %epoch, %window, result, "receipt"),
            Some(refusal) => warn!(%operator, %epoch, %window, %refusal, "receipt refused"),
        }
    }

    /// A message made no sense.
    pub fn malformed(&self, error: &WireError) {
        count(&self.probes, "malformed");
        debug!(%error, "malformed message");
    }

    /// The chain was read.
    pub fn followed(&self, block: u64, time: Timestamp, now: Timestamp, receipts: usize) {
        self.head.set(i64::try_from(block).unwrap_or(i64::MAX));
        self.held.set(i64::try_from(receipts).unwrap_or(i64::MAX));
        self.clock.set(offset(now, time));
    }

    /// The chain could not be read.
    pub fn unread(&self, trouble: &ChainTrouble) {
        warn!(%trouble, "the chain could not be read; probes are answered all the same, and it is tried again");
    }

    /// Something happened to the machine on chain.
    pub fn event(&self, event: &Event) {
        match event {
            Event::LeaseOpened { request, .. } => info!(%request, "lease began"),
            Event::LeaseClosed {
                request, reason, ..
            } => info!(%request, %reason, "lease ended"),
            Event::Down {
                epoch,
                windows,
                seats,
                ..
            } => warn!(%epoch, %windows, seats, "certified DOWN"),
            Event::Struck {
                epoch,
                window,
                operator,
                fell,
                ..
            } => info!(%epoch, %window, %operator, fell, "seats struck by a receipt"),
            Event::Slashed { taken, until } => error!(
                taken,
                %until,
                "SLASHED: find out why the machine was down before it comes back; docs/providers.md"
            ),
            Event::ListCertified { .. } => {}
        }
    }

    /// What is wrong by the agent's own judgement.
    pub fn judged(&self, before: &[Reason], faults: &[Reason], paused: bool) {
        self.faults
            .set(i64::try_from(faults.len()).unwrap_or(i64::MAX));
        self.paused.set(paused.into());
        for reason in faults {
            // Once, when it begins: readings change a little each time.
            let known = |old: &Reason| old.code() == reason.code() && old.card() == reason.card();
            if !before.iter().any(known) {
                error!(code = reason.code(), %reason, "this machine FAILS");
            }
        }
        if faults.is_empty() && !before.is_empty() {
            info!("this machine is well again");
        }
    }

    /// The machine is paused.
    pub fn paused(&self, done: &Done, why: &str) {
        self.pauses.inc();
        self.paused.set(1);
        warn!(transaction = %done.hash, why, "machine paused: it wins no lease until it is well");
    }

    /// The machine is resumed.
    pub fn resumed(&self, done: &Done) {
        self.paused.set(0);
        info!(transaction = %done.hash, "machine resumed");
    }

    /// Something could not be sent.
    pub fn unsent(&self, what: &str, trouble: &ChainTrouble) {
        warn!(what, %trouble, "not sent; tried again at the next look");
    }

    /// A receipt was shown, or was not taken: for good where that is `last`.
    pub fn appealed(&self, appeal: &Appeal, result: Result<&Done, &ChainTrouble>, last: bool) {
        let (epoch, window, operator) = (appeal.epoch, appeal.window, appeal.operator);
        match result {
            Ok(done) => {
                let fell = done.fell;
                info!(%epoch, %window, %operator, fell, "receipt shown against a list");
                count(&self.appeals, if fell { "fell" } else { "struck" });
            }
            Err(trouble) if last => {
                info!(%epoch, %window, %operator, %trouble, "receipt not taken");
                count(&self.appeals, "refused");
            }
            Err(trouble) => {
                warn!(%epoch, %window, %operator, %trouble, "receipt not taken yet; tried again until appeals are over");
                count(&self.appeals, "again");
            }
        }
    }

    /// What an appeal needs could not be read.
    pub fn unappealed(&self, epoch: HealthEpoch, number: u32, trouble: &ChainTrouble) {
        warn!(%epoch, list = number, %trouble, "no appeal against this list for now; tried again at the next look");
    }

    /// Operators called the machine DOWN, as an aggregator says and no other said before.
    pub fn accused(&self, epoch: HealthEpoch, aggregator: &str, accusers: &[Accuser]) {
        for accuser in accusers.iter().take(NAMED) {
            let bytes = accuser.windows.0.iter();
            let (operator, windows) =
                (accuser.operator, bytes.map(|b| b.count_ones()).sum::<u32>());
            warn!(%epoch, %operator, windows, aggregator, "called DOWN by an operator");
        }
        let more = accusers.len().saturating_sub(NAMED);
        if more > 0 {
            warn!(%epoch, more, aggregator, "called DOWN by more operators");
        }
    }

    /// A receipt was handed to an aggregator, or could not be.
    pub fn contradicted(
        &self,
        aggregator: &str,
        contradiction: &Contradiction,
        answer: Result<&ContradictionVerdict, &String>,
    ) {
        let Contradiction {
            epoch,
            window,
            operator,
            ..
        } = contradiction;
        let result = match answer {
            Ok(ContradictionVerdict::Accepted) => {
                info!(%epoch, %window, %operator, aggregator, "contradiction handed in");
                "accepted"
            }
            Ok(ContradictionVerdict::Duplicate) => {
                debug!(%epoch, %window, %operator, aggregator, "contradiction handed in before");
                "duplicate"
            }
            Ok(ContradictionVerdict::Rejected { code, detail, .. }) => {
                let reason = ContradictionRejection::from_code(*code);
                let name = reason.map_or("unknown", ContradictionRejection::name);
                if reason.is_some_and(ContradictionRejection::is_retryable) {
                    debug!(%epoch, %window, %operator, aggregator, reason = name, detail, "contradiction not taken yet");
                    "again"
                } else {
                    warn!(%epoch, %window, %operator, aggregator, code, reason = name, detail, "contradiction refused");
                    "refused"
                }
            }
            Err(why) => {
                debug!(%epoch, %window, %operator, aggregator, why, "contradiction not handed in");
                "undelivered"
            }
        };
        count(&self.contradictions, result);
    }

    /// An aggregator could not be asked; aloud when it `first` could not.
    pub fn unheard(&self, aggregator: &str, why: &str, first: bool) {
        if first {
            warn!(
                aggregator,
                why,
                "the aggregator does not answer who calls this machine DOWN; it is asked again"
            );
        } else {
            debug!(aggregator, why, "the aggregator still does not answer");
        }
    }

    /// It answers again.
    pub fn heard_again(&self, aggregator: &str) {
        info!(aggregator, "the aggregator answers again");
    }

    /// A duty was done.
    pub fn done(&self, what: &str, done: &Done) {
        info!(what, transaction = %done.hash, "done");
    }
}

fn refused(refusal: &AgentRefusal) -> &'static str {
    match refusal {
        AgentRefusal::Busy(_) => "busy",
        AgentRefusal::Wrong(_) => "wrong",
        AgentRefusal::Unable(_) => "unable",
    }
}

fn count(family: &Family<ResultLabel, Counter>, result: &'static str) {
    family.get_or_create(&ResultLabel { result }).inc();
}

/// Seconds that `now` is ahead of `time`.
#[must_use]
pub fn offset(now: Timestamp, time: Timestamp) -> i64 {
    let [now, time] = [now, time].map(|at| i64::try_from(at.get()).unwrap_or(i64::MAX));
    now.saturating_sub(time)
}
