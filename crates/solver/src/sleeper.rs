//! A request that waits for its turn, with all that waking it needs.
//!
//! Sleepers are moved about as a whole: reading them one after the other is many times faster than
//! following numbers to where requests lie.

use crate::ask::{Ask, Shape};
use crate::search::Shortlist;

/// How many machines a shortlist holds.
pub(crate) const SHORT: usize = 4;

/// A request with what is left of its shortlist.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Sleeper {
    pub(crate) shape: Shape,
    /// Its key in the lottery.
    pub(crate) key: u64,
    pub(crate) rank: u32,
    pub(crate) position: u32,
    pub(crate) part: u32,
    pub(crate) budget: u32,
    pub(crate) min_uptime: u16,
    /// Where the rest of the list begins, and where it ends.
    at: u8,
    end: u8,
    /// What is not on the list scores less than this; 0 if there is nothing else.
    pub(crate) below: u32,
    /// Scores and machines, best first.
    best: [(u32, u32); SHORT],
}

impl Sleeper {
    /// A request that was never searched for.
    pub(crate) fn new(rank: u32, ask: &Ask, shape: &Shape, key: u64) -> Self {
        Self {
            shape: *shape,
            key,
            rank,
            position: ask.position,
            part: ask.part,
            budget: ask.budget,
            min_uptime: ask.min_uptime,
            ..Self::default()
        }
    }

    /// The score and the machine that it waits for.
    pub(crate) fn first(&self) -> Option<(u32, u32)> {
        self.best[..usize::from(self.end)]
            .get(usize::from(self.at))
            .copied()
    }

    /// Goes on to the next of the list.
    pub(crate) const fn pass(&mut self) {
        self.at += 1;
    }

    /// Takes what a search has found.
    pub(crate) fn take(&mut self, found: &Shortlist) {
        self.at = 0;
        self.end = found.best().len() as u8;
        for (mine, best) in self.best.iter_mut().zip(found.best()) {
            *mine = (best.score, best.machine);
        }
        self.below = found.below();
    }

    /// Says that nothing scores as much as this.
    pub(crate) const fn bound(&mut self, below: u32) {
        self.at = 0;
        self.end = 0;
        self.below = below;
    }
}
