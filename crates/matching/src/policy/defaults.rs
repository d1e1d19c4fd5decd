//! The default policy, version 1: what a network starts with until its governance sets another.
//!
//! The prices are those of [`models`](super::models), the zones those of
//! [`regions`](super::regions), tiers and trust levels those of `docs/decisions/standing.md`; what else
//! is chosen here is said beside each number.

use quorate_canon::{Amount, Bps, MicroDollars, Stake, Version};

use crate::policy::health_v1::HEALTH_V1;
use crate::policy::models::MODELS;
use crate::policy::regions::REGIONS;
use crate::policy::{HealthSection, MoneySection, Policy, ScorePolicy, StandingSection};

/// Millionths of the stake token in one token.
const TOKEN: u64 = 1_000_000;

/// Weights of region, price, uptime, reputation, availability, slash, stake and randomness.
const WEIGHTS: [[u16; 8]; 4] = [
    [1_500, 2_500, 1_500, 1_500, 1_000, 500, 500, 1_000], // balanced
    [500, 5_500, 500, 500, 1_000, 500, 500, 1_000],       // cheapest
    [800, 800, 3_000, 2_400, 700, 1_000, 600, 700],       // reliable
    [5_500, 1_000, 800, 700, 500, 500, 300, 700],         // nearest
];

/// Least stake for each GPU, in tokens, from entry to ultra-high: it grows with what a tenant may
/// lose when a machine fails.
const MIN_STAKE: [u64; 5] = [20, 50, 100, 400, 1_500];

/// The pairs over which profiles are made even: near and far, cheap and dear, proven and new,
/// tight and loose, with the lottery at its mean. Factors in the order of the weights.
const REFERENCE_SET: [[u16; 8]; 8] = [
    [10_000, 5_000, 9_900, 8_000, 10_000, 10_000, 6_000, 5_000],
    [10_000, 6_000, 9_000, 5_000, 5_000, 10_000, 2_000, 5_000],
    [8_500, 7_500, 9_500, 6_000, 2_500, 10_000, 3_000, 5_000],
    [8_500, 3_500, 9_900, 9_000, 10_000, 10_000, 8_000, 5_000],
    [5_500, 6_500, 9_800, 7_000, 5_000, 10_000, 4_000, 5_000],
    [5_500, 5_000, 9_900, 7_000, 1_250, 9_500, 5_000, 5_000],
    [2_000, 9_000, 9_000, 5_000, 1_250, 10_000, 1_000, 5_000],
    [2_000, 5_000, 9_700, 6_500, 10_000, 9_000, 4_000, 5_000],
];

/// Between two zones: 8 000 less 4 for every 10 km of the great circle between a hub of each
/// (Ashburn, Portland, Mexico City, Sao Paulo, London, Frankfurt, Milan, Warsaw, Dubai, Cairo,
/// Lagos, Johannesburg, Mumbai, Tokyo, Singapore, Sydney), rounded to 100, not below 0.
const ZONE_TABLE: [[u16; 16]; 16] = [
    [
        0, 6500, 6800, 4900, 5600, 5400, 5300, 5100, 3500, 4200, 4500, 2800, 2900, 3700, 1800, 1700,
    ],
    [
        6500, 0, 6600, 3700, 4800, 4600, 4500, 4600, 3100, 3500, 3100, 1300, 2900, 4900, 2800, 3100,
    ],
    [
        6800, 6600, 0, 5000, 4400, 4200, 4100, 3900, 2300, 3100, 3600, 2200, 1700, 3500, 1400, 2800,
    ],
    [
        4900, 3700, 5000, 0, 4200, 4100, 4200, 3700, 3100, 3900, 5500, 5000, 2500, 600, 1600, 2700,
    ],
    [
        5600, 4800, 4400, 4200, 0, 7700, 7600, 7400, 5800, 6600, 6000, 4400, 5100, 4200, 3700, 1200,
    ],
    [
        5400, 4600, 4200, 4100, 7700, 0, 7800, 7600, 6100, 6800, 6100, 4500, 5400, 4300, 3900, 1400,
    ],
    [
        5300, 4500, 4100, 4200, 7600, 7800, 0, 7500, 6100, 7000, 6300, 4700, 5400, 4100, 3900, 1400,
    ],
    [
        5100, 4600, 3900, 3700, 7400, 7600, 7500, 0, 6300, 7000, 5900, 4500, 5700, 4600, 4200, 1800,
    ],
    [
        3500, 3100, 2300, 3100, 5800, 6100, 6100, 6300, 0, 7000, 5600, 5400, 7200, 4800, 5700, 3200,
    ],
    [
        4200, 3500, 3100, 3900, 6600, 6800, 7000, 7000, 7000, 0, 6400, 5500, 6300, 4200, 4700, 2200,
    ],
    [
        4500, 3100, 3600, 5500, 6000, 6100, 6300, 5900, 5600, 6400, 0, 6200, 5000, 2600, 3500, 1800,
    ],
    [
        2800, 1300, 2200, 5000, 4400, 4500, 4700, 4500, 5400, 5500, 6200, 0, 5200, 2600, 4500, 3600,
    ],
    [
        2900, 2900, 1700, 2500, 5100, 5400, 5400, 5700, 7200, 6300, 5000, 5200, 0, 5300, 6400, 3900,
    ],
    [
        3700, 4900, 3500, 600, 4200, 4300, 4100, 4600, 4800, 4200, 2600, 2600, 5300, 0, 5900, 4900,
    ],
    [
        1800, 2800, 1400, 1600, 3700, 3900, 3900, 4200, 5700, 4700, 3500, 4500, 6400, 5900, 0, 5500,
    ],
    [
        1700, 3100, 2800, 2700, 1200, 1400, 1400, 1800, 3200, 2200, 1800, 3600, 3900, 4900, 5500, 0,
    ],
];

