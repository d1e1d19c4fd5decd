//! What stands of one offer at a time, open or not: for whoever judges its machine.

use quorate_canon::{OfferId, Timestamp};
use quorate_matching::{MachineState, Offer, ProviderState};

use super::MarketIndex;

/// An offer and the values beside it, at the end of one second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfferStanding<'a> {
    /// The newest version written by then.
    pub offer: &'a Offer,
    /// Whether that version was open: neither closed nor past the time until which it is available.
    pub open: bool,
    /// Uptime and flags of the machine.
    pub machine: MachineState,
    /// Stake and flags of the provider.
    pub provider: ProviderState,
}

impl MarketIndex {
    /// What stood of an offer at the end of second `t`; `None` if it was not posted by then, or is
    /// [pruned](Self::prune). Times before the last pruning may show a later version.
    #[must_use]
    pub fn offer_standing(&self, id: OfferId, t: Timestamp) -> Option<OfferStanding<'_>> {
        let time = t.get();
        let versions = &self.offers.get(&id.get())?.versions;
        let after = versions.partition_point(|version| version.created <= time);
        let version = versions.get(after.checked_sub(1)?)?;
        let (offer, machine) = (&version.offer, self.machines.get(&id.get()));
        Some(OfferStanding {
            offer,
            open: time < version.closed && time < offer.available_until.get(),
            machine: machine.and_then(|steps| steps.at(time)).unwrap_or_default(),
            provider: self
                .providers
                .get(&offer.provider)
                .and_then(|steps| steps.at(time))
                .unwrap_or_default(),
        })
    }
}
