//! Eligibility and score at the corners of their rules.

mod common;

use common::world::{Dice, TIME, offer, policy, request};
use quorate_canon::{Bps, GpuCount, HealthEpoch, Mask256, MicroDollars, Round, Stake, Timestamp};
use quorate_matching::{
    Capacity, Factors, Ineligible, OfferInput, RequestInput, RoundContext, ScorePolicy, eligible,
    factors, score,
};

/// A pair that is eligible with room to spare in every rule.
fn pair() -> (RequestInput, OfferInput, ScorePolicy, RoundContext) {
    let mut dice = Dice(1);
    let (mut request, mut offer) = (request(&mut dice, 2), offer(&mut dice, 1));
    let wanted = &mut request.request;
    (wanted.models, wanted.regions) = (Mask256::ALL, Mask256::ALL);
    (wanted.needs, wanted.refuses) = (Mask256::of(&[7]), Mask256::of(&[8]));
    (wanted.kinds, wanted.tiers, wanted.currency) = (0xff, 0xff, 1);
    (wanted.gpus, wanted.min_vram_mib, wanted.min_uptime) = (GpuCount::new(2), 100, Bps::ZERO);
    (
        wanted.cpu_milli,
        wanted.memory_mib,
        wanted.disk_gib,
        wanted.mbits,
    ) = (10, 20, 30, 40);
    (wanted.budget, wanted.term) = (MicroDollars::new(1_000), 100);
    offer.offer.has = Mask256::of(&[7]);
    (offer.offer.gpus, offer.offer.vram_mib) = (GpuCount::new(2), 100);
    let o = &mut offer.offer;
    (o.cpu_milli, o.memory_mib, o.disk_gib, o.mbits) = (10, 20, 30, 40);
    (o.ask, o.currencies) = (MicroDollars::new(1_000), 0b10);
    (o.min_term, o.max_term, o.available_until) = (100, 100, Timestamp::new(TIME + 100));
    (o.model, o.region, o.kind, o.tier) = (31, 60, 1, 1);
    offer.used = Capacity::ZERO;
    (offer.machine.flags, offer.provider.flags) = (0, 0);
    offer.machine.uptime = Some(Bps::ZERO);
    (offer.provider.stake, offer.provider.registered_gpus) = (Stake::new(3 * 50_000_000), 3);
    let policy = policy(&mut dice);
    let context = RoundContext {
        round: Round::new(10),
        time: Timestamp::new(TIME),
        genesis: Timestamp::new(1_000),
        period: 60,
        health_epoch: HealthEpoch::new(40),
    };
    (request, offer, policy, context)
}

