//! Judges a pair that is said to block.

use quorate_canon::{OfferId, RequestId};

use crate::capacity::Capacity;
use crate::judge::entry::{inputs, rank_of};
use crate::judge::view::View;
use crate::judge::{Accused, NO_POSITION, Refutation, RefutationCode};
use crate::list::Entry;
use crate::opening::Opening;
use crate::rank::PairRank;
use crate::witness::WitnessError;

/// Whether the pair e is eligible and blocks: its request has nothing as good, its machine has room
/// beside what stands above it, and the round got that far.
pub(super) fn judge(
    view: &impl View,
    accused: &Accused,
    (request, offer): (RequestId, OfferId),
    opening: &Opening,
) -> Result<Option<Refutation>, WitnessError> {
    if !view.is_posted() {
        return Err(WitnessError::NotPosted);
    }
    let Ok((wanted, machine)) = inputs(view, request, offer) else {
        return Ok(None);
    };
    let Some(pair) = rank_of(view, accused, &wanted, &machine) else {
        return Ok(None);
    };
    let above = entry_before(opening, &pair)?;
    let served = served_by(view, opening, request)?;
    let last = last_of_full(view, opening)?;

    // Not if the entry is the pair itself: then it is in the list, whatever score it has there.
    let unserved = served.is_none_or(|entry| entry.offer != offer && entry.rank() < pair);
    let same = above.filter(|entry| entry.offer == offer);
    let used = same.map_or(Capacity::ZERO, |entry| entry.used);
    let sum = used.checked_add(&wanted.request.demand());
    let room = sum.is_some_and(|sum| machine.free().holds(&sum));
    let reached = last.is_none_or(|entry| entry.rank() < pair);
    let blocks = unserved && room && reached;
    Ok(blocks.then_some(Refutation::at(RefutationCode::Blocking, NO_POSITION)))
}

/// The last entry that stands before the pair in the order of the list. The opening shows it and the
/// one behind it, so that nothing can stand between.
fn entry_before<'o>(
    opening: &'o Opening,
    pair: &PairRank,
) -> Result<Option<&'o Entry>, WitnessError> {
    let split = opening
        .entries
        .iter()
        .take_while(|(_, entry)| stands_before(entry, pair))
        .count();
    let before = split.checked_sub(1).and_then(|at| opening.entries.get(at));
    let behind = opening
        .entries
        .get(split)
        .map_or(opening.count, |(at, _)| *at);
    let next = match before {
        Some((at, _)) => at.checked_add(1),
        None => Some(0),
    };
    if next != Some(behind) {
        return Err(WitnessError::Missing("the neighbours of the pair"));
    }
    Ok(before.map(|(_, entry)| entry))
}

fn stands_before(entry: &Entry, pair: &PairRank) -> bool {
    entry.offer < pair.offer || (entry.offer == pair.offer && entry.rank() > *pair)
}

/// The entry that serves the request in this round, where its lease says that it stands.
fn served_by<'o>(
    view: &impl View,
    opening: &'o Opening,
    request: RequestId,
) -> Result<Option<&'o Entry>, WitnessError> {
    let lease = view.lease(request);
    let Some(lease) = lease.filter(|lease| lease.round == view.context().round) else {
        return Ok(None);
    };
    let entry = opening.entry(lease.position);
    entry
        .map(Some)
        .ok_or(WitnessError::Missing("the entry of the request"))
}

/// The lowest entry, if the round has reached its limit.
fn last_of_full<'o>(
    view: &impl View,
    opening: &'o Opening,
) -> Result<Option<&'o Entry>, WitnessError> {
    let limit = view.policy().match_limit();
    if limit.is_none_or(|limit| opening.count < limit) {
        return Ok(None);
    }
    let entry = opening.entry(opening.lowest);
    entry
        .map(Some)
        .ok_or(WitnessError::Missing("the lowest entry"))
}
