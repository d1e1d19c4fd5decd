//! The fast solver against the plain one and the complete check.

#[path = "../examples/markets/market.rs"]
mod market;
#[path = "../../matching/tests/common/world.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "shared with the plain solver's tests"
)]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "test data is cut to size on purpose"
)]
mod world;

use proptest::prelude::*;
use quorate_canon::{Bps, Mask256, MicroDollars};
use quorate_matching::{OutcomeList, ScorePolicy, Snapshot, UnmatchedReason};
use world::{Dice, World};

fn cases(cases: u32) -> proptest::test_runner::Config {
    proptest::test_runner::Config {
        cases,
        failure_persistence: None,
        ..proptest::test_runner::Config::default()
    }
}

fn agree(world: &World) -> Result<(), TestCaseError> {
    let expected = world.outcome();
    for threads in [1, 2, 16] {
        let World {
            snapshot,
            policy,
            context,
            seed,
        } = world;
        let got = quorate_solver::match_round(snapshot, policy, context, seed, threads);
        prop_assert_eq!(&got, &expected, "{} threads", threads);
        if threads == 2 {
            let list = OutcomeList::new(&got, snapshot).unwrap();
            prop_assert_eq!(world.check(&list), Ok(()));
            let inputs = std::sync::Arc::new(snapshot.clone());
            let prepared = quorate_solver::Prepared::new(inputs, policy, context, threads);
            prop_assert_eq!(prepared.list(&got, threads), Ok(list));
        }
    }
    Ok(())
}

