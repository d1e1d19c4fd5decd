//! From wire types to the domain's and back. Nothing comes off the wire without a limit.

mod accusers;
mod downs;
mod list;
mod probe;
mod receipt;
mod receipts;
mod report;
mod verdict;

use quorate_proto::{VOTE_BYTES, v1};
use quorate_protocol::{Unverified, Vote};

pub use accusers::{contradiction, contradiction_request};
pub use downs::{downs, downs_request};
pub use list::{ListAssembler, parts};
pub use probe::{Delivery, QUESTION_BYTES, deliver_request, delivery, question, question_bytes};
pub use receipt::VoteReceipt;
pub use receipts::{receipts, receipts_request};
pub use report::{Phase, RoundReport};
pub use verdict::{ContradictionVerdict, DownsVerdict, ReceiptsVerdict, Verdict, VoteVerdict};

/// Words in a reply are cut here, in bytes.
const DETAIL_BYTES: usize = 512;

/// A message that says what it must not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// A field of fixed width has another width.
    #[error("{field} has {got} bytes, expected {expected}")]
    Width {
        /// The field.
        field: &'static str,
        /// Its width.
        got: usize,
        /// What it must be.
        expected: usize,
    },
    /// The bytes are no vote.
    #[error("bad vote: {0}")]
    Vote(String),
    /// An enum's value, or a code, that this version does not know.
    #[error("{field} is {got}, which this version does not know")]
    Unknown {
        /// The field.
        field: &'static str,
        /// Its value.
        got: i64,
    },
    /// A part came out of turn.
    #[error("part {got} came, expected {expected}")]
    PartOrder {
        /// The part's own number.
        got: u32,
        /// Whose turn it was.
        expected: u32,
    },
    /// A part disagrees with the one before it.
    #[error("{0} changed between parts")]
    PartsDiffer(&'static str),
    /// The list is longer than is taken here.
    #[error("list of {got} entries, at most {most} are taken")]
    TooLong {
        /// What the part claims.
        got: u32,
        /// What is taken.
        most: u32,
    },
    /// The parts ended early.
    #[error("list ended after {got} bytes, expected {expected}")]
    Short {
        /// Bytes that came.
        got: usize,
        /// Bytes that were announced.
        expected: usize,
    },
    /// The bytes are no question of a probe.
    #[error("bad question: {0}")]
    Question(String),
    /// The bytes are no receipt.
    #[error("bad receipt: {0}")]
    Receipt(String),
    /// The bytes are no list of windows DOWN.
    #[error("bad list of windows DOWN: {0}")]
    Downs(String),
    /// No receipts, or more than there are samples.
    #[error("{got} receipts, expected 1 to {most}")]
    Receipts {
        /// How many came.
        got: usize,
        /// How many are taken.
        most: u16,
    },
    /// A receipt names a sample that is not above the one before it, or that no epoch has.
    #[error("receipt of sample {got}, expected one from {least}, below {end}")]
    Sample {
        /// The sample.
        got: u32,
        /// The least that may come here.
        least: u32,
        /// How many samples there are.
        end: u16,
    },
    /// More accusers than a committee has seats.
    #[error("{got} accusers, at most {most} are taken")]
    Accusers {
        /// How many came.
        got: usize,
        /// How many are taken.
        most: usize,
    },
    /// An accuser that is not above the one before it.
    #[error("accuser {0} came after itself or after a later one")]
    AccuserOrder(u32),
    /// A window that no health epoch has.
    #[error("window {0}, expected at most 255")]
    Window(u32),
    /// The entries are no valid list.
    #[error("bad list: {0}")]
    List(String),
}

/// Takes `bytes` if they are exactly as many as `field` has.
fn fixed<const N: usize>(field: &'static str, bytes: &[u8]) -> Result<[u8; N], WireError> {
    bytes.try_into().map_err(|_| WireError::Width {
        field,
        got: bytes.len(),
        expected: N,
    })
}

/// The vote of a request: decoded, its signature a point of the group, nothing verified yet.
pub fn vote(request: &v1::SubmitVoteRequest) -> Result<Vote<Unverified>, WireError> {
    let bytes: [u8; VOTE_BYTES] = fixed("vote", &request.vote)?;
    Vote::<Unverified>::from_bytes(&bytes).map_err(|error| WireError::Vote(error.to_string()))
}

/// An empty field is none; anything else must parse.
fn optional<T>(
    bytes: &[u8],
    parse: impl FnOnce(&[u8]) -> Result<T, WireError>,
) -> Result<Option<T>, WireError> {
    if bytes.is_empty() {
        Ok(None)
    } else {
        parse(bytes).map(Some)
    }
}

/// Cuts words to what a reply may hold, at a character's edge.
fn cut(mut words: String) -> String {
    if words.len() > DETAIL_BYTES {
        let end = (0..=DETAIL_BYTES)
            .rev()
            .find(|end| words.is_char_boundary(*end))
            .unwrap_or(0);
        words.truncate(end);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_are_cut_at_a_character() {
        let cut = cut("ä".repeat(400));
        assert_eq!(cut.len(), 512);
        assert!(super::cut("ä".repeat(255) + "xä").ends_with('x'));
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_vote_panic(bytes in proptest::collection::vec(any::<u8>(), 0..800)) {
            let _ = vote(&v1::SubmitVoteRequest { vote: bytes });
        }
    }
}
