//! What the judge reads: L2's own records and values, never the signed inputs root.

use quorate_canon::{OfferId, RequestId, Round, Timestamp};

use crate::context::{RoundContext, Seed};
use crate::inputs::{OfferInput, RequestInput};
use crate::list::OutcomeList;
use crate::policy::ScorePolicy;
use crate::snapshot::Snapshot;
use crate::witness::BEACON_SIGNATURE;

/// A request as `Market` holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRecord {
    /// The record, and when it was written.
    pub input: RequestInput,
    /// When it was closed; the greatest time while it is open.
    pub closed: Timestamp,
}

/// An offer as of T.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OfferAt {
    /// `Market` has never numbered it.
    Unknown,
    /// It exists, and no version of it was open at T.
    Closed,
    /// The version that was open at T, with its values at T.
    Open(Box<OfferInput>),
}

/// The record of a request that was matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The round that matched it.
    pub round: Round,
    /// Where it stands in that round's list.
    pub position: u32,
}

/// What L2 holds, as of the T of one round.
pub trait View {
    /// The round's numbers.
    fn context(&self) -> &RoundContext;

    /// The policy in force for the round.
    fn policy(&self) -> &ScorePolicy;

    /// A request by id, whenever it was made.
    fn request(&self, id: RequestId) -> Option<RequestRecord>;

    /// The lease of a request, whichever round opened it.
    fn lease(&self, id: RequestId) -> Option<Lease>;

    /// An offer as of T.
    fn offer(&self, id: OfferId) -> OfferAt;

    /// Whether the list of the header that is judged was posted in full, so that the leases say where
    /// its requests stand.
    fn is_posted(&self) -> bool;

    /// Whether 48 bytes show that a seed is not the round's: they are the beacon's signature and give
    /// another seed, or they give this seed and are not the beacon's signature.
    fn refutes_seed(&self, seed: &Seed, signature: &[u8; BEACON_SIGNATURE]) -> bool;
}

/// The view of one who knows the inputs of a round and the list that was posted, and no history.
///
/// Orders outside the snapshot count as unknown: the verdict is L2's, while the code of an entry that
/// names such an order is 1 or 2 where L2 may say 3, 4 or 5. It takes no seed for wrong.
#[derive(Debug, Clone)]
pub struct SnapshotView<'a> {
    snapshot: &'a Snapshot,
    policy: &'a ScorePolicy,
    context: &'a RoundContext,
    /// Requests with their positions, by request ascending; `None` before all is posted.
    posted: Option<Vec<(RequestId, u32)>>,
}

impl<'a> SnapshotView<'a> {
    /// The view before the list is posted.
    #[must_use]
    pub const fn new(
        snapshot: &'a Snapshot,
        policy: &'a ScorePolicy,
        context: &'a RoundContext,
    ) -> Self {
        Self {
            snapshot,
            policy,
            context,
            posted: None,
        }
    }

    /// The view when this list stands in full.
    #[must_use]
    pub fn with_posted(mut self, list: &OutcomeList) -> Self {
        let requests = list.entries().iter().map(|entry| entry.request);
        let mut posted: Vec<_> = requests.zip(0_u32..).collect();
        posted.sort_unstable();
        self.posted = Some(posted);
        self
    }
}

impl View for SnapshotView<'_> {
    fn context(&self) -> &RoundContext {
        self.context
    }

    fn policy(&self) -> &ScorePolicy {
        self.policy
    }

    fn request(&self, id: RequestId) -> Option<RequestRecord> {
        Some(RequestRecord {
            input: self.snapshot.request(id)?.clone(),
            closed: Timestamp::new(u64::MAX),
        })
    }

    fn lease(&self, id: RequestId) -> Option<Lease> {
        let posted = self.posted.as_ref()?;
        let at = posted.binary_search_by_key(&id, |(request, _)| *request);
        let (_, position) = posted.get(at.ok()?)?;
        Some(Lease {
            round: self.context.round,
            position: *position,
        })
    }

    fn offer(&self, id: OfferId) -> OfferAt {
        match self.snapshot.offer(id) {
            Some(input) => OfferAt::Open(Box::new(input.clone())),
            None => OfferAt::Unknown,
        }
    }

    fn is_posted(&self) -> bool {
        self.posted.is_some()
    }

    fn refutes_seed(&self, _: &Seed, _: &[u8; BEACON_SIGNATURE]) -> bool {
        false
    }
}
