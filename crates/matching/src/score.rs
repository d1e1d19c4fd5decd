//! The eight factors of a pair and the score that they add up to (`docs/formats.md` section 6).
//!
//! Nothing is divided after the factors, so equal inputs give equal scores to the last digit. A
//! score falls into what depends on the request, what depends on the offer (and the profile), and
//! what depends on both; [`Prepared`](crate::Prepared) works the first two out once an order.

use quorate_canon::{Bps, MicroDollars, Timestamp};

use crate::context::{RoundContext, Seed};
use crate::inputs::{OfferInput, ProviderState, RequestInput};
use crate::keys::{fold, jitter, offer_key, request_key};
use crate::log2q::log2q;
use crate::num::factor;
use crate::policy::ScorePolicy;
use crate::request::Profile;

/// What a factor of 10 000 at full weight is worth: the scale of age points.
const POINT: u64 = 10_000;
const WHOLE: u64 = 10_000;

/// The eight factors of a pair, each 0 to 10 000, higher is better.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Factors {
    /// How near the machine is to the home region.
    pub region: u16,
    /// How far the ask lies below the reference price.
    pub price: u16,
    /// Uptime of the machine, or the prior.
    pub uptime: u16,
    /// Reputation of the provider, or the prior.
    pub reputation: u16,
    /// How tightly the request fits what is free at T.
    pub availability: u16,
    /// What the provider has not lost of its stake.
    pub slash: u16,
    /// Stake per registered GPU.
    pub stake: u16,
    /// The lottery.
    pub randomness: u16,
}

impl Factors {
    /// The factors in the order of the weights.
    #[must_use]
    pub const fn to_array(self) -> [u16; 8] {
        [
            self.region,
            self.price,
            self.uptime,
            self.reputation,
            self.availability,
            self.slash,
            self.stake,
            self.randomness,
        ]
    }
}

/// The tie of a pair.
#[must_use]
pub fn tie(request: &RequestInput, offer: &OfferInput, seed: &Seed) -> u64 {
    fold(
        request_key(seed, request.request.id),
        offer_key(seed, offer.offer.id),
    )
}

/// The factors of a pair that has this tie. They say something only of an eligible pair.
#[must_use]
pub fn factors(
    request: &RequestInput,
    offer: &OfferInput,
    policy: &ScorePolicy,
    context: &RoundContext,
    tie: u64,
) -> Factors {
    let (wanted, machine) = (&request.request, &offer.offer);
    Factors {
        region: region(policy, wanted.home_region, machine.region),
        price: price(policy, machine.model, machine.ask),
        uptime: offer.machine.uptime.map_or(policy.prior_uptime, Bps::get),
        reputation: offer
            .provider
            .reputation
            .map_or(policy.prior_reputation, Bps::get),
        availability: availability(wanted.gpus.get(), offer.free().gpus),
        slash: slash(policy, &offer.provider, context),
        stake: stake(policy, &offer.provider),
        randomness: jitter(tie),
    }
}

/// The score of a pair with these factors.
#[must_use]
pub fn score(
    request: &RequestInput,
    factors: &Factors,
    policy: &ScorePolicy,
    context: &RoundContext,
) -> u64 {
    let profile = request.request.profile;
    weighted(
        policy
            .weights_of(profile)
            .iter()
            .copied()
            .zip(factors.to_array()),
    )
    .saturating_add(request_part(policy, profile, request.created, context))
}

/// The sum of weight x factor. Sixteen bits each: eight products stay far below 64 bits.
pub(crate) fn weighted(terms: impl Iterator<Item = (u16, u16)>) -> u64 {
    terms.fold(0_u64, |sum, (weight, factor)| {
        sum.saturating_add(u64::from(weight).saturating_mul(u64::from(factor)))
    })
}

/// What the request alone adds: its profile's offset and its age.
pub(crate) fn request_part(
    policy: &ScorePolicy,
    profile: Profile,
    created: Timestamp,
    context: &RoundContext,
) -> u64 {
    let age = context.age(created).min(u64::from(policy.age_cap));
    let points = u64::from(policy.age_points).saturating_mul(age);
    policy
        .offset_of(profile)
        .saturating_add(POINT.saturating_mul(points))
}

/// What the offer alone adds for requests of a profile.
pub(crate) fn offer_part(
    policy: &ScorePolicy,
    profile: Profile,
    offer: &OfferInput,
    context: &RoundContext,
) -> u64 {
    let [_, w_price, w_uptime, w_reputation, _, w_slash, w_stake, _] = *policy.weights_of(profile);
    let (machine, provider) = (&offer.machine, &offer.provider);
    let terms = [
        (w_price, price(policy, offer.offer.model, offer.offer.ask)),
        (
            w_uptime,
            machine.uptime.map_or(policy.prior_uptime, Bps::get),
        ),
        (
            w_reputation,
            provider
                .reputation
                .map_or(policy.prior_reputation, Bps::get),
        ),
        (w_slash, slash(policy, provider, context)),
        (w_stake, stake(policy, provider)),
    ];
    weighted(terms.into_iter())
}

/// Same region, same zone, or the policy's table.
pub(crate) fn region(policy: &ScorePolicy, home: u8, there: u8) -> u16 {
    if home == there {
        return factor(WHOLE);
    }
    let (from, to) = (policy.zone_of(home), policy.zone_of(there));
    if from == to {
        return policy.same_zone;
    }
    let row = policy.zone_table.get(usize::from(from));
    row.and_then(|row| row.get(usize::from(to)))
        .copied()
        .unwrap_or(0)
}

/// 5 000 at the reference price, and `price_slope` more for each halving of the ask.
fn price(policy: &ScorePolicy, model: u8, ask: MicroDollars) -> u16 {
    let reference = policy.reference_of(model).map_or(0, MicroDollars::get);
    let octaves = i64::from(log2q(reference)).saturating_sub(i64::from(log2q(ask.get())));
    let points = octaves.saturating_mul(i64::from(policy.price_slope)) >> 16;
    let value = points.saturating_add(5_000).max(0);
    factor(u64::try_from(value).unwrap_or(0))
}

/// The share of the free GPUs that the request takes.
pub(crate) fn availability(gpus: u8, free: u8) -> u16 {
    // In 32 bits: the one division that every pair costs.
    let share = 10_000_u32
        .saturating_mul(u32::from(gpus))
        .checked_div(u32::from(free));
    factor(u64::from(share.unwrap_or(0)))
}

/// 10 000 minus the share of stake lost, less what time has forgiven.
fn slash(policy: &ScorePolicy, provider: &ProviderState, context: &RoundContext) -> u16 {
    let epochs = context
        .health_epoch
        .get()
        .saturating_sub(provider.slash_epoch.get());
    let forgiven = u64::from(policy.slash_decay).saturating_mul(u64::from(epochs));
    let left = u64::from(provider.slash.get()).saturating_sub(forgiven);
    factor(WHOLE.saturating_sub(left))
}

/// `stake_slope` for each doubling of the stake per registered GPU above the unit.
fn stake(policy: &ScorePolicy, provider: &ProviderState) -> u16 {
    let each = provider
        .stake
        .get()
        .checked_div(u64::from(provider.registered_gpus));
    let unit = policy.stake_unit.get();
    match each {
        Some(each) if each >= unit => {
            let octaves = u64::from(log2q(each)).saturating_sub(u64::from(log2q(unit)));
            factor(octaves.saturating_mul(u64::from(policy.stake_slope)) >> 16)
        }
        _ => 0,
    }
}
