//! The judge against brute force: on small markets every witness that can be put together is shown
//! to it. A right outcome survives them all, a wrong one none.

mod common;

use common::ledger::{Ledger, Posted};
use common::oracle::{Oracle, Rank, Vector, demand, fits, free, minus};
use common::{small_ledger, soaked};
use proptest::prelude::*;
use quorate_canon::{FixedWidth, OfferId, RequestId};
use quorate_matching::wrong::{Lie, lie};
use quorate_matching::{
    Entry, Opening, OutcomeList, Refutation, SnapshotView, Witness, WitnessError, judge,
    judge_witness,
};

/// All sets of up to four positions, ascending.
fn sets(count: u32) -> Vec<Vec<u32>> {
    let mut sets: Vec<Vec<u32>> = vec![vec![]];
    for at in 0..count {
        let longer: Vec<_> = sets
            .iter()
            .filter(|set| set.len() < 4)
            .map(|set| [set.as_slice(), &[at]].concat())
            .collect();
        sets.extend(longer);
    }
    sets
}

/// Every id of a request that was ever made, and one that was not.
fn requests(ledger: &Ledger) -> Vec<RequestId> {
    let known = ledger.requests.keys().copied();
    known.chain([RequestId::new(9_999)]).collect()
}

fn offers(ledger: &Ledger) -> Vec<OfferId> {
    let known = ledger.offers.keys().copied();
    known.chain([OfferId::new(9_999)]).collect()
}

/// Every witness that opens this list: each kind over each set of entries, each pair over each set.
fn every_witness(ledger: &Ledger, list: &OutcomeList) -> Vec<Witness> {
    let openings: Vec<Opening> = sets(list.count())
        .iter()
        .map(|set| list.open(set).unwrap())
        .collect();
    let mut witnesses = vec![Witness::Seed([0; 48])];
    for opening in &openings {
        witnesses.push(Witness::Entry(opening.clone()));
        witnesses.push(Witness::Neighbours(opening.clone()));
        witnesses.push(Witness::Repeated(opening.clone()));
        witnesses.push(Witness::Cut(opening.clone()));
        for request in requests(ledger) {
            for offer in offers(ledger) {
                witnesses.push(Witness::Blocking {
                    request,
                    offer,
                    opening: opening.clone(),
                });
            }
        }
    }
    witnesses
}

/// Every refutation that any witness reaches.
fn refutations(ledger: &Ledger, list: &OutcomeList) -> (u64, Vec<Refutation>) {
    let (view, accused) = (ledger.posted(list), ledger.accused(list));
    let witnesses = every_witness(ledger, list);
    let shown = witnesses.len() as u64;
    let found = witnesses
        .iter()
        .filter_map(|witness| judge_witness(&view, &accused, witness).ok().flatten());
    (shown, found.collect())
}

#[test]
fn no_witness_of_any_kind_convicts_a_right_outcome() {
    let mut shown = 0;
    for number in 0..soaked(300) {
        let ledger = small_ledger(number);
        let (witnesses, found) = refutations(&ledger, &ledger.world.list());
        shown += witnesses;
        assert_eq!(found, [], "{number}");
    }
    println!("{shown} witnesses against right outcomes");
}

#[test]
fn some_witness_convicts_every_wrong_outcome() {
    let (mut shown, mut lists) = (0, 0);
    for number in 0..soaked(30) {
        let ledger = small_ledger(number);
        let right = ledger.world.list();
        for kind in Lie::ALL {
            let Some(lied) = lie(*kind, &ledger.truth(), number) else {
                continue;
            };
            let (witnesses, found) = refutations(&ledger, &lied.list);
            (shown, lists) = (shown + witnesses, lists + 1);
            assert_eq!(found.is_empty(), lied.list == right, "{kind:?} {number}");
        }
    }
    println!("{lists} lists, {shown} witnesses");
    assert!(lists > 100);
}

/// Whether a pair blocks a set of true matches, as the definition in the crate's documentation says it,
/// over the oracle's numbers.
fn blocks(ledger: &Ledger, matches: &[Rank], pair: Rank) -> bool {
    let snapshot = &ledger.world.snapshot;
    let takes = |id| demand(&snapshot.request(RequestId::new(id)).unwrap().to_bytes());
    let machine = snapshot.offer(OfferId::new(pair.3)).unwrap();
    let served = matches.iter().find(|found| found.2 == pair.2);
    let above = matches
        .iter()
        .filter(|found| found.3 == pair.3 && **found > pair);
    let room: Vector = above.fold(free(&machine.to_bytes()), |room, found| {
        minus(room, takes(found.2))
    });
    let limit = ledger.world.policy.max_matches as usize;
    let full = limit != 0 && matches.len() >= limit;
    let lowest = matches.iter().min().filter(|_| full);
    !matches.contains(&pair)
        && served.is_none_or(|found| *found < pair)
        && fits(takes(pair.2), room)
        && lowest.is_none_or(|lowest| *lowest < pair)
}

/// Of lists whose entries are all true: the pairs that the judge takes for blocking are those that do.
#[test]
fn a_pair_convicts_exactly_when_it_blocks() {
    let (mut yes, mut no) = (0_u64, 0_u64);
    let kinds = [
        Lie::DropMatch,
        Lie::MoveMatch,
        Lie::CutEarly,
        Lie::OtherOrder,
        Lie::OmitOffer,
    ];
    for number in 0..soaked(150) {
        let ledger = small_ledger(number);
        let lied = kinds
            .iter()
            .filter_map(|kind| lie(*kind, &ledger.truth(), number));
        for list in lied.map(|lied| lied.list).chain([ledger.world.list()]) {
            let matches: Vec<Rank> = list.entries().iter().map(rank_of).collect();
            for (pair, judged) in judged_pairs(&ledger, &list) {
                assert_eq!(judged, blocks(&ledger, &matches, pair), "{number} {pair:?}");
                if judged { yes += 1 } else { no += 1 }
            }
        }
    }
    println!("{yes} pairs block, {no} do not");
    assert!(yes > 100 && no > 100);
}

