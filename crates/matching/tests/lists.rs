//! Snapshots, lists and chunks: bytes, roots and proofs.

mod common;

use common::world::{Dice, World, offer, request};
use proptest::prelude::*;
use quorate_canon::hash::{sha256, tag};
use quorate_canon::merkle::{Kind, leaf, root};
use quorate_canon::{Digest, FixedWidth, OfferId, RequestId, Version};
use quorate_matching::{
    CHUNK, Capacity, ChunkError, Entry, ListError, NO_LOWEST, OutcomeList, Snapshot, SnapshotError,
    chunk_count, verify_chunk,
};

/// A list of any length; only its bytes matter here.
fn long_list(count: u32) -> OutcomeList {
    let entry = |i: u32| Entry {
        offer: OfferId::new(u64::from(i) + 1),
        request: RequestId::new(u64::from(count - i)),
        score: u64::from(i) * 7,
        tie: 0,
        used: Capacity {
            gpus: 1,
            ..Capacity::ZERO
        },
    };
    let bytes: Vec<u8> = (0..count).flat_map(|i| entry(i).to_bytes()).collect();
    OutcomeList::from_bytes(&bytes).unwrap()
}

#[test]
fn the_inputs_root_binds_both_trees() {
    let snapshot = World::new(3, 5, 9).snapshot;
    let offers = root(
        Kind::Offer,
        snapshot.offers().iter().map(FixedWidth::to_bytes),
    )
    .unwrap();
    let requests = root(
        Kind::Request,
        snapshot.requests().iter().map(FixedWidth::to_bytes),
    )
    .unwrap();
    let expected = sha256(&[&tag("quorate/inputs/v1"), &offers.0, &requests.0]);
    assert_eq!(snapshot.inputs_root(), expected);
}

#[test]
fn an_order_that_stands_twice_is_refused() {
    let mut dice = Dice(1);
    let (one, two, three) = (
        offer(&mut dice, 5),
        offer(&mut dice, 7),
        offer(&mut dice, 5),
    );
    let result = Snapshot::new(vec![one, two, three], vec![]);
    assert_eq!(result, Err(SnapshotError::RepeatedOffer(OfferId::new(5))));
    let (one, two, three) = (
        request(&mut dice, 5),
        request(&mut dice, 7),
        request(&mut dice, 7),
    );
    let result = Snapshot::new(vec![], vec![one, two, three]);
    assert_eq!(
        result,
        Err(SnapshotError::RepeatedRequest(RequestId::new(7)))
    );
}

#[test]
fn an_order_without_a_number_is_refused() {
    let mut dice = Dice(1);
    let nameless = Snapshot::new(vec![offer(&mut dice, 0)], vec![]);
    assert_eq!(
        nameless,
        Err(SnapshotError::UnnumberedOffer(OfferId::new(0)))
    );
    let mut unversioned = offer(&mut dice, 4);
    unversioned.offer.version = Version::new(0);
    let unversioned = Snapshot::new(vec![unversioned], vec![]);
    assert_eq!(
        unversioned,
        Err(SnapshotError::UnnumberedOffer(OfferId::new(4)))
    );
    let mut second = request(&mut dice, 4);
    second.request.version = Version::new(2);
    let second = Snapshot::new(vec![], vec![second]);
    assert_eq!(
        second,
        Err(SnapshotError::UnnumberedRequest(RequestId::new(4)))
    );
}

#[test]
fn orders_are_found_by_id() {
    let snapshot = World::new(3, 5, 9).snapshot;
    for input in snapshot.offers() {
        assert_eq!(snapshot.offer(input.offer.id), Some(input));
    }
    for input in snapshot.requests() {
        assert_eq!(snapshot.request(input.request.id), Some(input));
    }
    assert_eq!(snapshot.offer(OfferId::new(9_999)), None);
}

#[test]
fn an_outcome_root_binds_the_list_and_its_lowest() {
    let list = long_list(5);
    let leaves = root(Kind::List, list.entries().iter().map(FixedWidth::to_bytes)).unwrap();
    assert_eq!(list.root(), leaves);
    let lowest = list.lowest().to_be_bytes();
    let expected = sha256(&[&tag("quorate/outcome/v1"), &leaves.0, &lowest]);
    assert_eq!(list.outcome_root(), expected);
    let other = OutcomeList::claimed(list.entries().to_vec(), 3).unwrap();
    assert_ne!(other.outcome_root(), list.outcome_root());
}