/// Breaks one rule by one step, and the verdict is that rule.
#[test]
fn every_rule_bites_at_its_edge() {
    type Break = fn(&mut RequestInput, &mut OfferInput, &mut ScorePolicy, &mut RoundContext);
    let breaks: [(Ineligible, Break); 22] = [
        (Ineligible::ModelUnknown, |_, _, p, _| {
            p.reference_price[31] = MicroDollars::new(0)
        }),
        (Ineligible::Model, |r, _, _, _| {
            r.request.models = Mask256::of(&[30, 32])
        }),
        (Ineligible::Region, |r, _, _, _| {
            r.request.regions = Mask256::of(&[59, 61])
        }),
        (Ineligible::Kind, |r, _, _, _| r.request.kinds = 0b1111_1101),
        (Ineligible::Tier, |r, _, _, _| r.request.tiers = 0b1111_1101),
        (Ineligible::Vram, |r, _, _, _| r.request.min_vram_mib += 1),
        (Ineligible::Gpus, |_, o, _, _| o.used.gpus = 1),
        (Ineligible::Cpu, |_, o, _, _| o.used.cpu_milli = 1),
        (Ineligible::Memory, |r, _, _, _| r.request.memory_mib += 1),
        (Ineligible::Disk, |r, _, _, _| r.request.disk_gib += 1),
        (Ineligible::Bandwidth, |r, _, _, _| r.request.mbits += 1),
        (Ineligible::Needs, |r, _, _, _| {
            r.request.needs = Mask256::of(&[6, 7])
        }),
        (Ineligible::Refuses, |r, _, _, _| {
            r.request.refuses = Mask256::of(&[7])
        }),
        (Ineligible::Budget, |_, o, _, _| {
            o.offer.ask = MicroDollars::new(1_001)
        }),
        (Ineligible::Currency, |r, _, _, _| r.request.currency = 0),
        (Ineligible::TermShort, |_, o, _, _| o.offer.min_term = 101),
        (Ineligible::TermLong, |_, o, _, _| o.offer.max_term = 99),
        (Ineligible::Available, |_, _, _, c| {
            c.time = Timestamp::new(TIME + 1)
        }),
        (Ineligible::Machine, |_, o, _, _| o.machine.flags = 2),
        (Ineligible::Provider, |_, o, _, _| o.provider.flags = 128),
        (Ineligible::Stake, |_, o, _, _| {
            o.provider.stake = Stake::new(3 * 50_000_000 - 1)
        }),
        (Ineligible::Uptime, |r, _, _, _| {
            r.request.min_uptime = Bps::new(1).unwrap()
        }),
    ];
    let (request, offer, policy, context) = pair();
    assert_eq!(
        eligible(&request.request, &offer, &policy, &context),
        Ok(())
    );
    for (i, (reason, edge)) in breaks.into_iter().enumerate() {
        let (mut request, mut offer, mut policy, mut context) = pair();
        edge(&mut request, &mut offer, &mut policy, &mut context);
        assert_eq!(
            eligible(&request.request, &offer, &policy, &context),
            Err(reason)
        );
        assert_eq!(usize::from(reason.code()), i + 1);
        assert_eq!(Ineligible::ALL[i], reason);
    }
}

#[test]
fn a_provider_without_registered_gpus_is_not_staked() {
    let (request, mut offer, policy, context) = pair();
    (offer.provider.registered_gpus, offer.provider.stake) = (0, Stake::new(u64::MAX));
    let verdict = eligible(&request.request, &offer, &policy, &context);
    assert_eq!(verdict, Err(Ineligible::Stake));
}

#[test]
fn a_term_beyond_the_end_of_time_is_too_long() {
    let (request, mut offer, policy, mut context) = pair();
    context.time = Timestamp::new(u64::MAX - 5);
    offer.offer.available_until = Timestamp::new(u64::MAX);
    let verdict = eligible(&request.request, &offer, &policy, &context);
    assert_eq!(verdict, Err(Ineligible::Available));
}

#[test]
fn without_observations_the_priors_count() {
    let (mut request, mut offer, policy, context) = pair();
    (offer.machine.uptime, offer.provider.reputation) = (None, None);
    request.request.min_uptime = Bps::new(policy.prior_uptime).unwrap();
    assert_eq!(
        eligible(&request.request, &offer, &policy, &context),
        Ok(())
    );
    let factors = factors(&request, &offer, &policy, &context, 0);
    let priors = (policy.prior_uptime, policy.prior_reputation);
    assert_eq!((factors.uptime, factors.reputation), priors);
}

fn factors_of(change: impl FnOnce(&mut OfferInput, &mut ScorePolicy)) -> Factors {
    let (request, mut offer, mut policy, context) = pair();
    change(&mut offer, &mut policy);
    factors(&request, &offer, &policy, &context, 0)
}

#[test]
fn price_is_5000_at_the_reference_and_moves_by_the_slope_an_octave() {
    let price = |ask, slope| {
        factors_of(|offer, policy| {
            offer.offer.ask = MicroDollars::new(ask);
            policy.reference_price[31] = MicroDollars::new(64_000);
            policy.price_slope = slope;
        })
        .price
    };
    assert_eq!(price(64_000, 2_000), 5_000);
    assert_eq!(
        (price(32_000, 2_000), price(128_000, 2_000)),
        (7_000, 3_000)
    );
    assert_eq!((price(1, 2_000), price(u64::MAX, 2_000)), (10_000, 0));
    // Below zero the shift rounds down, not towards zero.
    assert_eq!(price(64_001, 2_000), 4_999);
}