/// The default policy, version 1.
#[must_use]
pub fn policy_v1() -> Policy {
    Policy {
        version: Version::new(1),
        score: ScorePolicy::default_v1(),
        health: HealthSection(HEALTH_V1),
        money: money_v1(),
        standing: StandingSection::default_v1(),
    }
}

fn money_v1() -> MoneySection {
    MoneySection {
        // One cent: what a request costs all nodes to look at, many times over.
        request_fee: Amount::new(10_000),
        protocol_fee_bps: Bps::new(200).unwrap_or(Bps::ZERO),
        // Five cents: a closed lease must cost more than another draw is worth.
        min_charge: Amount::new(50_000),
        // An hour: time to move a job elsewhere.
        void_notice: 3_600,
        // Two hundredths of the request's fee: about what an entry's gas costs on L2.
        posting_fee: Amount::new(200),
        // Six entries: settling costs about as much gas as five.
        settle_fee: Amount::new(1_200),
        // A quarter: an entry-tier provider lives on the rest.
        withhold_bps: Bps::new(2_500).unwrap_or(Bps::ZERO),
        // Ten dollars a GPU: a card at five cents an hour has it together after five weeks of leases.
        deposit: Amount::new(10_000_000),
    }
}

impl ScorePolicy {
    /// The score section of the default policy, version 1.
    #[must_use]
    pub fn default_v1() -> Self {
        Self {
            weights: WEIGHTS,
            offsets: even_offsets(),
            // 60 rounds of 50 points: the longest wait outweighs almost a third of the factors.
            age_cap: 60,
            age_points: 50,
            max_matches: 2_048,
            // Half the reference price earns everything, twice the price nothing.
            price_slope: 5_000,
            // From 20 tokens a GPU up, the cap is reached at about 100 times as much.
            stake_unit: Stake::new(20 * TOKEN),
            stake_slope: 1_500,
            // Below what a machine in good order reaches: new ones start behind proven ones.
            prior_uptime: 9_000,
            prior_reputation: 5_000,
            slash_decay: 25,
            same_zone: 8_500,
            min_stake: min_stake(),
            zones: zones(),
            zone_table: ZONE_TABLE,
            reference_price: reference_price(),
        }
    }
}

/// What each profile falls short of the best one on the mean of the reference set.
fn even_offsets() -> [u64; 4] {
    let means = WEIGHTS.map(|weights| mean_score(&weights));
    let best = means.into_iter().max().unwrap_or(0);
    means.map(|mean| best.saturating_sub(mean))
}

fn mean_score(weights: &[u16; 8]) -> u64 {
    let pairs = REFERENCE_SET
        .iter()
        .map(|factors| weights.iter().copied().zip(*factors));
    let sum = pairs
        .map(crate::score::weighted)
        .fold(0_u64, u64::saturating_add);
    sum / 8
}

/// Tiers that do not exist have no stake that is enough.
fn min_stake() -> [Stake; 8] {
    let mut least = [Stake::new(u64::MAX); 8];
    for (slot, tokens) in least.iter_mut().zip(MIN_STAKE) {
        *slot = Stake::new(tokens.saturating_mul(TOKEN));
    }
    least
}

fn zones() -> [u8; 256] {
    let mut zones = [0; 256];
    for region in REGIONS {
        if let Some(zone) = zones.get_mut(usize::from(region.index)) {
            *zone = region.zone.code();
        }
    }
    zones
}

fn reference_price() -> [MicroDollars; 256] {
    let mut prices = [MicroDollars::new(0); 256];
    for model in MODELS {
        if let Some(price) = prices.get_mut(usize::from(model.index)) {
            *price = MicroDollars::new(model.reference_price);
        }
    }
    prices
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Profile;

    #[test]
    fn the_default_policy_is_valid() {
        assert_eq!(policy_v1().validate(), Ok(()));
    }

    #[test]
    fn the_default_policy_changes_only_on_purpose() {
        let expected = "0x0330b1392b22a71f3cc9b42767de7e4e73937b11f0e429de449ce8f251158909";
        assert_eq!(policy_v1().hash().to_string(), expected);
    }

    #[test]
    fn a_page_leads_back_to_its_policy() {
        let policy = policy_v1();
        assert_eq!(policy.page().len(), 3_456);
        assert_eq!(Policy::from_page(&policy.page()), Ok(policy));
    }

    #[test]
    fn no_profile_is_a_better_lottery_over_the_reference_set() {
        let policy = ScorePolicy::default_v1();
        let means = Profile::ALL
            .map(|profile| mean_score(policy.weights_of(profile)) + policy.offset_of(profile));
        assert!(means.iter().all(|mean| *mean == means[0]), "{means:?}");
    }

    #[test]
    fn models_and_regions_stand_at_their_indices() {
        assert!(MODELS.windows(2).all(|pair| pair[0].index < pair[1].index));
        assert!(
            MODELS
                .iter()
                .all(|model| model.index > 0 && model.reference_price > 0)
        );
        assert!((0..).zip(REGIONS).all(|(i, region)| region.index == i));
        for (i, model) in MODELS.iter().enumerate() {
            assert!(
                MODELS[..i].iter().all(|other| other.short != model.short),
                "{}",
                model.short
            );
        }
    }

    #[test]
    fn zones_are_as_far_apart_from_both_sides() {
        for (i, row) in ZONE_TABLE.iter().enumerate() {
            for (j, factor) in row.iter().enumerate() {
                assert_eq!(*factor, ZONE_TABLE[j][i]);
            }
        }
    }
}
