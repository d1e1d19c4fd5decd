//! Merkle trees as `docs/formats.md` section 4 fixes them.
//!
//! Leaves, nodes and roots are hashed with different first bytes, so none passes for another, and the
//! root binds the kind of its entries and their count, so a proof of position is a proof of "last"
//! as well. The tree is the full binary tree of the least depth that holds the leaves; a missing
//! leaf is 32 zero bytes.

use thiserror::Error;

use crate::Digest;
use crate::hash::sha256;

/// What a tree's entries are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Offers with their values at T.
    Offer,
    /// Requests with their values at T.
    Request,
    /// Entries of an outcome's list.
    List,
}

impl Kind {
    /// The number that stands for the kind in every hash.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Offer => 1,
            Self::Request => 2,
            Self::List => 3,
        }
    }
}

/// A tree holds at most `u32::MAX` leaves, because its root binds the count in 32 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "too many leaves: got more than {}, the most that a root can count",
    u32::MAX
)]
pub struct TooManyLeaves;

/// The hash of an entry.
#[must_use]
pub fn leaf(kind: Kind, entry: &[u8]) -> Digest {
    sha256(&[&[0, kind.code()], entry])
}

/// The hash of two neighbours.
#[must_use]
pub fn node(left: &Digest, right: &Digest) -> Digest {
    sha256(&[&[1], &left.0, &right.0])
}

/// The least depth of a full tree with room for `count` leaves: 0 for none and for one.
#[must_use]
pub fn depth(count: u32) -> u32 {
    match count.checked_sub(1) {
        None => 0,
        Some(last) => u32::BITS.saturating_sub(last.leading_zeros()),
    }
}

/// The root of the tree over `entries`, in memory of the depth and not of the count.
///
/// # Errors
/// If there are more entries than a root can count.
pub fn root<I>(kind: Kind, entries: I) -> Result<Digest, TooManyLeaves>
where
    I: IntoIterator,
    I::Item: AsRef<[u8]>,
{
    let mut peaks = Peaks::default();
    for entry in entries {
        peaks.push(leaf(kind, entry.as_ref()))?;
    }
    Ok(bind(kind, peaks.count, &peaks.top()))
}

fn bind(kind: Kind, count: u32, top: &Digest) -> Digest {
    sha256(&[&[2, kind.code()], &count.to_be_bytes(), &top.0])
}

/// The tops of the complete subtrees so far, one for each bit of the count, lowest first.
#[derive(Default)]
struct Peaks {
    tops: Vec<Option<Digest>>,
    count: u32,
}

impl Peaks {
    fn push(&mut self, leaf: Digest) -> Result<(), TooManyLeaves> {
        self.count = self.count.checked_add(1).ok_or(TooManyLeaves)?;
        let mut carry = leaf;
        for slot in &mut self.tops {
            match slot.take() {
                Some(left) => carry = node(&left, &carry),
                None => {
                    *slot = Some(carry);
                    return Ok(());
                }
            }
        }
        self.tops.push(Some(carry));
        Ok(())
    }

    /// Fills up with missing leaves to the full tree.
    fn top(&self) -> Digest {
        let mut missing = Digest::ZERO;
        let mut right: Option<Digest> = None;
        let depth = depth(self.count);
        for (level, slot) in (0_u32..).zip(&self.tops) {
            right = match (slot, right) {
                // The only peak of the tree is its top: nothing stands right of it.
                (Some(left), None) if level == depth => Some(*left),
                (Some(left), below) => Some(node(left, &below.unwrap_or(missing))),
                (None, Some(below)) => Some(node(&below, &missing)),
                (None, None) => None,
            };
            missing = node(&missing, &missing);
        }
        right.unwrap_or(Digest::ZERO)
    }
}

/// A tree in memory, to prove from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    kind: Kind,
    count: u32,
    /// From the leaves up to the top; what stands right of the last node of a level is missing.
    levels: Vec<Vec<Digest>>,
    root: Digest,
}

