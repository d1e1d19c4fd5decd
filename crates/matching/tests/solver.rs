//! The solver against the plainest greedy, and against everything that must not matter.

mod common;

use common::oracle::{Oracle, Rank};
use common::world::{Dice, World};
use proptest::prelude::*;
use quorate_matching::{Match, Outcome, Snapshot, UnmatchedReason, match_round};

fn ranks(outcome: &Outcome) -> Vec<Rank> {
    let rank = |found: &Match| {
        (
            found.score,
            found.tie,
            found.request.get(),
            found.offer.get(),
        )
    };
    outcome.matches.iter().map(rank).collect()
}

fn oracle(world: &World) -> Vec<Rank> {
    let oracle = Oracle::new(&world.policy, &world.context, &world.seed);
    let limit = world.policy.max_matches;
    oracle.greedy(world.snapshot.requests(), world.snapshot.offers(), limit)
}

/// The same orders in another order.
fn shuffled(world: &World, dice: &mut Dice) -> Snapshot {
    let mut offers = world.snapshot.offers().to_vec();
    let mut requests = world.snapshot.requests().to_vec();
    offers.sort_by_cached_key(|_| dice.roll());
    requests.sort_by_cached_key(|_| dice.roll());
    Snapshot::new(offers, requests).unwrap()
}

proptest! {
    #![proptest_config(common::cases(400))]

    #[test]
    fn it_is_the_greedy_walk_down_the_whole_order(
        number: u64, offers in 0_u64..24, requests in 0_u64..40, limit in 0_u32..12,
    ) {
        let world = World::new(number, offers, requests).with_limit(limit);
        prop_assert_eq!(ranks(&world.outcome()), oracle(&world));
    }

    #[test]
    fn the_order_in_which_orders_come_does_not_matter(number: u64, again: u64) {
        let world = World::new(number, 12, 20);
        let other = World { snapshot: shuffled(&world, &mut Dice(again)), ..world.clone() };
        prop_assert_eq!(other.snapshot.inputs_root(), world.snapshot.inputs_root());
        prop_assert_eq!(other.list().bytes(), world.list().bytes());
        prop_assert_eq!(other.list().outcome_root(), world.list().outcome_root());
    }

    #[test]
    fn a_request_is_matched_or_has_a_reason(number: u64, limit in 0_u32..6) {
        let world = World::new(number, 8, 16).with_limit(limit);
        let outcome = world.outcome();
        let mut seen: Vec<_> = outcome.matches.iter().map(|found| found.request).collect();
        seen.extend(outcome.unmatched.iter().map(|(id, _)| *id));
        seen.sort_unstable();
        let all: Vec<_> = world.snapshot.requests().iter().map(|input| input.request.id).collect();
        prop_assert_eq!(seen, all);
    }

    #[test]
    fn a_limit_cuts_the_same_outcome_short(number: u64, limit in 1_usize..10) {
        let world = World::new(number, 10, 16);
        let whole = world.outcome().matches;
        let cut = world.with_limit(u32::try_from(limit).unwrap()).outcome().matches;
        prop_assert_eq!(&cut[..], &whole[..whole.len().min(limit)]);
    }
}

/// Lists run out and are filled again: everybody wants the same few hundred machines.
#[test]
fn short_lists_are_refilled_until_nothing_is_left() {
    let world = World::new(4, 300, 900);
    assert_eq!(ranks(&world.outcome()), oracle(&world));
}

#[test]
fn threads_do_not_matter() {
    let world = World::new(11, 60, 150);
    let expected = world.list().bytes();
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| world.list().bytes()))
            .collect();
        for run in runs {
            assert_eq!(run.join().unwrap(), expected);
        }
    });
}

#[test]
fn an_empty_market_has_an_outcome() {
    for (offers, requests) in [(0, 0), (3, 0), (0, 3)] {
        let world = World::new(1, offers, requests);
        let outcome = world.outcome();
        assert!(outcome.matches.is_empty());
        assert!(
            outcome
                .unmatched
                .iter()
                .all(|(_, why)| *why == UnmatchedReason::NothingEligible)
        );
        assert_eq!(world.check(&world.list()), Ok(()));
    }
}

#[test]
fn reasons_tell_a_full_machine_from_a_limit() {
    let mut tried = [0, 0, 0];
    for number in 0..200 {
        let world = World::new(number, 3, 12).with_limit(2);
        let free = World {
            policy: world.clone().with_limit(0).policy,
            ..world.clone()
        };
        let without: Vec<_> = free.outcome().unmatched;
        for (id, reason) in world.outcome().unmatched {
            let later = without
                .iter()
                .find(|(other, _)| *other == id)
                .map(|(_, why)| *why);
            match reason {
                // Without a limit it fares no better, or room was taken after the cut.
                UnmatchedReason::LimitReached => {
                    tried[0] += 1;
                    assert_ne!(later, Some(UnmatchedReason::NothingEligible));
                }
                UnmatchedReason::Outranked => {
                    tried[1] += 1;
                    assert_eq!(later, Some(UnmatchedReason::Outranked));
                }
                UnmatchedReason::NothingEligible => {
                    tried[2] += 1;
                    assert_eq!(later, Some(UnmatchedReason::NothingEligible));
                }
            }
        }
    }
    assert!(tried.iter().all(|times| *times > 20), "{tried:?}");
}

/// Scores may be equal to the last digit; then the tie decides, then the ids.
#[test]
fn equal_scores_are_common_in_these_worlds() {
    let mut equal = 0;
    for number in 0..40 {
        let world = World::new(number, 8, 12);
        let oracle = Oracle::new(&world.policy, &world.context, &world.seed);
        let order = oracle.order(world.snapshot.requests(), world.snapshot.offers());
        equal += order
            .windows(2)
            .filter(|pair| pair[0].0.0 == pair[1].0.0)
            .count();
    }
    assert!(equal > 100, "{equal}");
}

#[test]
fn the_result_does_not_depend_on_how_often_it_is_asked() {
    let world = World::new(5, 30, 60);
    let again = match_round(&world.snapshot, &world.policy, &world.context, &world.seed);
    assert_eq!(world.outcome(), again);
}
