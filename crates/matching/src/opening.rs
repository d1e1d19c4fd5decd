//! Entries of a list, opened against its outcome root (`docs/formats.md` section 13).

use quorate_canon::codec::{FixedWidth, Reader, Writer};
use quorate_canon::merkle::{self, Kind, OpeningError};
use quorate_canon::{CodecError, Digest};

use crate::list::{Entry, OutcomeList, outcome_root};

/// Entries that one opening shows at most.
pub const MAX_OPENED: usize = 4;
/// Siblings that so many leaves of the deepest tree can lack.
pub(crate) const MAX_SIBLINGS: usize = 128;

/// Up to four entries of a list with what ties them to an outcome root.
///
/// One that [`from_bytes`](Self::from_bytes) read has its positions in order and in range; whether
/// it leads to a root, [`outcome_root`](Self::outcome_root) tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// Entries of the whole list.
    pub count: u32,
    /// The list's lowest position.
    pub lowest: u32,
    /// Positions, strictly ascending and below `count`, and what stands there.
    pub entries: Vec<(u32, Entry)>,
    /// The hashes that the entries lack, level by level; the top where there is no entry.
    pub siblings: Vec<Digest>,
}

impl Opening {
    /// The outcome root that the opening leads to: the opened list's, if it is one's.
    ///
    /// # Errors
    /// If positions or siblings are not those of a list of `count` entries.
    pub fn outcome_root(&self) -> Result<Digest, OpeningError> {
        let leaves: Vec<(u32, Digest)> = self
            .entries
            .iter()
            .map(|(at, entry)| (*at, merkle::leaf(Kind::List, &entry.to_bytes())))
            .collect();
        let root = merkle::root_of_opening(Kind::List, self.count, &leaves, &self.siblings)?;
        Ok(outcome_root(&root, self.lowest))
    }

    /// The entry at a position, if the opening shows it.
    #[must_use]
    pub fn entry(&self, at: u32) -> Option<&Entry> {
        let found = self.entries.iter().find(|(position, _)| *position == at);
        found.map(|(_, entry)| entry)
    }

    pub(crate) fn write(&self, out: &mut Writer) {
        out.value(&self.count);
        out.value(&self.lowest);
        // Four at most: an opening with more does not decode again.
        out.value(&u8::try_from(self.entries.len()).unwrap_or(u8::MAX));
        for (at, entry) in &self.entries {
            out.value(at);
            out.value(entry);
        }
        for sibling in &self.siblings {
            out.value(sibling);
        }
    }

    /// Reads an opening, which goes on to the end of the bytes.
    ///
    /// # Errors
    /// If the bytes end inside a field, show more than four entries or more siblings than four
    /// entries can lack, or positions are out of order or of range.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        let mut input = Reader::new(bytes);
        let (count, lowest) = (input.value()?, input.value()?);
        let shown: u8 = input.value()?;
        if usize::from(shown) > MAX_OPENED {
            return Err(range("opened entries", shown, "at most 4"));
        }
        let mut entries: Vec<(u32, Entry)> = Vec::with_capacity(MAX_OPENED);
        for _ in 0..shown {
            let at = input.value()?;
            let above = entries.last().is_none_or(|(before, _)| *before < at);
            if !above || at >= count {
                return Err(range("position", at, "ascending, below the count"));
            }
            entries.push((at, input.value()?));
        }
        let siblings = read_siblings(&mut input)?;
        Ok(Self {
            count,
            lowest,
            entries,
            siblings,
        })
    }
}

fn read_siblings(input: &mut Reader<'_>) -> Result<Vec<Digest>, CodecError> {
    let room = input.remaining().div_ceil(Digest::WIDTH);
    if room > MAX_SIBLINGS {
        let room = u32::try_from(room).unwrap_or(u32::MAX);
        return Err(range("siblings", room, "at most 128"));
    }
    let mut siblings = Vec::with_capacity(room);
    while input.remaining() > 0 {
        siblings.push(input.value()?);
    }
    Ok(siblings)
}

fn range(field: &'static str, got: impl Into<u64>, expected: &'static str) -> CodecError {
    CodecError::Range {
        field,
        got: got.into(),
        expected,
    }
}

impl OutcomeList {
    /// Opens the entries at these positions, which ascend strictly; with none, only count and lowest
    /// are shown. `None` where a position is out of order or of range, or there are more than four.
    #[must_use]
    pub fn open(&self, positions: &[u32]) -> Option<Opening> {
        if positions.len() > MAX_OPENED {
            return None;
        }
        let siblings = self.tree().open(positions)?;
        let entries = positions
            .iter()
            .map(|at| Some((*at, *self.entry(*at)?)))
            .collect::<Option<_>>()?;
        Some(Opening {
            count: self.count(),
            lowest: self.lowest(),
            entries,
            siblings,
        })
    }
}
