//! Openings of several leaves against single proofs, a plain recursion, and tampering.

use proptest::prelude::*;
use quorate_canon::Digest;
use quorate_canon::hash::sha256;
use quorate_canon::merkle::{
    Kind, OpeningError, Tree, leaf, root_of_opening, top_of_opening, verify_leaf, verify_opening,
};

const KIND: Kind = Kind::List;

fn leaves(count: u32) -> Vec<Digest> {
    (0..count).map(|i| leaf(KIND, &i.to_be_bytes())).collect()
}

fn tree(count: u32) -> Tree {
    Tree::new(KIND, leaves(count)).unwrap()
}

fn shown(count: u32, positions: &[u32]) -> Vec<(u32, Digest)> {
    let all = leaves(count);
    positions
        .iter()
        .map(|at| (*at, all[*at as usize]))
        .collect()
}

fn opens(count: u32, positions: &[u32]) -> bool {
    let tree = tree(count);
    let siblings = tree.open(positions).unwrap();
    verify_opening(
        &tree.root(),
        KIND,
        count,
        &shown(count, positions),
        &siblings,
    )
}

/// All sets of up to four of `count` positions.
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

/// The siblings by their definition: every node of a level that is not an ancestor of a shown leaf
/// while the node beside it is.
fn lacking(count: u32, positions: &[u32]) -> usize {
    let mut lacking = 0;
    let mut known: std::collections::BTreeSet<u32> = positions.iter().copied().collect();
    let mut width = count.next_power_of_two();
    while width > 1 {
        lacking += known
            .iter()
            .filter(|at| !known.contains(&(*at ^ 1)))
            .count();
        known = known.iter().map(|at| at >> 1).collect();
        width /= 2;
    }
    lacking
}

#[test]
fn every_set_of_up_to_four_leaves_opens_small_trees() {
    for count in 1..=10 {
        for set in sets(count) {
            assert!(opens(count, &set), "{count} {set:?}");
        }
    }
}

#[test]
fn an_opening_has_the_siblings_that_its_leaves_lack_and_no_more() {
    for count in 1..=10 {
        for set in sets(count).iter().filter(|set| !set.is_empty()) {
            let siblings = tree(count).open(set).unwrap();
            assert_eq!(siblings.len(), lacking(count, set), "{count} {set:?}");
        }
    }
}

#[test]
fn one_leaf_opens_by_its_proof() {
    for count in [1, 2, 3, 7, 8, 9, 100] {
        for at in 0..count {
            let tree = tree(count);
            assert_eq!(tree.open(&[at]).unwrap(), tree.prove(at).unwrap().siblings);
        }
    }
}

/// Leaves 1 and 2 of five: level 0 lacks 0 and 3, level 1 nothing, level 2 the missing half.
#[test]
fn siblings_come_level_by_level_from_left_to_right() {
    let all = leaves(5);
    let missing = sha256(&[&[1], &[0; 32], &[0; 32]]);
    let right = sha256(&[&[1], &all[4].0, &[0; 32]]);
    let right = sha256(&[&[1], &right.0, &missing.0]);
    assert_eq!(tree(5).open(&[1, 2]).unwrap(), [all[0], all[3], right]);
}

#[test]
fn no_leaf_is_opened_by_the_top() {
    for count in [1, 2, 5, 64] {
        let top = tree(count).top();
        assert_eq!(tree(count).open(&[]).unwrap(), [top]);
        assert_eq!(
            root_of_opening(KIND, count, &[], &[top]),
            Ok(tree(count).root())
        );
    }
}

#[test]
fn a_tree_of_no_leaves_has_the_top_zero_and_no_other() {
    assert_eq!(tree(0).open(&[]).unwrap(), [Digest::ZERO]);
    assert_eq!(top_of_opening(0, &[], &[Digest::ZERO]), Ok(Digest::ZERO));
    let got = Digest([1; 32]);
    assert_eq!(
        top_of_opening(0, &[], &[got]),
        Err(OpeningError::EmptyTop { got })
    );
}

