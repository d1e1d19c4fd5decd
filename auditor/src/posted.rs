//! What stands of a list on L2, chunk by chunk, and openings of it while chunks are missing.

use std::collections::BTreeMap;

use quorate_canon::{
    Digest,
    codec::FixedWidth as _,
    merkle::{self, Kind},
};
use quorate_matching::{CHUNK, ChunkError, ChunkProof, Entry, Opening, OutcomeList, verify_chunk};

/// The posted part of the list under one outcome root.
#[derive(Debug, Clone)]
pub struct Posted {
    root: Digest,
    part: Part,
}

#[derive(Debug, Clone)]
enum Part {
    /// No chunk stands.
    Nothing,
    /// Some chunks.
    Some(Box<Pieces>),
    /// All of them.
    All(Box<OutcomeList>),
}

/// Chunks with the hashes that tie them to the root.
#[derive(Debug, Clone)]
struct Pieces {
    count: u32,
    lowest: u32,
    entries: BTreeMap<u32, Entry>,
    /// Hashes by level (0 the leaves) and position; a position where no leaf stands below is missing.
    nodes: BTreeMap<(u32, u32), Digest>,
}

impl Posted {
    /// Nothing of the list that this root commits to.
    #[must_use]
    pub const fn nothing(root: Digest) -> Self {
        Self {
            root,
            part: Part::Nothing,
        }
    }

    /// All of it, if the list is the one that the root commits to.
    #[must_use]
    pub fn all(root: Digest, list: OutcomeList) -> Option<Self> {
        (list.outcome_root() == root).then(|| Self {
            root,
            part: Part::All(Box::new(list)),
        })
    }

    /// Adds a chunk, if the root commits to it.
    ///
    /// # Errors
    /// [`ChunkError`]; nothing is added then.
    pub fn add(&mut self, chunk: &ChunkProof) -> Result<(), ChunkError> {
        let entries = verify_chunk(&self.root, chunk)?;
        let mut pieces = match std::mem::replace(&mut self.part, Part::Nothing) {
            Part::All(list) => {
                self.part = Part::All(list);
                return Ok(());
            }
            Part::Some(pieces) => *pieces,
            Part::Nothing => Pieces {
                count: chunk.count,
                lowest: chunk.lowest,
                entries: BTreeMap::new(),
                nodes: BTreeMap::new(),
            },
        };
        pieces.add(chunk, &entries);
        self.part = match pieces.whole(&self.root) {
            Some(list) => Part::All(Box::new(list)),
            None => Part::Some(Box::new(pieces)),
        };
        Ok(())
    }

    /// The whole list, once all of it stands.
    #[must_use]
    pub fn list(&self) -> Option<&OutcomeList> {
        match &self.part {
            Part::All(list) => Some(list),
            _ => None,
        }
    }

    /// How many entries the list has, as soon as a chunk stands.
    #[must_use]
    pub fn count(&self) -> Option<u32> {
        match &self.part {
            Part::Nothing => None,
            Part::Some(pieces) => Some(pieces.count),
            Part::All(list) => Some(list.count()),
        }
    }

    /// The chunks of a list that does not stand in full.
    #[must_use]
    pub fn chunks(&self) -> usize {
        match &self.part {
            Part::Nothing => 0,
            Part::Some(pieces) => {
                let chunks = pieces.entries.keys().filter(|at| *at % CHUNK == 0);
                chunks.count()
            }
            Part::All(list) => usize::try_from(list.chunks()).unwrap_or(usize::MAX),
        }
    }

    /// The known entries with their positions, ascending.
    pub fn entries(&self) -> Box<dyn Iterator<Item = (u32, &Entry)> + '_> {
        match &self.part {
            Part::Nothing => Box::new(std::iter::empty()),
            Part::Some(pieces) => Box::new(pieces.entries.iter().map(|(at, entry)| (*at, entry))),
            Part::All(list) => Box::new((0..).zip(list.entries())),
        }
    }

    /// Opens known entries; with no position, count and lowest alone. `None` where an entry or a
    /// hash is not known.
    #[must_use]
    pub fn open(&self, positions: &[u32]) -> Option<Opening> {
        match &self.part {
            Part::Nothing => None,
            Part::Some(pieces) => pieces.open(positions),
            Part::All(list) => list.open(positions),
        }
    }
}

impl Pieces {
    fn add(&mut self, chunk: &ChunkProof, entries: &[Entry]) {
        let first = chunk.index.saturating_mul(CHUNK);
        let depth = merkle::depth(self.count).min(CHUNK.trailing_zeros());
        for (at, entry) in (first..).zip(entries) {
            let leaf = merkle::leaf(Kind::List, &entry.to_bytes());
            self.entries.insert(at, *entry);
            self.nodes.insert((0, at), leaf);
        }
        for level in 0..depth {
            let from = first >> level;
            self.hash_level(level, from..from + (1 << (depth - level)));
        }
        let mut place = (depth, chunk.index);
        for sibling in &chunk.proof {
            self.nodes.insert((place.0, place.1 ^ 1), *sibling);
            if let Some(parent) = self.parent(place) {
                self.nodes.insert((place.0 + 1, place.1 >> 1), parent);
            }
            place = (place.0 + 1, place.1 >> 1);
        }
    }

