//! Several leaves of one tree at once, with the siblings that they lack and no more.
//!
//! `docs/formats.md` section 13 fixes the order of the siblings: level by level from the leaves up,
//! in each level by position ascending. Neighbours that are both known need none, so four leaves
//! cost far less than four proofs. One set of leaves has one list of siblings: what is too few or
//! too many is refused.

use thiserror::Error;

use super::tree::missing;
use super::{Kind, Tree, bind, depth, node};
use crate::Digest;

/// Why leaves and siblings open no tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OpeningError {
    /// A position is not above the one before it.
    #[error("position {got} after {before}: expected positions strictly ascending")]
    Order {
        /// The position.
        got: u32,
        /// The one before it.
        before: u32,
    },
    /// A position is not in the tree.
    #[error("position {got}: expected one below {count}")]
    Position {
        /// The position.
        got: u32,
        /// Leaves of the tree.
        count: u32,
    },
    /// The siblings end before the top is reached.
    #[error("too few siblings: got {got}, expected more")]
    TooFew {
        /// Siblings that were given.
        got: usize,
    },
    /// Siblings are left when the top is reached.
    #[error("too many siblings: got {got}, expected {expected}")]
    TooMany {
        /// Siblings that were given.
        got: usize,
        /// Siblings that the leaves lack.
        expected: usize,
    },
    /// The top of a tree without leaves is not zero.
    #[error("top of no leaves: got {got}, expected zero")]
    EmptyTop {
        /// What was given.
        got: Digest,
    },
}

impl Tree {
    /// The siblings that open the leaves at `positions`, which ascend strictly. Of no positions it
    /// is the top. `None` where a position is out of order or of range.
    #[must_use]
    pub fn open(&self, positions: &[u32]) -> Option<Vec<Digest>> {
        check_positions(self.count(), positions.iter().copied()).ok()?;
        if positions.is_empty() {
            return Some(vec![self.top()]);
        }
        let mut known = positions.to_vec();
        let mut siblings = Vec::new();
        for level in 0..self.depth() {
            let empty = missing(level);
            let mut above = Vec::with_capacity(known.len());
            let mut rest = known.iter().copied().peekable();
            while let Some(at) = rest.next() {
                if rest.next_if_eq(&(at ^ 1)).is_none() {
                    siblings.push(self.node_at(level, at ^ 1).unwrap_or(empty));
                }
                above.push(at >> 1);
            }
            known = above;
        }
        Some(siblings)
    }
}

/// The top of the tree of `count` leaves that has these leaves at these positions beside these
/// siblings. With no leaf the one sibling is the top, which is zero if the tree has none either.
///
/// # Errors
/// If the positions are out of order or of range, or the siblings are not as many as the leaves lack.
pub fn top_of_opening(
    count: u32,
    leaves: &[(u32, Digest)],
    siblings: &[Digest],
) -> Result<Digest, OpeningError> {
    check_positions(count, leaves.iter().map(|(at, _)| *at))?;
    let mut given = Given {
        siblings,
        next: siblings.iter(),
    };
    let top = match leaves {
        [] => given.take()?,
        leaves => climb(depth(count), leaves, &mut given)?,
    };
    given.finish()?;
    if count == 0 && top != Digest::ZERO {
        return Err(OpeningError::EmptyTop { got: top });
    }
    Ok(top)
}

/// The root of such a tree.
///
/// # Errors
/// As [`top_of_opening`].
pub fn root_of_opening(
    kind: Kind,
    count: u32,
    leaves: &[(u32, Digest)],
    siblings: &[Digest],
) -> Result<Digest, OpeningError> {
    top_of_opening(count, leaves, siblings).map(|top| bind(kind, count, &top))
}

/// Whether the leaves stand at these positions in the tree of `count` leaves with that root.
#[must_use]
pub fn verify_opening(
    root: &Digest,
    kind: Kind,
    count: u32,
    leaves: &[(u32, Digest)],
    siblings: &[Digest],
) -> bool {
    root_of_opening(kind, count, leaves, siblings).is_ok_and(|got| got == *root)
}

/// The siblings, each taken once.
struct Given<'a> {
    siblings: &'a [Digest],
    next: std::slice::Iter<'a, Digest>,
}

impl Given<'_> {
    fn take(&mut self) -> Result<Digest, OpeningError> {
        self.next.next().copied().ok_or(OpeningError::TooFew {
            got: self.siblings.len(),
        })
    }

    fn finish(self) -> Result<(), OpeningError> {
        let (got, left) = (self.siblings.len(), self.next.len());
        if left == 0 {
            return Ok(());
        }
        Err(OpeningError::TooMany {
            got,
            expected: got.saturating_sub(left),
        })
    }
}

fn climb(
    depth: u32,
    leaves: &[(u32, Digest)],
    given: &mut Given<'_>,
) -> Result<Digest, OpeningError> {
    let mut known = leaves.to_vec();
    for _ in 0..depth {
        let mut above = Vec::with_capacity(known.len());
        let mut rest = known.iter().copied().peekable();
        while let Some((at, hash)) = rest.next() {
            let beside = match rest.next_if(|(next, _)| *next == at ^ 1) {
                Some((_, right)) => right,
                None => given.take()?,
            };
            let parent = if at & 1 == 0 {
                node(&hash, &beside)
            } else {
                node(&beside, &hash)
            };
            above.push((at >> 1, parent));
        }
        known = above;
    }
    // Positions below `count` meet in one node after `depth` levels.
    Ok(known.first().map_or(Digest::ZERO, |(_, top)| *top))
}

fn check_positions(count: u32, positions: impl Iterator<Item = u32>) -> Result<(), OpeningError> {
    let mut before: Option<u32> = None;
    for got in positions {
        if let Some(before) = before.filter(|before| got <= *before) {
            return Err(OpeningError::Order { got, before });
        }
        if got >= count {
            return Err(OpeningError::Position { got, count });
        }
        before = Some(got);
    }
    Ok(())
}
