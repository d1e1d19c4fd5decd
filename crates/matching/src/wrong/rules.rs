//! Lies about the rules: the right inputs, matched by other randomness, another policy or another
//! order.

use std::cmp::Reverse;

use super::draw::Draw;
use super::{Lied, Round};
use crate::capacity::Capacity;
use crate::context::Seed;
use crate::list::OutcomeList;
use crate::num::index;
use crate::outcome::Match;
use crate::policy::ScorePolicy;
use crate::rank::PairRank;
use crate::solve::match_round;

pub(super) fn other_seed(round: &Round<'_>, draw: &mut Draw) -> Option<Lied> {
    let mut seed = *round.truth.seed;
    let at = draw.below(seed.0.len());
    *seed.0.get_mut(at)? ^= 1;
    compute(round, round.truth.policy, &seed)
}

pub(super) fn other_policy(round: &Round<'_>, draw: &mut Draw) -> Option<Lied> {
    let mut policy = round.truth.policy.clone();
    match draw.below(5) {
        0 => policy.weights.rotate_left(1),
        1 => policy.age_points ^= 1,
        2 => policy.prior_uptime = policy.prior_uptime.saturating_sub(500),
        3 => policy.offsets.rotate_left(1),
        _ => policy.max_matches = policy.max_matches.saturating_add(1),
    }
    compute(round, &policy, round.truth.seed)
}

fn compute(round: &Round<'_>, policy: &ScorePolicy, seed: &Seed) -> Option<Lied> {
    let snapshot = round.truth.snapshot;
    let outcome = match_round(snapshot, policy, round.truth.context, seed);
    round.sign(OutcomeList::new(&outcome, snapshot))
}

/// A pair with the positions of its request and its offer.
type Placed = (PairRank, usize, usize);

/// Greedy over true pairs, by first come first served, from below, or machine by machine.
pub(super) fn other_order(round: &Round<'_>, draw: &mut Draw) -> Option<Lied> {
    let mut pairs = eligible_pairs(round);
    match draw.below(3) {
        0 => pairs.sort_unstable_by_key(|(rank, ..)| (rank.request, Reverse(*rank))),
        1 => pairs.sort_unstable_by_key(|(rank, ..)| *rank),
        _ => pairs.sort_unstable_by_key(|(rank, ..)| (rank.offer, Reverse(*rank))),
    }
    round.relist(greedy(round, &pairs))
}

fn eligible_pairs(round: &Round<'_>) -> Vec<Placed> {
    let prepared = &round.prepared;
    let mut pairs = Vec::new();
    for (i, request) in prepared.requests().iter().enumerate() {
        for (j, offer) in prepared.offers().iter().enumerate() {
            if prepared.eligible(request, offer).is_ok() {
                pairs.push((prepared.rank(request, offer), i, j));
            }
        }
    }
    pairs
}

fn greedy(round: &Round<'_>, pairs: &[Placed]) -> Vec<Match> {
    let prepared = &round.prepared;
    let limit = prepared.policy().match_limit().map_or(usize::MAX, index);
    let mut left: Vec<Capacity> = prepared.offers().iter().map(|side| *side.free()).collect();
    let mut served = vec![false; prepared.requests().len()];
    let mut matches: Vec<Match> = Vec::new();
    for (rank, request, offer) in pairs {
        let (Some(side), Some(served), Some(left)) = (
            prepared.requests().get(*request),
            served.get_mut(*request),
            left.get_mut(*offer),
        ) else {
            continue;
        };
        if matches.len() < limit && !*served && left.holds(&side.demand) {
            *served = true;
            *left = left.saturating_sub(&side.demand);
            matches.push((*rank).into());
        }
    }
    matches
}
