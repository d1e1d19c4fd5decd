//! Judges one entry by itself.

use quorate_canon::{OfferId, RequestId, Timestamp};

use crate::eligibility::eligible;
use crate::inputs::{OfferInput, RequestInput};
use crate::judge::view::{OfferAt, RequestRecord, View};
use crate::judge::{Accused, Refutation, RefutationCode};
use crate::opening::Opening;
use crate::rank::PairRank;
use crate::score::{factors, score, tie};

/// The one opened entry, against all that it says.
pub(super) fn judge(view: &impl View, accused: &Accused, opening: &Opening) -> Option<Refutation> {
    let (position, entry) = opening.entries.first()?;
    let wrong = |code| Some(Refutation::at(code, *position));
    let (request, offer) = match inputs(view, entry.request, entry.offer) {
        Ok(pair) => pair,
        Err(code) => return wrong(code),
    };
    let Some(rank) = rank_of(view, accused, &request, &offer) else {
        return wrong(RefutationCode::Ineligible);
    };
    if entry.score != rank.score {
        return wrong(RefutationCode::WrongScore);
    }
    if entry.tie != rank.tie {
        return wrong(RefutationCode::WrongTie);
    }
    if !entry.used.holds(&request.request.demand()) {
        return wrong(RefutationCode::WrongSum);
    }
    if !offer.free().holds(&entry.used) {
        return wrong(RefutationCode::OverCapacity);
    }
    None
}

/// Both orders, if they are inputs of the round; else what is wrong, in the order in which the contract
/// looks at it.
pub(super) fn inputs(
    view: &impl View,
    request: RequestId,
    offer: OfferId,
) -> Result<(RequestInput, Box<OfferInput>), RefutationCode> {
    let known = view
        .request(request)
        .ok_or(RefutationCode::UnknownRequest)?;
    let at_t = view.offer(offer);
    if at_t == OfferAt::Unknown {
        return Err(RefutationCode::UnknownOffer);
    }
    if matched_before(view, request) {
        return Err(RefutationCode::MatchedTwice);
    }
    let time = view.context().time;
    if !is_open(&known, time) {
        return Err(RefutationCode::RequestNotOpen);
    }
    match at_t {
        OfferAt::Open(input) if time < input.offer.available_until => Ok((known.input, input)),
        _ => Err(RefutationCode::OfferNotOpen),
    }
}

fn is_open(known: &RequestRecord, time: Timestamp) -> bool {
    let request = &known.input;
    request.created <= time && time < known.closed && time < request.request.valid_until
}

fn matched_before(view: &impl View, request: RequestId) -> bool {
    let lease = view.lease(request);
    lease.is_some_and(|lease| lease.round < view.context().round)
}

/// Where the pair stands in the order, if it is eligible.
pub(super) fn rank_of(
    view: &impl View,
    accused: &Accused,
    request: &RequestInput,
    offer: &OfferInput,
) -> Option<PairRank> {
    let (policy, context) = (view.policy(), view.context());
    eligible(&request.request, offer, policy, context).ok()?;
    let tie = tie(request, offer, &accused.seed);
    let factors = factors(request, offer, policy, context, tie);
    Some(PairRank {
        score: score(request, &factors, policy, context),
        tie,
        request: request.request.id,
        offer: offer.offer.id,
    })
}
