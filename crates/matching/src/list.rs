//! The outcome as it is committed and posted: one list (`docs/formats.md` section 7).

use std::cmp::Reverse;

use quorate_canon::codec::{FixedWidth, Reader, Writer};
use quorate_canon::hash::{sha256, tag};
use quorate_canon::merkle::{Kind, TooManyLeaves, Tree};
use quorate_canon::{CodecError, Digest, OfferId, RequestId};
use thiserror::Error;

use crate::capacity::Capacity;
use crate::leaves::tree_on;
use crate::num::{index, position};
use crate::outcome::{Match, Outcome};
use crate::rank::PairRank;
use crate::snapshot::Snapshot;

/// The position of the lowest entry of a list without entries.
pub const NO_LOWEST: u32 = u32::MAX;

/// A match as it stands in the list; 49 bytes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The machine.
    pub offer: OfferId,
    /// The request that it serves.
    pub request: RequestId,
    /// The pair's score.
    pub score: u64,
    /// The pair's tie.
    pub tie: u64,
    /// What this round's matches take of the machine, down to and including this entry.
    pub used: Capacity,
}

impl Entry {
    /// Where the pair stands in the order.
    #[must_use]
    pub const fn rank(&self) -> PairRank {
        PairRank {
            score: self.score,
            tie: self.tie,
            request: self.request,
            offer: self.offer,
        }
    }
}

impl FixedWidth for Entry {
    const WIDTH: usize = 49;

    fn write(&self, out: &mut Writer) {
        out.value(&self.offer);
        out.value(&self.request);
        out.value(&self.score);
        out.value(&self.tie);
        out.value(&self.used);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self {
            offer: input.value()?,
            request: input.value()?,
            score: input.value()?,
            tie: input.value()?,
            used: input.value()?,
        })
    }
}

/// Why there is no list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ListError {
    /// The bytes are not entries.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// A matched request is not in the snapshot.
    #[error("request {0} is not in the snapshot")]
    UnknownRequest(RequestId),
    /// The matches of a machine take more than a record can say.
    #[error("the matches of offer {0} take more than a machine can have")]
    Overflow(OfferId),
    /// More entries than a root can count.
    #[error(transparent)]
    TooMany(#[from] TooManyLeaves),
}

/// A list of matches with the position of the lowest: what an outcome root commits to.
///
/// A list may be wrong: it may be the claim of a liar. [`check_outcome`](crate::check_outcome)
/// tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutcomeList {
    entries: Vec<Entry>,
    lowest: u32,
    tree: Tree,
}

impl OutcomeList {
    /// The list of an outcome.
    ///
    /// # Errors
    /// If the outcome is not one of this snapshot.
    pub fn new(outcome: &Outcome, snapshot: &Snapshot) -> Result<Self, ListError> {
        let mut matches = outcome.matches.clone();
        matches.sort_unstable_by_key(|found| (found.offer, Reverse(found.rank())));
        let entries = running_sums(&matches, snapshot)?;
        let lowest = lowest_of(&entries);
        Self::claimed(entries, lowest)
    }

    /// The list that somebody claims, right or wrong.
    ///
    /// # Errors
    /// If a root cannot count the entries.
    pub fn claimed(entries: Vec<Entry>, lowest: u32) -> Result<Self, ListError> {
        Self::claimed_on(entries, lowest, 1)
    }

    /// As [`claimed`](Self::claimed), hashing entries on so many threads; 0 counts as 1.
    ///
    /// # Errors
    /// If a root cannot count the entries.
    pub fn claimed_on(entries: Vec<Entry>, lowest: u32, threads: usize) -> Result<Self, ListError> {
        let tree = tree_on(Kind::List, &entries, threads)?;
        Ok(Self {
            entries,
            lowest,
            tree,
        })
    }

    /// Reads joined entries; `lowest` is computed.
    ///
    /// # Errors
    /// If the bytes are not whole entries.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ListError> {
        let entries = parse_entries(bytes)?;
        let lowest = lowest_of(&entries);
        Self::claimed(entries, lowest)
    }

    /// The entries, by offer ascending and, within an offer, in descending order of pairs.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entries' bytes, joined.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        entry_bytes(&self.entries)
    }

    /// The number of entries.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.tree.count()
    }

    /// The root of the tree of entries.
    #[must_use]
    pub const fn root(&self) -> Digest {
        self.tree.root()
    }

    /// The position of the entry that is lowest in the order of pairs, or [`NO_LOWEST`].
    #[must_use]
    pub const fn lowest(&self) -> u32 {
        self.lowest
    }

    /// What operators sign: list root and lowest.
    #[must_use]
    pub fn outcome_root(&self) -> Digest {
        outcome_root(&self.root(), self.lowest)
    }

    /// The entry at a position.
    #[must_use]
    pub fn entry(&self, at: u32) -> Option<&Entry> {
        self.entries.get(index(at))
    }

    /// The same entries with another claim about the lowest.
    #[must_use]
    pub fn with_lowest(mut self, lowest: u32) -> Self {
        self.lowest = lowest;
        self
    }

    pub(crate) const fn tree(&self) -> &Tree {
        &self.tree
    }
}

/// Binds a list's root and its lowest position.
#[must_use]
pub fn outcome_root(list_root: &Digest, lowest: u32) -> Digest {
    sha256(&[
        &tag("quorate/outcome/v1"),
        &list_root.0,
        &lowest.to_be_bytes(),
    ])
}

/// The position of the entry that is lowest in the order of pairs, or [`NO_LOWEST`].
pub(crate) fn lowest_of(entries: &[Entry]) -> u32 {
    let lowest = entries
        .iter()
        .enumerate()
        .min_by_key(|(_, entry)| entry.rank());
    lowest.map_or(NO_LOWEST, |(at, _)| position(at))
}

pub(crate) fn entry_bytes(entries: &[Entry]) -> Vec<u8> {
    let mut out = Writer::with_capacity(entries.len().saturating_mul(Entry::WIDTH));
    for entry in entries {
        out.value(entry);
    }
    out.into_bytes()
}

pub(crate) fn parse_entries(bytes: &[u8]) -> Result<Vec<Entry>, CodecError> {
    let mut input = Reader::new(bytes);
    let mut entries = Vec::with_capacity(bytes.len().div_ceil(Entry::WIDTH));
    while input.remaining() > 0 {
        entries.push(input.value()?);
    }
    Ok(entries)
}

/// Entries of matches that already stand in the list's order.
fn running_sums(matches: &[Match], snapshot: &Snapshot) -> Result<Vec<Entry>, ListError> {
    let mut entries: Vec<Entry> = Vec::with_capacity(matches.len());
    for found in matches {
        let input = snapshot
            .request(found.request)
            .ok_or(ListError::UnknownRequest(found.request))?;
        let before = match entries.last() {
            Some(entry) if entry.offer == found.offer => entry.used,
            _ => Capacity::ZERO,
        };
        let used = before
            .checked_add(&input.request.demand())
            .ok_or(ListError::Overflow(found.offer))?;
        let Match {
            request,
            offer,
            score,
            tie,
        } = *found;
        entries.push(Entry {
            offer,
            request,
            score,
            tie,
            used,
        });
    }
    Ok(entries)
}
