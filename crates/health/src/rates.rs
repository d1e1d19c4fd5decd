//! Checks of how fast counters grow, between two reports of one machine to one operator.

use quorate_canon::Timestamp;

use crate::{GpuRecord, HealthPolicy, Previous, ProbeView, Reason, Signals};

/// Rates are taken over at least this long, so that a few errors close together are no storm.
const LEAST_SECONDS: u64 = 60;
/// Seconds of an hour.
const HOUR: u128 = 3_600;
/// Seconds of a minute.
const MINUTE: u128 = 60;
/// The link that the policy's rate of replays is for: 16 lanes of generation 3, in tenths of a
/// gigatransfer a second.
const REFERENCE_LINK: u128 = 16 * 80;

/// How far a counter rose, and in how many seconds. A counter that fell was reset.
struct Rise {
    by: u64,
    seconds: u64,
}

/// The card's record in the previous report, if it can be compared.
fn before<'a>(gpu: &GpuRecord, view: &'a ProbeView, signal: Signals) -> Option<Before<'a>> {
    let Previous { report, answered } = view.previous.as_ref()?;
    let record = report
        .gpus
        .iter()
        .find(|record| record.uuid == gpu.uuid && !record.lost)?;
    (gpu.has(signal) && record.has(signal)).then_some(Before {
        record,
        seconds: since(*answered, view.now),
    })
}

struct Before<'a> {
    record: &'a GpuRecord,
    seconds: u64,
}

fn since(then: Timestamp, now: Timestamp) -> u64 {
    now.get().saturating_sub(then.get()).max(LEAST_SECONDS)
}

/// Whether the rise is more than `allowed` in `per` seconds.
fn faster(rise: &Rise, allowed: u128, per: u128) -> bool {
    u128::from(rise.by).saturating_mul(per) > allowed.saturating_mul(u128::from(rise.seconds))
}

/// A storm of corrected memory errors.
pub(crate) fn corrected(
    gpu: &GpuRecord,
    view: &ProbeView,
    policy: &HealthPolicy,
) -> Option<Reason> {
    let Before { record, seconds } = before(gpu, view, Signals::ECC_VOLATILE)?;
    let by = gpu
        .volatile
        .corrected
        .saturating_sub(record.volatile.corrected);
    faster(
        &Rise { by, seconds },
        policy.corrected_per_hour.into(),
        HOUR,
    )
    .then_some(Reason::CorrectedRate {
        card: gpu.uuid,
        got: by,
        seconds,
    })
}

/// A bad PCIe link. The allowed rate grows with the bits that the link can carry; a card that names no
/// link is held to that of the reference.
pub(crate) fn replays(gpu: &GpuRecord, view: &ProbeView, policy: &HealthPolicy) -> Option<Reason> {
    let Before { record, seconds } = before(gpu, view, Signals::REPLAYS)?;
    let got = gpu.replays.saturating_sub(record.replays);
    let rise = Rise {
        by: got.into(),
        seconds,
    };
    let allowed = u128::from(policy.replays).saturating_mul(capacity(gpu));
    let per = MINUTE.saturating_mul(REFERENCE_LINK);
    faster(&rise, allowed, per).then_some(Reason::ReplayRate {
        card: gpu.uuid,
        got,
        seconds,
    })
}

/// What the link of a card can carry: lanes times tenths of a gigatransfer a second.
fn capacity(gpu: &GpuRecord) -> u128 {
    let rate: u128 = match gpu.link.max_generation {
        1 => 25,
        2 => 50,
        3 => 80,
        4 => 160,
        5 => 320,
        6 => 640,
        _ => return REFERENCE_LINK,
    };
    if gpu.has(Signals::LINK) && gpu.link.max_width > 0 {
        rate.saturating_mul(gpu.link.max_width.into())
    } else {
        REFERENCE_LINK
    }
}
