//! The standing section: hardware tiers by price, and the ladder of trust that uptime climbs.
//!
//! Matching reads none of it: a tier reaches matching in the offer's record. It stands here because
//! the page does, and because both tables are data: no tier and no level has code of its own.

mod defaults;
mod ladder;

use quorate_canon::codec::{FixedWidth, Reader, Writer};
use quorate_canon::{Bps, CodecError, MicroDollars, Stake};

pub(crate) use defaults::DEFAULT_FLOORS;
pub use ladder::Standing;

/// The five hardware tiers; the code is what an offer carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// 0.
    Entry,
    /// 1.
    Low,
    /// 2.
    Medium,
    /// 3.
    High,
    /// 4.
    UltraHigh,
}

impl Tier {
    /// All tiers, from the lowest.
    pub const ALL: [Self; 5] = [
        Self::Entry,
        Self::Low,
        Self::Medium,
        Self::High,
        Self::UltraHigh,
    ];

    /// The number that an offer carries.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Entry => 0,
            Self::Low => 1,
            Self::Medium => 2,
            Self::High => 3,
            Self::UltraHigh => 4,
        }
    }
}

/// The highest tier whose floor is not above `price`. The first floor counts as 0, so that each price
/// has a tier; floors ascend, so that it has one.
pub(crate) const fn tier_at(floors: &[u64; 5], price: u64) -> Tier {
    let [_, low, medium, high, ultra_high] = *floors;
    if price >= ultra_high {
        Tier::UltraHigh
    } else if price >= high {
        Tier::High
    } else if price >= medium {
        Tier::Medium
    } else if price >= low {
        Tier::Low
    } else {
        Tier::Entry
    }
}

/// One level of trust; 8 bytes. Shares are basis points.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Level {
    /// The least uptime with which a machine keeps the level.
    pub keep: u16,
    /// The least uptime of an epoch that counts towards the next level.
    pub rise: u16,
    /// How many of those in a row lead there, at least 1.
    pub run: u16,
    /// The share of the reward that the level earns.
    pub weight: u16,
}

impl FixedWidth for Level {
    const WIDTH: usize = 8;

    fn write(&self, out: &mut Writer) {
        out.value(&[self.keep, self.rise, self.run, self.weight]);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        let [keep, rise, run, weight] = input.value()?;
        Ok(Self {
            keep,
            rise,
            run,
            weight,
        })
    }
}

/// The standing section; 128 bytes.
///
/// Any numbers decode; [`validate`](Self::validate) tells whether they are a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StandingSection {
    /// The least reference price of each tier: the first is 0, strictly ascending.
    pub tier_floor: [MicroDollars; 5],
    /// The levels of trust, from the lowest.
    pub levels: [Level; 7],
    /// The most that uptime earns in a health epoch, as a share of the machine's stake; 0 is off.
    pub reward_bps: Bps,
    /// What registering a machine burns of its provider's stake, for each card; nothing for an entry
    /// tier's machine, whose provider may have no stake yet.
    pub register_fee: Stake,
}

impl StandingSection {
    /// The tier of a model with this reference price.
    #[must_use]
    pub fn tier_of(&self, reference_price: MicroDollars) -> Tier {
        tier_at(
            &self.tier_floor.map(MicroDollars::get),
            reference_price.get(),
        )
    }
}

impl FixedWidth for StandingSection {
    const WIDTH: usize = 128;

    fn write(&self, out: &mut Writer) {
        out.value(&self.tier_floor);
        out.value(&self.levels);
        out.value(&self.reward_bps);
        out.value(&self.register_fee);
        out.spare(22);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        let section = Self {
            tier_floor: input.value()?,
            levels: input.value()?,
            reward_bps: input.value()?,
            register_fee: input.value()?,
        };
        input.spare(22)?;
        Ok(section)
    }
}
