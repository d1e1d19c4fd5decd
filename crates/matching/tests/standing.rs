//! Hardware tiers by price and the ladder of trust: total, disjoint, monotone, and the same rule for all.

mod common;

use proptest::prelude::*;
use quorate_canon::{Bps, MicroDollars, Stake};
use quorate_matching::policy::defaults::policy_v1;
use quorate_matching::policy::models::MODELS;
use quorate_matching::{Level, PolicyError, Standing, StandingSection, Tier};

const WHOLE: u16 = 10_000;

/// Any section that is valid.
fn sections() -> impl Strategy<Value = StandingSection> {
    let floors = prop::collection::btree_set(1..200_u64, 4);
    let shares = || prop::collection::vec(0..=WHOLE, 6);
    let rises = prop::collection::vec((0..=WHOLE, 1..5_u16), 7);
    (floors, shares(), shares(), rises, 0..=WHOLE).prop_map(
        |(floors, mut keeps, mut weights, rises, reward)| {
            let mut tier_floor = [MicroDollars::new(0); 5];
            for (to, from) in tier_floor.iter_mut().skip(1).zip(floors) {
                *to = MicroDollars::new(from);
            }
            keeps.sort_unstable();
            weights.sort_unstable();
            let mut levels = [Level::default(); 7];
            for (at, (share, run)) in rises.into_iter().enumerate() {
                let keep = if at == 0 { 0 } else { keeps[at - 1] };
                let next = keeps.get(at).copied().unwrap_or(0);
                levels[at] = Level {
                    keep,
                    rise: next.max(share),
                    run,
                    weight: if at == 0 { 0 } else { weights[at - 1] },
                };
            }
            StandingSection {
                tier_floor,
                levels,
                reward_bps: Bps::new(reward).unwrap(),
                register_fee: Stake::new(u64::from(reward)),
            }
        },
    )
}

fn uptime() -> impl Strategy<Value = Bps> {
    (0..=WHOLE).prop_map(|share| Bps::new(share).unwrap())
}

fn standing() -> impl Strategy<Value = Standing> {
    (0..9_u8, 0..8_u16).prop_map(|(level, run)| Standing { level, run })
}

/// Above one another: by level, and within a level by what counts already.
fn rank(standing: Standing) -> (u8, u16) {
    (standing.level, standing.run)
}

/// The ladder told another way: from the whole history since the level last changed.
fn by_history(section: &StandingSection, uptimes: &[Bps]) -> u8 {
    let (mut level, mut since) = (0_usize, Vec::new());
    for uptime in uptimes {
        since.push(uptime.get());
        let here = section.levels[level];
        let row = usize::from(here.run);
        let risen = since.len() >= row && since.iter().rev().take(row).all(|u| *u >= here.rise);
        if uptime.get() < here.keep {
            level -= 1;
            since.clear();
        } else if level < 6 && risen {
            level += 1;
            since.clear();
        }
    }
    u8::try_from(level).unwrap()
}

