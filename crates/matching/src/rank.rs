//! The strict order of pairs.

use quorate_canon::{OfferId, RequestId};

/// Where a pair stands: compared field by field, and larger is better in all four.
///
/// The ids are part of it, so no two pairs are equal, and every sorting of them is the same.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PairRank {
    /// The score.
    pub score: u64,
    /// The lottery between equal scores.
    pub tie: u64,
    /// The request's id.
    pub request: RequestId,
    /// The offer's id.
    pub offer: OfferId,
}
