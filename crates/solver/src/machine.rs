//! What pairs need of an offer beside its place in the groups, in half a cache line.

use quorate_matching::{
    Factors, OfferInput, Profile, RequestInput, RoundContext, ScorePolicy, factors,
};

/// An offer, compact. Amounts beyond 32 bits are cut to the largest that fits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Machine {
    pub(crate) ask: u32,
    pub(crate) vram_mib: u32,
    pub(crate) min_term: u32,
    /// The longest term that both the offer and its end allow.
    pub(crate) max_term: u32,
    pub(crate) currencies: u32,
    pub(crate) uptime: u16,
    pub(crate) model: u8,
    pub(crate) region: u8,
    pub(crate) kind: u8,
    pub(crate) tier: u8,
    /// Whether any request at all may be eligible for it.
    pub(crate) open: bool,
}

impl Machine {
    pub(crate) fn new(input: &OfferInput, policy: &ScorePolicy, context: &RoundContext) -> Self {
        let offer = &input.offer;
        let time = context.time.get();
        let rest = offer.available_until.get().checked_sub(time);
        let registered = u128::from(input.provider.registered_gpus);
        let stake = u128::from(policy.min_stake_of(offer.tier).get()).saturating_mul(registered);
        let uptime = input.machine.uptime;
        Self {
            ask: saturate(offer.ask.get()),
            vram_mib: offer.vram_mib,
            min_term: offer.min_term,
            max_term: offer.max_term.min(saturate(rest.unwrap_or(0))),
            currencies: offer.currencies,
            uptime: uptime.map_or(policy.prior_uptime, quorate_canon::Bps::get),
            model: offer.model,
            region: offer.region,
            kind: offer.kind,
            tier: offer.tier,
            open: rest.is_some()
                && policy.reference_of(offer.model).is_some()
                && input.machine.flags == 0
                && input.provider.flags == 0
                && registered >= 1
                && u128::from(input.provider.stake.get()) >= stake
                && input.free().gpus >= 1,
        }
    }
}

pub(crate) fn saturate(amount: u64) -> u32 {
    u32::try_from(amount).unwrap_or(u32::MAX)
}

/// What the offer alone adds to a score, by profile.
pub(crate) fn offer_parts(
    input: &OfferInput,
    policy: &ScorePolicy,
    context: &RoundContext,
) -> [u32; 4] {
    let all = factors(&RequestInput::default(), input, policy, context, 0);
    let own = Factors {
        region: 0,
        availability: 0,
        randomness: 0,
        ..all
    };
    Profile::ALL.map(|profile| {
        let terms = policy.weights_of(profile).iter().zip(own.to_array());
        terms
            .map(|(weight, factor)| u32::from(*weight) * u32::from(factor))
            .sum()
    })
}
