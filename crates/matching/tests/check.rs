//! Every entry that is wrong by itself is caught, and named as what it is.

mod common;

use common::world::{TIME, World};
use proptest::prelude::*;
use quorate_canon::{FixedWidth, OfferId, RequestId, Timestamp};
use quorate_matching::{Capacity, Entry, Fault, Ineligible, OutcomeList, PairRank, Snapshot};

/// A world whose list has several entries, two of them on one offer.
fn world() -> World {
    (0..)
        .map(|number| World::new(number, 6, 16))
        .find(|world| {
            let entries = world.list().entries().to_vec();
            entries.len() >= 5 && pair_on_one_offer(&entries).is_some()
        })
        .unwrap()
}

/// The position of the first entry whose successor has the same offer.
fn pair_on_one_offer(entries: &[Entry]) -> Option<usize> {
    entries
        .windows(2)
        .position(|pair| pair[0].offer == pair[1].offer)
}

/// The right list after `change`, with the lowest position that goes with it.
fn changed(world: &World, change: impl FnOnce(&mut Vec<Entry>)) -> OutcomeList {
    let mut entries = world.list().entries().to_vec();
    change(&mut entries);
    let bytes: Vec<u8> = entries.iter().flat_map(FixedWidth::to_bytes).collect();
    OutcomeList::from_bytes(&bytes).unwrap()
}

fn fault(world: &World, change: impl FnOnce(&mut Vec<Entry>)) -> Fault {
    world.check(&changed(world, change)).unwrap_err()
}

#[test]
fn the_outcome_itself_passes() {
    let world = world();
    assert_eq!(world.check(&world.list()), Ok(()));
}

#[test]
fn an_offer_that_nobody_made() {
    let offer = OfferId::new(9_999);
    let fault = fault(&world(), |entries| {
        entries.last_mut().unwrap().offer = offer
    });
    assert!(matches!(fault, Fault::UnknownOffer { offer: got, .. } if got == offer));
}

#[test]
fn a_request_that_nobody_made() {
    let request = RequestId::new(9_999);
    let fault = fault(&world(), |entries| entries[0].request = request);
    assert_eq!(
        fault,
        Fault::UnknownRequest {
            position: 0,
            request
        }
    );
}

#[test]
fn a_wrong_score() {
    let world = world();
    let expected = world.list().entries()[0].score;
    let got = fault(&world, |entries| entries[0].score += 1);
    assert_eq!(
        got,
        Fault::WrongScore {
            position: 0,
            got: expected + 1,
            expected
        }
    );
}

#[test]
fn a_wrong_tie() {
    let world = world();
    let expected = world.list().entries()[0].tie;
    let got = fault(&world, |entries| entries[0].tie ^= 1);
    assert_eq!(
        got,
        Fault::WrongTie {
            position: 0,
            got: expected ^ 1,
            expected
        }
    );
}

#[test]
fn a_wrong_sum_in_each_component() {
    let world = world();
    let bumps: [fn(&mut Capacity); 5] = [
        |used| used.gpus += 1,
        |used| used.cpu_milli -= 1,
        |used| used.memory_mib += 1,
        |used| used.disk_gib += 1,
        |used| used.mbits += 1,
    ];
    for bump in bumps {
        let got = fault(&world, |entries| bump(&mut entries[1].used));
        assert!(
            matches!(got, Fault::WrongUsed { position: 1, .. }),
            "{got:?}"
        );
    }
}

#[test]
fn a_sum_that_does_not_start_from_the_entry_above() {
    let world = world();
    let at = pair_on_one_offer(world.list().entries()).unwrap();
    let got = fault(&world, |entries| {
        let above = entries[at].used;
        entries[at + 1].used = entries[at + 1].used.saturating_sub(&above);
    });
    assert!(matches!(got, Fault::WrongUsed { position, .. } if position as usize == at + 1));
}

#[test]
fn pairs_of_an_offer_in_ascending_order() {
    let world = world();
    let at = pair_on_one_offer(world.list().entries()).unwrap();
    let got = fault(&world, |entries| entries.swap(at, at + 1));
    assert!(
        matches!(got, Fault::Order { .. } | Fault::WrongUsed { .. }),
        "{got:?}"
    );
}

#[test]
fn pairs_of_an_offer_in_ascending_order_with_sums_to_match() {
    let world = world();
    let at = pair_on_one_offer(world.list().entries()).unwrap();
    let got = fault(&world, |entries| {
        let total = entries[at + 1].used;
        let above = if at > 0 && entries[at - 1].offer == entries[at].offer {
            entries[at - 1].used
        } else {
            Capacity::ZERO
        };
        let first = entries[at].used.saturating_sub(&above);
        entries.swap(at, at + 1);
        entries[at].used = total.saturating_sub(&first);
        entries[at + 1].used = total;
    });
    let (position, before) = (u32::try_from(at).unwrap() + 1, u32::try_from(at).unwrap());
    assert_eq!(got, Fault::Order { position, before });
}

#[test]
fn offers_in_descending_order() {
    let world = world();
    let entries = world.list().entries().to_vec();
    let at = entries
        .windows(2)
        .position(|pair| pair[0].offer != pair[1].offer)
        .unwrap();
    let got = fault(&world, |entries| entries.rotate_left(at + 1));
    assert!(matches!(got, Fault::Order { .. }), "{got:?}");
}

#[test]
fn an_offers_entries_that_stand_apart() {
    let world = world();
    let entries = world.list().entries().to_vec();
    let at = pair_on_one_offer(&entries).unwrap();
    let got = fault(&world, |entries| {
        let mut split = entries.remove(at + 1);
        split.used = split.used.saturating_sub(&entries[at].used);
        entries.push(split);
    });
    assert!(
        matches!(got, Fault::Order { .. } | Fault::WrongUsed { .. }),
        "{got:?}"
    );
}

