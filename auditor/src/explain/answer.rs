//! What became of an order in a round, from the round's inputs and its outcome alone.

use quorate_canon::{OfferId, RequestId};
use quorate_matching::{
    Capacity, Explanation, Ineligible, Match, PairVerdict, Prepared, Seed, UnmatchedReason,
    explain_offer, explain_pair, explain_request,
};
use serde::Serialize;

use super::pair::{Ahead, Pair, Rules, Verdict};
use crate::inputs::{Right, RoundInputs};

/// How many orders of the other side one rule cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cut {
    /// The rule's number in `docs/formats.md` section 6.
    pub rule: u8,
    /// The rule in words.
    pub words: String,
    /// How many.
    pub count: u32,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequestAnswer {
    /// GPUs that it asks for.
    pub gpus: u8,
    /// The most that it pays, micro-dollars for a GPU and an hour.
    pub budget: u64,
    /// What it got.
    pub matched: Option<Ahead>,
    /// Where that pair stands among its own, from 1.
    pub place: Option<usize>,
    /// Why it got nothing.
    pub unmatched: Option<&'static str>,
    /// Offers in the round.
    pub offers: usize,
    /// Of these, eligible.
    pub eligible: u32,
    /// The others, by the first rule that each breaks.
    pub cut: Vec<Cut>,
    /// Its best pairs, best first, and the matched one.
    pub pairs: Vec<Pair>,
}

/// What became of an offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OfferAnswer {
    /// Its ask, micro-dollars for a GPU and an hour.
    pub ask: u64,
    /// GPUs that were free at T.
    pub gpus_free: u8,
    /// GPUs that its matches leave.
    pub gpus_left: u8,
    /// What was free of the rest, and what is left: CPU, memory, disk, bandwidth.
    pub rest_free: [u32; 4],
    /// As `rest_free`.
    pub rest_left: [u32; 4],
    /// Requests in the round.
    pub requests: usize,
    /// Of these, eligible.
    pub eligible: u32,
    /// Of these, served by a pair that stands higher.
    pub served_better: u32,
    /// Of these, outranked here.
    pub outranked: u32,
    /// Of these, cut by the round's limit.
    pub below_limit: u32,
    /// The others, by the first rule that each breaks.
    pub cut: Vec<Cut>,
    /// Its matches, best first.
    pub matches: Vec<Pair>,
    /// Its best losers, best first.
    pub losers: Vec<Pair>,
}

/// A round ready to be asked about.
pub(super) struct Round<'a> {
    inputs: &'a RoundInputs,
    right: &'a Right,
    prepared: Prepared<'a>,
}

impl<'a> Round<'a> {
    /// Makes it ready.
    #[must_use]
    pub(super) fn new(inputs: &'a RoundInputs, right: &'a Right, seed: &Seed) -> Self {
        let prepared = Prepared::new(
            &inputs.snapshot,
            &inputs.policy.score,
            &inputs.context,
            seed,
        );
        Self {
            inputs,
            right,
            prepared,
        }
    }

    fn rules(&self) -> Rules<'_> {
        Rules {
            policy: &self.inputs.policy.score,
            context: &self.inputs.context,
        }
    }

    fn last(&self) -> Option<&Match> {
        self.right.outcome.matches.last()
    }

    /// What became of a request, with its `show` best pairs; `None` if it is not in the round.
    #[must_use]
    pub(super) fn request(&self, id: RequestId, show: usize) -> Option<RequestAnswer> {
        let input = self.inputs.snapshot.request(id)?;
        let Explanation {
            result,
            filtered,
            eligible,
            best,
        } = explain_request(&self.prepared, &self.right.outcome, id, usize::MAX)?;
        let got = result.ok();
        let place = got.and_then(|got| best.iter().position(|(rank, _)| *rank == got.rank()));
        let shown = best
            .iter()
            .enumerate()
            .filter(|(at, _)| *at < show || Some(*at) == place);
        let pairs = shown
            .filter_map(|(_, (rank, factors))| {
                let said = explain_pair(&self.prepared, &self.right.outcome, id, rank.offer)?;
                let verdict = Verdict::of(&said, self.last())?;
                Some(self.rules().pair(input, rank, factors, verdict))
            })
            .collect();
        Some(RequestAnswer {
            gpus: input.request.gpus.get(),
            budget: input.request.budget.get(),
            matched: got.map(|got| Ahead::of(&got, &got.rank())),
            place: place.map(|at| at + 1),
            unmatched: result.err().map(reason),
            offers: self.inputs.snapshot.offers().len(),
            eligible,
            cut: cuts(&filtered),
            pairs,
        })
    }

    /// What became of an offer, with its `show` best losers; `None` if it is not in the round.
    #[must_use]
    pub(super) fn offer(&self, id: OfferId, show: usize) -> Option<OfferAnswer> {
        let input = self.inputs.snapshot.offer(id)?;
        let said = explain_offer(&self.prepared, &self.right.outcome, id, show)?;
        let pair = |verdict: &PairVerdict, factors: &_| {
            let rank = verdict.rank()?;
            let request = self.inputs.snapshot.request(rank.request)?;
            let verdict = Verdict::of(verdict, self.last())?;
            Some(self.rules().pair(request, rank, factors, verdict))
        };
        let matches = said.matches.iter();
        let matches =
            matches.filter_map(|(rank, factors)| pair(&PairVerdict::Matched(*rank), factors));
        let losers = said.losers.iter();
        let losers = losers.filter_map(|(verdict, factors)| pair(verdict, factors));
        Some(OfferAnswer {
            ask: input.offer.ask.get(),
            gpus_free: said.free.gpus,
            gpus_left: said.left.gpus,
            rest_free: rest(&said.free),
            rest_left: rest(&said.left),
            requests: self.inputs.snapshot.requests().len(),
            eligible: said.eligible,
            served_better: said.served_better,
            outranked: said.outranked,
            below_limit: said.below_limit,
            cut: cuts(&said.filtered),
            matches: matches.collect(),
            losers: losers.collect(),
        })
    }
}

