//! Lies about who got what: matches are changed, sums and order follow.

use quorate_canon::{OfferId, RequestId};

use super::draw::Draw;
use super::{Lied, Round};
use crate::capacity::Capacity;
use crate::num::index;
use crate::outcome::{Match, left_over};
use crate::policy::ScorePolicy;
use crate::prepared::{OfferSide, RequestSide};
use crate::solve::match_round;

pub(super) fn drop(round: &Round<'_>, draw: &mut Draw) -> Option<Lied> {
    let mut matches = round.outcome.matches.clone();
    let gone = *draw.one_of(&matches)?;
    matches.retain(|found| *found != gone);
    round.relist(matches)
}

pub(super) fn swap_requests(round: &Round<'_>, draw: &mut Draw) -> Option<Lied> {
    let matches = &round.outcome.matches;
    let one = *draw.one_of(matches)?;
    let other = *draw
        .around(matches)
        .find(|found| found.offer != one.offer)?;
    let swapped = [
        pair(round, other.request, one.offer)?,
        pair(round, one.request, other.offer)?,
    ];
    let kept = matches.iter().copied();
    let kept = kept.filter(|found| *found != one && *found != other);
    round.relist(kept.chain(swapped).collect())
}

pub(super) fn move_one(round: &Round<'_>, draw: &mut Draw) -> Option<Lied> {
    let left = left_over(&round.prepared, &round.outcome.matches);
    for found in draw.around(&round.outcome.matches) {
        let request = request_side(round, found.request)?;
        let fits = |(offer, left): &(&OfferSide<'_>, &Capacity)| {
            offer.input.offer.id != found.offer
                && left.holds(&request.demand)
                && round.prepared.eligible(request, offer).is_ok()
        };
        let mut machines = round.prepared.offers().iter().zip(&left);
        if let Some((offer, _)) = machines.find(fits) {
            let moved = pair(round, found.request, offer.input.offer.id)?;
            return replace(round, found, moved);
        }
    }
    None
}

pub(super) fn ineligible(round: &Round<'_>, draw: &mut Draw) -> Option<Lied> {
    for found in draw.around(&round.outcome.matches) {
        let request = request_side(round, found.request)?;
        let offers = round.prepared.offers();
        let mut wrong = draw.around(offers).filter(|offer| {
            round.prepared.eligible(request, offer).is_err() && offer.free().holds(&request.demand)
        });
        if let Some(offer) = wrong.next() {
            let moved = pair(round, found.request, offer.input.offer.id)?;
            return replace(round, found, moved);
        }
    }
    None
}

pub(super) fn score(round: &Round<'_>, draw: &mut Draw) -> Option<Lied> {
    let found = *draw.one_of(&round.outcome.matches)?;
    let score = match draw.below(4) {
        0 => found.score.checked_add(1)?,
        1 => found.score.checked_sub(1)?,
        2 => draw.roll(),
        _ => u64::MAX,
    };
    replace(round, &found, Match { score, ..found })
}

pub(super) fn tie(round: &Round<'_>, draw: &mut Draw) -> Option<Lied> {
    let found = *draw.one_of(&round.outcome.matches)?;
    let tie = match draw.below(3) {
        0 => found.tie ^ 1,
        1 => found.tie.wrapping_add(1),
        _ => draw.roll(),
    };
    replace(round, &found, Match { tie, ..found })
}

pub(super) fn repeat_here(round: &Round<'_>, draw: &mut Draw) -> Option<Lied> {
    let found = *draw.one_of(&round.outcome.matches)?;
    with(round, found)
}

pub(super) fn repeat_elsewhere(round: &Round<'_>, draw: &mut Draw) -> Option<Lied> {
    for found in draw.around(&round.outcome.matches) {
        let request = request_side(round, found.request)?;
        let second = draw.around(round.prepared.offers()).find(|offer| {
            offer.input.offer.id != found.offer && round.prepared.eligible(request, offer).is_ok()
        });
        if let Some(offer) = second {
            let again = pair(round, found.request, offer.input.offer.id)?;
            return with(round, again);
        }
    }
    None
}

pub(super) fn cut_early(round: &Round<'_>, draw: &mut Draw) -> Option<Lied> {
    let mut matches = round.outcome.matches.clone();
    let keep = draw.below(matches.len());
    (!matches.is_empty()).then_some(())?;
    matches.truncate(keep);
    round.relist(matches)
}

pub(super) fn over_limit(round: &Round<'_>, draw: &mut Draw) -> Option<Lied> {
    let truth = round.truth;
    let limit = index(truth.policy.match_limit()?);
    let unlimited = ScorePolicy {
        max_matches: 0,
        ..truth.policy.clone()
    };
    let mut matches = match_round(truth.snapshot, &unlimited, truth.context, truth.seed).matches;
    let more = matches.len().checked_sub(limit).filter(|more| *more > 0)?;
    let more = draw.below(more).saturating_add(1);
    matches.truncate(limit.saturating_add(more));
    round.relist(matches)
}

pub(super) fn overfull(round: &Round<'_>, draw: &mut Draw) -> Option<Lied> {
    let matches = &round.outcome.matches;
    let left = left_over(&round.prepared, matches);
    for request in draw.around(round.prepared.requests()) {
        let id = request.input.request.id;
        if matches.iter().any(|found| found.request == id) {
            continue;
        }
        let full = |(offer, left): &(&OfferSide<'_>, &Capacity)| {
            !left.holds(&request.demand) && round.prepared.eligible(request, offer).is_ok()
        };
        let mut machines = round.prepared.offers().iter().zip(&left);
        if let Some((offer, _)) = machines.find(full) {
            let more = pair(round, id, offer.input.offer.id)?;
            return with(round, more);
        }
    }
    None
}

/// The pair with the score that the rules give it, eligible or not.
pub(super) fn pair(round: &Round<'_>, request: RequestId, offer: OfferId) -> Option<Match> {
    let at = round.truth.snapshot.offer_index(offer)?;
    let offer = round.prepared.offers().get(at)?;
    Some(
        round
            .prepared
            .rank(request_side(round, request)?, offer)
            .into(),
    )
}

fn request_side<'r>(round: &'r Round<'_>, id: RequestId) -> Option<&'r RequestSide<'r>> {
    let at = round.truth.snapshot.request_index(id)?;
    round.prepared.requests().get(at)
}

fn replace(round: &Round<'_>, old: &Match, new: Match) -> Option<Lied> {
    let matches = round.outcome.matches.iter();
    let kept = matches.copied().filter(|found| found != old);
    round.relist(kept.chain([new]).collect())
}

/// One match more; where that is one too many, the lowest that has nothing to do with it is dropped.
fn with(round: &Round<'_>, more: Match) -> Option<Lied> {
    let mut matches = round.outcome.matches.clone();
    let limit = round.truth.policy.match_limit().map(index);
    if limit.is_some_and(|limit| matches.len() >= limit) {
        let mut others = matches.iter();
        let lowest =
            others.rposition(|found| found.request != more.request && found.offer != more.offer)?;
        matches.remove(lowest);
    }
    matches.push(more);
    round.relist(matches)
}
