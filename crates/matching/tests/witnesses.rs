//! The bytes of witnesses: what goes in comes out, and what breaks the format is refused.

mod common;

use common::ledger::Ledger;
use common::small_ledger;
use proptest::prelude::*;
use quorate_canon::merkle::OpeningError;
use quorate_canon::{CodecError, Digest, OfferId, RequestId};
use quorate_matching::{
    BEACON_SIGNATURE, Entry, MAX_OPENED, NO_LOWEST, Opening, OutcomeList, Refutation,
    RefutationCode, Witness, WitnessError, judge_witness, list_of_root,
};

/// A ledger whose list has six entries at least, two of them of one offer.
fn ledger() -> Ledger {
    (0..)
        .map(|number| Ledger::new(number, 6, 16))
        .find(|ledger| {
            let list = ledger.world.list();
            let pairs = list.entries().windows(2);
            list.count() >= 6 && pairs.filter(|pair| pair[0].offer == pair[1].offer).count() > 0
        })
        .unwrap()
}

fn verdict(ledger: &Ledger, list: &OutcomeList, witness: &Witness) -> Option<Refutation> {
    judge_witness(&ledger.posted(list), &ledger.accused(list), witness).unwrap()
}

#[test]
fn an_opening_says_count_lowest_entries_and_siblings() {
    let list = ledger().world.list();
    let opening = list.open(&[1, 3]).unwrap();
    let bytes = Witness::Repeated(opening.clone()).to_bytes();
    assert_eq!(bytes[0], 4);
    assert_eq!(bytes[1..5], list.count().to_be_bytes());
    assert_eq!(bytes[5..9], list.lowest().to_be_bytes());
    assert_eq!(bytes[9], 2);
    assert_eq!(bytes[10..14], 1_u32.to_be_bytes());
    assert_eq!(bytes[14..63], list.bytes()[49..98]);
    assert_eq!(bytes[63..67], 3_u32.to_be_bytes());
    assert_eq!(bytes[67..116], list.bytes()[147..196]);
    assert_eq!(bytes.len(), 116 + 32 * opening.siblings.len());
    assert_eq!(opening.outcome_root(), Ok(list.outcome_root()));
}

#[test]
fn a_blocking_pair_names_request_and_offer_first() {
    let list = ledger().world.list();
    let witness = Witness::Blocking {
        request: RequestId::new(7),
        offer: OfferId::new(9),
        opening: list.open(&[]).unwrap(),
    };
    let bytes = witness.to_bytes();
    assert_eq!(
        bytes[..17],
        [[1].as_slice(), &7_u64.to_be_bytes(), &9_u64.to_be_bytes()].concat()
    );
    assert_eq!(bytes.len(), 17 + 9 + 32);
}

#[test]
fn a_seed_is_forty_eight_bytes() {
    let bytes = Witness::Seed([7; BEACON_SIGNATURE]).to_bytes();
    assert_eq!(bytes, [[6].as_slice(), &[7; 48]].concat());
    assert!(Witness::from_bytes(&bytes[..48]).is_err());
    assert!(Witness::from_bytes(&[bytes.as_slice(), &[0]].concat()).is_err());
}

#[test]
fn kinds_are_one_to_six() {
    assert_eq!(
        Witness::from_bytes(&[]),
        Err(CodecError::Short {
            at: 0,
            got: 0,
            expected: 1
        }
        .into())
    );
    for kind in [0, 7, 255] {
        assert_eq!(Witness::from_bytes(&[kind]), Err(WitnessError::Kind(kind)));
    }
}

/// How many entries each kind may open.
#[test]
fn each_kind_opens_as_many_entries_as_it_speaks_of() {
    let list = ledger().world.list();
    let lowest = list.lowest();
    let other = u32::from(lowest == 0);
    let mut both = [lowest, other];
    both.sort_unstable();
    let strangers: Vec<u32> = (0..list.count())
        .filter(|at| *at != lowest)
        .take(2)
        .collect();
    type Make = fn(Opening) -> Witness;
    let cases: [(Make, &[u32], bool); 16] = [
        (Witness::Entry, &[], false),
        (Witness::Entry, &[4], true),
        (Witness::Entry, &[3, 4], false),
        (Witness::Neighbours, &[], false),
        (Witness::Neighbours, &[0], true),
        (Witness::Neighbours, &[1], false),
        (Witness::Neighbours, &[2, 3], true),
        (Witness::Neighbours, &[2, 4], false),
        (Witness::Neighbours, &[2, 3, 4], false),
        (Witness::Repeated, &[1], false),
        (Witness::Repeated, &[1, 4], true),
        (Witness::Repeated, &[1, 2, 4], false),
        (Witness::Cut, &[], true),
        (Witness::Cut, &[lowest], false),
        (Witness::Cut, &both, true),
        (Witness::Cut, &strangers, false),
    ];
    for (make, positions, fits) in cases {
        let witness = make(list.open(positions).unwrap());
        let read = Witness::from_bytes(&witness.to_bytes());
        assert_eq!(read.is_ok(), fits, "{witness:?}");
        assert!(fits || matches!(read, Err(WitnessError::Shape { .. })));
    }
}

