//! A refutation for people: what is wrong, with both sides of the difference where there are two.

use quorate_canon::{OfferId, RequestId};
use quorate_matching::{
    Entry, OfferAt, OfferInput, Refutation, RefutationCode, RequestInput, Seed, View, Witness,
    eligible, factors, score, tie,
};

use super::{seed::BeaconRule, view::RoundView};
use crate::record::Record;

/// What a witness shows.
pub(super) fn of(
    view: &RoundView<'_>,
    seed: &Seed,
    witness: &Witness,
    refutation: &Refutation,
) -> String {
    let code = refutation.code;
    match witness {
        Witness::Blocking { request, offer, .. } => blocking(view, seed, *request, *offer),
        Witness::Entry(opening) => match opening.entries.first() {
            Some((at, entry)) => format!(
                "{}: {}",
                place(*at, entry),
                entry_words(view, seed, code, entry)
            ),
            None => code.to_string(),
        },
        Witness::Neighbours(opening) => match opening.entries.as_slice() {
            [(at, entry)] => format!("{}: {code}", place(*at, entry)),
            [(before, _), (at, entry)] => {
                format!("{} after entry {before}: {code}", place(*at, entry))
            }
            _ => code.to_string(),
        },
        Witness::Repeated(opening) => match opening.entries.as_slice() {
            [(first, entry), (second, _)] => format!(
                "request {} stands at entries {first} and {second}: {code}",
                entry.request
            ),
            _ => code.to_string(),
        },
        Witness::Cut(opening) => match opening.entries.as_slice() {
            [] => format!(
                "{} entries, lowest at {}: {code}",
                opening.count, opening.lowest
            ),
            entries => {
                let lower = entries.iter().find(|(at, _)| *at != opening.lowest);
                let at = lower.map_or(0, |(at, _)| *at);
                format!(
                    "entry {at} is below entry {}, said to be lowest: {code}",
                    opening.lowest
                )
            }
        },
        Witness::Seed(_) => code.to_string(),
    }
}

/// What the posted signature says against a seed.
pub(super) fn wrong_seed(beacon: &BeaconRule, record: &Record) -> String {
    let round = record.header.round;
    let number = beacon.schedule.beacon_round(round).unwrap_or(0);
    format!(
        "the seed follows from 48 bytes that are not the signature of beacon round {number}, or does \
         not follow from them (also judged on L1: Slasher.proveWrongSeed)"
    )
}

fn place(at: u32, entry: &Entry) -> String {
    format!(
        "entry {at} (request {}, offer {})",
        entry.request, entry.offer
    )
}

fn entry_words(view: &RoundView<'_>, seed: &Seed, code: RefutationCode, entry: &Entry) -> String {
    let Some((request, offer)) = orders(view, entry.request, entry.offer) else {
        return code.to_string();
    };
    match code {
        RefutationCode::Ineligible => {
            match eligible(&request.request, &offer, view.policy(), view.context()) {
                Err(rule) => format!("{code}: {rule}"),
                Ok(()) => code.to_string(),
            }
        }
        RefutationCode::WrongScore => {
            let expected = score_of(view, seed, &request, &offer);
            format!("{code}: got {}, expected {expected}", entry.score)
        }
        RefutationCode::WrongTie => {
            let expected = tie(&request, &offer, seed);
            format!("{code}: got {}, expected {expected}", entry.tie)
        }
        RefutationCode::OverCapacity => {
            format!("{code}: takes {:?} of {:?}", entry.used, offer.free())
        }
        _ => code.to_string(),
    }
}

fn blocking(view: &RoundView<'_>, seed: &Seed, request: RequestId, offer: OfferId) -> String {
    let score = orders(view, request, offer)
        .map(|(request, offer)| score_of(view, seed, &request, &offer))
        .map_or_else(String::new, |score| format!(" with score {score}"));
    format!(
        "request {request} and offer {offer}{score} should be matched and are not: they block the list"
    )
}

fn orders(
    view: &RoundView<'_>,
    request: RequestId,
    offer: OfferId,
) -> Option<(RequestInput, OfferInput)> {
    let OfferAt::Open(offer) = view.offer(offer) else {
        return None;
    };
    Some((view.request(request)?.input, *offer))
}

fn score_of(view: &RoundView<'_>, seed: &Seed, request: &RequestInput, offer: &OfferInput) -> u64 {
    let (policy, context) = (view.policy(), view.context());
    let tie = tie(request, offer, seed);
    score(
        request,
        &factors(request, offer, policy, context, tie),
        policy,
        context,
    )
}
