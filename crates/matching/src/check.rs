//! The complete check of an outcome. It knows nothing of how outcomes are found.
//!
//! A list passes if and only if it is the outcome: its entries are what the inputs make them, and
//! no pair blocks. Every wrong list has a short witness, and the fault names it.

use std::ops::Range;

use crate::capacity::Capacity;
use crate::context::{RoundContext, Seed};
use crate::fault::Fault;
use crate::list::{Entry, OutcomeList, lowest_of};
use crate::num::position;
use crate::policy::ScorePolicy;
use crate::prepared::{OfferSide, Prepared, RequestSide};
use crate::rank::PairRank;
use crate::snapshot::Snapshot;

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
