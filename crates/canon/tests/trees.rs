//! Trees against the plain recursion that the format describes, and proofs against tampering.

use proptest::prelude::*;
use quorate_canon::Digest;
use quorate_canon::hash::sha256;
use quorate_canon::merkle::{
    Kind, Proof, Run, Tree, depth, leaf, root, subtree_root, verify_leaf, verify_subtree,
};

const KIND: Kind = Kind::List;

fn entries(count: u32) -> Vec<Vec<u8>> {
    (0..count)
        .map(|i| i.to_be_bytes().repeat(1 + (i as usize % 5)))
        .collect()
}

fn leaves(count: u32) -> Vec<Digest> {
    entries(count)
        .iter()
        .map(|entry| leaf(KIND, entry))
        .collect()
}

/// The top of the full tree of `depth` over `leaves`, halving the tree from above.
fn naive_top(leaves: &[Digest], depth: u32) -> Digest {
    if depth == 0 {
        return leaves.first().copied().unwrap_or(Digest([0; 32]));
    }
    let half = leaves.len().min(1 << (depth - 1));
    let (left, right) = leaves.split_at(half);
    let (left, right) = (naive_top(left, depth - 1), naive_top(right, depth - 1));
    sha256(&[&[1], &left.0, &right.0])
}

fn naive_root(kind: u8, entries: &[Vec<u8>]) -> Digest {
    let leaves: Vec<_> = entries
        .iter()
        .map(|entry| sha256(&[&[0, kind], entry]))
        .collect();
    let mut depth = 0;
    while (1_usize << depth) < leaves.len() {
        depth += 1;
    }
    let count = u32::try_from(leaves.len()).unwrap();
    sha256(&[
        &[2, kind],
        &count.to_be_bytes(),
        &naive_top(&leaves, depth).0,
    ])
}

#[test]
fn runs_joined_are_the_tree_of_their_leaves() {
    let whole = Run::LEAVES;
    for count in [
        0,
        1,
        2,
        5,
        whole - 1,
        whole,
        whole + 1,
        2 * whole,
        3 * whole + 5,
    ] {
        let leaves = leaves(u32::try_from(count).unwrap());
        let expected = Tree::new(KIND, leaves.clone()).unwrap();
        // The last two are no lengths that nodes can be kept of.
        for each in [whole, 2 * whole, 1_000, whole + 1] {
            let runs = leaves.chunks(each).map(|run| Run::new(run.to_vec()));
            let joined = Tree::join(KIND, runs.collect()).unwrap();
            assert!(joined == expected, "{count} leaves, {each} a run");
        }
    }
}

#[test]
fn both_ways_to_a_root_agree_with_the_recursion() {
    for count in (0..70).chain([127, 128, 129, 255, 256, 257, 1000]) {
        let expected = naive_root(3, &entries(count));
        assert_eq!(root(KIND, entries(count)), Ok(expected), "{count} streamed");
        assert_eq!(
            Tree::new(KIND, leaves(count)).unwrap().root(),
            expected,
            "{count} in memory"
        );
    }
}

#[test]
fn kinds_keep_equal_entries_apart() {
    let roots =
        [Kind::Offer, Kind::Request, Kind::List].map(|kind| root(kind, entries(3)).unwrap());
    assert_eq!(roots, [1, 2, 3].map(|kind| naive_root(kind, &entries(3))));
    assert!(roots[0] != roots[1] && roots[1] != roots[2] && roots[0] != roots[2]);
}

#[test]
fn depth_is_the_least_that_holds_the_leaves() {
    for count in 1..5000_u32 {
        let depth = depth(count);
        assert!(1_u64 << depth >= u64::from(count));
        assert!(depth == 0 || (1_u64 << (depth - 1)) < u64::from(count));
    }
    assert_eq!((depth(0), depth(u32::MAX)), (0, 32));
}

#[test]
fn every_leaf_proves_its_own_place_and_no_other() {
    for count in [1, 2, 3, 5, 8, 13] {
        let tree = Tree::new(KIND, leaves(count)).unwrap();
        for (i, own) in (0..).zip(leaves(count)) {
            let proof = tree.prove(i).unwrap();
            assert!(verify_leaf(&tree.root(), KIND, count, &own, &proof));
            for index in (0..count + 2).filter(|index| *index != i) {
                let moved = Proof {
                    index,
                    ..proof.clone()
                };
                assert!(
                    !verify_leaf(&tree.root(), KIND, count, &own, &moved),
                    "{i} at {index}"
                );
            }
        }
        assert_eq!(tree.prove(count), None);
    }
}

#[test]
fn a_proof_holds_for_one_root_one_count_and_one_kind() {
    let tree = Tree::new(KIND, leaves(6)).unwrap();
    let (proof, own) = (tree.prove(4).unwrap(), leaves(6)[4]);
    assert!(!verify_leaf(&Digest([9; 32]), KIND, 6, &own, &proof));
    assert!(!verify_leaf(&tree.root(), KIND, 7, &own, &proof));
    assert!(!verify_leaf(&tree.root(), Kind::Offer, 6, &own, &proof));
    assert!(!verify_leaf(&tree.root(), KIND, 6, &leaves(6)[3], &proof));
}

