//! Merkle trees as `docs/formats.md` section 4 fixes them.
//!
//! Leaves, nodes and roots are hashed with different first bytes, so none passes for another, and the
//! root binds the kind of its entries and their count, so a proof of position is a proof of "last"
//! as well. The tree is the full binary tree of the least depth that holds the leaves; a missing
//! leaf is 32 zero bytes.

mod opening;
mod proof;
mod tree;

use thiserror::Error;

use crate::Digest;
use crate::hash::sha256;

pub use opening::{OpeningError, root_of_opening, top_of_opening, verify_opening};
pub use proof::{Proof, subtree_root, verify_leaf, verify_subtree};
pub use tree::{Run, Tree};

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