/// That a leaf stands at a position of a tree: the sibling hashes from the leaf up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The leaf's position, from 0.
    pub index: u32,
    /// The sibling of each node on the way, lowest first.
    pub siblings: Vec<Digest>,
}

impl Tree {
    /// The tree over leaves that [`leaf`] hashed with the same kind.
    ///
    /// # Errors
    /// If there are more leaves than a root can count.
    pub fn new(kind: Kind, leaves: Vec<Digest>) -> Result<Self, TooManyLeaves> {
        let count = u32::try_from(leaves.len()).map_err(|_| TooManyLeaves)?;
        let levels = levels(leaves, depth(count));
        let top = levels
            .last()
            .and_then(|level| level.first())
            .copied()
            .unwrap_or_default();
        Ok(Self {
            kind,
            count,
            levels,
            root: bind(kind, count, &top),
        })
    }

    /// The root, which binds kind and count.
    #[must_use]
    pub const fn root(&self) -> Digest {
        self.root
    }

    /// The number of leaves.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// The depth: how many siblings the proof of a leaf has.
    #[must_use]
    pub fn depth(&self) -> u32 {
        depth(self.count)
    }

    /// The proof of the leaf at `index`, or `None` if there is none.
    #[must_use]
    pub fn prove(&self, index: u32) -> Option<Proof> {
        if index >= self.count {
            return None;
        }
        Some(Proof {
            index,
            siblings: self.siblings(index, 0),
        })
    }

    /// The proof of the aligned subtree number `index` of the given depth: the sibling hashes from
    /// that subtree up. `None` if it has no leaf (but for the one subtree of an empty tree) or is
    /// deeper than the tree.
    #[must_use]
    pub fn prove_subtree(&self, index: u32, depth: u32) -> Option<Vec<Digest>> {
        subtree_leaves(self.count, index, depth)?;
        Some(self.siblings(index, depth))
    }

    fn siblings(&self, index: u32, from: u32) -> Vec<Digest> {
        let mut at = index;
        let mut missing = missing(from);
        let mut siblings = Vec::new();
        let below_top = usize::try_from(self.depth().saturating_sub(from)).unwrap_or(0);
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        for level in self.levels.iter().skip(from).take(below_top) {
            let sibling = usize::try_from(at ^ 1).ok().and_then(|at| level.get(at));
            siblings.push(sibling.copied().unwrap_or(missing));
            missing = node(&missing, &missing);
            at >>= 1;
        }
        siblings
    }
}

fn levels(leaves: Vec<Digest>, depth: u32) -> Vec<Vec<Digest>> {
    let mut levels = vec![leaves];
    let mut missing = Digest::ZERO;
    for _ in 0..depth {
        let above = levels
            .last()
            .map(|below| pairs(below, &missing))
            .unwrap_or_default();
        levels.push(above);
        missing = node(&missing, &missing);
    }
    levels
}

fn pairs(below: &[Digest], missing: &Digest) -> Vec<Digest> {
    below
        .chunks(2)
        .map(|pair| match pair {
            [left, right] => node(left, right),
            [left] => node(left, missing),
            _ => *missing,
        })
        .collect()
}

/// The top of a subtree of the given depth without a leaf.
fn missing(depth: u32) -> Digest {
    (0..depth).fold(Digest::ZERO, |below, _| node(&below, &below))
}

/// How many leaves the aligned subtree number `index` of a depth has in a tree of `count`.
fn subtree_leaves(count: u32, index: u32, subtree: u32) -> Option<u32> {
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

/// Whether `leaf` stands at the proof's position in the tree of `count` leaves with that root.
#[must_use]
pub fn verify_leaf(root: &Digest, kind: Kind, count: u32, leaf: &Digest, proof: &Proof) -> bool {
    proof.index < count
        && climb(depth(count), proof.index, *leaf, &proof.siblings)
            .is_some_and(|top| bind(kind, count, &top) == *root)
}

/// The root that a subtree leads to: of the tree of `count` leaves in which `leaves` are those of
/// the aligned subtree number `index` of a depth (`place` is both). `None` if the numbers of leaves
/// or siblings are not those of such a tree.
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
