//! Which policies are valid, and what their hash binds.

use quorate_canon::{Bps, MicroDollars, Stake};
use quorate_matching::policy::defaults::policy_v1;
use quorate_matching::{Policy, PolicyError, Profile, ScorePolicy};

/// What the default policy complains about after `change`.
fn broken(change: impl FnOnce(&mut ScorePolicy)) -> PolicyError {
    let mut policy = policy_v1();
    change(&mut policy.score);
    let error = policy.validate().unwrap_err();
    assert_eq!(Policy::from_page(&policy.page()), Err(error));
    error
}

#[test]
fn policies_that_break_a_rule_are_refused() {
    let large = |parameter, got, most| PolicyError::TooLarge {
        parameter,
        got,
        most,
    };
    let sum = PolicyError::WeightSum {
        profile: Profile::Reliable,
        got: 10_001,
    };
    assert_eq!(broken(|policy| policy.weights[2][0] += 1), sum);
    let randomness = PolicyError::Randomness {
        profile: Profile::Balanced,
        got: 2_001,
    };
    assert_eq!(
        broken(|policy| policy.weights[0] = [7_999, 0, 0, 0, 0, 0, 0, 2_001]),
        randomness
    );
    assert_eq!(
        broken(|p| p.prior_uptime = 10_001),
        large("prior_uptime", 10_001, 10_000)
    );
    assert_eq!(
        broken(|p| p.prior_reputation = 10_001),
        large("prior_reputation", 10_001, 10_000)
    );
    assert_eq!(
        broken(|p| p.same_zone = 10_001),
        large("same_zone", 10_001, 10_000)
    );
    assert_eq!(
        broken(|p| p.zone_table[15][3] = 10_001),
        large("zone_table", 10_001, 10_000)
    );
    let most = 100_000_000;
    assert_eq!(
        broken(|p| p.offsets[3] = most + 1),
        large("offsets", most + 1, most)
    );
    let age = broken(|p| (p.age_cap, p.age_points) = (101, 100));
    assert_eq!(age, large("age_cap x age_points", 10_100, 10_000));
    assert_eq!(
        broken(|p| p.price_slope = 1_000_001),
        large("price_slope", 1_000_001, 1_000_000)
    );
    assert_eq!(
        broken(|p| p.stake_slope = 1_000_001),
        large("stake_slope", 1_000_001, 1_000_000)
    );
    assert_eq!(broken(|p| p.zones[255] = 16), large("zones", 16, 15));
    assert_eq!(
        broken(|p| p.stake_unit = Stake::new(0)),
        PolicyError::NoStakeUnit
    );
}

#[test]
fn policies_at_the_bounds_are_valid() {
    let mut policy = policy_v1();
    let score = &mut policy.score;
    score.weights[0] = [8_000, 0, 0, 0, 0, 0, 0, 2_000];
    score.offsets = [100_000_000; 4];
    (score.age_cap, score.age_points) = (1, 10_000);
    (score.price_slope, score.stake_slope) = (1_000_000, 1_000_000);
    score.reference_price = [MicroDollars::new(u64::MAX); 256];
    assert_eq!(Policy::from_page(&policy.page()), Ok(policy));
}

#[test]
fn each_section_and_the_version_change_the_hash() {
    let one = policy_v1();
    let mut hashes = vec![one.hash()];
    let mut other = one.clone();
    other.version = other.version.checked_add(1).unwrap();
    hashes.push(other.hash());
    let mut other = one.clone();
    other.score.age_cap += 1;
    hashes.push(other.hash());
    let mut other = one.clone();
    other.money.protocol_fee_bps = Bps::ZERO;
    hashes.push(other.hash());
    let mut other = one.clone();
    other.health.0[255] = 1;
    hashes.push(other.hash());
    let mut other = one;
    other.standing.reward_bps = Bps::ONE;
    hashes.push(other.hash());
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), 6);
}
