//! The uptime of a machine over settled health epochs.

use quorate_canon::Bps;

/// The whole, in basis points.
const WHOLE: u64 = 10_000;

/// The uptime of a machine after another observed epoch, in which `down` of `windows` windows were
/// DOWN. The first epoch's value is the uptime; from then on each epoch weighs one part in `memory`.
///
/// Rounded down at each step, so that it comes to rest up to `memory - 1` basis points below a value
/// that stays the same. Without windows nothing was DOWN; a memory of 0 counts as 1.
#[must_use]
pub fn uptime_after(before: Option<Bps>, down: u16, windows: u16, memory: u16) -> Bps {
    let value = u64::from(windows.saturating_sub(down))
        .saturating_mul(WHOLE)
        .checked_div(windows.into())
        .unwrap_or(WHOLE);
    let Some(before) = before else {
        return share(value);
    };
    let memory = u64::from(memory.max(1));
    let kept = u64::from(before.get()).saturating_mul(memory.saturating_sub(1));
    share(
        kept.saturating_add(value)
            .checked_div(memory)
            .unwrap_or(value),
    )
}

/// A number of at most 10 000 as a share.
fn share(value: u64) -> Bps {
    u16::try_from(value)
        .ok()
        .and_then(Bps::new)
        .unwrap_or(Bps::ONE)
}