#[test]
fn no_opening_shows_five_entries() {
    let list = ledger().world.list();
    assert_eq!(list.open(&[0, 1, 2, 3, 4]), None);
    let mut opening = list.open(&[0, 1, 2, 3]).unwrap();
    opening.entries.push((4, Entry::default()));
    assert_eq!(opening.entries.len(), MAX_OPENED + 1);
    let witness = Witness::Cut(opening);
    assert!(matches!(
        Witness::from_bytes(&witness.to_bytes()),
        Err(WitnessError::Codec(CodecError::Range {
            field: "opened entries",
            got: 5,
            ..
        }))
    ));
}

#[test]
fn positions_ascend_below_the_count() {
    let list = ledger().world.list();
    let opening = list.open(&[1, 2]).unwrap();
    for positions in [[2, 1], [1, 1], [1, list.count()]] {
        let mut opening = opening.clone();
        opening.entries[0].0 = positions[0];
        opening.entries[1].0 = positions[1];
        let read = Witness::from_bytes(&Witness::Repeated(opening).to_bytes());
        assert!(matches!(
            read,
            Err(WitnessError::Codec(CodecError::Range {
                field: "position",
                ..
            }))
        ));
    }
}

#[test]
fn a_sibling_less_or_more_opens_nothing() {
    let ledger = ledger();
    let list = ledger.world.list();
    let (view, accused) = (ledger.posted(&list), ledger.accused(&list));
    let opening = list.open(&[2]).unwrap();
    let mut short = opening.clone();
    short.siblings.pop();
    let mut long = opening.clone();
    long.siblings.push(Digest::ZERO);
    let judged = |opening| judge_witness(&view, &accused, &Witness::Entry(opening));
    assert_eq!(judged(opening), Ok(None));
    assert!(matches!(
        judged(short),
        Err(WitnessError::Opening(OpeningError::TooFew { .. }))
    ));
    assert!(matches!(
        judged(long),
        Err(WitnessError::Opening(OpeningError::TooMany { .. }))
    ));
}

#[test]
fn an_opening_of_another_list_says_nothing() {
    let ledger = ledger();
    let list = ledger.world.list();
    let other = ledger.world.list().with_lowest(list.lowest() ^ 1);
    let witness = Witness::Cut(other.open(&[]).unwrap());
    let expected = WitnessError::Root {
        got: other.outcome_root(),
        expected: list.outcome_root(),
    };
    let judged = judge_witness(&ledger.posted(&list), &ledger.accused(&list), &witness);
    assert_eq!(judged, Err(expected));
}

#[test]
fn a_blocking_pair_without_its_neighbours_says_nothing() {
    let ledger = ledger();
    let list = ledger.world.list();
    let right = list.entries()[2];
    let mut entries = list.entries().to_vec();
    entries.remove(5);
    let wrong = OutcomeList::claimed(entries, 0).unwrap();
    for positions in [&[][..], &[0], &[0, 2], &[0, 4], &[4]] {
        let witness = Witness::Blocking {
            request: right.request,
            offer: right.offer,
            opening: wrong.open(positions).unwrap(),
        };
        let judged = judge_witness(&ledger.posted(&wrong), &ledger.accused(&wrong), &witness);
        assert!(
            matches!(judged, Err(WitnessError::Missing(_))),
            "{positions:?}"
        );
    }
}

/// Of an entry with several faults the first in the order of the format is named.
#[test]
fn an_entry_is_called_by_its_first_fault() {
    let ledger = ledger();
    let list = ledger.world.list();
    let named = |change: &dyn Fn(&mut Entry)| {
        let mut entries = list.entries().to_vec();
        change(&mut entries[3]);
        let list = OutcomeList::claimed(entries, 0).unwrap();
        let found = verdict(&ledger, &list, &Witness::Entry(list.open(&[3]).unwrap())).unwrap();
        assert_eq!(found.position, 3);
        found.code
    };
    let nowhere = RequestId::new(88_888);
    let outside = &ledger.outside;
    let before = outside.matched_before[0].request.id;
    let closed = outside.closed_requests[0].request.id;
    let gone = outside.closed_offers[0].offer.id;
    let all_wrong = |entry: &mut Entry| {
        entry.score ^= 1;
        entry.tie ^= 1;
        entry.used.gpus = 0;
    };
    let found = [
        named(&|entry| (entry.request, entry.offer) = (nowhere, OfferId::new(88_888))),
        named(&|entry| (entry.request, entry.offer) = (before, OfferId::new(88_888))),
        named(&|entry| (entry.request, entry.offer) = (before, gone)),
        named(&|entry| (entry.request, entry.offer) = (closed, gone)),
        named(&|entry| entry.offer = gone),
        named(&all_wrong),
        named(&|entry| (entry.tie, entry.used.gpus) = (entry.tie ^ 1, 0)),
        named(&|entry| (entry.used.gpus, entry.used.mbits) = (0, u32::MAX)),
        named(&|entry| entry.used.mbits = u32::MAX),
    ];
    use RefutationCode as Code;
    let expected = [
        Code::UnknownRequest,
        Code::UnknownOffer,
        Code::MatchedTwice,
        Code::RequestNotOpen,
        Code::OfferNotOpen,
        Code::WrongScore,
        Code::WrongTie,
        Code::WrongSum,
        Code::OverCapacity,
    ];
    assert_eq!(found, expected);
}

