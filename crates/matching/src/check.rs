//! The complete check of an outcome. It knows nothing of how outcomes are found.
//!
//! A list passes if and only if it is the outcome: its entries are what the inputs make them, and
//! no pair blocks. Every wrong list has a short witness, and the fault names it.

use std::ops::Range;

use quorate_canon::{OfferId, RequestId};
use thiserror::Error;

use crate::capacity::Capacity;
use crate::context::{RoundContext, Seed};
use crate::eligibility::Ineligible;
use crate::list::{Entry, OutcomeList, lowest_of};
use crate::num::position;
use crate::policy::ScorePolicy;
use crate::prepared::{OfferSide, Prepared, RequestSide};
use crate::rank::PairRank;
use crate::snapshot::Snapshot;

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

/// Whether the list is the outcome of the round, which is unique.
///
/// # Errors
/// One fault of the list, if it is not.
pub fn check_outcome(
    snapshot: &Snapshot,
    policy: &ScorePolicy,
    context: &RoundContext,
    seed: &Seed,
    list: &OutcomeList,
) -> Result<(), Fault> {
    let round = Prepared::new(snapshot, policy, context, seed);
    let claim = Claim::read(&round, list)?;
    claim.check_cut(&round)?;
    claim.check_unblocked(&round)
}

/// A list whose entries are all true, looked at from both sides.
struct Claim<'l> {
    list: &'l OutcomeList,
    /// By the request's position: its entry.
    served: Vec<Option<(u32, PairRank)>>,
    /// By the offer's position: its entries.
    spans: Vec<Range<usize>>,
}

impl<'l> Claim<'l> {
    /// Checks each entry by itself and against the one before it.
    fn read(round: &Prepared<'_>, list: &'l OutcomeList) -> Result<Self, Fault> {
        let mut claim = Self {
            list,
            served: vec![None; round.requests().len()],
            spans: vec![0..0; round.offers().len()],
        };
        let mut before: Option<&Entry> = None;
        for (at, entry) in list.entries().iter().enumerate() {
            check_place(position(at), entry, before)?;
            let (offer_at, offer) = find_offer(round, position(at), entry)?;
            let (request_at, request) = find_request(round, position(at), entry)?;
            check_pair(round, position(at), entry, request, offer)?;
            check_used(position(at), entry, before, request, offer)?;
            claim.note_request(request_at, position(at), entry)?;
            claim.note_offer(offer_at, at);
            before = Some(entry);
        }
        Ok(claim)
    }

    fn note_request(&mut self, request: usize, at: u32, entry: &Entry) -> Result<(), Fault> {
        let Some(slot) = self.served.get_mut(request) else {
            return Ok(());
        };
        match slot.replace((at, entry.rank())) {
            None => Ok(()),
            Some((first, _)) => Err(Fault::Repeated {
                request: entry.request,
                first,
                second: at,
            }),
        }
    }

    fn note_offer(&mut self, offer: usize, at: usize) {
        let Some(span) = self.spans.get_mut(offer) else {
            return;
        };
        if span.start == span.end {
            span.start = at;
        }
        span.end = at.saturating_add(1);
    }

    fn check_cut(&self, round: &Prepared<'_>) -> Result<(), Fault> {
        let got = self.list.count();
        if let Some(limit) = round.policy().match_limit().filter(|limit| got > *limit) {
            return Err(Fault::TooMany { got, limit });
        }
        let expected = lowest_of(self.list.entries());
        if self.list.lowest() != expected {
            return Err(Fault::WrongLowest {
                got: self.list.lowest(),
                expected,
            });
        }
        Ok(())
    }

    /// Looks at every eligible pair.
    fn check_unblocked(&self, round: &Prepared<'_>) -> Result<(), Fault> {
        let floor = self.floor(round);
        for (request, served) in round.requests().iter().zip(&self.served) {
            // The pair has to stand above this to block.
            let floor = served.map(|(_, rank)| rank).max(floor);
            for (at, offer) in round.candidates(request) {
                if round.eligible(request, offer).is_err() {
                    continue;
                }
                let rank = round.rank(request, offer);
                if floor.is_none_or(|floor| rank > floor)
                    && self.has_room(crate::num::index(at), &rank, request, offer)
                {
                    return Err(Fault::Blocking(rank));
                }
            }
        }
        Ok(())
    }

