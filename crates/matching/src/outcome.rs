//! Who got what, and why the others got nothing.

use quorate_canon::{OfferId, RequestId};
use thiserror::Error;

use crate::capacity::Capacity;
use crate::num::position;
use crate::prepared::{Prepared, RequestSide};
use crate::rank::PairRank;

/// A pair that the round has matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Match {
    /// Who is served.
    pub request: RequestId,
    /// By which machine.
    pub offer: OfferId,
    /// The pair's score.
    pub score: u64,
    /// The pair's tie.
    pub tie: u64,
}

impl Match {
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

impl From<PairRank> for Match {
    fn from(rank: PairRank) -> Self {
        Self {
            request: rank.request,
            offer: rank.offer,
            score: rank.score,
            tie: rank.tie,
        }
    }
}

/// Why a request got nothing. [`explain_request`](crate::explain_request) says it at length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Error)]
pub enum UnmatchedReason {
    /// No offer of the round is eligible for it.
    #[error("no offer is eligible")]
    NothingEligible,
    /// Every eligible machine was full with pairs that stand higher.
    #[error("every eligible machine went to pairs that stand higher")]
    Outranked,
    /// An eligible machine has room left, but the round stopped at its limit of matches.
    #[error("the round reached its limit of matches")]
    LimitReached,
}

/// The outcome of a round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The matched pairs, in descending order.
    pub matches: Vec<Match>,
    /// The requests without a match, by id ascending.
    pub unmatched: Vec<(RequestId, UnmatchedReason)>,
}

impl Outcome {
    /// Completes matches, which a solver found, with the reasons of the others.
    #[must_use]
    pub fn new(round: &Prepared<'_>, mut matches: Vec<Match>) -> Self {
        matches.sort_unstable_by_key(|found| std::cmp::Reverse(found.rank()));
        let left = left_over(round, &matches);
        let mut served: Vec<RequestId> = matches.iter().map(|found| found.request).collect();
        served.sort_unstable();
        let limit = round.policy().match_limit();
        let stopped = limit.is_some_and(|limit| position(matches.len()) >= limit);
        let unmatched = round
            .requests()
            .iter()
            .filter(|side| served.binary_search(&side.input.request.id).is_err())
            .map(|side| (side.input.request.id, reason(round, side, &left, stopped)))
            .collect();
        Self { matches, unmatched }
    }
}

/// What the matches leave of each machine, at the offers' positions.
pub(crate) fn left_over(round: &Prepared<'_>, matches: &[Match]) -> Vec<Capacity> {
    let mut left: Vec<Capacity> = round.offers().iter().map(|side| *side.free()).collect();
    for found in matches {
        let Some(at) = round.snapshot().offer_index(found.offer) else {
            continue;
        };
        let Some(input) = round.snapshot().request(found.request) else {
            continue;
        };
        if let Some(left) = left.get_mut(at) {
            *left = left.saturating_sub(&input.request.demand());
        }
    }
    left
}

fn reason(
    round: &Prepared<'_>,
    request: &RequestSide<'_>,
    left: &[Capacity],
    stopped: bool,
) -> UnmatchedReason {
    let mut reason = UnmatchedReason::NothingEligible;
    for (at, offer) in round.candidates(request) {
        if round.eligible(request, offer).is_err() {
            continue;
        }
        reason = UnmatchedReason::Outranked;
        let room = left.get(crate::num::index(at));
        if !stopped {
            return reason;
        }
        if room.is_some_and(|room| room.holds(&request.demand)) {
            return UnmatchedReason::LimitReached;
        }
    }
    reason
}
