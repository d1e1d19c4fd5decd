//! The inputs of a round, complete and in their one order.

use quorate_canon::hash::{sha256, tag};
use quorate_canon::merkle::{Kind, TooManyLeaves};
use quorate_canon::{Digest, OfferId, RequestId};
use thiserror::Error;

use crate::inputs::{OfferInput, RequestInput};
use crate::leaves::tree_on;

/// Why orders are not a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SnapshotError {
    /// Two versions of one offer: the market has one open version at any time.
    #[error("offer {0} stands twice")]
    RepeatedOffer(OfferId),
    /// One request twice.
    #[error("request {0} stands twice")]
    RepeatedRequest(RequestId),
    /// An offer that the market never numbered: its id or its version is 0.
    #[error("offer {0} was never numbered by the market: id or version is 0")]
    UnnumberedOffer(OfferId),
    /// A request that the market never numbered: its id is 0 or its version is not 1.
    #[error("request {0} was never numbered by the market: id is 0 or version is not 1")]
    UnnumberedRequest(RequestId),
    /// More orders than a tree can count.
    #[error(transparent)]
    TooMany(#[from] TooManyLeaves),
}

/// The offers and requests of one round with their values at T, each by id ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    offers: Vec<OfferInput>,
    requests: Vec<RequestInput>,
    inputs_root: Digest,
}

impl Snapshot {
    /// Puts orders that come in any order into their one order, and hashes them.
    ///
    /// # Errors
    /// If an id stands twice or an order was never numbered.
    pub fn new(
        offers: Vec<OfferInput>,
        requests: Vec<RequestInput>,
    ) -> Result<Self, SnapshotError> {
        Self::new_on(offers, requests, 1)
    }

    /// As [`new`](Self::new), hashing orders on so many threads; 0 counts as 1.
    ///
    /// # Errors
    /// If an id stands twice or an order was never numbered.
    pub fn new_on(
        mut offers: Vec<OfferInput>,
        mut requests: Vec<RequestInput>,
        threads: usize,
    ) -> Result<Self, SnapshotError> {
        offers.sort_unstable_by_key(|input| input.offer.id);
        requests.sort_unstable_by_key(|input| input.request.id);
        check_offers(&offers)?;
        check_requests(&requests)?;
        let inputs_root = inputs_root(&offers, &requests, threads)?;
        Ok(Self {
            offers,
            requests,
            inputs_root,
        })
    }

    /// The offers, by id ascending.
    #[must_use]
    pub fn offers(&self) -> &[OfferInput] {
        &self.offers
    }

    /// The requests, by id ascending.
    #[must_use]
    pub fn requests(&self) -> &[RequestInput] {
        &self.requests
    }

    /// The offer of an id.
    #[must_use]
    pub fn offer(&self, id: OfferId) -> Option<&OfferInput> {
        self.offers.get(self.offer_index(id)?)
    }

    /// The request of an id.
    #[must_use]
    pub fn request(&self, id: RequestId) -> Option<&RequestInput> {
        self.requests.get(self.request_index(id)?)
    }

    pub(crate) fn offer_index(&self, id: OfferId) -> Option<usize> {
        self.offers
            .binary_search_by_key(&id, |input| input.offer.id)
            .ok()
    }

    pub(crate) fn request_index(&self, id: RequestId) -> Option<usize> {
        self.requests
            .binary_search_by_key(&id, |input| input.request.id)
            .ok()
    }

    /// The root that binds all inputs; the header carries it.
    #[must_use]
    pub const fn inputs_root(&self) -> Digest {
        self.inputs_root
    }
}

fn check_offers(offers: &[OfferInput]) -> Result<(), SnapshotError> {
    for input in offers {
        if input.offer.id.get() == 0 || input.offer.version.get() == 0 {
            return Err(SnapshotError::UnnumberedOffer(input.offer.id));
        }
    }
    match repeated(offers.iter().map(|input| input.offer.id)) {
        Some(id) => Err(SnapshotError::RepeatedOffer(id)),
        None => Ok(()),
    }
}

fn check_requests(requests: &[RequestInput]) -> Result<(), SnapshotError> {
    for input in requests {
        if input.request.id.get() == 0 || input.request.version.get() != 1 {
            return Err(SnapshotError::UnnumberedRequest(input.request.id));
        }
    }
    match repeated(requests.iter().map(|input| input.request.id)) {
        Some(id) => Err(SnapshotError::RepeatedRequest(id)),
        None => Ok(()),
    }
}

/// The first id that equals the one before it.
fn repeated<T: Eq>(ids: impl Iterator<Item = T> + Clone) -> Option<T> {
    let before = ids.clone();
    ids.skip(1)
        .zip(before)
        .find(|(id, before)| id == before)
        .map(|(id, _)| id)
}

fn inputs_root(
    offers: &[OfferInput],
    requests: &[RequestInput],
    threads: usize,
) -> Result<Digest, TooManyLeaves> {
    let offers = tree_on(Kind::Offer, offers, threads)?.root();
    let requests = tree_on(Kind::Request, requests, threads)?.root();
    Ok(sha256(&[&tag("quorate/inputs/v1"), &offers.0, &requests.0]))
}