    /// Hashes nodes of a level in pairs.
    fn hash_level(&mut self, level: u32, nodes: std::ops::Range<u32>) {
        for left in nodes.step_by(2) {
            if let Some(parent) = self.parent((level, left)) {
                self.nodes.insert((level + 1, left >> 1), parent);
            }
        }
    }

    /// The hash above a node and its sibling, where both are known.
    fn parent(&self, (level, at): (u32, u32)) -> Option<Digest> {
        let left = self.node(level, at & !1)?;
        let right = self.node(level, at | 1)?;
        Some(merkle::node(&left, &right))
    }

    /// A hash that is known, or that of a place without leaves.
    fn node(&self, level: u32, at: u32) -> Option<Digest> {
        let known = self.nodes.get(&(level, at)).copied();
        known.or_else(|| (first_leaf(level, at) >= u64::from(self.count)).then(|| empty(level)))
    }

    fn open(&self, positions: &[u32]) -> Option<Opening> {
        let entries = positions
            .iter()
            .map(|at| Some((*at, *self.entries.get(at)?)))
            .collect::<Option<_>>()?;
        let depth = merkle::depth(self.count);
        let mut siblings = Vec::new();
        if positions.is_empty() {
            siblings.push(self.node(depth, 0)?);
        }
        let mut known = positions.to_vec();
        for level in 0..depth {
            let mut above = Vec::with_capacity(known.len());
            let mut rest = known.iter().copied().peekable();
            while let Some(at) = rest.next() {
                if rest.next_if_eq(&(at ^ 1)).is_none() {
                    siblings.push(self.node(level, at ^ 1)?);
                }
                above.push(at >> 1);
            }
            known = above;
        }
        Some(Opening {
            count: self.count,
            lowest: self.lowest,
            entries,
            siblings,
        })
    }

    /// The list, if no entry is missing.
    fn whole(&self, root: &Digest) -> Option<OutcomeList> {
        let known = u32::try_from(self.entries.len()).ok()?;
        if known != self.count {
            return None;
        }
        let list =
            OutcomeList::claimed(self.entries.values().copied().collect(), self.lowest).ok()?;
        (list.outcome_root() == *root).then_some(list)
    }
}

/// The first leaf below a node.
fn first_leaf(level: u32, at: u32) -> u64 {
    u64::from(at).checked_shl(level).unwrap_or(u64::MAX)
}

/// The hash of a level's node without leaves.
fn empty(level: u32) -> Digest {
    (0..level).fold(Digest::ZERO, |below, _| merkle::node(&below, &below))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use quorate_canon::{OfferId, RequestId};

    use super::*;

    fn list(count: u32) -> OutcomeList {
        let entry = |at: u32| Entry {
            offer: OfferId::new(u64::from(at / 3)),
            request: RequestId::new(u64::from(at)),
            score: u64::from(at ^ 0x155),
            ..Entry::default()
        };
        OutcomeList::claimed((0..count).map(entry).collect(), count / 2).unwrap()
    }

    fn strategy() -> impl Strategy<Value = (u32, Vec<u32>)> {
        (0_u32..1_400).prop_flat_map(|count| {
            let chunks: Vec<u32> = (0..list(count).chunks()).collect();
            let some = proptest::sample::subsequence(chunks.clone(), 0..=chunks.len());
            (Just(count), some.prop_shuffle())
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

        /// From the chunks that stand, an entry is opened exactly as from the whole list.
        #[test]
        fn a_part_opens_as_the_whole((count, chunks) in strategy(), a: u32, b: u32) {
            let list = list(count);
            let mut posted = Posted::nothing(list.outcome_root());
            for chunk in &chunks {
                posted.add(&list.chunk(*chunk).unwrap()).unwrap();
            }
            prop_assert_eq!(posted.list().is_some(), chunks.len() == list.chunks() as usize);
            let known: Vec<u32> = posted.entries().map(|(at, _)| at).collect();
            if let (Some(first), false) = (known.first(), known.is_empty()) {
                let pick = |n: u32| known[n as usize % known.len()];
                let (low, high) = (pick(a).min(pick(b)), pick(a).max(pick(b)));
                for positions in [vec![low], vec![*first, high], vec![low, high]] {
                    let ascending = positions.windows(2).all(|pair| pair[0] < pair[1]);
                    if ascending {
                        prop_assert_eq!(posted.open(&positions), list.open(&positions));
                    }
                }
                prop_assert_eq!(posted.open(&[]), list.open(&[]));
            }
        }

        /// What a missing chunk holds cannot be opened.
        #[test]
        fn what_does_not_stand_is_not_opened(count in 257_u32..1_000) {
            let list = list(count);
            let mut posted = Posted::nothing(list.outcome_root());
            posted.add(&list.chunk(0).unwrap()).unwrap();
            prop_assert!(posted.list().is_none());
            prop_assert_eq!(posted.open(&[255]).is_some(), true);
            prop_assert_eq!(posted.open(&[256]), None);
        }
    }

    #[test]
    fn a_chunk_of_another_root_is_refused() {
        let list = list(300);
        let mut posted = Posted::nothing(Digest([7; 32]));
        assert!(posted.add(&list.chunk(0).unwrap()).is_err());
        assert_eq!(posted.count(), None);
        assert!(Posted::all(Digest([7; 32]), list).is_none());
    }
}
