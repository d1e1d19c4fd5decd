//! What became of one order, whenever it was made: for who asks why it is not in a round.

use quorate_canon::{OfferId, RequestId, Round, Timestamp};
use quorate_matching::{Offer, Request};

use super::{MarketIndex, OPEN};

/// A request from its first block on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestLife {
    /// The record.
    pub request: Request,
    /// When it was written.
    pub created: Timestamp,
    /// When it was cancelled.
    pub cancelled: Option<Timestamp>,
    /// The round that matched it, and when its lease was opened.
    pub matched: Option<(Round, Timestamp)>,
}

/// A version of an offer from its first block on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionLife {
    /// The record.
    pub offer: Offer,
    /// When it was written.
    pub created: Timestamp,
    /// When it was closed, or the next version took its place.
    pub closed: Option<Timestamp>,
}

impl MarketIndex {
    /// A request, unless it was never posted or is [pruned](Self::prune).
    #[must_use]
    pub fn request_life(&self, id: RequestId) -> Option<RequestLife> {
        let history = self.requests.get(&id.get())?;
        Some(RequestLife {
            request: history.request.clone(),
            created: Timestamp::new(history.created),
            cancelled: end(history.closed),
            matched: history
                .lease
                .map(|lease| (lease.round, Timestamp::new(lease.time))),
        })
    }

    /// All versions of an offer, the oldest first; none if it was never posted or is
    /// [pruned](Self::prune).
    #[must_use]
    pub fn offer_life(&self, id: OfferId) -> Vec<VersionLife> {
        let versions = self.offers.get(&id.get()).map(|history| &history.versions);
        let lives = versions.into_iter().flatten().map(|version| VersionLife {
            offer: version.offer.clone(),
            created: Timestamp::new(version.created),
            closed: end(version.closed),
        });
        lives.collect()
    }
}

fn end(closed: u64) -> Option<Timestamp> {
    (closed != OPEN).then_some(Timestamp::new(closed))
}
