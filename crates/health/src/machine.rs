//! Checks of a machine as a whole: is it what was registered, and does it speak of real cards.

use crate::{GpuRecord, HealthPolicy, ProbeView, Reason, Report};

/// What is wrong with the machine as a whole.
pub(crate) fn faults(view: &ProbeView, report: &Report, policy: &HealthPolicy) -> Vec<Reason> {
    let mut faults = Vec::new();
    if report.simulated && !policy.simulated_allowed {
        faults.push(Reason::Simulated);
    }
    let registered = &view.expected.cards;
    let answers = |card| {
        report
            .gpus
            .iter()
            .any(|gpu: &GpuRecord| gpu.uuid == card && !gpu.lost)
    };
    let lost = registered.iter().filter(|card| !answers(**card));
    faults.extend(lost.map(|card| Reason::CardLost { card: *card }));
    let others = report
        .gpus
        .iter()
        .filter(|gpu| !registered.contains(&gpu.uuid));
    faults.extend(others.map(|gpu| Reason::WrongCard { card: gpu.uuid }));
    faults
}
