//! Witnesses: what shows a contract that a list is not the outcome (`docs/formats.md` section 13).

use quorate_canon::codec::{Reader, Writer};
use quorate_canon::merkle::OpeningError;
use quorate_canon::{CodecError, Digest, OfferId, RequestId};
use thiserror::Error;

use crate::opening::Opening;

/// The width of the beacon's signature.
pub const BEACON_SIGNATURE: usize = 48;

/// That a header's outcome is not the outcome of its round. Orders, their values at T, the policy and
/// the leases are L2's own; from the witness come only ids and opened entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Witness {
    /// An eligible pair outside the list blocks it. Only for a round that was posted in full: where
    /// the request stands in the list is read from its lease.
    Blocking {
        /// The request of the pair.
        request: RequestId,
        /// The offer of the pair.
        offer: OfferId,
        /// The entries between which the pair would stand; where its request stands; the lowest, if
        /// the limit is reached.
        opening: Opening,
    },
    /// One entry is wrong by itself.
    Entry(Opening),
    /// An entry does not follow from the one before it, or the first one not from nothing.
    Neighbours(Opening),
    /// Two entries have the same request.
    Repeated(Opening),
    /// The list is too long, or its lowest entry is another one.
    Cut(Opening),
    /// 48 bytes which show that the header's seed is not the beacon's.
    Seed([u8; BEACON_SIGNATURE]),
}

/// Why bytes are no witness, or none against this header: whoever brought them is at fault, and they
/// say nothing about the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WitnessError {
    /// The bytes break the format.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// There is no witness of that kind.
    #[error("kind of witness: got {0}, expected 1 to 6")]
    Kind(u8),
    /// The opening does not show the entries that a witness of its kind is made of.
    #[error("entries opened: got {got}, expected {expected}")]
    Shape {
        /// How many are opened.
        got: usize,
        /// What the kind asks for, in words.
        expected: &'static str,
    },
    /// The opening is that of no list.
    #[error(transparent)]
    Opening(#[from] OpeningError),
    /// The opening leads to another list.
    #[error("outcome root: got {got}, expected {expected}")]
    Root {
        /// Where the opening leads.
        got: Digest,
        /// What the header says.
        expected: Digest,
    },
    /// The opening of a blocking pair lacks an entry.
    #[error("opening of a blocking pair lacks {0}")]
    Missing(&'static str),
    /// A blocking pair was shown before the list was posted in full.
    #[error("a pair blocks only a list that was posted in full")]
    NotPosted,
}

impl Witness {
    /// The number of the kind.
    #[must_use]
    pub const fn kind(&self) -> u8 {
        match self {
            Self::Blocking { .. } => 1,
            Self::Entry(_) => 2,
            Self::Neighbours(_) => 3,
            Self::Repeated(_) => 4,
            Self::Cut(_) => 5,
            Self::Seed(_) => 6,
        }
    }

    /// What the witness opens.
    #[must_use]
    pub const fn opening(&self) -> Option<&Opening> {
        match self {
            Self::Blocking { opening, .. }
            | Self::Entry(opening)
            | Self::Neighbours(opening)
            | Self::Repeated(opening)
            | Self::Cut(opening) => Some(opening),
            Self::Seed(_) => None,
        }
    }

    /// The bytes that a contract is given: some 2 300 at most for a million requests.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.value(&self.kind());
        if let Self::Blocking { request, offer, .. } = self {
            out.value(request);
            out.value(offer);
        }
        match self {
            Self::Seed(signature) => out.put(signature),
            _ => self
                .opening()
                .into_iter()
                .for_each(|opening| opening.write(&mut out)),
        }
        out.into_bytes()
    }

    /// Reads a witness, all of the bytes.
    ///
    /// # Errors
    /// If they break the format, or the opening does not show what the kind asks for.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WitnessError> {
        let mut input = Reader::new(bytes);
        let kind: u8 = input.value()?;
        let witness = match kind {
            1 => Self::Blocking {
                request: input.value()?,
                offer: input.value()?,
                opening: opening(input)?,
            },
            2 => Self::Entry(opening(input)?),
            3 => Self::Neighbours(opening(input)?),
            4 => Self::Repeated(opening(input)?),
            5 => Self::Cut(opening(input)?),
            6 => {
                let signature = input.take()?;
                input.finish()?;
                Self::Seed(signature)
            }
            other => return Err(WitnessError::Kind(other)),
        };
        witness.check_shape()?;
        Ok(witness)
    }

    /// Whether the opening shows the entries that the kind asks for; what depends on more than the
    /// witness, the judge looks at.
    pub(crate) fn check_shape(&self) -> Result<(), WitnessError> {
        let Some(opening) = self.opening() else {
            return Ok(());
        };
        let (fits, expected) = match (self, opening.entries.as_slice()) {
            (Self::Entry(_), entries) => (entries.len() == 1, "one"),
            (Self::Neighbours(_), [(at, _)]) => (*at == 0, "two neighbours, or the first"),
            (Self::Neighbours(_), [(at, _), (next, _)]) => (
                at.checked_add(1) == Some(*next),
                "two neighbours, or the first",
            ),
            (Self::Neighbours(_), _) => (false, "two neighbours, or the first"),
            (Self::Repeated(_), entries) => (entries.len() == 2, "two"),
            (Self::Cut(_), []) => (true, ""),
            (Self::Cut(cut), [(at, _), (other, _)]) => (
                *at == cut.lowest || *other == cut.lowest,
                "none, or the lowest and one more",
            ),
            (Self::Cut(_), _) => (false, "none, or the lowest and one more"),
            (_, entries) => (entries.len() <= crate::opening::MAX_OPENED, "at most four"),
        };
        if fits {
            return Ok(());
        }
        Err(WitnessError::Shape {
            got: opening.entries.len(),
            expected,
        })
    }
}

fn opening(mut input: Reader<'_>) -> Result<Opening, CodecError> {
    let rest = input.remaining();
    Opening::from_bytes(input.slice(rest)?)
}
