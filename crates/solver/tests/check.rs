//! The fast check against the plain one, on right lists and on lists that are wrong in every way.

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

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use quorate_canon::{OfferId, RequestId};
use quorate_matching::{
    Capacity, Entry, Fault, NO_LOWEST, OfferInput, Outcome, OutcomeList, PairRank, RequestInput,
    Seed, Snapshot, eligible, factors, match_round, score, tie,
};
use quorate_solver::Prepared;
use world::{Dice, World};

fn cases(cases: u32) -> proptest::test_runner::Config {
    proptest::test_runner::Config {
        cases,
        failure_persistence: None,
        ..proptest::test_runner::Config::default()
    }
}

fn prepared(world: &World) -> Prepared {
    let snapshot = Arc::new(world.snapshot.clone());
    Prepared::new(snapshot, &world.policy, &world.context, 2)
}

fn lowest(entries: &[Entry]) -> u32 {
    let all = (0..).zip(entries);
    all.min_by_key(|(_, entry)| entry.rank())
        .map_or(NO_LOWEST, |(at, _)| at)
}

fn rank(world: &World, request: &RequestInput, offer: &OfferInput) -> PairRank {
    let tie = tie(request, offer, &world.seed);
    let factors = factors(request, offer, &world.policy, &world.context, tie);
    PairRank {
        score: score(request, &factors, &world.policy, &world.context),
        tie,
        request: request.request.id,
        offer: offer.offer.id,
    }
}

/// Entries of these pairs as a liar would list them: in order, with sums.
fn listed(world: &World, pairs: &[PairRank]) -> Vec<Entry> {
    let mut pairs = pairs.to_vec();
    pairs.sort_unstable_by_key(|pair| (pair.offer, Reverse(*pair)));
    let mut entries: Vec<Entry> = Vec::new();
    for pair in pairs {
        let above = entries.last().filter(|entry| entry.offer == pair.offer);
        let above = above.map_or(Capacity::ZERO, |entry| entry.used);
        let demand = world
            .snapshot
            .request(pair.request)
            .map(|input| input.request.demand());
        entries.push(Entry {
            offer: pair.offer,
            request: pair.request,
            score: pair.score,
            tie: pair.tie,
            used: above
                .checked_add(&demand.unwrap_or_default())
                .unwrap_or(above),
        });
    }
    entries
}

fn ranks(outcome: &Outcome) -> Vec<PairRank> {
    outcome.matches.iter().map(|found| found.rank()).collect()
}

/// Whether the list is as wrong as the fault says, worked out from scratch.
fn holds(world: &World, list: &OutcomeList, fault: &Fault) -> bool {
    let World {
        snapshot,
        policy,
        context,
        ..
    } = world;
    let entries = list.entries();
    let entry = |at: u32| &entries[at as usize];
    let above = |at: u32| {
        at.checked_sub(1)
            .map(entry)
            .filter(|one| one.offer == entry(at).offer)
    };
    let offer = |at: u32| snapshot.offer(entry(at).offer).unwrap();
    let request = |at: u32| snapshot.request(entry(at).request).unwrap();
    match *fault {
        Fault::UnknownOffer { position, offer } => {
            entry(position).offer == offer && snapshot.offer(offer).is_none()
        }
        Fault::UnknownRequest { position, request } => {
            entry(position).request == request && snapshot.request(request).is_none()
        }
        Fault::Ineligible {
            position, reason, ..
        } => {
            let wanted = &request(position).request;
            eligible(wanted, offer(position), policy, context) == Err(reason)
        }
        Fault::WrongScore {
            position,
            got,
            expected,
        } => {
            let right = rank(world, request(position), offer(position));
            got == entry(position).score && expected == right.score && got != expected
        }
        Fault::WrongTie {
            position,
            got,
            expected,
        } => {
            let right = rank(world, request(position), offer(position));
            got == entry(position).tie && expected == right.tie && got != expected
        }
        Fault::Order { position, before } => {
            let (one, two) = (entry(before), entry(position));
            before + 1 == position
                && (one.offer > two.offer || (one.offer == two.offer && one.rank() <= two.rank()))
        }
        Fault::Repeated {
            request,
            first,
            second,
        } => first < second && entry(first).request == request && entry(second).request == request,
        Fault::WrongUsed {
            position,
            got,
            expected,
        } => {
            let before = above(position).map_or(Capacity::ZERO, |entry| entry.used);
            let right = before.checked_add(&request(position).request.demand());
            got == entry(position).used && Some(expected) == right && got != expected
        }
        Fault::OverCapacity { position, .. } => {
            let before = above(position).map_or(Capacity::ZERO, |entry| entry.used);
            let sum = before.checked_add(&request(position).request.demand());
            sum.is_none_or(|sum| !offer(position).free().holds(&sum))
        }
        Fault::TooMany { got, limit } => {
            got == list.count() && policy.match_limit() == Some(limit) && got > limit
        }
        Fault::WrongLowest { got, expected } => {
            got == list.lowest() && expected == lowest(entries) && got != expected
        }
        Fault::Blocking(pair) => blocks(world, list, &pair),
    }
}