const fn rest(capacity: &Capacity) -> [u32; 4] {
    [
        capacity.cpu_milli,
        capacity.memory_mib,
        capacity.disk_gib,
        capacity.mbits,
    ]
}

const fn reason(reason: UnmatchedReason) -> &'static str {
    match reason {
        UnmatchedReason::NothingEligible => "no offer is eligible",
        UnmatchedReason::Outranked => "every eligible machine went to pairs that stand higher",
        UnmatchedReason::LimitReached => "the round reached its limit of matches",
    }
}

fn cuts(filtered: &[(Ineligible, u32)]) -> Vec<Cut> {
    let cut = |(rule, count): &(Ineligible, u32)| Cut {
        rule: rule.code(),
        words: rule.to_string(),
        count: *count,
    };
    filtered.iter().map(cut).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, SEED};

    #[test]
    fn parts_add_up_to_the_score_for_both_sides() {
        for number in 0..12 {
            let inputs = testing::inputs(number, 6, 24, 5);
            let right = inputs.right(&SEED).unwrap();
            let round = Round::new(&inputs, &right, &SEED);
            let requests = inputs.snapshot.requests().iter();
            let of_requests = requests.flat_map(|r| round.request(r.request.id, 9).unwrap().pairs);
            let offers = inputs.snapshot.offers().iter();
            let of_offers = offers.flat_map(|o| {
                let said = round.offer(o.offer.id, 99).unwrap();
                said.matches.into_iter().chain(said.losers)
            });
            let pairs: Vec<Pair> = of_requests.chain(of_offers).collect();
            assert!(!pairs.is_empty());
            for pair in pairs {
                let sum: u64 = pair.parts.iter().map(|part| part.points).sum();
                assert_eq!(sum, pair.score);
            }
        }
    }

    /// Whoever took the room or the request stands higher, by as much as is said.
    #[test]
    fn those_ahead_are_ahead_and_matched() {
        let mut seen = [0; 4];
        for number in 0..40 {
            let inputs = testing::inputs(number, 4, 16, 6);
            let right = inputs.right(&SEED).unwrap();
            let round = Round::new(&inputs, &right, &SEED);
            for request in inputs.snapshot.requests() {
                for pair in round.request(request.request.id, 9).unwrap().pairs {
                    let (kind, ahead) = match &pair.verdict {
                        Verdict::Matched => (0, vec![]),
                        Verdict::ServedBetter { by } => (1, vec![*by]),
                        Verdict::Outranked { by } => (2, by.clone()),
                        Verdict::BelowLimit { last } => (3, vec![*last]),
                    };
                    seen[kind] += 1;
                    assert!(kind == 0 || !ahead.is_empty());
                    for by in ahead {
                        assert_eq!(by.score, pair.score + by.ahead);
                        let found = right.outcome.matches.iter();
                        let mut found = found.filter(|m| m.request.get() == by.request);
                        assert_eq!(found.next().map(|m| m.offer.get()), Some(by.offer));
                    }
                }
            }
        }
        assert!(seen.iter().all(|times| *times > 5), "{seen:?}");
    }

    #[test]
    fn a_matched_request_shows_its_pair_however_few_are_asked_for() {
        let inputs = testing::inputs(3, 6, 24, 0);
        let right = inputs.right(&SEED).unwrap();
        let round = Round::new(&inputs, &right, &SEED);
        for found in &right.outcome.matches {
            let said = round.request(found.request, 0).unwrap();
            assert_eq!(said.pairs.len(), 1);
            assert_eq!(said.pairs[0].verdict, Verdict::Matched);
            assert_eq!(said.matched.unwrap().offer, found.offer.get());
        }
    }
}