/// A sum that its width cannot hold: the entry says what is left of it, and is wrong all the same.
#[test]
fn a_sum_that_overflows_is_a_wrong_sum() {
    let ledger = ledger();
    let list = ledger.world.list();
    let mut entries = list.entries().to_vec();
    let at = (1..)
        .find(|at| entries[*at - 1].offer == entries[*at].offer)
        .unwrap();
    let takes = ledger
        .world
        .snapshot
        .request(entries[at].request)
        .unwrap()
        .request
        .gpus
        .get();
    entries[at - 1].used.gpus = u8::MAX;
    entries[at].used.gpus = u8::MAX.wrapping_add(takes);
    let list = OutcomeList::claimed(entries, 0).unwrap();
    let at = u32::try_from(at).unwrap();
    let witness = Witness::Neighbours(list.open(&[at - 1, at]).unwrap());
    let found = verdict(&ledger, &list, &witness).unwrap();
    assert_eq!((found.code, found.position), (RefutationCode::WrongSum, at));
}

#[test]
fn a_list_is_found_from_its_entries_and_its_root() {
    let list = ledger().world.list();
    for lowest in (0..list.count()).chain([NO_LOWEST]) {
        let claimed = list.clone().with_lowest(lowest);
        let found = list_of_root(list.entries().to_vec(), &claimed.outcome_root());
        assert_eq!(found, Ok(Some(claimed)));
    }
    let other = list.clone().with_lowest(list.count()).outcome_root();
    assert_eq!(list_of_root(list.entries().to_vec(), &other), Ok(None));
}

/// The figures of docs/decisions/witness.md: the most bytes that each kind takes in a list of a million
/// entries. The worst pair lies across the middle of the tree and has its request, and the lowest, far away.
#[test]
fn witnesses_of_a_million_matches_are_small() {
    let count = 1_000_000_u32;
    let half = 1 << 19;
    let list =
        OutcomeList::claimed(vec![Entry::default(); count as usize], half + 300_000).unwrap();
    let open = |positions: &[u32]| list.open(positions).unwrap();
    let blocking = |positions: &[u32]| Witness::Blocking {
        request: RequestId::new(1),
        offer: OfferId::new(1),
        opening: open(positions),
    };
    let sizes = [
        Witness::Cut(open(&[])),
        Witness::Entry(open(&[7])),
        Witness::Neighbours(open(&[half - 1, half])),
        Witness::Repeated(open(&[0, half])),
        blocking(&[half - 1, half]),
        blocking(&[0, half - 1, half]),
        blocking(&[0, half - 1, half, half + 300_000]),
    ];
    let sizes = sizes.map(|witness| witness.to_bytes().len());
    assert_eq!(sizes, [42, 703, 1_332, 1_332, 1_348, 1_945, 2_542]);
}

proptest! {
    #![proptest_config(common::cases(300))]

    #[test]
    fn what_goes_in_comes_out(number in 0_u64..200, set: [prop::sample::Index; 2], kind in 0_u8..5) {
        let list = small_ledger(number).world.list();
        prop_assume!(list.count() >= 2);
        let count = list.count();
        let at = u32::try_from(set[0].index(count as usize)).unwrap();
        let two: Vec<u32> = match at {
            0 => vec![0, 1],
            at => vec![at - 1, at],
        };
        let witness = match kind {
            0 => Witness::Entry(list.open(&[at]).unwrap()),
            1 => Witness::Neighbours(list.open(&two).unwrap()),
            2 => Witness::Repeated(list.open(&two).unwrap()),
            3 => Witness::Cut(list.open(&[]).unwrap()),
            _ => Witness::Blocking {
                request: RequestId::new(u64::from(at)),
                offer: OfferId::new(7),
                opening: list.open(&two).unwrap(),
            },
        };
        prop_assert_eq!(Witness::from_bytes(&witness.to_bytes()), Ok(witness));
    }

    /// Bytes that decode have no second encoding.
    #[test]
    fn decoding_is_exact(kind in 1_u8..7, bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let bytes = [&[kind], bytes.as_slice()].concat();
        if let Ok(witness) = Witness::from_bytes(&bytes) {
            prop_assert_eq!(witness.to_bytes(), bytes);
        }
    }
}