#[test]
fn a_proof_that_is_too_long_or_too_short_proves_nothing() {
    let tree = Tree::new(KIND, leaves(6)).unwrap();
    let (proof, own) = (tree.prove(4).unwrap(), leaves(6)[4]);
    let mut long = proof.clone();
    long.siblings.push(Digest::ZERO);
    let mut short = proof;
    short.siblings.pop();
    assert!(!verify_leaf(&tree.root(), KIND, 6, &own, &long));
    assert!(!verify_leaf(&tree.root(), KIND, 6, &own, &short));
}

#[test]
fn every_subtree_leads_to_the_root() {
    for count in [0, 1, 2, 3, 5, 8, 13, 16, 21] {
        let (tree, all) = (Tree::new(KIND, leaves(count)).unwrap(), leaves(count));
        for subtree in 0..=depth(count) {
            let width = 1_u32 << subtree;
            for index in 0..count.div_ceil(width).max(1) {
                let siblings = tree.prove_subtree(index, subtree).unwrap();
                let first = (index * width) as usize;
                let part = &all[first..all.len().min(first + width as usize)];
                let got = subtree_root(KIND, count, (index, subtree), part, &siblings);
                assert_eq!(got, Some(tree.root()), "{count} {subtree} {index}");
            }
        }
    }
}

#[test]
fn a_subtree_with_a_leaf_less_or_more_is_refused() {
    let (tree, all) = (Tree::new(KIND, leaves(6)).unwrap(), leaves(6));
    let siblings = tree.prove_subtree(1, 2).unwrap();
    assert!(verify_subtree(
        &tree.root(),
        KIND,
        6,
        (1, 2),
        &all[4..6],
        &siblings
    ));
    assert!(!verify_subtree(
        &tree.root(),
        KIND,
        6,
        (1, 2),
        &all[4..5],
        &siblings
    ));
    // The missing leaf said aloud hashes to the same top, and is refused all the same.
    let padded = [all[4], all[5], Digest::ZERO];
    assert!(!verify_subtree(
        &tree.root(),
        KIND,
        6,
        (1, 2),
        &padded,
        &siblings
    ));
}

/// Whoever fills a missing leaf has another root for the same leaves. No subtree of it passes that
/// has the filled place beside it, so such a root cannot be shown subtree by subtree.
#[test]
fn a_root_over_filled_missing_leaves_is_refused() {
    let all = leaves(10);
    let filled = Digest([9; 32]);
    let padded = [all.clone(), vec![Digest::ZERO; 4], vec![filled; 2]].concat();
    let top = naive_top(&padded, 4);
    let forged = sha256(&[&[2, 3], &10_u32.to_be_bytes(), &top.0]);
    let parts = |from: usize, to: usize, depth| naive_top(&padded[from..to], depth);
    // Leaves 8 and 9, then 10 and 11 (missing), 12 to 15 (two of them filled), 0 to 7.
    let siblings = [parts(10, 12, 1), parts(12, 16, 2), parts(0, 8, 3)];
    let proof = Proof {
        index: 8,
        siblings: [&[all[9]], siblings.as_slice()].concat(),
    };
    assert!(
        verify_leaf(&forged, KIND, 10, &all[8], &proof),
        "forged well"
    );
    assert!(!verify_subtree(
        &forged,
        KIND,
        10,
        (4, 1),
        &all[8..],
        &siblings
    ));
    let honest = Tree::new(KIND, all.clone()).unwrap();
    let siblings = honest.prove_subtree(4, 1).unwrap();
    assert!(verify_subtree(
        &honest.root(),
        KIND,
        10,
        (4, 1),
        &all[8..],
        &siblings
    ));
}

#[test]
fn there_is_no_subtree_beyond_the_leaves_or_above_the_top() {
    let tree = Tree::new(KIND, leaves(6)).unwrap();
    assert_eq!(tree.prove_subtree(2, 2), None);
    assert_eq!(tree.prove_subtree(3, 1), None);
    assert_eq!(tree.prove_subtree(0, 4), None);
    assert_eq!(tree.prove_subtree(u32::MAX, 3), None);
}

proptest! {
    #[test]
    fn one_changed_leaf_changes_the_root(count in 1_u32..40, at in any::<prop::sample::Index>()) {
        let mut changed = leaves(count);
        let at = at.index(changed.len());
        changed[at].0[0] ^= 1;
        let (tree, other) = (Tree::new(KIND, leaves(count)), Tree::new(KIND, changed));
        prop_assert_ne!(tree.unwrap().root(), other.unwrap().root());
    }

    #[test]
    fn arbitrary_claims_never_panic(
        count: u32, index: u32, subtree: u32,
        number in 0_usize..20, siblings in 0_usize..40,
    ) {
        let (some, siblings) = (vec![Digest([1; 32]); number], vec![Digest([2; 32]); siblings]);
        let root = Digest([3; 32]);
        prop_assert!(!verify_subtree(&root, KIND, count, (index, subtree), &some, &siblings));
        let proof = Proof { index, siblings };
        prop_assert!(!verify_leaf(&root, KIND, count, &Digest::ZERO, &proof));
    }
}
