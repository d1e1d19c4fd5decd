//! What can be wrong with a list: the witness that a contract can be shown.

use quorate_canon::{OfferId, RequestId};
use thiserror::Error;

use crate::capacity::Capacity;
use crate::eligibility::Ineligible;
use crate::rank::PairRank;

/// What is wrong with a list, with the witness. Positions are those of entries, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Fault {
    /// No such offer was open at T.
    #[error("entry {position}: offer {offer} is not an input of the round")]
    UnknownOffer {
        /// The entry.
        position: u32,
        /// What it names.
        offer: OfferId,
    },
    /// No such request was open at T.
    #[error("entry {position}: request {request} is not an input of the round")]
    UnknownRequest {
        /// The entry.
        position: u32,
        /// What it names.
        request: RequestId,
    },
    /// The pair does not exist.
    #[error("entry {position}: request {request} and offer {offer} are not eligible: {reason}")]
    Ineligible {
        /// The entry.
        position: u32,
        /// The request.
        request: RequestId,
        /// The offer.
        offer: OfferId,
        /// The first rule that the pair breaks.
        reason: Ineligible,
    },
    /// The score is not the pair's.
    #[error("entry {position}: score got {got}, expected {expected}")]
    WrongScore {
        /// The entry.
        position: u32,
        /// What it says.
        got: u64,
        /// What the inputs give.
        expected: u64,
    },
    /// The tie is not the pair's.
    #[error("entry {position}: tie got {got}, expected {expected}")]
    WrongTie {
        /// The entry.
        position: u32,
        /// What it says.
        got: u64,
        /// What the seed gives.
        expected: u64,
    },
    /// The entry does not stand below the one before it: offers ascend, and the pairs of an offer
    /// descend. An offer whose entries stand apart is found so too.
    #[error("entry {position} stands in the wrong place after entry {before}")]
    Order {
        /// The entry.
        position: u32,
        /// The one before it.
        before: u32,
    },
    /// One request is matched twice.
    #[error("request {request} is matched twice, at {first} and {second}")]
    Repeated {
        /// The request.
        request: RequestId,
        /// The first entry.
        first: u32,
        /// The second entry.
        second: u32,
    },
    /// The running sum is not the sum.
    #[error("entry {position}: used got {got:?}, expected {expected:?}")]
    WrongUsed {
        /// The entry.
        position: u32,
        /// What it says.
        got: Capacity,
        /// The sum down to this entry.
        expected: Capacity,
    },
    /// The machine does not have as much free.
    #[error("entry {position}: offer {offer} does not hold its matches down to this one")]
    OverCapacity {
        /// The entry.
        position: u32,
        /// The machine.
        offer: OfferId,
    },
    /// The round went on beyond its limit.
    #[error("too many matches: got {got}, expected at most {limit}")]
    TooMany {
        /// Entries of the list.
        got: u32,
        /// The policy's limit.
        limit: u32,
    },
    /// The lowest entry is another one.
    #[error("lowest entry: got {got}, expected {expected}")]
    WrongLowest {
        /// What the list says.
        got: u32,
        /// Where it is.
        expected: u32,
    },
    /// A pair outside the list should be in it: the request has nothing as good, the machine has
    /// room beside what stands higher, and the round had not stopped.
    #[error("request {} and offer {} block the outcome", .0.request, .0.offer)]
    Blocking(PairRank),
}
