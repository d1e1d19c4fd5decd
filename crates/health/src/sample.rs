//! What of an epoch's work is looked at: rounds and probes that are drawn when the stake epoch is over,
//! so that nobody knows beforehand which ones count.

use quorate_canon::hash::{sha256, tag};
use quorate_canon::{Digest, Epoch, FixedWidth as _, HealthEpoch, Round};

use crate::draw::{numbers, scaled};
use crate::{EpochClock, HealthError, Window};

/// How many rounds are sampled, and how many probes.
pub const SAMPLES: u16 = 16;

const ROUNDS: u8 = 1;
const PROBES: u8 = 2;

/// What was drawn for a stake epoch; its samples follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sample {
    /// The stake epoch.
    pub epoch: Epoch,
    /// The randomness of health epoch [`EpochClock::sample_epoch`].
    pub randomness: Digest,
}

/// A sampled probe: of one machine, in one window of one health epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SampledProbe {
    /// The health epoch.
    pub epoch: HealthEpoch,
    places: u64,
    draw: u64,
}

impl SampledProbe {
    /// The machine's place, from 0, of so many as L2's list of machines for hire had when the health
    /// epoch began: retired and paused ones, whom nobody had to judge, must not be drawn. None if there
    /// was no machine.
    #[must_use]
    pub fn place(&self, machines: u64) -> Option<u64> {
        (machines != 0).then(|| scaled(self.places, machines))
    }

    /// The window, of so many as the health epoch has by its policy. Without windows it is the first.
    #[must_use]
    pub fn window(&self, windows: u16) -> Window {
        let window = scaled(self.draw, windows.into());
        // Below a number of 16 bits.
        Window(u16::try_from(window).unwrap_or(u16::MAX))
    }
}

impl Sample {
    /// The sampled rounds, in the order of drawing; one may come more than once. None for a stake epoch
    /// without rounds.
    ///
    /// # Errors
    /// Those of [`EpochClock::rounds_of`].
    pub fn rounds(&self, clock: &EpochClock) -> Result<Vec<Round>, HealthError> {
        let (first, count) = clock.rounds_of(self.epoch)?;
        if count == 0 {
            return Ok(Vec::new());
        }
        let round = |number| {
            let [x, _, _] = self.draw(ROUNDS, number);
            first
                .checked_add(scaled(x, count))
                .ok_or(HealthError::TooLarge { what: "round" })
        };
        (0..SAMPLES).map(round).collect()
    }

    /// The sampled probes, in the order of drawing; one may come more than once. None for a stake epoch
    /// without health epochs.
    ///
    /// # Errors
    /// Those of [`EpochClock::health_epochs_of`].
    pub fn probes(&self, clock: &EpochClock) -> Result<Vec<SampledProbe>, HealthError> {
        let (first, count) = clock.health_epochs_of(self.epoch)?;
        if count == 0 {
            return Ok(Vec::new());
        }
        let probe = |number| {
            let [x, y, z] = self.draw(PROBES, number);
            let epoch = u32::try_from(scaled(x, count.into())).ok();
            Ok(SampledProbe {
                epoch: epoch.and_then(|past| first.checked_add(past)).ok_or(
                    HealthError::TooLarge {
                        what: "health epoch",
                    },
                )?,
                places: y,
                draw: z,
            })
        };
        (0..SAMPLES).map(probe).collect()
    }

    /// `SHA-256(tag("quorate/sample/v1") ‖ randomness 32 ‖ stake epoch u64 ‖ kind u8 ‖ number u16)`, of
    /// that the first three u64.
    fn draw(&self, kind: u8, number: u16) -> [u64; 3] {
        numbers(&sha256(&[
            &tag("quorate/sample/v1"),
            &self.randomness.0,
            &self.epoch.to_bytes(),
            &[kind],
            &number.to_be_bytes(),
        ]))
    }
}