    /// The lowest match, if the limit is reached: nothing below it can block.
    fn floor(&self, round: &Prepared<'_>) -> Option<PairRank> {
        let full = round.policy().match_limit() == Some(self.list.count());
        let lowest = self.list.entry(self.list.lowest()).filter(|_| full);
        lowest.map(Entry::rank)
    }

    /// Whether the machine holds the request beside its matches above the pair.
    fn has_room(
        &self,
        at: usize,
        rank: &PairRank,
        request: &RequestSide<'_>,
        offer: &OfferSide<'_>,
    ) -> bool {
        let span = self.spans.get(at).cloned().unwrap_or_default();
        let entries = self.list.entries().get(span).unwrap_or_default();
        let above = entries.partition_point(|entry| entry.rank() > *rank);
        let used = above.checked_sub(1).and_then(|last| entries.get(last));
        let used = used.map_or(Capacity::ZERO, |entry| entry.used);
        used.checked_add(&request.demand)
            .is_some_and(|sum| offer.free().holds(&sum))
    }
}

fn check_place(at: u32, entry: &Entry, before: Option<&Entry>) -> Result<(), Fault> {
    let Some(above) = before else { return Ok(()) };
    let stands = match above.offer.cmp(&entry.offer) {
        std::cmp::Ordering::Less => true,
        std::cmp::Ordering::Equal => above.rank() > entry.rank(),
        std::cmp::Ordering::Greater => false,
    };
    if stands {
        Ok(())
    } else {
        Err(Fault::Order {
            position: at,
            before: at.saturating_sub(1),
        })
    }
}

fn find_offer<'r, 'a>(
    round: &'r Prepared<'a>,
    position: u32,
    entry: &Entry,
) -> Result<(usize, &'r OfferSide<'a>), Fault> {
    let at = round.snapshot().offer_index(entry.offer);
    at.and_then(|at| Some((at, round.offers().get(at)?)))
        .ok_or(Fault::UnknownOffer {
            position,
            offer: entry.offer,
        })
}

fn find_request<'r, 'a>(
    round: &'r Prepared<'a>,
    position: u32,
    entry: &Entry,
) -> Result<(usize, &'r RequestSide<'a>), Fault> {
    let at = round.snapshot().request_index(entry.request);
    at.and_then(|at| Some((at, round.requests().get(at)?)))
        .ok_or(Fault::UnknownRequest {
            position,
            request: entry.request,
        })
}

fn check_pair(
    round: &Prepared<'_>,
    position: u32,
    entry: &Entry,
    request: &RequestSide<'_>,
    offer: &OfferSide<'_>,
) -> Result<(), Fault> {
    let Entry {
        request: request_id,
        offer: offer_id,
        ..
    } = *entry;
    round
        .eligible(request, offer)
        .map_err(|reason| Fault::Ineligible {
            position,
            request: request_id,
            offer: offer_id,
            reason,
        })?;
    let rank = round.rank(request, offer);
    if entry.tie != rank.tie {
        return Err(Fault::WrongTie {
            position,
            got: entry.tie,
            expected: rank.tie,
        });
    }
    if entry.score != rank.score {
        return Err(Fault::WrongScore {
            position,
            got: entry.score,
            expected: rank.score,
        });
    }
    Ok(())
}

fn check_used(
    position: u32,
    entry: &Entry,
    before: Option<&Entry>,
    request: &RequestSide<'_>,
    offer: &OfferSide<'_>,
) -> Result<(), Fault> {
    let above = before.filter(|above| above.offer == entry.offer);
    let used = above.map_or(Capacity::ZERO, |above| above.used);
    let over = Fault::OverCapacity {
        position,
        offer: entry.offer,
    };
    let expected = used.checked_add(&request.demand).ok_or(over)?;
    if entry.used != expected {
        return Err(Fault::WrongUsed {
            position,
            got: entry.used,
            expected,
        });
    }
    if offer.free().holds(&expected) {
        Ok(())
    } else {
        Err(over)
    }
}
