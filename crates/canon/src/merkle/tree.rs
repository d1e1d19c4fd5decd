//! Trees in memory, to prove from.

use super::proof::{Proof, subtree_leaves};
use super::{Kind, TooManyLeaves, bind, depth, node};
use crate::Digest;

/// A tree in memory, to prove from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    kind: Kind,
    count: u32,
    /// From the leaves up to the top; what stands right of the last node of a level is missing.
    levels: Vec<Vec<Digest>>,
    root: Digest,
}

/// Leaves that stand together in a tree, with the nodes over them: what can be hashed apart from the
/// rest, by whoever has threads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// From the leaves up.
    levels: Vec<Vec<Digest>>,
}

impl Run {
    /// Levels of nodes that a run makes by itself.
    const DEPTH: u32 = 12;
    /// All runs of a tree but the last should hold a multiple of so many leaves.
    pub const LEAVES: usize = 1 << Self::DEPTH;

    /// The run of leaves that [`leaf`](super::leaf) hashed.
    #[must_use]
    pub fn new(leaves: Vec<Digest>) -> Self {
        Self {
            levels: levels(leaves, Self::DEPTH),
        }
    }

    fn is_whole(&self) -> bool {
        let leaves = self.levels.first().map_or(0, Vec::len);
        leaves.is_multiple_of(Self::LEAVES)
    }
}

impl Tree {
    /// The tree over the leaves of these runs, in their order. Where a run before the last holds no
    /// multiple of [`Run::LEAVES`], its nodes are of no use and are made anew.
    ///
    /// # Errors
    /// If there are more leaves than a root can count.
    pub fn join(kind: Kind, runs: Vec<Run>) -> Result<Self, TooManyLeaves> {
        let aligned = runs
            .split_last()
            .is_none_or(|(_, before)| before.iter().all(Run::is_whole));
        let mut runs = runs.into_iter();
        let mut joined = runs.next().map_or_else(Vec::new, |run| run.levels);
        for run in runs {
            for (level, more) in joined.iter_mut().zip(run.levels) {
                level.extend(more);
            }
        }
        if !aligned {
            joined.truncate(1);
        }
        Self::over(kind, joined)
    }

    /// The tree over leaves that [`leaf`] hashed with the same kind.
    ///
    /// # Errors
    /// If there are more leaves than a root can count.
    pub fn new(kind: Kind, leaves: Vec<Digest>) -> Result<Self, TooManyLeaves> {
        Self::over(kind, vec![leaves])
    }

    /// The tree whose lowest levels these are, up to any.
    fn over(kind: Kind, mut levels: Vec<Vec<Digest>>) -> Result<Self, TooManyLeaves> {
        if levels.is_empty() {
            levels.push(Vec::new());
        }
        let leaves = levels.first().map_or(0, Vec::len);
        let count = u32::try_from(leaves).map_err(|_| TooManyLeaves)?;
        raise(&mut levels, depth(count));
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

    /// The top: what the root binds to kind and count.
    #[must_use]
    pub fn top(&self) -> Digest {
        let top = self.levels.last().and_then(|level| level.first());
        top.copied().unwrap_or_default()
    }

    /// The node of a level (0 the leaves) at a position, unless nothing stands below it.
    pub(super) fn node_at(&self, level: u32, at: u32) -> Option<Digest> {
        let level = self.levels.get(usize::try_from(level).ok()?)?;
        level.get(usize::try_from(at).ok()?).copied()
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

pub(super) fn levels(leaves: Vec<Digest>, depth: u32) -> Vec<Vec<Digest>> {
    let mut levels = vec![leaves];
    raise(&mut levels, depth);
    levels
}

/// Makes it the levels of a tree of that depth, by those that are there.
fn raise(levels: &mut Vec<Vec<Digest>>, depth: u32) {
    let above = levels.len();
    levels.truncate(usize::try_from(depth).map_or(usize::MAX, |depth| depth.saturating_add(1)));
    let mut missing = Digest::ZERO;
    for level in 1..=depth {
        if usize::try_from(level).is_ok_and(|level| level >= above) {
            let above = levels.last().map(|below| pairs(below, &missing));
            levels.push(above.unwrap_or_default());
        }
        missing = node(&missing, &missing);
    }
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
pub(super) fn missing(depth: u32) -> Digest {
    (0..depth).fold(Digest::ZERO, |below, _| node(&below, &below))
}
