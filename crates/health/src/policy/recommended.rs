//! The section that a network starts with. Sources and reasons stand in `docs/health.md`, by number.

use quorate_canon::{Amount, Bps, Mask256, Stake};

use super::HealthPolicy;
use crate::Signals;

/// Laid to the hardware or the driver's own firmware: each needs a reset, a reboot or a new card, and
/// none is what a tenant's program does by itself.
const HARDWARE: [u8; 15] = [
    46, 48, 54, 62, 64, 79, 95, 110, 119, 120, 136, 140, 143, 158, 167,
];

/// Laid to the application: it is restarted, the card goes on.
const APPLICATION: [u8; 13] = [8, 11, 13, 25, 31, 32, 43, 45, 60, 68, 69, 80, 109];

/// Known, and no verdict: the card goes on working, or the number is a notice.
const IGNORED: [u8; 10] = [37, 38, 63, 66, 92, 93, 94, 106, 107, 154];

/// NVML's reasons: hardware thermal slowdown (0x40) and hardware power brake (0x80). The sum of both,
/// hardware slowdown (0x08), may also show during a change of clocks and is left out.
const THROTTLE: u64 = 0x40 | 0x80;

impl HealthPolicy {
    /// What is proposed for a production network whose health epoch is a day: 240 windows of six
    /// minutes.
    #[must_use]
    pub fn recommended() -> Self {
        Self {
            windows: 240,
            seats: 31,
            deadline_ms: 10_000,
            fails: 3,
            simulated_allowed: false,
            pending_fails: false,
            slash_windows: 60,
            drain_seconds: 300,
            appeal_seconds: 2 * 86_400,
            maintenance_notice: 2 * 86_400,
            maintenance_cap: 8 * 3_600,
            xid_horizon: 600,
            required: Signals::MEMORY.with(Signals::TEMPERATURE),
            xid_hardware: Mask256::of(&HARDWARE),
            xid_application: Mask256::of(&APPLICATION),
            xid_ignored: Mask256::of(&IGNORED),
            throttle: THROTTLE,
            max_celsius: 0,
            heat_margin: 0,
            min_width: half(),
            replays: 80,
            min_memory: nine_tenths(),
            uncorrected_max: 8,
            corrected_per_hour: 100_000,
            idle_held_mib: 1_024,
            idle_processes: 0,
            certify_seconds: 12 * 3_600,
            slash_bps: tenth(),
            bounty: Stake::new(5_000_000),
            jail_epochs: 3,
            uptime_memory: 30,
            reputation_memory: Amount::new(1_000_000_000),
        }
    }

    /// For a devnet whose health epoch is twenty seconds: five windows of four. Simulated cards may
    /// pass, and what takes days elsewhere takes seconds; what is judged is the same.
    #[must_use]
    pub fn devnet() -> Self {
        Self {
            windows: 5,
            deadline_ms: 1_000,
            fails: 2,
            simulated_allowed: true,
            slash_windows: 5,
            drain_seconds: 2,
            appeal_seconds: 10,
            maintenance_notice: 4,
            maintenance_cap: 20,
            xid_horizon: 8,
            certify_seconds: 10,
            jail_epochs: 2,
            uptime_memory: 4,
            reputation_memory: Amount::new(100_000),
            ..Self::recommended()
        }
    }
}

/// 1 000 bps.
fn tenth() -> Bps {
    Bps::new(1_000).unwrap_or(Bps::ONE)
}

/// 5 000 bps.
fn half() -> Bps {
    Bps::new(5_000).unwrap_or(Bps::ONE)
}

/// 9 000 bps: drivers keep some of a card's memory for themselves.
fn nine_tenths() -> Bps {
    Bps::new(9_000).unwrap_or(Bps::ONE)
}
