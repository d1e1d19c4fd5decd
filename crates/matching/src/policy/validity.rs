//! The rules that a policy keeps before it may take effect; the contract repeats them.

use quorate_canon::CodecError;
use thiserror::Error;

use crate::policy::score::ScorePolicy;
use crate::policy::standing::StandingSection;
use crate::request::Profile;

/// Every weight, factor and prior ends here.
const WHOLE: u16 = 10_000;
/// The most weight that the lottery may have.
const MAX_RANDOMNESS: u16 = 2_000;
/// The largest offset: as much as all factors together.
const MAX_OFFSET: u64 = 100_000_000;
/// The most points that age may reach: as much as one whole factor at full weight.
const MAX_AGE_POINTS: u32 = 10_000;
/// The steepest slope: keeps every product far below 64 bits.
const MAX_SLOPE: u32 = 1_000_000;
/// Zones are numbered below this.
const ZONES: u8 = 16;

/// Why a policy is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// The page does not decode.
    #[error(transparent)]
    Page(#[from] CodecError),
    /// The weights of a profile do not make a whole.
    #[error("weights of {profile:?}: sum {got}, expected 10000")]
    WeightSum {
        /// Whose weights.
        profile: Profile,
        /// What they sum to.
        got: u32,
    },
    /// The lottery weighs too much.
    #[error("weight of randomness in {profile:?}: got {got}, expected at most 2000")]
    Randomness {
        /// Whose weight.
        profile: Profile,
        /// What it is.
        got: u16,
    },
    /// A parameter is too large.
    #[error("{parameter}: got {got}, expected at most {most}")]
    TooLarge {
        /// The parameter's name in the format.
        parameter: &'static str,
        /// What it is.
        got: u64,
        /// What it may be.
        most: u64,
    },
    /// The unit of stake is zero.
    #[error("stake_unit: got 0, expected at least 1")]
    NoStakeUnit,
    /// The first tier does not begin at 0, or a floor is not above the one before.
    #[error("tier_floor of tier {tier}: got {got}, expected {expected}")]
    Floor {
        /// The tier's code.
        tier: usize,
        /// Its floor.
        got: u64,
        /// What it has to be, in words.
        expected: &'static str,
    },
    /// A number of the ladder breaks its rule.
    #[error("{parameter} of level {level}: got {got}, expected {expected}")]
    Ladder {
        /// The parameter's name in the format.
        parameter: &'static str,
        /// The level, from 0.
        level: usize,
        /// What it is.
        got: u16,
        /// What it has to be, in words.
        expected: &'static str,
    },
}

impl ScorePolicy {
    /// Whether the section keeps the rules of the format.
    ///
    /// # Errors
    /// Names the first rule that it breaks.
    pub fn validate(&self) -> Result<(), PolicyError> {
        for profile in Profile::ALL {
            check_weights(profile, self.weights_of(profile))?;
        }
        self.check_factors()?;
        for offset in self.offsets {
            at_most("offsets", offset, MAX_OFFSET)?;
        }
        let age = u32::from(self.age_cap).saturating_mul(u32::from(self.age_points));
        at_most("age_cap x age_points", age, MAX_AGE_POINTS)?;
        at_most("price_slope", self.price_slope, MAX_SLOPE)?;
        at_most("stake_slope", self.stake_slope, MAX_SLOPE)?;
        for zone in self.zones {
            at_most("zones", zone, ZONES.saturating_sub(1))?;
        }
        if self.stake_unit.get() == 0 {
            return Err(PolicyError::NoStakeUnit);
        }
        Ok(())
    }

    fn check_factors(&self) -> Result<(), PolicyError> {
        at_most("prior_uptime", self.prior_uptime, WHOLE)?;
        at_most("prior_reputation", self.prior_reputation, WHOLE)?;
        at_most("same_zone", self.same_zone, WHOLE)?;
        for factor in self.zone_table.as_flattened() {
            at_most("zone_table", *factor, WHOLE)?;
        }
        Ok(())
    }
}

impl StandingSection {
    /// Whether the section keeps the rules of the format. The last level's `rise` and `run` are not
    /// used, and not judged.
    ///
    /// # Errors
    /// Names the first rule that it breaks.
    pub fn validate(&self) -> Result<(), PolicyError> {
        self.check_floors()?;
        self.check_levels()?;
        self.check_steps()
    }

    fn check_floors(&self) -> Result<(), PolicyError> {
        let mut above = None;
        for (tier, floor) in self.tier_floor.iter().enumerate() {
            let got = floor.get();
            let (ok, expected) = match above {
                None => (got == 0, "0"),
                Some(below) => (got > below, "more than the floor of the tier below"),
            };
            if !ok {
                return Err(PolicyError::Floor {
                    tier,
                    got,
                    expected,
                });
            }
            above = Some(got);
        }
        Ok(())
    }

    /// What holds of each level and the one below it.
    fn check_levels(&self) -> Result<(), PolicyError> {
        let (mut keep, mut weight) = (0, 0);
        for (at, level) in self.levels.iter().enumerate() {
            let first = at != 0 || level.keep == 0;
            rung(first, "keep", at, level.keep, "0")?;
            let expected = "at least that of the level below";
            rung(level.keep >= keep, "keep", at, level.keep, expected)?;
            rung(level.weight >= weight, "weight", at, level.weight, expected)?;
            let whole = level.weight <= WHOLE;
            rung(whole, "weight", at, level.weight, "at most 10000")?;
            (keep, weight) = (level.keep, level.weight);
        }
        Ok(())
    }

    /// What holds of each level and the one above it: who rises is not dropped by the same uptime.
    fn check_steps(&self) -> Result<(), PolicyError> {
        let pairs = self.levels.iter().zip(self.levels.iter().skip(1));
        for (at, (level, next)) in pairs.enumerate() {
            let rise = level.rise;
            rung(rise <= WHOLE, "rise", at, rise, "at most 10000")?;
            let expected = "at least the keep of the level above";
            rung(next.keep <= rise, "rise", at, rise, expected)?;
            rung(level.run >= 1, "run", at, level.run, "at least 1")?;
        }
        Ok(())
    }
}

fn rung(
    ok: bool,
    parameter: &'static str,
    level: usize,
    got: u16,
    expected: &'static str,
) -> Result<(), PolicyError> {
    if ok {
        return Ok(());
    }
    Err(PolicyError::Ladder {
        parameter,
        level,
        got,
        expected,
    })
}

fn check_weights(profile: Profile, weights: &[u16; 8]) -> Result<(), PolicyError> {
    let sum = weights
        .iter()
        .fold(0_u32, |sum, weight| sum.saturating_add(u32::from(*weight)));
    if sum != u32::from(WHOLE) {
        return Err(PolicyError::WeightSum { profile, got: sum });
    }
    let [.., randomness] = *weights;
    if randomness > MAX_RANDOMNESS {
        return Err(PolicyError::Randomness {
            profile,
            got: randomness,
        });
    }
    Ok(())
}

fn at_most(
    parameter: &'static str,
    got: impl Into<u64>,
    most: impl Into<u64>,
) -> Result<(), PolicyError> {
    let (got, most) = (got.into(), most.into());
    if got > most {
        Err(PolicyError::TooLarge {
            parameter,
            got,
            most,
        })
    } else {
        Ok(())
    }
}
