//! Which pairs exist. A pair that is not eligible is not in the order and cannot block.
//!
//! Every rule looks at one request and one machine alone, and a pair that passes beside some
//! matches passes beside fewer of them; the proof in the crate's documentation rests on that.

use quorate_canon::{Bps, Timestamp};
use thiserror::Error;

use crate::capacity::Capacity;
use crate::context::RoundContext;
use crate::inputs::OfferInput;
use crate::policy::ScorePolicy;
use crate::request::Request;

macro_rules! reasons {
    ($($(#[doc = $doc:literal])* $name:ident = $code:literal: $text:literal,)*) => {
        /// Why a pair does not exist: the first rule, in the order of the codes, that it breaks.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Error)]
        #[non_exhaustive]
        pub enum Ineligible {
            $($(#[doc = $doc])* #[error($text)] $name = $code,)*
        }

        impl Ineligible {
            /// All reasons, in the order in which they are looked at.
            pub const ALL: [Self; 22] = [$(Self::$name),*];

            /// The number of the reason in `docs/formats.md` section 6.
            #[must_use]
            pub const fn code(self) -> u8 {
                match self { $(Self::$name => $code,)* }
            }
        }
    };
}

reasons! {
    /// The policy has no reference price for the model.
    ModelUnknown = 1: "the policy does not know the model",
    /// The request does not accept the model.
    Model = 2: "the model is not accepted",
    /// The request does not allow the region.
    Region = 3: "the region is not allowed",
    /// The request does not accept the node kind.
    Kind = 4: "the node kind is not accepted",
    /// The request does not accept the tier.
    Tier = 5: "the tier is not accepted",
    /// A GPU has too little memory.
    Vram = 6: "a GPU has too little memory",
    /// Too few GPUs are free.
    Gpus = 7: "too few GPUs are free",
    /// Too little CPU is free.
    Cpu = 8: "too little CPU is free",
    /// Too little memory is free.
    Memory = 9: "too little memory is free",
    /// Too little disk is free.
    Disk = 10: "too little disk is free",
    /// Too little bandwidth is free.
    Bandwidth = 11: "too little bandwidth is free",
    /// A needed capability is missing.
    Needs = 12: "a needed capability is missing",
    /// A refused capability is there.
    Refuses = 13: "a refused capability is there",
    /// The ask is above the budget.
    Budget = 14: "the ask is above the budget",
    /// The offer does not take the currency.
    Currency = 15: "the currency is not taken",
    /// The term is shorter than the offer's shortest.
    TermShort = 16: "the term is too short",
    /// The term is longer than the offer's longest.
    TermLong = 17: "the term is too long",
    /// The offer ends before the term does.
    Available = 18: "the machine is not available for the whole term",
    /// The machine is jailed or in maintenance.
    Machine = 19: "the machine is not active",
    /// The provider is jailed or in maintenance.
    Provider = 20: "the provider is not active",
    /// The provider's stake does not cover all GPUs that it has registered.
    Stake = 21: "the provider is staked too low for its GPUs",
    /// The machine's uptime is below what the request asks for.
    Uptime = 22: "the uptime is too low",
}

/// Whether the pair exists.
///
/// # Errors
/// The first rule that it breaks.
pub fn eligible(
    request: &Request,
    offer: &OfferInput,
    policy: &ScorePolicy,
    context: &RoundContext,
) -> Result<(), Ineligible> {
    Standing::of(offer, policy).admits(request, offer, context.time)
}

/// What the rules ask of an offer alone, worked out once for all its pairs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    pub(crate) free: Capacity,
    pub(crate) uptime: u16,
    known: bool,
    staked: bool,
}

impl Standing {
    pub(crate) fn of(input: &OfferInput, policy: &ScorePolicy) -> Self {
        Self {
            free: input.free(),
            uptime: input.machine.uptime.map_or(policy.prior_uptime, Bps::get),
            known: policy.reference_of(input.offer.model).is_some(),
            staked: is_staked(input, policy),
        }
    }

    pub(crate) fn admits(
        &self,
        request: &Request,
        input: &OfferInput,
        time: Timestamp,
    ) -> Result<(), Ineligible> {
        self.kind_of_machine(request, input)?;
        self.room(request)?;
        terms(request, input, time)?;
        ensure(input.machine.flags == 0, Ineligible::Machine)?;
        ensure(input.provider.flags == 0, Ineligible::Provider)?;
        ensure(self.staked, Ineligible::Stake)?;
        ensure(self.uptime >= request.min_uptime.get(), Ineligible::Uptime)
    }

    fn kind_of_machine(&self, request: &Request, input: &OfferInput) -> Result<(), Ineligible> {
        let offer = &input.offer;
        ensure(self.known, Ineligible::ModelUnknown)?;
        ensure(request.models.bit(offer.model), Ineligible::Model)?;
        ensure(request.regions.bit(offer.region), Ineligible::Region)?;
        ensure(bit(u32::from(request.kinds), offer.kind), Ineligible::Kind)?;
        ensure(bit(u32::from(request.tiers), offer.tier), Ineligible::Tier)?;
        ensure(offer.vram_mib >= request.min_vram_mib, Ineligible::Vram)
    }

    fn room(&self, request: &Request) -> Result<(), Ineligible> {
        ensure(self.free.gpus >= request.gpus.get(), Ineligible::Gpus)?;
        ensure(self.free.cpu_milli >= request.cpu_milli, Ineligible::Cpu)?;
        ensure(
            self.free.memory_mib >= request.memory_mib,
            Ineligible::Memory,
        )?;
        ensure(self.free.disk_gib >= request.disk_gib, Ineligible::Disk)?;
        ensure(self.free.mbits >= request.mbits, Ineligible::Bandwidth)
    }
}

fn terms(request: &Request, input: &OfferInput, time: Timestamp) -> Result<(), Ineligible> {
    let offer = &input.offer;
    ensure(request.needs.is_subset_of(&offer.has), Ineligible::Needs)?;
    ensure(!request.refuses.intersects(&offer.has), Ineligible::Refuses)?;
    ensure(offer.ask <= request.budget, Ineligible::Budget)?;
    ensure(
        bit(offer.currencies, request.currency),
        Ineligible::Currency,
    )?;
    ensure(request.term >= offer.min_term, Ineligible::TermShort)?;
    ensure(request.term <= offer.max_term, Ineligible::TermLong)?;
    let end = time.checked_add(u64::from(request.term));
    ensure(
        end.is_some_and(|end| end <= offer.available_until),
        Ineligible::Available,
    )
}

/// Whether the provider's stake covers every GPU that it has registered, at this offer's tier.
fn is_staked(input: &OfferInput, policy: &ScorePolicy) -> bool {
    let gpus = u128::from(input.provider.registered_gpus);
    let least = u128::from(policy.min_stake_of(input.offer.tier).get()).saturating_mul(gpus);
    gpus >= 1 && u128::from(input.provider.stake.get()) >= least
}

/// Bit `number` of a mask; a number beyond the mask is not in it.
fn bit(mask: u32, number: u8) -> bool {
    mask.checked_shr(u32::from(number))
        .is_some_and(|rest| rest & 1 == 1)
}

fn ensure(holds: bool, otherwise: Ineligible) -> Result<(), Ineligible> {
    if holds { Ok(()) } else { Err(otherwise) }
}
