//! Up and down the ladder of trust: one rule for all levels.

use quorate_canon::Bps;

use super::{Level, StandingSection};

/// Where a machine stands on the ladder; the default is where it begins.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Standing {
    /// Its level, from 0; 6 is the highest.
    pub level: u8,
    /// How many observed epochs in a row have counted towards the next level.
    pub run: u16,
}

impl StandingSection {
    /// Where a machine stands after another observed epoch, `uptime` being what it is with that epoch.
    ///
    /// Below the level's `keep` it falls by one. From `rise` on the epoch counts, and after `run` such
    /// epochs in a row it rises by one. Each rise and each fall begins the count anew, and so does an
    /// epoch between the two. At the top there is nothing to count. A level beyond the top is the top.
    #[must_use]
    pub fn step(&self, standing: Standing, uptime: Bps) -> Standing {
        let top = self.top();
        let level = standing.level.min(top);
        let here = self.level(level);
        if uptime.get() < here.keep {
            return Standing {
                level: level.saturating_sub(1),
                run: 0,
            };
        }
        if level == top || uptime.get() < here.rise {
            return Standing { level, run: 0 };
        }
        let run = standing.run.saturating_add(1);
        if run >= here.run {
            Standing {
                level: level.saturating_add(1),
                run: 0,
            }
        } else {
            Standing { level, run }
        }
    }

    /// The share of the reward that a level earns.
    #[must_use]
    pub fn weight_of(&self, level: u8) -> u16 {
        self.level(level.min(self.top())).weight
    }

    /// The number of the highest level.
    fn top(&self) -> u8 {
        u8::try_from(self.levels.len().saturating_sub(1)).unwrap_or(u8::MAX)
    }

    fn level(&self, level: u8) -> Level {
        self.levels
            .get(usize::from(level))
            .copied()
            .unwrap_or_default()
    }
}
