//! The contract's judgement in Rust, from `docs/formats.md` section 13 alone.
//!
//! It reads what L2 holds through [`View`] and shares with the rest of the crate what a pair is
//! ([`eligible`](crate::eligible), [`score`](crate::score), [`tie`](crate::tie)), and nothing of how
//! outcomes are found, checked or accused. `Verifier` on L2 must answer the same, bit for bit; the
//! vectors in `tests/vectors/witness.json` hold both to it.

mod blocking;
mod entry;
mod list;
mod view;

use quorate_canon::Digest;

use crate::context::Seed;
use crate::opening::Opening;
use crate::witness::{Witness, WitnessError};

pub use view::{Lease, OfferAt, RequestRecord, SnapshotView, View};

/// Stands for the position where no single entry is at fault.
pub const NO_POSITION: u32 = u32::MAX;

/// What of a header is judged; the rest of it L2 knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accused {
    /// The outcome root that it commits to.
    pub outcome_root: Digest,
    /// The seed that it was computed with.
    pub seed: Seed,
}

/// What refutes a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refutation {
    /// Which fault.
    pub code: RefutationCode,
    /// The entry at fault, of two the second; [`NO_POSITION`] where it is no single one.
    pub position: u32,
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident = $code:literal: $text:literal,)*) => {
        /// The codes of refutations, those of posting too.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
        pub enum RefutationCode {
            $($(#[doc = $doc])* #[error($text)] $name = $code,)*
        }

        impl RefutationCode {
            /// All of them, ascending.
            pub const ALL: [Self; 15] = [$(Self::$name),*];

            /// The number in `docs/formats.md` section 13.
            #[must_use]
            pub const fn code(self) -> u8 {
                match self { $(Self::$name => $code,)* }
            }
        }
    };
}

codes! {
    /// No such request was ever made.
    UnknownRequest = 1: "the request does not exist",
    /// No such offer was ever made.
    UnknownOffer = 2: "the offer does not exist",
    /// The request is matched twice, or a round before has matched it.
    MatchedTwice = 3: "the request is matched twice",
    /// The request was not open at T.
    RequestNotOpen = 4: "the request was not open",
    /// The offer had no version that was open and available at T.
    OfferNotOpen = 5: "the offer was not open",
    /// The pairs of an offer do not descend.
    WrongOrder = 6: "the pairs of an offer do not descend",
    /// The offers do not ascend.
    OffersNotAscending = 7: "the offers do not ascend",
    /// The running sum is not the sum.
    WrongSum = 8: "the running sum is wrong",
    /// The machine did not have as much free at T.
    OverCapacity = 9: "the machine does not hold its matches",
    /// The pair does not exist.
    Ineligible = 10: "the pair is not eligible",
    /// The score is not the pair's.
    WrongScore = 11: "the score is wrong",
    /// The tie is not the pair's.
    WrongTie = 12: "the tie is wrong",
    /// The list is too long, or its lowest entry is another one.
    WrongCut = 13: "the list is cut in the wrong place",
    /// A pair outside the list should be in it.
    Blocking = 14: "a pair blocks the list",
    /// The seed is not the beacon's.
    WrongSeed = 15: "the seed is wrong",
}

impl Refutation {
    const fn at(code: RefutationCode, position: u32) -> Self {
        Self { code, position }
    }
}

/// Judges a header by a witness. `None`: the witness is well-formed and shows no fault.
///
/// # Errors
/// If the bytes are no witness, do not open the header's list, or lack what their kind needs. That
/// says nothing about the header.
pub fn judge(
    view: &impl View,
    accused: &Accused,
    witness: &[u8],
) -> Result<Option<Refutation>, WitnessError> {
    judge_witness(view, accused, &Witness::from_bytes(witness)?)
}

/// As [`judge`], for a witness that is not bytes any more.
///
/// # Errors
/// As [`judge`].
pub fn judge_witness(
    view: &impl View,
    accused: &Accused,
    witness: &Witness,
) -> Result<Option<Refutation>, WitnessError> {
    witness.check_shape()?;
    if let Some(opening) = witness.opening() {
        check_root(opening, accused)?;
    }
    Ok(match witness {
        Witness::Blocking {
            request,
            offer,
            opening,
        } => blocking::judge(view, accused, (*request, *offer), opening)?,
        Witness::Entry(opening) => entry::judge(view, accused, opening),
        Witness::Neighbours(opening) => list::judge_neighbours(view, opening),
        Witness::Repeated(opening) => list::judge_repeated(opening),
        Witness::Cut(opening) => list::judge_cut(view.policy(), opening),
        Witness::Seed(signature) => view
            .refutes_seed(&accused.seed, signature)
            .then_some(Refutation::at(RefutationCode::WrongSeed, NO_POSITION)),
    })
}

fn check_root(opening: &Opening, accused: &Accused) -> Result<(), WitnessError> {
    let (got, expected) = (opening.outcome_root()?, accused.outcome_root);
    if got == expected {
        return Ok(());
    }
    Err(WitnessError::Root { got, expected })
}
