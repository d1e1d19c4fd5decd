//! The score section: all that matching reads of the policy.

use quorate_canon::codec::{FixedWidth, Reader, Writer};
use quorate_canon::{CodecError, MicroDollars, Stake};

use crate::request::Profile;

/// The score section; 3 008 bytes. Factors are 0 to 10 000.
///
/// Any bytes of that width decode; [`validate`](Self::validate) tells whether they are a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScorePolicy {
    /// For each profile the weights of the eight factors, in the order region, price, uptime,
    /// reputation, availability, slash, stake, randomness. Each row sums to 10 000.
    pub weights: [[u16; 8]; 4],
    /// What each profile adds, so that none is a better lottery.
    pub offsets: [u64; 4],
    /// Age counts up to this many rounds.
    pub age_cap: u16,
    /// Points for each round of age.
    pub age_points: u16,
    /// A round stops after this many matches; 0 means no limit.
    pub max_matches: u32,
    /// Factor points for each halving of the price.
    pub price_slope: u32,
    /// Stake per GPU at which the stake factor begins, at least 1.
    pub stake_unit: Stake,
    /// Factor points for each doubling of the stake.
    pub stake_slope: u32,
    /// The uptime of a machine without observations.
    pub prior_uptime: u16,
    /// The reputation of a provider without observations.
    pub prior_reputation: u16,
    /// Basis points of slash rate that a health epoch forgives.
    pub slash_decay: u16,
    /// The region factor of another region in the same zone.
    pub same_zone: u16,
    /// Least stake for each registered GPU, by tier.
    pub min_stake: [Stake; 8],
    /// The zone of each region, below 16.
    pub zones: [u8; 256],
    /// The region factor of two zones: row = zone of the request's home, column = of the offer.
    /// The diagonal is not used.
    pub zone_table: [[u16; 16]; 16],
    /// The price at which the price factor is 5 000, by model; 0 = the model is not known.
    pub reference_price: [MicroDollars; 256],
}

impl ScorePolicy {
    /// The weights of a profile.
    #[must_use]
    pub const fn weights_of(&self, profile: Profile) -> &[u16; 8] {
        let [balanced, cheapest, reliable, nearest] = &self.weights;
        match profile {
            Profile::Balanced => balanced,
            Profile::Cheapest => cheapest,
            Profile::Reliable => reliable,
            Profile::Nearest => nearest,
        }
    }

    /// The offset of a profile.
    #[must_use]
    pub const fn offset_of(&self, profile: Profile) -> u64 {
        let [balanced, cheapest, reliable, nearest] = self.offsets;
        match profile {
            Profile::Balanced => balanced,
            Profile::Cheapest => cheapest,
            Profile::Reliable => reliable,
            Profile::Nearest => nearest,
        }
    }

    /// The reference price of a model, or `None` if the policy does not know it.
    #[must_use]
    pub fn reference_of(&self, model: u8) -> Option<MicroDollars> {
        self.reference_price
            .get(usize::from(model))
            .copied()
            .filter(|price| price.get() != 0)
    }

    /// The least stake for each registered GPU of a tier; a tier that does not exist has no
    /// stake that is enough.
    #[must_use]
    pub fn min_stake_of(&self, tier: u8) -> Stake {
        self.min_stake
            .get(usize::from(tier))
            .copied()
            .unwrap_or(Stake::new(u64::MAX))
    }

    /// The limit of a round, if there is one.
    #[must_use]
    pub const fn match_limit(&self) -> Option<u32> {
        match self.max_matches {
            0 => None,
            limit => Some(limit),
        }
    }

    /// The zone of a region.
    #[must_use]
    pub fn zone_of(&self, region: u8) -> u8 {
        self.zones.get(usize::from(region)).copied().unwrap_or(0)
    }
}

impl FixedWidth for ScorePolicy {
    const WIDTH: usize = 3008;

    fn write(&self, out: &mut Writer) {
        out.value(&self.weights);
        out.value(&self.offsets);
        out.value(&self.age_cap);
        out.value(&self.age_points);
        out.value(&self.max_matches);
        out.value(&self.price_slope);
        out.value(&self.stake_unit);
        out.value(&self.stake_slope);
        out.value(&self.prior_uptime);
        out.value(&self.prior_reputation);
        out.value(&self.slash_decay);
        out.value(&self.same_zone);
        out.value(&self.min_stake);
        out.value(&self.zones);
        out.value(&self.zone_table);
        out.value(&self.reference_price);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self {
            weights: input.value()?,
            offsets: input.value()?,
            age_cap: input.value()?,
            age_points: input.value()?,
            max_matches: input.value()?,
            price_slope: input.value()?,
            stake_unit: input.value()?,
            stake_slope: input.value()?,
            prior_uptime: input.value()?,
            prior_reputation: input.value()?,
            slash_decay: input.value()?,
            same_zone: input.value()?,
            min_stake: input.value()?,
            zones: input.value()?,
            zone_table: input.value()?,
            reference_price: input.value()?,
        })
    }
}
