//! Each entry by itself and against the one before it, by the rules themselves.

use std::cmp::Ordering;
use std::ops::Range;

use quorate_matching::{
    Capacity, Entry, Fault, OfferInput, OutcomeList, PairRank, RequestInput, eligible, factors,
    fold, score,
};

use super::Round;
use crate::pool;
use crate::search_ids::find;

/// Entries that one job looks at.
const CHUNK: usize = 4_096;

/// A list whose entries are all true, looked at from both sides.
pub(super) struct Claim {
    /// By the request's position: the rank of its match.
    pub(super) served: Vec<Option<PairRank>>,
    /// By the offer's position: its entries.
    pub(super) spans: Vec<Range<u32>>,
}

/// Entries that hold, and what is wrong with the one after them.
struct Read {
    /// Positions of request and offer.
    places: Vec<(u32, u32)>,
    fault: Option<Fault>,
}

impl Claim {
    pub(super) fn read(round: &Round<'_>, list: &OutcomeList) -> Result<Self, Fault> {
        let entries = list.entries();
        let chunks = pool::run(round.threads, entries.len().div_ceil(CHUNK), |job| {
            let end = entries.len().min((job + 1) * CHUNK);
            read_some(round, entries, job * CHUNK..end)
        });
        let mut claim = Self {
            served: vec![None; round.snapshot.requests().len()],
            spans: vec![0..0; round.snapshot.offers().len()],
        };
        let mut all = (0..).zip(entries);
        for chunk in chunks {
            for ((request, offer), (at, entry)) in chunk.places.iter().zip(&mut all) {
                if claim.served[*request as usize]
                    .replace(entry.rank())
                    .is_some()
                {
                    return Err(repeated(entries, entry, at));
                }
                let span = &mut claim.spans[*offer as usize];
                *span = if span.end == 0 { at } else { span.start }..at + 1;
            }
            if let Some(fault) = chunk.fault {
                return Err(fault);
            }
        }
        Ok(claim)
    }
}

fn repeated(entries: &[Entry], entry: &Entry, second: u32) -> Fault {
    let request = entry.request;
    let first = (0..).zip(entries).find(|(_, one)| one.request == request);
    Fault::Repeated {
        request,
        first: first.map_or(second, |(at, _)| at),
        second,
    }
}

fn read_some(round: &Round<'_>, entries: &[Entry], range: Range<usize>) -> Read {
    let mut read = Read {
        places: Vec::with_capacity(range.len()),
        fault: None,
    };
    for at in range {
        let before = at.checked_sub(1).map(|before| &entries[before]);
        match read_one(round, at as u32, &entries[at], before) {
            Ok(place) => read.places.push(place),
            Err(fault) => {
                read.fault = Some(fault);
                break;
            }
        }
    }
    read
}

fn read_one(
    round: &Round<'_>,
    position: u32,
    entry: &Entry,
    before: Option<&Entry>,
) -> Result<(u32, u32), Fault> {
    check_place(position, entry, before)?;
    let offers = round.snapshot.offers();
    let offer_at = find(offers.len(), entry.offer.get(), |at| {
        offers[at].offer.id.get()
    })
    .ok_or(Fault::UnknownOffer {
        position,
        offer: entry.offer,
    })?;
    let ids = &round.ready.book.ids;
    let request_at =
        find(ids.len(), entry.request.get(), |at| ids[at]).ok_or(Fault::UnknownRequest {
            position,
            request: entry.request,
        })?;
    let request = &round.snapshot.requests()[request_at];
    let offer = &offers[offer_at];
    let machine = round.ready.market.machine_of[offer_at] as usize;
    let tie = fold(round.keys[request_at], round.machine_keys[machine]);
    check_pair(round, position, entry, request, offer, tie)?;
    check_used(position, entry, before, request, offer)?;
    Ok((request_at as u32, offer_at as u32))
}

fn check_place(position: u32, entry: &Entry, before: Option<&Entry>) -> Result<(), Fault> {
    let Some(above) = before else { return Ok(()) };
    let stands = match above.offer.cmp(&entry.offer) {
        Ordering::Less => true,
        Ordering::Equal => above.rank() > entry.rank(),
        Ordering::Greater => false,
    };
    let fault = Fault::Order {
        position,
        before: position.saturating_sub(1),
    };
    if stands { Ok(()) } else { Err(fault) }
}

fn check_pair(
    round: &Round<'_>,
    position: u32,
    entry: &Entry,
    request: &RequestInput,
    offer: &OfferInput,
    tie: u64,
) -> Result<(), Fault> {
    eligible(&request.request, offer, round.policy, round.context).map_err(|reason| {
        Fault::Ineligible {
            position,
            request: entry.request,
            offer: entry.offer,
            reason,
        }
    })?;
    if entry.tie != tie {
        return Err(Fault::WrongTie {
            position,
            got: entry.tie,
            expected: tie,
        });
    }
    let expected = exact_score(round, request, offer, tie);
    if entry.score != expected {
        return Err(Fault::WrongScore {
            position,
            got: entry.score,
            expected,
        });
    }
    Ok(())
}

/// The score of a pair, by the rules.
pub(super) fn exact_score(
    round: &Round<'_>,
    request: &RequestInput,
    offer: &OfferInput,
    tie: u64,
) -> u64 {
    let factors = factors(request, offer, round.policy, round.context, tie);
    score(request, &factors, round.policy, round.context)
}

fn check_used(
    position: u32,
    entry: &Entry,
    before: Option<&Entry>,
    request: &RequestInput,
    offer: &OfferInput,
) -> Result<(), Fault> {
    let above = before.filter(|above| above.offer == entry.offer);
    let used = above.map_or(Capacity::ZERO, |above| above.used);
    let over = Fault::OverCapacity {
        position,
        offer: entry.offer,
    };
    let expected = used.checked_add(&request.request.demand()).ok_or(over)?;
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
