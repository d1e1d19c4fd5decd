//! Why a request got what it got, in numbers that anyone can recompute.

use quorate_canon::{OfferId, RequestId};

use crate::eligibility::Ineligible;
use crate::num::index;
use crate::outcome::{Match, Outcome, UnmatchedReason, left_over};
use crate::prepared::{OfferSide, Prepared, RequestSide};
use crate::rank::PairRank;
use crate::score::Factors;

/// What became of one pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PairVerdict {
    /// The pair does not exist.
    Ineligible(Ineligible),
    /// The pair is matched.
    Matched(PairRank),
    /// The request got a pair that stands higher.
    ServedBetter {
        /// The pair asked about.
        rank: PairRank,
        /// What the request got.
        got: Match,
    },
    /// The machine had no room left beside its matches that stand higher.
    Outranked {
        /// The pair asked about.
        rank: PairRank,
        /// Those matches, in descending order.
        by: Vec<Match>,
    },
    /// The round stopped at its limit before it came to the pair.
    BelowLimit(PairRank),
}

/// What became of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What it got, or why nothing.
    pub result: Result<Match, UnmatchedReason>,
    /// How many offers each rule cut, in the order of the rules; rules that cut none are left out.
    pub filtered: Vec<(Ineligible, u32)>,
    /// How many offers were eligible.
    pub eligible: u32,
    /// The best eligible pairs of the request, in descending order, with their factors.
    pub best: Vec<(PairRank, Factors)>,
}

/// Says of one request what it got, which rule cut how many offers, and what its `show` best pairs
/// were. `None` if the request is not in the round.
#[must_use]
pub fn explain_request(
    round: &Prepared<'_>,
    outcome: &Outcome,
    request: RequestId,
    show: usize,
) -> Option<Explanation> {
    let side = round
        .requests()
        .get(round.snapshot().request_index(request)?)?;
    let found = outcome
        .matches
        .iter()
        .find(|found| found.request == request);
    let reason = outcome.unmatched.iter().find(|(id, _)| *id == request);
    let result = match found {
        Some(found) => Ok(*found),
        None => Err(reason.map(|(_, reason)| *reason)?),
    };
    let mut cut = [0_u32; Ineligible::ALL.len()];
    let mut best = Vec::new();
    for offer in round.offers() {
        match round.eligible(side, offer) {
            Ok(()) => best.push((round.rank(side, offer), round.factors(side, offer))),
            Err(reason) => count(&mut cut, reason),
        }
    }
    let eligible = crate::num::position(best.len());
    best.sort_unstable_by_key(|(rank, _)| std::cmp::Reverse(*rank));
    best.truncate(show);
    let filtered = Ineligible::ALL
        .into_iter()
        .zip(cut)
        .filter(|(_, cut)| *cut > 0)
        .collect();
    Some(Explanation {
        result,
        filtered,
        eligible,
        best,
    })
}

fn count(cut: &mut [u32], reason: Ineligible) {
    let at = usize::from(reason.code().saturating_sub(1));
    if let Some(cut) = cut.get_mut(at) {
        *cut = cut.saturating_add(1);
    }
}

/// Says what became of one pair. `None` if one of the two is not in the round, or the outcome is not
/// that of the round.
#[must_use]
pub fn explain_pair(
    round: &Prepared<'_>,
    outcome: &Outcome,
    request: RequestId,
    offer: OfferId,
) -> Option<PairVerdict> {
    let wanted = round
        .requests()
        .get(round.snapshot().request_index(request)?)?;
    let machine = round.offers().get(round.snapshot().offer_index(offer)?)?;
    if let Err(reason) = round.eligible(wanted, machine) {
        return Some(PairVerdict::Ineligible(reason));
    }
    let rank = round.rank(wanted, machine);
    match outcome
        .matches
        .iter()
        .find(|found| found.request == request)
    {
        Some(got) if got.rank() == rank => return Some(PairVerdict::Matched(rank)),
        Some(got) if got.rank() > rank => {
            return Some(PairVerdict::ServedBetter { rank, got: *got });
        }
        _ => {}
    }
    lost(round, outcome, wanted, machine, rank)
}

fn lost(
    round: &Prepared<'_>,
    outcome: &Outcome,
    wanted: &RequestSide<'_>,
    machine: &OfferSide<'_>,
    rank: PairRank,
) -> Option<PairVerdict> {
    let above = |found: &&Match| found.offer == rank.offer && found.rank() > rank;
    let by: Vec<Match> = outcome.matches.iter().filter(above).copied().collect();
    let left = left_over(round, &by);
    let room = left.get(round.snapshot().offer_index(machine.input.offer.id)?)?;
    if !room.holds(&wanted.demand) {
        return Some(PairVerdict::Outranked { rank, by });
    }
    let limit = round.policy().match_limit()?;
    let full = outcome.matches.len() >= index(limit);
    let last = outcome
        .matches
        .last()
        .filter(|last| full && rank < last.rank());
    last.map(|_| PairVerdict::BelowLimit(rank))
}