#[test]
fn the_lowest_is_the_last_in_the_order_of_pairs() {
    assert_eq!(long_list(5).lowest(), 0);
    assert_eq!(long_list(0).lowest(), NO_LOWEST);
}

#[test]
fn a_list_comes_back_from_its_bytes() {
    let list = World::new(3, 8, 16).list();
    assert!(list.count() > 2);
    assert_eq!(OutcomeList::from_bytes(&list.bytes()), Ok(list.clone()));
    let cut = &list.bytes()[..50];
    assert!(matches!(
        OutcomeList::from_bytes(cut),
        Err(ListError::Codec(_))
    ));
}

#[test]
fn an_outcome_of_another_market_makes_no_list() {
    let (world, other) = (World::new(3, 8, 16), World::new(3, 8, 0));
    let error = OutcomeList::new(&world.outcome(), &other.snapshot).unwrap_err();
    assert!(matches!(error, ListError::UnknownRequest(_)));
}

#[test]
fn used_is_the_running_sum_of_an_offer() {
    let world = World::new(5, 5, 20);
    let (list, mut before) = (world.list(), Entry::default());
    let mut shared = 0;
    for entry in list.entries() {
        let start = if before.offer == entry.offer {
            before.used
        } else {
            Capacity::ZERO
        };
        shared += usize::from(before.offer == entry.offer);
        let demand = world
            .snapshot
            .request(entry.request)
            .unwrap()
            .request
            .demand();
        assert_eq!(start.checked_add(&demand), Some(entry.used));
        before = *entry;
    }
    assert!(shared > 0);
}

#[test]
fn every_chunk_of_a_list_is_proven_and_they_join_to_the_list() {
    for count in [0, 1, 2, 255, 256, 257, 512, 513, 1_300] {
        let list = long_list(count);
        assert_eq!(list.chunks(), count.div_ceil(CHUNK).max(1));
        let mut joined = Vec::new();
        for number in 0..list.chunks() {
            let chunk = list.chunk(number).unwrap();
            let entries = verify_chunk(&list.outcome_root(), &chunk).unwrap();
            assert_eq!(chunk.entries.len(), entries.len() * 49);
            joined.extend(chunk.entries);
        }
        assert_eq!(joined, list.bytes());
        assert_eq!(list.chunk(list.chunks()), None);
    }
}

#[test]
fn a_full_chunk_is_a_subtree_of_depth_eight() {
    let chunk = long_list(1_300).chunk(2).unwrap();
    assert_eq!((chunk.entries.len(), chunk.proof.len()), (256 * 49, 3));
    let only = long_list(40).chunk(0).unwrap();
    assert!(only.proof.is_empty());
}

#[test]
fn a_chunk_at_another_place_is_refused() {
    let list = long_list(600);
    let mut chunk = list.chunk(1).unwrap();
    chunk.index = 0;
    let expected = ChunkError::Root {
        index: 0,
        expected: list.outcome_root(),
    };
    assert_eq!(verify_chunk(&list.outcome_root(), &chunk), Err(expected));
    chunk.index = 3;
    let beyond = ChunkError::Index {
        index: 3,
        chunks: 3,
    };
    assert_eq!(verify_chunk(&list.outcome_root(), &chunk), Err(beyond));
}

#[test]
fn the_number_of_chunks_covers_every_count() {
    let counts = [0, 1, 256, 257, u32::MAX].map(chunk_count);
    assert_eq!(counts, [1, 1, 1, 2, 1 << 24]);
}

proptest! {
    #![proptest_config(common::cases(60))]

    #[test]
    fn a_changed_chunk_is_refused(
        count in 1_u32..700, number: prop::sample::Index, at: prop::sample::Index, field in 0..5,
    ) {
        let list = long_list(count);
        let number = number.index(list.chunks() as usize);
        let mut chunk = list.chunk(u32::try_from(number).unwrap()).unwrap();
        match field {
            0 => chunk.count += 1,
            1 => chunk.lowest ^= 1,
            2 => drop(chunk.entries.drain(..49)),
            3 => chunk.proof.push(Digest::ZERO),
            _ => {
                let at = at.index(chunk.entries.len());
                chunk.entries[at] ^= 1;
            }
        }
        prop_assert!(verify_chunk(&list.outcome_root(), &chunk).is_err());
    }
}

/// A leaf of the list tree is not a leaf of another tree.
#[test]
fn entries_are_hashed_as_entries() {
    let entry = long_list(1).entries()[0].to_bytes();
    assert_eq!(leaf(Kind::List, &entry), sha256(&[&[0, 3], &entry]));
}