#[test]
fn region_is_home_zone_or_table() {
    let region = |home, there| {
        let (mut request, mut offer, mut policy, context) = pair();
        (policy.zones[1], policy.zones[2], policy.zones[3]) = (4, 4, 5);
        policy.same_zone = 7_777;
        (policy.zone_table[4][5], policy.zone_table[5][4]) = (45, 54);
        (request.request.home_region, offer.offer.region) = (home, there);
        factors(&request, &offer, &policy, &context, 0).region
    };
    assert_eq!((region(1, 1), region(1, 2)), (10_000, 7_777));
    assert_eq!((region(1, 3), region(3, 2)), (45, 54));
}

#[test]
fn availability_is_the_share_of_the_free_gpus() {
    let tight = |gpus, used| {
        factors_of(|offer, _| {
            offer.offer.gpus = GpuCount::new(gpus);
            offer.used.gpus = used;
        })
        .availability
    };
    assert_eq!(
        (tight(2, 0), tight(8, 0), tight(8, 5)),
        (10_000, 2_500, 6_666)
    );
}

#[test]
fn a_slash_is_forgiven_epoch_by_epoch() {
    let slash = |lost, epoch| {
        factors_of(|offer, policy| {
            policy.slash_decay = 100;
            offer.provider.slash = Bps::new(lost).unwrap();
            offer.provider.slash_epoch = HealthEpoch::new(epoch);
        })
        .slash
    };
    assert_eq!(
        (slash(1_000, 40), slash(1_000, 38), slash(1_000, 20)),
        (9_000, 9_200, 10_000)
    );
    // Written in an epoch that is not over: no decay.
    assert_eq!(slash(1_000, 41), 9_000);
}

#[test]
fn stake_counts_from_the_unit_in_octaves_up_to_the_cap() {
    let stake = |stake, gpus| {
        factors_of(|offer, policy| {
            (policy.stake_unit, policy.stake_slope) = (Stake::new(1_000), 3_000);
            offer.provider.stake = Stake::new(stake);
            offer.provider.registered_gpus = gpus;
        })
        .stake
    };
    assert_eq!(
        (stake(3_999, 4), stake(4_000, 4), stake(8_000, 4)),
        (0, 0, 3_000)
    );
    assert_eq!((stake(u64::MAX, 1), stake(5, 0)), (10_000, 0));
}

#[test]
fn age_counts_the_rounds_that_saw_the_order() {
    let context = RoundContext {
        genesis: Timestamp::new(1_000),
        period: 60,
        ..pair().3
    };
    let age = |round, created| {
        RoundContext {
            round: Round::new(round),
            ..context
        }
        .age(Timestamp::new(created))
    };
    // close(0) = 1 000: an order of 999 is in round 0, one of 1 000 is first in round 1.
    assert_eq!(
        (age(0, 999), age(1, 999), age(1, 1_000), age(2, 1_000)),
        (0, 1, 0, 1)
    );
    assert_eq!((age(5, 1_059), age(5, 1_060), age(5, u64::MAX)), (4, 3, 0));
    let stuck = RoundContext {
        period: 0,
        ..context
    };
    assert_eq!(stuck.age(Timestamp::new(2_000)), 0);
}

#[test]
fn age_is_capped_and_weighs_its_points() {
    let (mut request, offer, mut policy, mut context) = pair();
    (policy.age_cap, policy.age_points) = (3, 7);
    let factors = factors(&request, &offer, &policy, &context, 0);
    let mut points = |round, created| {
        context.round = Round::new(round);
        request.created = Timestamp::new(created);
        score(&request, &factors, &policy, &context)
    };
    let fresh = points(0, 0);
    assert_eq!(points(2, 0) - fresh, 2 * 7 * 10_000);
    assert_eq!(points(9, 0) - fresh, 3 * 7 * 10_000);
}
