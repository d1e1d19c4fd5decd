//! Lies about the inputs: the outcome is the right one of a market that never was.

use quorate_canon::{Bps, GpuCount, MicroDollars, OfferId, RequestId, Stake, Timestamp};

use super::draw::Draw;
use super::{Lied, Round};
use crate::inputs::{OfferInput, RequestInput};
use crate::request::Profile;

/// As if one of these requests were an input, and got something.
pub(super) fn with_request(
    round: &Round<'_>,
    others: &[RequestInput],
    draw: &mut Draw,
) -> Option<Lied> {
    let lies = draw.around(others).filter_map(|other| {
        let mut requests = round.truth.snapshot.requests().to_vec();
        requests.push(other.clone());
        let lied = round.recompute(round.truth.snapshot.offers().to_vec(), requests)?;
        let id = other.request.id;
        has(&lied, |request, _| request == id).then_some(lied)
    });
    first(lies)
}

/// As if one of these offers were an input, and got something.
pub(super) fn with_offer(
    round: &Round<'_>,
    others: &[OfferInput],
    draw: &mut Draw,
) -> Option<Lied> {
    let lies = draw.around(others).filter_map(|other| {
        let mut offers = round.truth.snapshot.offers().to_vec();
        offers.push(other.clone());
        let lied = round.recompute(offers, round.truth.snapshot.requests().to_vec())?;
        let id = other.offer.id;
        has(&lied, |_, offer| offer == id).then_some(lied)
    });
    first(lies)
}

pub(super) fn unknown_request(round: &Round<'_>, draw: &mut Draw) -> Option<Lied> {
    let known = round.truth.snapshot.requests();
    let invented: Vec<_> = known
        .iter()
        .map(|like| {
            let mut input = like.clone();
            input.request.id = RequestId::new(u64::MAX.saturating_sub(draw.roll() >> 48));
            input
        })
        .collect();
    with_request(round, &invented, draw)
}

pub(super) fn unknown_offer(round: &Round<'_>, draw: &mut Draw) -> Option<Lied> {
    let known = round.truth.snapshot.offers();
    let invented: Vec<_> = known
        .iter()
        .map(|like| {
            let mut input = like.clone();
            input.offer.id = OfferId::new(u64::MAX.saturating_sub(draw.roll() >> 48));
            input
        })
        .collect();
    with_offer(round, &invented, draw)
}

pub(super) fn other_version(round: &Round<'_>, draw: &mut Draw) -> Option<Lied> {
    let other = draw.one_of(&round.truth.outside.other_versions)?;
    let mut offers = round.truth.snapshot.offers().to_vec();
    let id = other.offer.id;
    *offers.iter_mut().find(|input| input.offer.id == id)? = other.clone();
    round.recompute(offers, round.truth.snapshot.requests().to_vec())
}

pub(super) fn omit_request(round: &Round<'_>, draw: &mut Draw) -> Option<Lied> {
    let mut requests = round.truth.snapshot.requests().to_vec();
    let gone = draw.one_of(&requests)?.request.id;
    requests.retain(|input| input.request.id != gone);
    round.recompute(round.truth.snapshot.offers().to_vec(), requests)
}

pub(super) fn omit_offer(round: &Round<'_>, draw: &mut Draw) -> Option<Lied> {
    let mut offers = round.truth.snapshot.offers().to_vec();
    let gone = draw.one_of(&offers)?.offer.id;
    offers.retain(|input| input.offer.id != gone);
    round.recompute(offers, round.truth.snapshot.requests().to_vec())
}

pub(super) fn alter_request(round: &Round<'_>, draw: &mut Draw) -> Option<Lied> {
    let mut requests = round.truth.snapshot.requests().to_vec();
    let at = draw.below(requests.len());
    let altered = requests.get_mut(at)?;
    let wanted = &mut altered.request;
    match draw.below(7) {
        0 => wanted.gpus = GpuCount::new(wanted.gpus.get().saturating_add(1)),
        1 => wanted.memory_mib = wanted.memory_mib.saturating_sub(1_024),
        2 => wanted.budget = MicroDollars::new(u64::MAX),
        3 => wanted.min_uptime = Bps::ZERO,
        4 => wanted.home_region = wanted.home_region.wrapping_add(3),
        5 => {
            let profiles = Profile::ALL.into_iter().cycle();
            let next = profiles.skip_while(|profile| *profile != wanted.profile);
            wanted.profile = next.take(2).last()?;
        }
        _ => altered.created = Timestamp::new(0),
    }
    round.recompute(round.truth.snapshot.offers().to_vec(), requests)
}

pub(super) fn alter_offer(round: &Round<'_>, draw: &mut Draw) -> Option<Lied> {
    let mut offers = round.truth.snapshot.offers().to_vec();
    let at = draw.below(offers.len());
    let altered = offers.get_mut(at)?;
    match draw.below(7) {
        0 => altered.offer.ask = MicroDollars::new(altered.offer.ask.get().div_ceil(2)),
        1 => altered.offer.ask = MicroDollars::new(altered.offer.ask.get().saturating_mul(2)),
        2 => altered.used.gpus = altered.used.gpus.saturating_add(1),
        3 => altered.machine.uptime = Some(Bps::ZERO),
        4 => altered.provider.stake = Stake::new(altered.provider.stake.get() >> 3),
        5 => altered.machine.flags ^= 2,
        _ => {
            altered.offer.gpus = GpuCount::new(altered.offer.gpus.get().saturating_add(2));
            altered.offer.cpu_milli = altered.offer.cpu_milli.saturating_mul(2);
            altered.offer.memory_mib = altered.offer.memory_mib.saturating_mul(2);
            altered.offer.disk_gib = altered.offer.disk_gib.saturating_mul(2);
        }
    }
    round.recompute(offers, round.truth.snapshot.requests().to_vec())
}

fn has(lied: &Lied, is: impl Fn(RequestId, OfferId) -> bool) -> bool {
    let mut entries = lied.list.entries().iter();
    entries.any(|entry| is(entry.request, entry.offer))
}

fn first(mut lies: impl Iterator<Item = Lied>) -> Option<Lied> {
    lies.next()
}