#[test]
fn positions_ascend_strictly_and_lie_in_the_tree() {
    let all = leaves(4);
    let order = OpeningError::Order { got: 1, before: 1 };
    assert_eq!(
        top_of_opening(4, &[(1, all[1]), (1, all[1])], &[]),
        Err(order)
    );
    let order = OpeningError::Order { got: 0, before: 1 };
    assert_eq!(
        top_of_opening(4, &[(1, all[1]), (0, all[0])], &[]),
        Err(order)
    );
    let beyond = OpeningError::Position { got: 4, count: 4 };
    assert_eq!(top_of_opening(4, &[(4, all[0])], &[]), Err(beyond));
    for positions in [&[1, 1][..], &[1, 0], &[4], &[u32::MAX]] {
        assert_eq!(tree(4).open(positions), None);
    }
}

#[test]
fn siblings_are_used_up_exactly() {
    let siblings = tree(9).open(&[2, 7]).unwrap();
    let leaves = shown(9, &[2, 7]);
    let short = &siblings[1..];
    let too_few = OpeningError::TooFew { got: short.len() };
    assert_eq!(top_of_opening(9, &leaves, short), Err(too_few));
    let long = [siblings.as_slice(), &[Digest::ZERO]].concat();
    let too_many = OpeningError::TooMany {
        got: long.len(),
        expected: siblings.len(),
    };
    assert_eq!(top_of_opening(9, &leaves, &long), Err(too_many));
    assert_eq!(
        top_of_opening(9, &[], &[Digest::ZERO; 2]),
        Err(OpeningError::TooMany {
            got: 2,
            expected: 1
        })
    );
    assert_eq!(
        top_of_opening(9, &[], &[]),
        Err(OpeningError::TooFew { got: 0 })
    );
}

/// An ascending set of up to four positions below `count`.
fn a_set(count: u32) -> impl Strategy<Value = Vec<u32>> {
    prop::collection::btree_set(0..count, 1..=4).prop_map(|set| set.into_iter().collect())
}

fn a_tree_and_a_set() -> impl Strategy<Value = (u32, Vec<u32>)> {
    (4_u32..700).prop_flat_map(|count| (Just(count), a_set(count)))
}

proptest! {
    /// Each leaf that an opening shows has a proof of its own, and the other way round.
    #[test]
    fn an_opening_shows_what_single_proofs_show((count, set) in a_tree_and_a_set()) {
        let tree = tree(count);
        prop_assert!(opens(count, &set));
        for (at, hash) in shown(count, &set) {
            let proof = tree.prove(at).unwrap();
            prop_assert!(verify_leaf(&tree.root(), KIND, count, &hash, &proof));
        }
    }

    #[test]
    fn whatever_is_changed_leads_elsewhere(
        (count, set) in a_tree_and_a_set(), what in 0_u8..4, which: prop::sample::Index, flip in 1_u8..,
    ) {
        let tree = tree(count);
        let (mut leaves, mut siblings) = (shown(count, &set), tree.open(&set).unwrap());
        let mut claimed = count;
        match what {
            0 => leaves[which.index(set.len())].1.0[0] ^= flip,
            1 if !siblings.is_empty() => {
                let at = which.index(siblings.len());
                siblings[at].0[31] ^= flip;
            }
            2 => {
                let at = which.index(set.len());
                let free = (0..count).find(|other| !set.contains(other)).unwrap();
                leaves[at].0 = free;
                leaves.sort_unstable_by_key(|(at, _)| *at);
            }
            _ => claimed += u32::from(flip),
        }
        prop_assert!(!verify_opening(&tree.root(), KIND, claimed, &leaves, &siblings));
    }

    #[test]
    fn arbitrary_openings_never_panic(
        count: u32, positions: Vec<u32>, siblings in 0_usize..200,
    ) {
        let leaves: Vec<_> = positions.iter().map(|at| (*at, Digest([1; 32]))).collect();
        let siblings = vec![Digest([2; 32]); siblings];
        prop_assert!(!verify_opening(&Digest([3; 32]), KIND, count, &leaves, &siblings));
    }
}
