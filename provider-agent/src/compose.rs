//! From what was read to the report that answers a probe.

use quorate_canon::Timestamp;
use quorate_health::{
    Answer, Environment, Expected, GpuRecord, HealthPolicy, LeaseState, Previous, ProbeView,
    Question, Reason, Release, Report, faults,
};

use crate::reader::{GpuReader, Reading, release};
use crate::xids::XidLog;

/// This agent's version.
#[must_use]
pub fn agent_release() -> Release {
    release(env!("CARGO_PKG_VERSION"))
}

/// All cards, read once: what any number of probes of that moment are answered with.
///
/// It says that the cards are simulated exactly where the reader does; there is no way to leave that
/// out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    driver: Release,
    simulated: bool,
    since: Timestamp,
    gpus: Vec<GpuRecord>,
}

impl Snapshot {
    /// The readings, each with its card's events.
    #[must_use]
    pub fn of(reader: &dyn GpuReader, readings: &[Reading], log: &XidLog, now: Timestamp) -> Self {
        let gpus = readings.iter().map(|reading| {
            let mut record = reading.record.clone();
            log.fill(&mut record, now);
            record
        });
        Self {
            driver: reader.driver(),
            simulated: reader.simulated(),
            since: log.since(),
            gpus: gpus.collect(),
        }
    }

    /// Whether the cards are simulated.
    #[must_use]
    pub const fn simulated(&self) -> bool {
        self.simulated
    }

    /// The cards.
    #[must_use]
    pub fn gpus(&self) -> &[GpuRecord] {
        &self.gpus
    }

    /// The report that answers a question.
    #[must_use]
    pub fn report(&self, question: &Question, now: Timestamp) -> Report {
        let report = Report {
            subject: question.subject,
            operator: question.operator,
            epoch: question.epoch,
            window: question.window,
            nonce: question.nonce,
            lease: question.lease,
            checks: question.checks,
            time: now,
            listening_since: self.since,
            agent: agent_release(),
            driver: self.driver,
            simulated: self.simulated,
            gpus: self.gpus.clone(),
        };
        report.canonical()
    }
}

/// The report that answers a question out of fresh readings.
#[must_use]
pub fn compose(
    question: &Question,
    reader: &dyn GpuReader,
    readings: &[Reading],
    log: &XidLog,
    now: Timestamp,
) -> Report {
    Snapshot::of(reader, readings, log, now).report(question, now)
}

/// What an operator would find wrong with this report, were it well signed and the machine registered
/// as `expected`, with these leases on chain by now and this report before. The agent pauses its
/// machine on its own FAIL, before anyone else finds it.
#[must_use]
pub fn own_faults(
    report: &Report,
    expected: &Expected,
    lease: LeaseState,
    previous: Option<Previous>,
    policy: &HealthPolicy,
) -> Vec<Reason> {
    let view = ProbeView {
        question: Question {
            subject: report.subject,
            operator: report.operator,
            epoch: report.epoch,
            window: report.window,
            nonce: report.nonce,
            lease: report.lease,
            checks: report.checks,
        },
        expected: expected.clone(),
        lease_after: lease,
        maintenance: None,
        environment: Environment::SOUND,
        answer: Answer::Report(Box::new(report.clone())),
        previous,
        now: report.time,
    };
    faults(&view, policy)
}
