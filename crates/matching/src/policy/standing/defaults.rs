//! The tiers and the ladder that a network starts with. Where each number comes from is told in
//! `docs/decisions/standing.md`.

use quorate_canon::{Bps, MicroDollars, Stake};

use super::{Level, StandingSection};

/// Least reference prices of the tiers, micro-dollars per GPU-hour: seven cents, nearly nine, sixty,
/// and a dollar twenty.
pub(crate) const DEFAULT_FLOORS: [u64; 5] = [0, 70_000, 88_000, 600_000, 1_200_000];

/// keep, rise, run (health epochs, which last a day), weight.
const LADDER: [[u16; 4]; 7] = [
    [0, 8_500, 3, 0],
    [7_500, 9_000, 5, 5_000],
    [8_500, 9_500, 11, 5_500],
    [9_000, 9_700, 17, 6_000],
    [9_500, 9_800, 23, 7_500],
    [9_700, 9_900, 30, 8_500],
    [9_800, 10_000, 1, 10_000],
];

/// One token, in millionths: a fiftieth of what a card of the low tier asks for as stake.
const REGISTER_FEE: u64 = 1_000_000;

impl StandingSection {
    /// The standing section of the default policy, version 1. Rewards are off: no compute check tells
    /// yet whether a machine that is up could work.
    #[must_use]
    pub fn default_v1() -> Self {
        Self {
            tier_floor: DEFAULT_FLOORS.map(MicroDollars::new),
            levels: LADDER.map(|[keep, rise, run, weight]| Level {
                keep,
                rise,
                run,
                weight,
            }),
            reward_bps: Bps::ZERO,
            register_fee: Stake::new(REGISTER_FEE),
        }
    }
}
