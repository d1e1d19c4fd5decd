//! What a round is computed under beside its inputs: the clock's numbers and the seed.

use std::fmt;

use quorate_canon::{HealthEpoch, Round, Timestamp};

/// The numbers of a round that the schedule gives.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RoundContext {
    /// n.
    pub round: Round,
    /// T(n) = close(n) - 1.
    pub time: Timestamp,
    /// close(0).
    pub genesis: Timestamp,
    /// Seconds from one close to the next, at least 1.
    pub period: u32,
    /// The health epoch of T.
    pub health_epoch: HealthEpoch,
}

impl RoundContext {
    /// How many rounds before this one saw something that was written at `created`.
    ///
    /// Skipped and void rounds count. Nothing is capped here. A period of zero, which no schedule
    /// has, counts no round.
    #[must_use]
    pub fn age(&self, created: Timestamp) -> u64 {
        let first = match created.get().checked_sub(self.genesis.get()) {
            None => Some(0),
            Some(after) => after
                .checked_div(u64::from(self.period))
                .map(|n| n.saturating_add(1)),
        };
        first.map_or(0, |first| self.round.get().saturating_sub(first))
    }
}

/// The randomness of a round: 32 bytes that nobody knew when its orders were fixed.
#[derive(Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seed(pub [u8; 32]);

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&quorate_canon::Digest(self.0), f)
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
