//! When the main part of a run is over: the trace has been played, both liars have been slashed, and
//! rounds were settled; or the time for that has run out.

use super::{Court, Watch};
use crate::{World, trace::Window};

/// Seconds beyond the trace that everything may still take.
const PATIENCE: u64 = 45;

/// The conditions.
#[derive(Debug)]
pub(super) struct Ending {
    played: u64,
    patience: u64,
}

impl Ending {
    pub(super) fn new(world: &World, window: Window) -> Self {
        let played = world.start + window.seconds;
        Self {
            played,
            patience: played + PATIENCE,
        }
    }

    pub(super) fn is_reached(&self, now: u64, watch: &Watch, court: &Court) -> bool {
        let offences = court.slashes().iter().filter(|slash| slash.moved).count();
        (now >= self.played && offences >= 2 && watch.settled() > 0) || now >= self.patience
    }
}