fn blocks(world: &World, list: &OutcomeList, pair: &PairRank) -> bool {
    let (Some(request), Some(offer)) = (
        world.snapshot.request(pair.request),
        world.snapshot.offer(pair.offer),
    ) else {
        return false;
    };
    let entries = list.entries();
    let own = entries.iter().find(|entry| entry.request == pair.request);
    let mut room = offer.free();
    for entry in entries
        .iter()
        .filter(|entry| entry.offer == pair.offer && entry.rank() > *pair)
    {
        let taken = world
            .snapshot
            .request(entry.request)
            .unwrap()
            .request
            .demand();
        room = room.saturating_sub(&taken);
    }
    let full = world.policy.match_limit() == Some(list.count());
    let end = entries.iter().map(Entry::rank).min().filter(|_| full);
    eligible(&request.request, offer, &world.policy, &world.context).is_ok()
        && rank(world, request, offer) == *pair
        && own.is_none_or(|own| own.rank() < *pair)
        && room.holds(&request.request.demand())
        && end.is_none_or(|end| *pair > end)
}

/// Both checks agree on whether the list is wrong; the fault that the fast one names holds, and is
/// the same on any number of threads.
fn judged(world: &World, prepared: &Prepared, list: &OutcomeList) -> Result<bool, TestCaseError> {
    let got = prepared.check(&world.seed, list, 2);
    let expected = world.check(list);
    prop_assert_eq!(got.is_ok(), expected.is_ok(), "{:?} {:?}", got, expected);
    prop_assert_eq!(prepared.check(&world.seed, list, 1), got);
    if let Err(fault) = &got {
        prop_assert!(holds(world, list, fault), "{:?}", fault);
    }
    Ok(got.is_err())
}

/// Lists that are wrong in one way each, or happen to be right.
fn liars(world: &World, dice: &mut Dice) -> Vec<OutcomeList> {
    let outcome = match_round(&world.snapshot, &world.policy, &world.context, &world.seed);
    let pairs = ranks(&outcome);
    let entries = listed(world, &pairs);
    let mut lies: Vec<Vec<Entry>> = Vec::new();
    if !entries.is_empty() {
        let at = usize::try_from(dice.below(entries.len() as u64)).unwrap();
        let mut edit = |change: &dyn Fn(&mut Vec<Entry>)| {
            let mut copy = entries.clone();
            change(&mut copy);
            lies.push(copy);
        };
        edit(&|list| list.retain(|entry| entry.request != entries[at].request));
        edit(&|list| list.truncate(at));
        edit(&|list| list[at].score += 1);
        edit(&|list| list[at].score = u64::MAX);
        edit(&|list| list[at].tie ^= 1 << 40);
        edit(&|list| list[at].used.gpus = list[at].used.gpus.wrapping_add(1));
        edit(&|list| list[at].used.mbits = u32::MAX);
        edit(&|list| list[at].offer = OfferId::new(u64::MAX));
        edit(&|list| list[at].offer = OfferId::new(0));
        edit(&|list| list[at].request = RequestId::new(1 << 40));
        edit(&|list| list[at].request = list[0].request);
        edit(&|list| list.insert(at, list[at]));
        edit(&|list| list.swap(0, at));
        edit(&|list| list.reverse());
        let without: Vec<_> = pairs
            .iter()
            .copied()
            .filter(|pair| *pair != pairs[at])
            .collect();
        lies.push(listed(world, &without));
    }
    lies.extend(consistent_lies(world, dice, &pairs));
    let mut lists: Vec<OutcomeList> = lies
        .into_iter()
        .map(|entries| {
            let lowest = lowest(&entries);
            OutcomeList::claimed(entries, lowest).unwrap()
        })
        .collect();
    let elsewhere = lowest(&entries).wrapping_add(1);
    lists.push(OutcomeList::claimed(entries, elsewhere).unwrap());
    lists
}