fn rank_of(entry: &Entry) -> Rank {
    (
        entry.score,
        entry.tie,
        entry.request.get(),
        entry.offer.get(),
    )
}

/// Each eligible pair of inputs, and whether any opening makes the judge take it for blocking.
fn judged_pairs(ledger: &Ledger, list: &OutcomeList) -> Vec<(Rank, bool)> {
    let world = &ledger.world;
    let oracle = Oracle::new(&world.policy, &world.context, &world.seed);
    let (view, accused) = (ledger.posted(list), ledger.accused(list));
    let openings: Vec<_> = sets(list.count())
        .iter()
        .map(|set| list.open(set).unwrap())
        .collect();
    let order = oracle.order(world.snapshot.requests(), world.snapshot.offers());
    order
        .into_iter()
        .map(|(pair, ..)| {
            let convicts = |opening: &Opening| {
                let witness = Witness::Blocking {
                    request: RequestId::new(pair.2),
                    offer: OfferId::new(pair.3),
                    opening: opening.clone(),
                };
                matches!(judge_witness(&view, &accused, &witness), Ok(Some(_)))
            };
            (pair, openings.iter().any(convicts))
        })
        .collect()
}

#[test]
fn nothing_blocks_before_the_list_is_posted() {
    let ledger = Ledger::new(3, 4, 8);
    let lied = lie(Lie::DropMatch, &ledger.truth(), 1).unwrap();
    let witness = ledger.witness_for(&lied.list).unwrap();
    assert!(matches!(witness, Witness::Blocking { .. }));
    let accused = ledger.accused(&lied.list);
    let before = judge_witness(&ledger.unposted(), &accused, &witness);
    assert_eq!(before, Err(WitnessError::NotPosted));
    let after = judge_witness(&ledger.posted(&lied.list), &accused, &witness);
    assert!(matches!(after, Ok(Some(_))));
}

/// Who knows the inputs alone comes to the same verdict; only unknown orders have no history there.
#[test]
fn the_view_of_the_inputs_convicts_the_same_lists() {
    for number in 0..soaked(150) {
        let ledger = small_ledger(number);
        let world = &ledger.world;
        for kind in Lie::ALL {
            let Some(lied) = lie(*kind, &ledger.truth(), number) else {
                continue;
            };
            let view = SnapshotView::new(&world.snapshot, &world.policy, &world.context);
            let view = view.with_posted(&lied.list);
            let Some(witness) = ledger.witness_for(&lied.list) else {
                continue;
            };
            let accused = ledger.accused(&lied.list);
            let theirs = judge_witness(&ledger.posted(&lied.list), &accused, &witness).unwrap();
            let ours = judge_witness(&view, &accused, &witness).unwrap();
            assert_eq!(
                ours.map(|found| found.position),
                theirs.map(|found| found.position)
            );
        }
    }
}

fn judged(view: &Posted<'_>, ledger: &Ledger, list: &OutcomeList, bytes: &[u8]) -> bool {
    let verdict = judge(view, &ledger.accused(list), bytes);
    matches!(verdict, Ok(Some(_)))
}

proptest! {
    #![proptest_config(common::cases(400))]

    /// Whatever bytes are shown, a right outcome stands, and nothing panics.
    #[test]
    fn arbitrary_bytes_convict_nobody(kind in 0_u8..9, bytes: Vec<u8>) {
        let ledger = small_ledger(5);
        let list = ledger.world.list();
        let bytes = [&[kind], bytes.as_slice()].concat();
        prop_assert!(!judged(&ledger.posted(&list), &ledger, &list, &bytes));
    }

    /// A witness that was tampered with is no witness, or the same verdict.
    #[test]
    fn a_changed_witness_convicts_no_right_outcome(
        number in 0_u64..500, which: prop::sample::Index, at: prop::sample::Index, flip in 1_u8.., cut: bool,
    ) {
        let ledger = small_ledger(number);
        let list = ledger.world.list();
        let witnesses = every_witness(&ledger, &list);
        let mut bytes = witnesses[which.index(witnesses.len())].to_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if cut {
            bytes.truncate(at);
        }
        prop_assert!(!judged(&ledger.posted(&list), &ledger, &list, &bytes));
    }

    /// One wrong byte anywhere in the list, or entries in another order, has a witness.
    #[test]
    fn any_changed_list_is_refuted(number in 0_u64..500, at: prop::sample::Index, flip in 1_u8.., swap: Option<prop::sample::Index>) {
        let ledger = small_ledger(number);
        let right = ledger.world.list();
        prop_assume!(right.count() > 0);
        let mut bytes = right.bytes();
        match swap {
            Some(other) => {
                let mut entries = right.entries().to_vec();
                let (a, b) = (at.index(entries.len()), other.index(entries.len()));
                entries.swap(a, b);
                bytes = entries.iter().flat_map(FixedWidth::to_bytes).collect();
            }
            None => {
                let at = at.index(bytes.len());
                bytes[at] ^= flip;
            }
        }
        let list = OutcomeList::from_bytes(&bytes).unwrap();
        let witness = ledger.witness_for(&list);
        prop_assert_eq!(witness.is_none(), list == right);
        if let Some(witness) = witness {
            prop_assert!(judged(&ledger.posted(&list), &ledger, &list, &witness.to_bytes()));
        }
    }
}