proptest! {
    #![proptest_config(common::cases(300))]

    /// Total and disjoint: of the five statements "at or above this floor and below the next" exactly one
    /// is true of any price, and it names the tier.
    #[test]
    fn each_price_has_one_tier(section in sections(), price in prop_oneof![0..220_u64, any::<u64>()]) {
        let floors: Vec<_> = section.tier_floor.iter().map(|floor| floor.get()).collect();
        let holds = |at: usize| {
            floors[at] <= price && floors.get(at + 1).is_none_or(|next| price < *next)
        };
        let tiers: Vec<_> = (0..5).filter(|at| holds(*at)).map(|at| Tier::ALL[at]).collect();
        prop_assert_eq!(tiers, [section.tier_of(MicroDollars::new(price))]);
    }

    #[test]
    fn a_higher_price_has_no_lower_tier(section in sections(), a in 0..220_u64, b in 0..220_u64) {
        let tier = |price| section.tier_of(MicroDollars::new(price));
        prop_assert!(tier(a.min(b)) <= tier(a.max(b)));
    }

    #[test]
    fn drawn_sections_are_valid(section in sections()) {
        prop_assert_eq!(section.validate(), Ok(()));
    }

    #[test]
    fn a_step_is_one_level_at_most(section in sections(), from in standing(), uptime in uptime()) {
        let to = section.step(from, uptime);
        prop_assert!(to.level.abs_diff(from.level.min(6)) <= 1);
        prop_assert!(to.level <= 6);
    }

    #[test]
    fn more_uptime_never_stands_lower(section in sections(), from in standing(), a in uptime(), b in uptime()) {
        let step = |uptime| rank(section.step(from, uptime));
        prop_assert!(step(a.min(b)) <= step(a.max(b)));
    }

    /// Whoever stood above another still does after the same epoch.
    #[test]
    fn nobody_is_overtaken(section in sections(), a in standing(), b in standing(), uptime in uptime()) {
        let (low, high) = if rank(a) <= rank(b) { (a, b) } else { (b, a) };
        prop_assume!(high.level <= 6);
        let step = |from| rank(section.step(from, uptime));
        // At the top nothing is counted.
        prop_assume!(high.level < 6 || high.run == 0);
        prop_assume!(low.level < 6 || low.run == 0);
        prop_assert!(step(low) <= step(high));
    }

    #[test]
    fn what_raises_a_machine_does_not_drop_it_again(section in sections(), from in standing(), uptime in uptime()) {
        let to = section.step(from, uptime);
        if to.level > from.level {
            prop_assert!(section.step(to, uptime).level >= to.level);
        }
    }

    #[test]
    fn the_count_is_that_of_the_history(section in sections(), uptimes in prop::collection::vec(uptime(), 0..60)) {
        let stepped = uptimes.iter().fold(Standing::default(), |s, uptime| section.step(s, *uptime));
        prop_assert_eq!(stepped.level, by_history(&section, &uptimes));
    }

    #[test]
    fn a_higher_level_earns_no_less(section in sections(), a in 0..9_u8, b in 0..9_u8) {
        prop_assert!(section.weight_of(a.min(b)) <= section.weight_of(a.max(b)));
    }
}

/// What the default section complains about after `change`.
fn broken(change: impl FnOnce(&mut StandingSection)) -> PolicyError {
    let mut policy = policy_v1();
    change(&mut policy.standing);
    policy.validate().unwrap_err()
}

fn ladder(error: PolicyError) -> (&'static str, usize) {
    match error {
        PolicyError::Ladder {
            parameter, level, ..
        } => (parameter, level),
        other => panic!("{other}"),
    }
}

#[test]
fn sections_that_break_a_rule_are_refused() {
    let floor = |error| match error {
        PolicyError::Floor { tier, .. } => tier,
        other => panic!("{other}"),
    };
    assert_eq!(floor(broken(|s| s.tier_floor[0] = MicroDollars::new(1))), 0);
    assert_eq!(floor(broken(|s| s.tier_floor[3] = s.tier_floor[2])), 3);
    assert_eq!(ladder(broken(|s| s.levels[0].keep = 1)), ("keep", 0));
    assert_eq!(ladder(broken(|s| s.levels[4].keep = 8_999)), ("keep", 4));
    assert_eq!(
        ladder(broken(|s| s.levels[2].weight = 4_999)),
        ("weight", 2)
    );
    assert_eq!(
        ladder(broken(|s| s.levels[6].weight = 10_001)),
        ("weight", 6)
    );
    assert_eq!(ladder(broken(|s| s.levels[3].rise = 9_499)), ("rise", 3));
    assert_eq!(ladder(broken(|s| s.levels[3].rise = 10_001)), ("rise", 3));
    assert_eq!(ladder(broken(|s| s.levels[5].run = 0)), ("run", 5));
}

#[test]
fn the_last_level_has_nowhere_to_rise() {
    let mut policy = policy_v1();
    (
        policy.standing.levels[6].rise,
        policy.standing.levels[6].run,
    ) = (u16::MAX, 0);
    assert_eq!(policy.validate(), Ok(()));
    let top = Standing { level: 6, run: 0 };
    assert_eq!(policy.standing.step(top, Bps::ONE), top);
}

#[test]
fn the_models_of_the_default_policy_have_the_tiers_of_its_floors() {
    let policy = policy_v1();
    for model in MODELS {
        assert_eq!(
            policy.tier_of(model.index),
            Some(model.tier),
            "{}",
            model.short
        );
    }
    assert_eq!(policy.tier_of(0), None, "index 0 names no model");
    for tier in Tier::ALL {
        assert!(MODELS.iter().any(|model| model.tier == tier), "{tier:?}");
    }
}

#[test]
fn by_the_default_policy_the_top_is_eighty_nine_good_days_away() {
    let section = policy_v1().standing;
    let mut standing = Standing::default();
    let days = (1..).find(|_| {
        standing = section.step(standing, Bps::ONE);
        standing.level == 6
    });
    assert_eq!(days, Some(89));
}
