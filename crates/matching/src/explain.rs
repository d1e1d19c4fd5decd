//! Why a request got what it got and a machine whom it got, in numbers that anyone can recompute.

use quorate_canon::{OfferId, RequestId};

use crate::capacity::Capacity;
use crate::eligibility::Ineligible;
use crate::num::index;
use crate::outcome::{Match, Outcome, UnmatchedReason};
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

/// What became of one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferExplanation {
    /// Its matches in descending order, with their factors.
    pub matches: Vec<(PairRank, Factors)>,
    /// What was free of it at T.
    pub free: Capacity,
    /// What its matches leave of that.
    pub left: Capacity,
    /// How many requests each rule cut, in the order of the rules; rules that cut none are left out.
    pub filtered: Vec<(Ineligible, u32)>,
    /// How many requests were eligible, those that it got included.
    pub eligible: u32,
    /// Of these, how many got a pair that stands higher.
    pub served_better: u32,
    /// Of these, how many found no room beside its matches that stand higher.
    pub outranked: u32,
    /// Of these, how many the round's limit cut.
    pub below_limit: u32,
    /// The best eligible pairs that are not matched, in descending order, with their factors.
    pub losers: Vec<(PairVerdict, Factors)>,
}

impl PairVerdict {
    /// Where the pair stands, if it exists.
    #[must_use]
    pub const fn rank(&self) -> Option<&PairRank> {
        match self {
            Self::Ineligible(_) => None,
            Self::Matched(rank)
            | Self::ServedBetter { rank, .. }
            | Self::Outranked { rank, .. }
            | Self::BelowLimit(rank) => Some(rank),
        }
    }
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
    Some(Explanation {
        result,
        filtered: nonzero(cut),
        eligible,
        best,
    })
}

fn nonzero(cut: [u32; Ineligible::ALL.len()]) -> Vec<(Ineligible, u32)> {
    let cut = Ineligible::ALL.into_iter().zip(cut);
    cut.filter(|(_, cut)| *cut > 0).collect()
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
    let got = outcome
        .matches
        .iter()
        .find(|found| found.request == request);
    let here = matches_of(outcome, offer);
    verdict(round, outcome, (wanted, machine), &here, got)
}

/// The matches of a machine, in descending order.
fn matches_of(outcome: &Outcome, offer: OfferId) -> Vec<Match> {
    let here = outcome.matches.iter().filter(|found| found.offer == offer);
    here.copied().collect()
}

/// What became of an eligible pair, by what its request `got` and the machine's matches.
fn verdict(
    round: &Prepared<'_>,
    outcome: &Outcome,
    (wanted, machine): (&RequestSide<'_>, &OfferSide<'_>),
    here: &[Match],
    got: Option<&Match>,
) -> Option<PairVerdict> {
    let rank = round.rank(wanted, machine);
    match got {
        Some(got) if got.rank() == rank => return Some(PairVerdict::Matched(rank)),
        Some(got) if got.rank() > rank => {
            return Some(PairVerdict::ServedBetter { rank, got: *got });
        }
        _ => {}
    }
    let above = here.partition_point(|found| found.rank() > rank);
    let by = here.get(..above)?;
    if !room(round, machine, by).holds(&wanted.demand) {
        let by = by.to_vec();
        return Some(PairVerdict::Outranked { rank, by });
    }
    let limit = round.policy().match_limit()?;
    let full = outcome.matches.len() >= index(limit);
    let last = outcome.matches.last();
    last.filter(|last| full && rank < last.rank())
        .map(|_| PairVerdict::BelowLimit(rank))
}

/// What matches leave of a machine.
fn room(round: &Prepared<'_>, machine: &OfferSide<'_>, matches: &[Match]) -> Capacity {
    let demands = matches
        .iter()
        .filter_map(|found| round.snapshot().request(found.request));
    demands.fold(*machine.free(), |left, input| {
        left.saturating_sub(&input.request.demand())
    })
}

/// Says of one machine whom it got, which rule cut how many requests, and why its `show` best losers
/// lost. `None` if the offer is not in the round, or the outcome is not that of the round.
#[must_use]
pub fn explain_offer(
    round: &Prepared<'_>,
    outcome: &Outcome,
    offer: OfferId,
    show: usize,
) -> Option<OfferExplanation> {
    let machine = round.offers().get(round.snapshot().offer_index(offer)?)?;
    let mut cut = [0_u32; Ineligible::ALL.len()];
    let mut pairs = Vec::new();
    for wanted in round.requests() {
        match round.eligible(wanted, machine) {
            Ok(()) => pairs.push((round.rank(wanted, machine), wanted)),
            Err(reason) => count(&mut cut, reason),
        }
    }
    pairs.sort_unstable_by_key(|(rank, _)| std::cmp::Reverse(*rank));
    let here = matches_of(outcome, offer);
    let mut said = OfferExplanation {
        matches: Vec::new(),
        free: *machine.free(),
        left: room(round, machine, &here),
        filtered: nonzero(cut),
        eligible: crate::num::position(pairs.len()),
        served_better: 0,
        outranked: 0,
        below_limit: 0,
        losers: Vec::new(),
    };
    let served = by_request(outcome);
    for (rank, wanted) in pairs {
        let got = served.binary_search_by_key(&rank.request, |found| found.request);
        let got = got.ok().and_then(|at| served.get(at));
        let verdict = verdict(round, outcome, (wanted, machine), &here, got)?;
        said.note(verdict, round.factors(wanted, machine), show);
    }
    Some(said)
}

fn by_request(outcome: &Outcome) -> Vec<Match> {
    let mut matches = outcome.matches.clone();
    matches.sort_unstable_by_key(|found| found.request);
    matches
}

impl OfferExplanation {
    fn note(&mut self, verdict: PairVerdict, factors: Factors, show: usize) {
        match &verdict {
            PairVerdict::Matched(rank) => return self.matches.push((*rank, factors)),
            PairVerdict::ServedBetter { .. } => {
                self.served_better = self.served_better.saturating_add(1);
            }
            PairVerdict::Outranked { .. } => self.outranked = self.outranked.saturating_add(1),
            PairVerdict::BelowLimit(_) => self.below_limit = self.below_limit.saturating_add(1),
            // Only eligible pairs come here.
            PairVerdict::Ineligible(_) => return,
        }
        if self.losers.len() < show {
            self.losers.push((verdict, factors));
        }
    }
}
