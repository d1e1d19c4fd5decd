//! The verdict: a total function of what an operator knows and the policy.

use crate::{
    Answer, HealthPolicy, ProbeView, Question, Reason, Report, Verdict, Why, cards, machine,
};

/// Judges one probe.
///
/// First, what keeps the operator from judging anyone, and maintenance that the chain has: UNKNOWN,
/// whatever came back. None of that is the machine's word, so no answer leads to UNKNOWN or away
/// from it. Then every [`faults`] of the answer; the first is the reason of a FAIL. Else PASS.
#[must_use]
pub fn verdict(view: &ProbeView, policy: &HealthPolicy) -> Verdict {
    if let Some(why) = hindrance(view, policy) {
        return Verdict::Unknown(why);
    }
    match faults(view, policy).first() {
        Some(reason) => Verdict::Fail(*reason),
        None => Verdict::Pass,
    }
}

/// Everything that is wrong with an answer, in the order of the table of reasons; empty where nothing
/// is. What a lease excuses is not in it.
#[must_use]
pub fn faults(view: &ProbeView, policy: &HealthPolicy) -> Vec<Reason> {
    let report = match &view.answer {
        Answer::Silence => return vec![Reason::Silent],
        Answer::Unreadable => return vec![Reason::Unreadable],
        Answer::Report(report) => report,
    };
    if let Some(field) = differs(&view.question, report) {
        return vec![Reason::OtherProbe { field }];
    }
    let mut faults = machine::faults(view, report, policy);
    faults.extend(cards::faults(view, report, policy));
    let in_use = in_use(view, policy);
    faults.retain(|reason| !(in_use && reason.excused_in_use()));
    faults.sort_by_key(Reason::code);
    faults
}

/// What keeps an operator from judging, if anything does.
fn hindrance(view: &ProbeView, policy: &HealthPolicy) -> Option<Why> {
    let environment = view.environment;
    let maintenance = view
        .maintenance
        .is_some_and(|planned| planned.in_force(view.now, policy));
    [
        (!environment.network, Why::OwnNetwork),
        (!environment.relay, Why::Relay),
        (!environment.chain, Why::Chain),
        (!environment.beacon, Why::Beacon),
        (maintenance, Why::Maintenance),
    ]
    .into_iter()
    .find_map(|(hinders, why)| hinders.then_some(why))
}

/// The first field in which a report answers another question.
fn differs(question: &Question, report: &Report) -> Option<&'static str> {
    [
        (question.subject == report.subject, "subject"),
        (question.operator == report.operator, "operator"),
        (question.epoch == report.epoch, "health epoch"),
        (question.window == report.window, "window"),
        (question.nonce == report.nonce, "nonce"),
        (question.lease == report.lease, "lease"),
        (question.checks == report.checks, "checks"),
    ]
    .into_iter()
    .find_map(|(same, field)| (!same).then_some(field))
}

/// Whether somebody may rightly hold the cards, at either end of the check.
fn in_use(view: &ProbeView, policy: &HealthPolicy) -> bool {
    [view.question.lease, view.lease_after]
        .iter()
        .any(|lease| lease.in_use(view.now, policy))
}
