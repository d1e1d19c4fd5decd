//! Which machines are judged in a window, out of what the chain had a little before it.

use quorate_canon::{Address, GpuCount, OfferId, Stake, Timestamp};
use quorate_chain::{State, machines::MachineView, market::MarketIndex, market::OfferStanding};
use quorate_health::LeaseState;
use quorate_matching::{Offer, ProviderState};

use super::board::Wanted;

/// A machine that is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// The machine, by its offer.
    pub id: OfferId,
    /// The agent's address, which the offer's `machine_key` names.
    pub key: Address,
    /// The offer's version that this is of.
    pub version: u32,
    /// The offer's model.
    pub model: u8,
    /// The offer's memory of one card, MiB.
    pub vram_mib: u32,
    /// The offer's cards.
    pub gpus: GpuCount,
}

/// The machines of a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    /// What was asked for.
    pub wanted: Wanted,
    /// Its machines.
    pub machines: Vec<Candidate>,
    /// Machines beyond the most that this operator takes on.
    pub left_out: usize,
}

impl Roster {
    /// The roster with offers as they are at `t`, if any of them has a newer version.
    pub(super) fn renewed(&self, market: &MarketIndex, t: Timestamp) -> Option<Self> {
        let newer = |old: &Candidate| {
            let offer = market.offer_standing(old.id, t)?.offer;
            (offer.version.get() != old.version).then(|| candidate(offer))?
        };
        let mut changed = false;
        let machines = self.machines.iter().map(|old| match newer(old) {
            Some(new) => {
                changed = true;
                new
            }
            None => *old,
        });
        let machines = machines.collect();
        changed.then_some(Self {
            machines,
            ..self.clone()
        })
    }
}

/// Draws the roster up. Machines with a lease come first, then by id: if there are more than the most,
/// all operators leave the same ones out.
#[must_use]
pub fn draw_up(state: &State, wanted: Wanted) -> Roster {
    let at = wanted.as_of;
    let mut leased = Vec::new();
    let mut free = Vec::new();
    for view in state.machines.machines_at(at) {
        let Some(standing) = state.market.offer_standing(view.id, at) else {
            continue;
        };
        let in_lease = matches!(
            state.machines.lease_at(view.id, at),
            LeaseState::LeasedSince(_)
        );
        if !is_judged(&view, &standing, in_lease, &wanted) {
            continue;
        }
        let into = if in_lease { &mut leased } else { &mut free };
        into.extend(candidate(standing.offer));
    }
    leased.append(&mut free);
    let left_out = leased.len().saturating_sub(wanted.most);
    leased.truncate(wanted.most);
    Roster {
        wanted,
        machines: leased,
        left_out,
    }
}

/// Registered before the epoch began, and leased, or for hire: open, no flag set, and with the stake
/// that a round would ask for. Who has no stake to lose must not be able to keep operators busy; a
/// machine with a lease is judged whatever its provider does about offer and stake.
fn is_judged(
    view: &MachineView<'_>,
    standing: &OfferStanding<'_>,
    in_lease: bool,
    wanted: &Wanted,
) -> bool {
    let for_hire = || {
        standing.open
            && standing.machine.flags == 0
            && is_staked(standing.offer, &standing.provider, &wanted.min_stake)
    };
    view.registered < wanted.epoch_start && (in_lease || for_hire())
}

fn is_staked(offer: &Offer, provider: &ProviderState, min_stake: &[Stake; 8]) -> bool {
    let least = min_stake.get(usize::from(offer.tier));
    least.is_some_and(|least| {
        let least = u128::from(least.get()) * u128::from(provider.registered_gpus);
        provider.registered_gpus > 0 && u128::from(provider.stake.get()) >= least
    })
}

/// `None` for an offer whose `machine_key` is no address.
fn candidate(offer: &Offer) -> Option<Candidate> {
    let (padding, key) = offer.machine_key.split_at(12);
    let key = Address(key.try_into().ok()?);
    let is_address = padding.iter().all(|byte| *byte == 0) && key != Address::default();
    is_address.then_some(Candidate {
        id: offer.id,
        key,
        version: offer.version.get(),
        model: offer.model,
        vram_mib: offer.vram_mib,
        gpus: offer.gpus,
    })
}
