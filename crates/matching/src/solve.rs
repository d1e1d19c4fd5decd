//! The exact solver: down the order, without ever writing the order out.
//!
//! All pairs of a large round do not fit into memory, so each request keeps a short list of its
//! best machines, and a heap holds the best pair of each request. The top of the heap is the next
//! pair of the order that can still matter, because
//!
//! - a request's list holds its best eligible machines among those that had room for it when the
//!   list was filled, and room only shrinks: a machine left out then stays out;
//! - the heap holds, of every request that is not matched yet, its best pair not yet looked at.
//!
//! A list that runs out is filled again from the machines that have room by then, twice as long as
//! before up to a bound, so memory stays in proportion to the number of orders and the number of
//! fillings stays small even where all requests want the same machines.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::capacity::Capacity;
use crate::context::{RoundContext, Seed};
use crate::num::{index, position};
use crate::outcome::{Match, Outcome};
use crate::policy::ScorePolicy;
use crate::prepared::Prepared;
use crate::rank::PairRank;
use crate::snapshot::Snapshot;

/// How many machines a request's first list holds.
const FIRST_LIST: usize = 16;
/// How many a list holds at most.
const LONGEST_LIST: usize = 64;

/// Computes the outcome of a round.
///
/// The outcome is unique, so any other right algorithm returns the same value; a faster one may
/// take this one's place, start from [`Prepared`] and end with [`Outcome::new`].
#[must_use]
pub fn match_round(
    snapshot: &Snapshot,
    policy: &ScorePolicy,
    context: &RoundContext,
    seed: &Seed,
) -> Outcome {
    let round = Prepared::new(snapshot, policy, context, seed);
    let matches = Greedy::new(&round).run();
    Outcome::new(&round, matches)
}

/// A pair by positions. Ids ascend with positions, so this order is that of [`PairRank`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    score: u64,
    tie: u64,
    request: u32,
    offer: u32,
}

/// What a request has left to try.
#[derive(Debug)]
struct Shortlist {
    /// Best last.
    best: Vec<Candidate>,
    /// How many the next filling holds.
    room: usize,
    /// Whether machines beyond this list may be left.
    more: bool,
}

struct Greedy<'r, 'a> {
    round: &'r Prepared<'a>,
    left: Vec<Capacity>,
    shortlists: Vec<Shortlist>,
    heads: BinaryHeap<Candidate>,
}

impl<'r, 'a> Greedy<'r, 'a> {
    fn new(round: &'r Prepared<'a>) -> Self {
        let left = round.offers().iter().map(|side| *side.free()).collect();
        let shortlists = round
            .requests()
            .iter()
            .map(|_| Shortlist {
                best: Vec::new(),
                room: FIRST_LIST,
                more: true,
            })
            .collect();
        let mut greedy = Self {
            round,
            left,
            shortlists,
            heads: BinaryHeap::new(),
        };
        greedy.heads = (0..round.requests().len())
            .filter_map(|request| greedy.next(position(request)))
            .collect();
        greedy
    }

    fn run(mut self) -> Vec<Match> {
        let limit = self.round.policy().match_limit().map_or(usize::MAX, index);
        let mut matches = Vec::new();
        while matches.len() < limit {
            let Some(pair) = self.heads.pop() else { break };
            match self.take(&pair) {
                Some(found) => matches.push(found),
                None => {
                    let next = self.next(pair.request);
                    self.heads.extend(next);
                }
            }
        }
        matches
    }

    /// Matches the pair if the machine still holds it.
    fn take(&mut self, pair: &Candidate) -> Option<Match> {
        let request = self.round.requests().get(index(pair.request))?;
        let offer = self.round.offers().get(index(pair.offer))?;
        let left = self.left.get_mut(index(pair.offer))?;
        if !left.holds(&request.demand) {
            return None;
        }
        *left = left.saturating_sub(&request.demand);
        let (request, offer) = (request.input.request.id, offer.input.offer.id);
        Some(
            PairRank {
                score: pair.score,
                tie: pair.tie,
                request,
                offer,
            }
            .into(),
        )
    }

    /// The request's best pair that is not looked at yet and that its machine still holds.
    fn next(&mut self, request: u32) -> Option<Candidate> {
        let demand = self.round.requests().get(index(request))?.demand;
        let shortlist = self.shortlists.get_mut(index(request))?;
        loop {
            while let Some(pair) = shortlist.best.pop() {
                if self.left.get(index(pair.offer))?.holds(&demand) {
                    return Some(pair);
                }
            }
            if !shortlist.more {
                return None;
            }
            fill(shortlist, self.round, &self.left, request);
        }
    }
}

/// Takes the request's best machines among those that have room for it now.
///
/// Pairs that were looked at before need not be told apart: they are gone from the list because
/// their machines have no room, and room does not come back.
fn fill(shortlist: &mut Shortlist, round: &Prepared<'_>, left: &[Capacity], request: u32) {
    let Some(side) = round.requests().get(index(request)) else {
        return;
    };
    let mut best: BinaryHeap<Reverse<Candidate>> = BinaryHeap::with_capacity(shortlist.room);
    let mut found = 0_usize;
    for (at, offer) in round.candidates(side) {
        let fits = left
            .get(index(at))
            .is_some_and(|left| left.holds(&side.demand));
        if !fits || round.eligible(side, offer).is_err() {
            continue;
        }
        let PairRank { score, tie, .. } = round.rank(side, offer);
        keep_best(
            &mut best,
            shortlist.room,
            Candidate {
                score,
                tie,
                request,
                offer: at,
            },
        );
        found = found.saturating_add(1);
    }
    shortlist.more = found > shortlist.room;
    shortlist.room = shortlist.room.saturating_mul(2).min(LONGEST_LIST);
    shortlist.best = best
        .into_sorted_vec()
        .into_iter()
        .map(|Reverse(pair)| pair)
        .collect();
    shortlist.best.reverse();
}

/// Adds a pair to the `room` best seen so far.
fn keep_best(best: &mut BinaryHeap<Reverse<Candidate>>, room: usize, pair: Candidate) {
    if best.len() < room {
        best.push(Reverse(pair));
        return;
    }
    if let Some(mut worst) = best.peek_mut()
        && worst.0 < pair
    {
        *worst = Reverse(pair);
    }
}
