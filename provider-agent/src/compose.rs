//! From what was read to the report that answers a probe.

use quorate_canon::Timestamp;
use quorate_health::{
    Answer, Environment, Expected, HealthPolicy, LeaseState, ProbeView, Question, Reason, Release,
    Report, faults,
};

use crate::reader::{GpuReader, Reading, release};
use crate::xids::XidLog;

/// This agent's version.
#[must_use]
pub fn agent_release() -> Release {
    release(env!("CARGO_PKG_VERSION"))
}

/// The report that answers a question: the readings, each with its card's events.
///
/// It says that the cards are simulated exactly where the reader does; there is no way to leave that
/// out.
#[must_use]
pub fn compose(
    question: &Question,
    reader: &dyn GpuReader,
    readings: &[Reading],
    log: &XidLog,
    now: Timestamp,
) -> Report {
    let gpus = readings.iter().map(|reading| {
        let mut record = reading.record.clone();
        log.fill(&mut record, now);
        record
    });
    let report = Report {
        subject: question.subject,
        operator: question.operator,
        epoch: question.epoch,
        window: question.window,
        nonce: question.nonce,
        lease: question.lease,
        checks: question.checks,
        time: now,
        listening_since: log.since(),
        agent: agent_release(),
        driver: reader.driver(),
        simulated: reader.simulated(),
        gpus: gpus.collect(),
    };
    report.canonical()
}

/// What an operator would find wrong with this report, were it well signed and the machine registered
/// as `expected`, with these leases on chain by now. The agent pauses its machine on its own FAIL, before
/// anyone else finds it.
#[must_use]
pub fn own_faults(
    report: &Report,
    expected: &Expected,
    lease: LeaseState,
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
        previous: None,
        now: report.time,
    };
    faults(&view, policy)
}
