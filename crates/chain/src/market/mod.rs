//! The market as the events tell it: a fold without I/O.
//!
//! [`MarketIndex`] keeps, for each order and each value beside it, when it had which state, so that
//! the inputs of any round can be read ([`MarketIndex::snapshot_at`]), past ones included. The
//! blocks of the tail can be taken back ([`MarketIndex::rollback`]). What no future round can need
//! is forgotten only when asked ([`MarketIndex::prune`]); an auditor does not ask.

mod error;
mod event;
mod fold;
mod history;
pub(crate) mod image;
mod prune;
mod standing;
pub(crate) mod steps;
mod undo;
mod view;

use std::collections::{BTreeMap, VecDeque};

use quorate_canon::{Address, Round};
use quorate_matching::{Capacity, MachineState, Offer, ProviderState, Request};

pub use error::FoldError;
pub use event::MarketEvent;
pub use history::{RequestLife, VersionLife};
pub use image::ImageError;
pub use standing::OfferStanding;
use steps::Steps;

/// "Not closed", as the contracts write it.
const OPEN: u64 = u64::MAX;

/// All versions of an offer, and what leases held of it when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct OfferHistory {
    versions: Vec<OfferVersion>,
    used: Steps<Capacity>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct OfferVersion {
    offer: Offer,
    created: u64,
    closed: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct RequestHistory {
    request: Request,
    created: u64,
    closed: u64,
    lease: Option<Lease>,
}

/// Which round matched a request, and when that was posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lease {
    round: Round,
    time: u64,
}

/// One change, so that it can be taken back. In the order of the changes of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Undo {
    OffersPosted { count: u64 },
    OfferRevised { id: u64, closed_before: u64 },
    OfferClosed { id: u64 },
    RequestsPosted { count: u64 },
    RequestClosed { id: u64, closed_before: u64 },
    Leased { request: u64, offer: u64 },
    Used { id: u64 },
    Provider { provider: Address },
    Machine { id: u64 },
}

/// The state of the market at every time, folded from events.
#[derive(Debug, Clone, Default)]
pub struct MarketIndex {
    offers: BTreeMap<u64, OfferHistory>,
    requests: BTreeMap<u64, RequestHistory>,
    providers: BTreeMap<Address, Steps<ProviderState>>,
    machines: BTreeMap<u64, Steps<MachineState>>,
    /// Offers and requests ever posted: the last ids given.
    offer_count: u64,
    request_count: u64,
    /// The blocks that can be taken back, by number ascending; blocks without changes have none.
    tail: VecDeque<(u64, Vec<Undo>)>,
}

/// Two indices are equal if they hold the same market, whatever each can still take back.
impl PartialEq for MarketIndex {
    fn eq(&self, other: &Self) -> bool {
        (self.offer_count, self.request_count) == (other.offer_count, other.request_count)
            && self.offers == other.offers
            && self.requests == other.requests
            && self.providers == other.providers
            && self.machines == other.machines
    }
}

impl Eq for MarketIndex {}

impl MarketIndex {
    /// An empty market.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Offers ever posted; the last id given.
    #[must_use]
    pub const fn offer_count(&self) -> u64 {
        self.offer_count
    }

    /// Requests ever posted; the last id given.
    #[must_use]
    pub const fn request_count(&self) -> u64 {
        self.request_count
    }
}
