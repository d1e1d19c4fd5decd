//! Checks of each card by itself.

use quorate_canon::Bps;

use crate::{GpuRecord, HealthPolicy, ProbeView, Reason, Report, Signals, XidClass, rates};

/// Bytes in a MiB, as a shift.
const MIB: u32 = 20;

/// What is wrong with the cards that answer. A lost card is the machine's matter: its fields are empty.
pub(crate) fn faults(view: &ProbeView, report: &Report, policy: &HealthPolicy) -> Vec<Reason> {
    report
        .gpus
        .iter()
        .filter(|gpu| !gpu.lost)
        .flat_map(|gpu| card_faults(view, gpu, policy))
        .collect()
}

fn card_faults(view: &ProbeView, gpu: &GpuRecord, policy: &HealthPolicy) -> Vec<Reason> {
    [
        model(gpu, view.expected.model),
        signals(gpu, policy),
        memory(gpu, view.expected.vram_mib, policy),
        hardware_xid(gpu, policy),
        reset(gpu),
        remap_failure(gpu),
        remap_pending(gpu, policy),
        uncorrected(gpu, policy),
        rates::corrected(gpu, view, policy),
        heat(gpu, policy),
        throttle(gpu, policy),
        link(gpu, policy),
        rates::replays(gpu, view, policy),
        occupied(gpu, policy),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn model(gpu: &GpuRecord, expected: u8) -> Option<Reason> {
    (gpu.model != expected).then_some(Reason::WrongModel {
        card: gpu.uuid,
        got: gpu.model,
        expected,
    })
}

fn signals(gpu: &GpuRecord, policy: &HealthPolicy) -> Option<Reason> {
    let missing = policy.required.without(gpu.signals);
    (missing != Signals::NONE).then_some(Reason::NoSignal {
        card: gpu.uuid,
        missing: missing.bits(),
    })
}

fn memory(gpu: &GpuRecord, registered: u32, policy: &HealthPolicy) -> Option<Reason> {
    let short = below_share(gpu.memory_mib.into(), registered.into(), policy.min_memory);
    (gpu.has(Signals::MEMORY) && short).then_some(Reason::LittleMemory {
        card: gpu.uuid,
        got: gpu.memory_mib,
        registered,
    })
}

/// The newest event within the horizon that is the hardware's. Whether a process held the card does
/// not matter: a tenant is no excuse for hardware.
fn hardware_xid(gpu: &GpuRecord, policy: &HealthPolicy) -> Option<Reason> {
    let listed = if gpu.has(Signals::XIDS) {
        gpu.xids.as_slice()
    } else {
        &[]
    };
    listed
        .iter()
        .find(|event| {
            event.seconds_ago <= policy.xid_horizon
                && policy.class_of(event.xid) == XidClass::Hardware
        })
        .map(|event| Reason::HardwareXid {
            card: gpu.uuid,
            xid: event.xid,
        })
}

fn reset(gpu: &GpuRecord) -> Option<Reason> {
    gpu.needs_reset
        .then_some(Reason::NeedsReset { card: gpu.uuid })
}

fn remap_failure(gpu: &GpuRecord) -> Option<Reason> {
    (gpu.has(Signals::REMAP) && gpu.remap.failure)
        .then_some(Reason::RemapFailure { card: gpu.uuid })
}

fn remap_pending(gpu: &GpuRecord, policy: &HealthPolicy) -> Option<Reason> {
    (policy.pending_fails && gpu.has(Signals::REMAP) && gpu.remap.pending)
        .then_some(Reason::RemapPending { card: gpu.uuid })
}

fn uncorrected(gpu: &GpuRecord, policy: &HealthPolicy) -> Option<Reason> {
    let got = gpu.volatile.uncorrected;
    (gpu.has(Signals::ECC_VOLATILE) && got > u64::from(policy.uncorrected_max)).then_some(
        Reason::Uncorrected {
            card: gpu.uuid,
            got,
        },
    )
}

/// Too hot: at the policy's temperature, or at the card's own threshold less the margin, whichever
/// is lower. A card that names no threshold has only the policy's.
fn heat(gpu: &GpuRecord, policy: &HealthPolicy) -> Option<Reason> {
    if !gpu.has(Signals::TEMPERATURE) {
        return None;
    }
    let own = (gpu.has(Signals::SLOWDOWN) && gpu.slowdown > 0)
        .then(|| gpu.slowdown.saturating_sub(policy.heat_margin));
    let general = (policy.max_celsius > 0).then_some(policy.max_celsius);
    let limit = own.into_iter().chain(general).min()?;
    (gpu.celsius >= limit).then_some(Reason::Hot {
        card: gpu.uuid,
        got: gpu.celsius,
        limit,
    })
}

fn throttle(gpu: &GpuRecord, policy: &HealthPolicy) -> Option<Reason> {
    let reasons = gpu.throttle & policy.throttle;
    (gpu.has(Signals::THROTTLE) && reasons != 0).then_some(Reason::Throttled {
        card: gpu.uuid,
        reasons,
    })
}

/// Width only: an idle card lowers its generation to save power, and that is right.
fn link(gpu: &GpuRecord, policy: &HealthPolicy) -> Option<Reason> {
    let (width, max) = (gpu.link.width, gpu.link.max_width);
    let narrow = below_share(width.into(), max.into(), policy.min_width);
    (gpu.has(Signals::LINK) && narrow).then_some(Reason::NarrowLink {
        card: gpu.uuid,
        got: width,
        max,
    })
}

fn occupied(gpu: &GpuRecord, policy: &HealthPolicy) -> Option<Reason> {
    let held_mib = gpu.held >> MIB;
    let held = gpu.has(Signals::MEMORY) && held_mib > u64::from(policy.idle_held_mib);
    let busy = gpu.has(Signals::PROCESSES) && gpu.processes > policy.idle_processes;
    (held || busy).then_some(Reason::Occupied {
        card: gpu.uuid,
        processes: gpu.processes,
        held_mib,
    })
}

/// Whether `got` is below a share of `whole`. Both come from 32-bit fields.
fn below_share(got: u64, whole: u64, share: Bps) -> bool {
    got.saturating_mul(u64::from(Bps::ONE.get())) < whole.saturating_mul(share.get().into())
}
