//! The plainest right matcher: every pair of every request with every offer, sorted, walked down.
//!
//! It uses the formulas of a single pair and none of what the solvers share, so it is also what
//! they are held against.

use quorate_canon::{OfferId, RequestId};
use quorate_matching::{
    Capacity, Match, PairRank, RoundContext, ScorePolicy, Seed, Snapshot, eligible, factors, score,
    tie,
};

/// All pairs that exist, highest first.
#[must_use]
pub fn pairs(
    snapshot: &Snapshot,
    policy: &ScorePolicy,
    context: &RoundContext,
    seed: &Seed,
) -> Vec<PairRank> {
    let mut pairs = Vec::new();
    for request in snapshot.requests() {
        for offer in snapshot.offers() {
            if eligible(&request.request, offer, policy, context).is_err() {
                continue;
            }
            let tie = tie(request, offer, seed);
            let factors = factors(request, offer, policy, context, tie);
            pairs.push(PairRank {
                score: score(request, &factors, policy, context),
                tie,
                request: request.request.id,
                offer: offer.offer.id,
            });
        }
    }
    pairs.sort_unstable_by(|a, b| b.cmp(a));
    pairs
}

/// The matches of a round, highest first: takes each of its [`pairs`] whose request is free and
/// whose machine has room, until the round's limit.
#[must_use]
pub fn walk(snapshot: &Snapshot, policy: &ScorePolicy, pairs: &[PairRank]) -> Vec<Match> {
    let limit = policy.match_limit().unwrap_or(u32::MAX);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut left: Vec<Capacity> = snapshot.offers().iter().map(|o| o.free()).collect();
    let mut served = vec![false; snapshot.requests().len()];
    let mut matches = Vec::new();
    for pair in pairs {
        if matches.len() == limit {
            break;
        }
        let (request, offer) = (
            request_place(snapshot, pair.request),
            offer_place(snapshot, pair.offer),
        );
        let demand = snapshot.requests()[request].request.demand();
        if served[request] || !left[offer].holds(&demand) {
            continue;
        }
        served[request] = true;
        left[offer] = left[offer].saturating_sub(&demand);
        matches.push(Match::from(*pair));
    }
    matches
}

/// Where a request of the snapshot stands in it.
pub(crate) fn request_place(snapshot: &Snapshot, id: RequestId) -> usize {
    let requests = snapshot.requests();
    requests.partition_point(|input| input.request.id < id)
}

/// Where an offer of the snapshot stands in it.
pub(crate) fn offer_place(snapshot: &Snapshot, id: OfferId) -> usize {
    let offers = snapshot.offers();
    offers.partition_point(|input| input.offer.id < id)
}