/// Lists whose entries are all true: only a pair that blocks tells that they are wrong.
fn consistent_lies(world: &World, dice: &mut Dice, right: &[PairRank]) -> Vec<Vec<Entry>> {
    let World {
        snapshot,
        policy,
        context,
        seed,
    } = world;
    let true_pairs = |outcome: &Outcome| -> Vec<PairRank> {
        let pair = |found: &quorate_matching::Match| {
            let request = snapshot.request(found.request)?;
            Some(rank(world, request, snapshot.offer(found.offer)?))
        };
        outcome.matches.iter().filter_map(pair).collect()
    };
    // Without some of the requests, or of the offers; under another seed; in another order.
    let some = |dice: &mut Dice, n: u64| {
        let offers = snapshot
            .offers()
            .iter()
            .filter(|_| n != 1 || dice.below(6) > 0);
        let offers: Vec<OfferInput> = offers.cloned().collect();
        let requests = snapshot
            .requests()
            .iter()
            .filter(|_| n != 0 || dice.below(6) > 0);
        Snapshot::new(offers, requests.cloned().collect()).unwrap()
    };
    let mut lies: Vec<Vec<PairRank>> = (0..2)
        .map(|n| true_pairs(&match_round(&some(dice, n), policy, context, seed)))
        .collect();
    lies.push(true_pairs(&match_round(
        snapshot,
        policy,
        context,
        &Seed([7; 32]),
    )));
    let kept: BTreeSet<RequestId> = right
        .iter()
        .take(right.len() / 2)
        .map(|pair| pair.request)
        .collect();
    lies.push(
        right
            .iter()
            .copied()
            .filter(|pair| kept.contains(&pair.request))
            .collect(),
    );
    lies.iter().map(|pairs| listed(world, pairs)).collect()
}

fn all_judged_alike(world: &World, number: u64) -> Result<(), TestCaseError> {
    let prepared = prepared(world);
    let right = prepared.list(&prepared.solve(&world.seed, 2), 2).unwrap();
    prop_assert!(!judged(world, &prepared, &right)?);
    for lie in liars(world, &mut Dice(number)) {
        let wrong = judged(world, &prepared, &lie)?;
        prop_assert_eq!(wrong, lie != right);
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(120))]

    #[test]
    fn small_crowded_markets_are_judged_alike(
        number: u64, offers in 1_u64..24, requests in 1_u64..60, limit in 0_u32..12,
    ) {
        all_judged_alike(&World::new(number, offers, requests).with_limit(limit), number)?;
    }
}

proptest! {
    #![proptest_config(cases(8))]

    #[test]
    fn medium_markets_are_judged_alike(number: u64, offers in 50_u64..150, requests in 100_u64..600) {
        all_judged_alike(&World::new(number, offers, requests), number)?;
    }

    #[test]
    fn markets_of_the_benchmark_are_judged_alike(
        number: u64, offers in 1_usize..200, requests in 1_usize..900,
    ) {
        let market = market::Market::new(number, requests, offers);
        let world = World {
            snapshot: Arc::unwrap_or_clone(market.snapshot),
            policy: market.policy,
            context: market.context,
            seed: market.seed,
        };
        all_judged_alike(&world, number)?;
    }

    #[test]
    fn equal_scores_are_judged_alike(number: u64, offers in 1_u64..40, requests in 1_u64..200) {
        let mut world = World::new(number, offers, requests);
        world.policy.weights = [[0, 0, 0, 0, 0, 10_000, 0, 0]; 4];
        world.policy.slash_decay = 10_000;
        world.policy.age_points = 0;
        world.policy.offsets = [0; 4];
        all_judged_alike(&world, number)?;
    }

    #[test]
    fn large_machines_are_judged_alike(number: u64, offers in 1_u64..30, requests in 1_u64..200) {
        let mut dice = Dice(number);
        let world = World::new(number, offers, requests);
        let mut offers = world.snapshot.offers().to_vec();
        let mut requests = world.snapshot.requests().to_vec();
        for input in &mut offers {
            input.offer.gpus = quorate_canon::GpuCount::new(1 + dice.small(255));
            input.offer.cpu_milli *= 100;
        }
        for input in &mut requests {
            input.request.gpus = quorate_canon::GpuCount::new(1 + dice.small(40));
        }
        let snapshot = Snapshot::new(offers, requests).unwrap();
        all_judged_alike(&World { snapshot, ..world }, number)?;
    }
}

#[test]
fn empty_lists_are_judged_alike() {
    for (offers, requests) in [(0, 0), (3, 0), (0, 3), (9, 9)] {
        let world = World::new(1, offers, requests);
        let list = OutcomeList::claimed(Vec::new(), NO_LOWEST).unwrap();
        judged(&world, &prepared(&world), &list).unwrap();
    }
}
