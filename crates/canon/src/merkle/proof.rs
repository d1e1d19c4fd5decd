//! Proofs that a leaf, or an aligned run of leaves, stands where it is said to stand.

use super::tree::{levels, missing};
use super::{Kind, bind, depth, node};
use crate::Digest;

/// That a leaf stands at a position of a tree: the sibling hashes from the leaf up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The leaf's position, from 0.
    pub index: u32,
    /// The sibling of each node on the way, lowest first.
    pub siblings: Vec<Digest>,
}

/// Whether `leaf` stands at the proof's position in the tree of `count` leaves with that root.
#[must_use]
pub fn verify_leaf(root: &Digest, kind: Kind, count: u32, leaf: &Digest, proof: &Proof) -> bool {
    proof.index < count
        && climb(depth(count), proof.index, *leaf, &proof.siblings)
            .is_some_and(|top| bind(kind, count, &top) == *root)
}

/// The root that a subtree leads to: of the tree of `count` leaves in which `leaves` are those of
/// the aligned subtree number `index` of a depth (`place` is both). `None` if the numbers of leaves
/// or siblings are not those of such a tree, or a sibling beyond the last leaf is not that of missing
/// leaves: two roots of one list would else both pass, subtree by subtree.
#[must_use]
pub fn subtree_root(
    kind: Kind,
    count: u32,
    place: (u32, u32),
    leaves: &[Digest],
    siblings: &[Digest],
) -> Option<Digest> {
    let (index, subtree) = place;
    if subtree_leaves(count, index, subtree)? != u32::try_from(leaves.len()).ok()? {
        return None;
    }
    let top = levels(leaves.to_vec(), subtree)
        .pop()
        .and_then(|level| level.first().copied());
    let steps = depth(count).saturating_sub(subtree);
    if !is_padded(count, place, siblings) {
        return None;
    }
    let top = climb(steps, index, top.unwrap_or_default(), siblings)?;
    Some(bind(kind, count, &top))
}

/// Whether `leaves` are exactly those of the aligned subtree at `place`, its number and its depth,
/// in the tree of `count` leaves with that root.
#[must_use]
pub fn verify_subtree(
    root: &Digest,
    kind: Kind,
    count: u32,
    place: (u32, u32),
    leaves: &[Digest],
    siblings: &[Digest],
) -> bool {
    subtree_root(kind, count, place, leaves, siblings).is_some_and(|got| got == *root)
}

/// Goes up `steps` levels, or `None` if the siblings are not as many.
fn climb(steps: u32, index: u32, start: Digest, siblings: &[Digest]) -> Option<Digest> {
    if u32::try_from(siblings.len()) != Ok(steps) {
        return None;
    }
    let mut at = index;
    let mut below = start;
    for sibling in siblings {
        below = if at & 1 == 0 {
            node(&below, sibling)
        } else {
            node(sibling, &below)
        };
        at >>= 1;
    }
    Some(below)
}

/// Whether every sibling that has no leaf below it is the top of missing leaves.
fn is_padded(count: u32, (index, subtree): (u32, u32), siblings: &[Digest]) -> bool {
    let mut empty = missing(subtree);
    let mut at = index;
    for (level, sibling) in (subtree..).zip(siblings) {
        let first = u64::from(at ^ 1).checked_shl(level);
        if first.is_none_or(|first| first >= u64::from(count)) && *sibling != empty {
            return false;
        }
        empty = node(&empty, &empty);
        at >>= 1;
    }
    true
}

/// How many leaves the aligned subtree number `index` of a depth has in a tree of `count`.
pub(super) fn subtree_leaves(count: u32, index: u32, subtree: u32) -> Option<u32> {
    if subtree > depth(count) {
        return None;
    }
    let room = 1_u64.checked_shl(subtree)?;
    let first = u64::from(index).checked_mul(room)?;
    match u64::from(count).checked_sub(first)? {
        0 if count > 0 || index > 0 => None,
        left => u32::try_from(left.min(room)).ok(),
    }
}
