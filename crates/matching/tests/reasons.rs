//! What the losers are told is true.

mod common;

use common::oracle::Oracle;
use common::world::World;
use quorate_canon::{OfferId, RequestId};
use quorate_matching::{
    Capacity, Ineligible, PairVerdict, Prepared, UnmatchedReason, explain_offer, explain_pair,
    explain_request,
};

fn prepared(world: &World) -> Prepared<'_> {
    Prepared::new(&world.snapshot, &world.policy, &world.context, &world.seed)
}

#[test]
fn every_offer_is_counted_under_the_rule_that_cut_it() {
    let world = World::new(8, 30, 10);
    let oracle = Oracle::new(&world.policy, &world.context, &world.seed);
    let outcome = world.outcome();
    for request in world.snapshot.requests() {
        let said = explain_request(&prepared(&world), &outcome, request.request.id, 5).unwrap();
        let code = |offer| oracle.code(request, offer);
        for reason in Ineligible::ALL {
            let cut = world
                .snapshot
                .offers()
                .iter()
                .filter(|o| code(o) == reason.code())
                .count();
            let told = said.filtered.iter().find(|(other, _)| *other == reason);
            assert_eq!(told.map_or(0, |(_, cut)| *cut) as usize, cut, "{reason:?}");
        }
        let eligible = world
            .snapshot
            .offers()
            .iter()
            .filter(|o| code(o) == 0)
            .count();
        assert_eq!(
            (said.eligible as usize, said.best.len()),
            (eligible, eligible.min(5))
        );
    }
}

#[test]
fn the_best_pairs_come_first_with_factors_that_add_up() {
    let world = World::new(8, 30, 10);
    let (outcome, round) = (world.outcome(), prepared(&world));
    for input in world.snapshot.requests() {
        let said = explain_request(&round, &outcome, input.request.id, 30).unwrap();
        assert!(said.best.windows(2).all(|pair| pair[0].0 > pair[1].0));
        for (rank, factors) in said.best {
            let score = quorate_matching::score(input, &factors, &world.policy, &world.context);
            assert_eq!(score, rank.score);
        }
    }
}

#[test]
fn a_request_is_told_its_match_or_its_reason() {
    let world = World::new(8, 4, 20);
    let outcome = world.outcome();
    for input in world.snapshot.requests() {
        let id = input.request.id;
        let said = explain_request(&prepared(&world), &outcome, id, 0).unwrap();
        match said.result {
            Ok(found) => assert!(outcome.matches.contains(&found)),
            Err(reason) => assert!(outcome.unmatched.contains(&(id, reason))),
        }
        let nothing = said.result == Err(UnmatchedReason::NothingEligible);
        assert_eq!(nothing, said.eligible == 0);
    }
}

#[test]
fn orders_that_are_not_in_the_round_have_no_reasons() {
    let world = World::new(8, 4, 4);
    let (outcome, round) = (world.outcome(), prepared(&world));
    assert_eq!(
        explain_request(&round, &outcome, RequestId::new(999), 3),
        None
    );
    assert_eq!(
        explain_pair(&round, &outcome, RequestId::new(999), OfferId::new(1)),
        None
    );
}

/// Each verdict is checked against what the outcome says; all five occur.
#[test]
fn every_pair_has_a_true_verdict() {
    let mut seen = [0; 5];
    for number in 0..60 {
        let world = World::new(number, 4, 12).with_limit(4);
        let (outcome, round) = (world.outcome(), prepared(&world));
        for request in world.snapshot.requests() {
            for offer in world.snapshot.offers() {
                let (r, o) = (request.request.id, offer.offer.id);
                let got = outcome.matches.iter().find(|found| found.request == r);
                let kind = match explain_pair(&round, &outcome, r, o).unwrap() {
                    PairVerdict::Ineligible(_) => 0,
                    PairVerdict::Matched(rank) => {
                        assert_eq!(got.map(|got| got.rank()), Some(rank));
                        1
                    }
                    PairVerdict::ServedBetter { rank, got: better } => {
                        assert_eq!(got, Some(&better));
                        assert!(better.rank() > rank);
                        2
                    }
                    PairVerdict::Outranked { rank, by } => {
                        assert!(by.iter().all(|by| by.offer == o && by.rank() > rank));
                        assert!(!by.is_empty());
                        3
                    }
                    PairVerdict::BelowLimit(rank) => {
                        assert!(outcome.matches.len() == 4 && got.is_none());
                        assert!(outcome.matches[3].rank() > rank);
                        4
                    }
                };
                seen[kind] += 1;
            }
        }
    }
    assert!(seen.iter().all(|times| *times > 10), "{seen:?}");
}

#[test]
fn an_offer_is_told_each_request_once() {
    for number in 0..30 {
        let world = World::new(number, 6, 24).with_limit(6);
        let (outcome, round) = (world.outcome(), prepared(&world));
        for machine in world.snapshot.offers() {
            let said = explain_offer(&round, &outcome, machine.offer.id, usize::MAX).unwrap();
            let cut: u32 = said.filtered.iter().map(|(_, cut)| cut).sum();
            assert_eq!(cut + said.eligible, 24);
            let lost = said.served_better + said.outranked + said.below_limit;
            assert_eq!(
                u32::try_from(said.matches.len()).unwrap() + lost,
                said.eligible
            );
            assert_eq!(u32::try_from(said.losers.len()).unwrap(), lost);
        }
    }
}

#[test]
fn an_offers_matches_are_the_outcomes_and_fill_what_was_free() {
    let world = World::new(8, 6, 24);
    let (outcome, round) = (world.outcome(), prepared(&world));
    for machine in world.snapshot.offers() {
        let id = machine.offer.id;
        let said = explain_offer(&round, &outcome, id, 0).unwrap();
        let here = outcome.matches.iter().filter(|found| found.offer == id);
        let ranks: Vec<_> = here.map(|found| found.rank()).collect();
        let told: Vec<_> = said.matches.iter().map(|(rank, _)| *rank).collect();
        assert_eq!(told, ranks);
        let taken = ranks.iter().fold(Capacity::ZERO, |sum, rank| {
            let request = &world.snapshot.request(rank.request).unwrap().request;
            sum.checked_add(&request.demand()).unwrap()
        });
        assert_eq!(said.left.checked_add(&taken), Some(said.free));
    }
}

/// Pair by pair, the offer's side says what the pair's own explanation says.
#[test]
fn an_offers_losers_have_the_verdicts_of_their_pairs_best_first() {
    let mut seen = 0;
    for number in 0..30 {
        let world = World::new(number, 4, 16).with_limit(4);
        let (outcome, round) = (world.outcome(), prepared(&world));
        for machine in world.snapshot.offers() {
            let id = machine.offer.id;
            let said = explain_offer(&round, &outcome, id, 5).unwrap();
            assert!(said.losers.len() <= 5);
            let ranks: Vec<_> = said
                .losers
                .iter()
                .map(|(v, _)| *v.rank().unwrap())
                .collect();
            assert!(ranks.windows(2).all(|pair| pair[0] > pair[1]));
            for (verdict, factors) in &said.losers {
                let rank = verdict.rank().unwrap();
                let pair = explain_pair(&round, &outcome, rank.request, id).unwrap();
                assert_eq!(&pair, verdict);
                let input = world.snapshot.request(rank.request).unwrap();
                let score = quorate_matching::score(input, factors, &world.policy, &world.context);
                assert_eq!(score, rank.score);
                seen += 1;
            }
        }
    }
    assert!(seen > 50, "{seen}");
}