/// The orders of a world, changed.
fn with(
    world: World,
    change: impl FnOnce(
        &mut Vec<quorate_matching::OfferInput>,
        &mut Vec<quorate_matching::RequestInput>,
    ),
) -> World {
    let mut offers = world.snapshot.offers().to_vec();
    let mut requests = world.snapshot.requests().to_vec();
    change(&mut offers, &mut requests);
    let snapshot = Snapshot::new(offers, requests).unwrap();
    World { snapshot, ..world }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn small_crowded_markets_agree(
        number: u64, offers in 0_u64..24, requests in 0_u64..60, limit in 0_u32..12,
    ) {
        agree(&World::new(number, offers, requests).with_limit(limit))?;
    }
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn medium_markets_agree(number: u64, offers in 50_u64..200, requests in 100_u64..900, limited: bool) {
        let limit = if limited { 40 } else { 0 };
        agree(&World::new(number, offers, requests).with_limit(limit))?;
    }

    #[test]
    fn markets_of_the_benchmark_agree(number: u64, offers in 1_usize..300, requests in 1_usize..1_200) {
        let market = market::Market::new(number, requests, offers);
        agree(&World {
            snapshot: std::sync::Arc::unwrap_or_clone(market.snapshot),
            policy: market.policy,
            context: market.context,
            seed: market.seed,
        })?;
    }

    #[test]
    fn scores_that_are_all_equal_agree(number: u64, offers in 1_u64..60, requests in 1_u64..300) {
        let mut world = World::new(number, offers, requests);
        world.policy.weights = [[0, 0, 0, 0, 0, 10_000, 0, 0]; 4];
        world.policy.slash_decay = 10_000;
        world.policy.age_points = 0;
        world.policy.offsets = [0; 4];
        agree(&world)?;
    }

    #[test]
    fn a_lottery_of_the_largest_weight_agrees(number: u64, offers in 1_u64..60, requests in 1_u64..300) {
        let mut world = World::new(number, offers, requests);
        world.policy.weights = [[0, 0, 0, 0, 8_000, 0, 0, 2_000]; 4];
        agree(&world)?;
    }

    #[test]
    fn everybody_wanting_the_same_machines_agrees(number: u64, requests in 1_u64..900) {
        let world = World::new(number, 40, requests);
        let best = world.snapshot.offers().first().cloned().unwrap();
        agree(&with(world, |offers, requests| {
            for input in offers.iter_mut() {
                let id = input.offer.id;
                *input = best.clone();
                input.offer.id = id;
            }
            for input in requests {
                input.request.home_region = best.offer.region;
                input.request.models = Mask256::ALL;
                input.request.regions = Mask256::ALL;
            }
        }))?;
    }

    #[test]
    fn large_machines_and_jobs_agree(number: u64, offers in 1_u64..40, requests in 1_u64..300) {
        let mut dice = Dice(number);
        agree(&with(World::new(number, offers, requests), |offers, requests| {
            for input in offers {
                input.offer.gpus = quorate_canon::GpuCount::new(1 + dice.small(255));
                input.offer.cpu_milli *= 100;
            }
            for input in requests {
                input.request.gpus = quorate_canon::GpuCount::new(1 + dice.small(40));
            }
        }))?;
    }

    #[test]
    fn many_models_and_regions_agree(number: u64, offers in 60_u64..300, requests in 1_u64..300) {
        let mut dice = Dice(number);
        let mut world = World::new(number, offers, requests);
        world.policy.reference_price = [MicroDollars::new(60_000); 256];
        agree(&with(world, |offers, requests| {
            for input in offers {
                input.offer.model = dice.small(255);
                input.offer.region = dice.small(255);
            }
            for input in requests {
                input.request.models = Mask256(dice.bytes());
                input.request.regions = Mask256(dice.bytes());
                input.request.home_region = dice.small(255);
            }
        }))?;
    }

    #[test]
    fn amounts_beyond_32_bits_agree(number: u64, offers in 1_u64..40, requests in 1_u64..100) {
        let mut dice = Dice(number);
        let amount = |dice: &mut Dice| MicroDollars::new(u64::from(u32::MAX) - 2 + dice.below(5));
        agree(&with(World::new(number, offers, requests), |offers, requests| {
            for input in offers {
                input.offer.ask = amount(&mut dice);
                input.offer.available_until = quorate_canon::Timestamp::new(u64::MAX - dice.below(2));
            }
            for input in requests {
                input.request.budget = amount(&mut dice);
            }
        }))?;
    }

    #[test]
    fn times_at_the_end_of_the_clock_agree(number: u64, before in 0_u64..4_000) {
        let mut dice = Dice(number);
        let mut world = World::new(number, 20, 40);
        world.context.time = quorate_canon::Timestamp::new(u64::MAX - before);
        agree(&with(world, |offers, _| {
            for input in offers {
                input.offer.available_until = quorate_canon::Timestamp::new(u64::MAX - dice.below(3_000));
            }
        }))?;
    }
}

#[test]
fn a_market_where_nothing_is_eligible_agrees() {
    let world = with(World::new(3, 30, 60), |_, requests| {
        for input in requests {
            input.request.min_uptime = Bps::new(10_000).unwrap();
            input.request.budget = MicroDollars::new(1);
        }
    });
    agree(&world).unwrap();
    let none = |(_, why): &(_, UnmatchedReason)| *why == UnmatchedReason::NothingEligible;
    assert!(world.outcome().unmatched.iter().all(none));
}

#[test]
fn empty_sides_agree() {
    for (offers, requests) in [(0, 0), (3, 0), (0, 3)] {
        agree(&World::new(1, offers, requests)).unwrap();
    }
}

#[test]
fn a_policy_that_no_chain_takes_goes_to_the_plain_solver() {
    let mut world = World::new(5, 12, 30);
    world.policy = ScorePolicy {
        offsets: [u64::MAX; 4],
        weights: [[u16::MAX; 8]; 4],
        ..world.policy
    };
    agree(&world).unwrap();
}
#[test]
fn requests_for_no_gpu_go_to_the_plain_solver() {
    agree(&with(World::new(5, 12, 30), |_, requests| {
        requests[3].request.gpus = quorate_canon::GpuCount::new(0);
    }))
    .unwrap();
}