#[test]
fn the_same_entry_twice() {
    let got = fault(&world(), |entries| entries.insert(1, entries[0]));
    assert_eq!(
        got,
        Fault::Order {
            position: 1,
            before: 0
        }
    );
}

/// Adds a true, well-placed entry for an eligible pair that the outcome does not have.
fn with_extra(world: &World, choose: impl Fn(&World, &PairRank) -> bool) -> Option<OutcomeList> {
    let round = quorate_matching::Prepared::new(
        &world.snapshot,
        &world.policy,
        &world.context,
        &world.seed,
    );
    let mut outcome = world.outcome();
    for request in round.requests() {
        for offer in round.offers() {
            let rank = round.rank(request, offer);
            let known = outcome.matches.iter().any(|found| found.rank() == rank);
            if !known && round.eligible(request, offer).is_ok() && choose(world, &rank) {
                outcome.matches.push(rank.into());
                return OutcomeList::new(&outcome, &world.snapshot).ok();
            }
        }
    }
    None
}

fn free_after(world: &World, offer: OfferId) -> Capacity {
    let list = world.list();
    let last = list
        .entries()
        .iter()
        .rev()
        .find(|entry| entry.offer == offer);
    let used = last.map_or(Capacity::ZERO, |entry| entry.used);
    world
        .snapshot
        .offer(offer)
        .unwrap()
        .free()
        .saturating_sub(&used)
}

#[test]
fn a_request_on_two_machines() {
    let served = |world: &World, rank: &PairRank| {
        let demand = world
            .snapshot
            .request(rank.request)
            .unwrap()
            .request
            .demand();
        let is_served = world
            .outcome()
            .matches
            .iter()
            .any(|found| found.request == rank.request);
        is_served && free_after(world, rank.offer).holds(&demand)
    };
    let got = (0..50).find_map(|number| {
        let world = World::new(number, 6, 5);
        with_extra(&world, served).map(|list| world.check(&list).unwrap_err())
    });
    assert!(matches!(got, Some(Fault::Repeated { first, second, .. }) if first < second));
}

#[test]
fn a_machine_that_is_too_full() {
    let unserved = |world: &World, rank: &PairRank| {
        !world
            .outcome()
            .matches
            .iter()
            .any(|found| found.request == rank.request)
    };
    let got = (0..50).find_map(|number| {
        let world = World::new(number, 3, 16);
        with_extra(&world, unserved).map(|list| world.check(&list).unwrap_err())
    });
    assert!(matches!(got, Some(Fault::OverCapacity { .. })), "{got:?}");
}

#[test]
fn a_pair_that_does_not_exist() {
    let mut world = world();
    let list = world.list();
    // The same list, in a market where one of its machines is no longer on offer long enough.
    let mut offers = world.snapshot.offers().to_vec();
    let first = list.entries()[0];
    let offer = offers
        .iter_mut()
        .find(|input| input.offer.id == first.offer)
        .unwrap();
    offer.offer.available_until = Timestamp::new(TIME + 1);
    world.snapshot = Snapshot::new(offers, world.snapshot.requests().to_vec()).unwrap();
    let expected = Fault::Ineligible {
        position: 0,
        request: first.request,
        offer: first.offer,
        reason: Ineligible::Available,
    };
    assert_eq!(world.check(&list), Err(expected));
}

proptest! {
    #![proptest_config(common::cases(300))]

    /// Whatever one byte of the list is changed to, it is not the outcome any more.
    #[test]
    fn any_changed_byte_is_caught(
        number: u64, limit in 0_u32..8, at in any::<prop::sample::Index>(), flip in 1_u8..,
    ) {
        let world = World::new(number, 5, 10).with_limit(limit);
        let mut bytes = world.list().bytes();
        prop_assume!(!bytes.is_empty());
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        let list = OutcomeList::from_bytes(&bytes).unwrap();
        prop_assert!(world.check(&list).is_err());
    }

    #[test]
    fn entries_in_any_other_order_are_caught(number: u64, a: prop::sample::Index, b: prop::sample::Index) {
        let world = World::new(number, 5, 10);
        let mut entries = world.list().entries().to_vec();
        prop_assume!(!entries.is_empty());
        let (a, b) = (a.index(entries.len()), b.index(entries.len()));
        prop_assume!(a != b);
        entries.swap(a, b);
        let bytes: Vec<u8> = entries.iter().flat_map(FixedWidth::to_bytes).collect();
        prop_assert!(world.check(&OutcomeList::from_bytes(&bytes).unwrap()).is_err());
    }

    /// A larger market, where brute force does not reach: the outcome passes, and with any one match
    /// moved to another machine it does not.
    #[test]
    fn a_match_moved_to_another_machine_is_caught(
        number: u64, moved in any::<prop::sample::Index>(), to in any::<prop::sample::Index>(),
    ) {
        let world = World::new(number, 20, 40);
        prop_assert_eq!(world.check(&world.list()), Ok(()));
        let mut outcome = world.outcome();
        prop_assume!(!outcome.matches.is_empty());
        let moved = moved.index(outcome.matches.len());
        let offer = world.snapshot.offers()[to.index(world.snapshot.offers().len())].offer.id;
        prop_assume!(outcome.matches[moved].offer != offer);
        outcome.matches[moved].offer = offer;
        if let Ok(list) = OutcomeList::new(&outcome, &world.snapshot) {
            prop_assert!(world.check(&list).is_err());
        }
    }
}
