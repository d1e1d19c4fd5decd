//! What L2 holds as of a round's T, out of our own fold: what the judge of witnesses reads.

use std::collections::{BTreeMap, BTreeSet};

use quorate_canon::{OfferId, RequestId, Timestamp};
use quorate_chain::market::{MarketIndex, RequestLife};
use quorate_matching::{
    Entry, Lease, OfferAt, RequestInput, RequestRecord, RoundContext, ScorePolicy, Seed, Snapshot,
    View,
};
use quorate_protocol::Header;

use super::seed::BeaconRule;
use crate::{inputs::RoundInputs, posted::Posted};

/// Orders that entries name and that are no inputs of the round.
#[derive(Debug, Clone, Default)]
pub(super) struct Strangers {
    requests: BTreeMap<RequestId, RequestLife>,
    offers: BTreeSet<OfferId>,
}

impl Strangers {
    /// Those of some entries.
    pub(super) fn of<'a>(
        market: &MarketIndex,
        snapshot: &Snapshot,
        entries: impl Iterator<Item = (u32, &'a Entry)>,
    ) -> Self {
        let mut strangers = Self::default();
        for (_, entry) in entries {
            if snapshot.request(entry.request).is_none()
                && let Some(life) = market.request_life(entry.request)
            {
                strangers.requests.insert(entry.request, life);
            }
            if snapshot.offer(entry.offer).is_none() && !market.offer_life(entry.offer).is_empty() {
                strangers.offers.insert(entry.offer);
            }
        }
        strangers
    }
}

/// Our own view of one round.
#[derive(Debug)]
pub(super) struct RoundView<'a> {
    inputs: &'a RoundInputs,
    strangers: &'a Strangers,
    header: &'a Header,
    beacon: &'a BeaconRule,
    /// Where the requests stand, once the list stands in full.
    positions: Option<BTreeMap<RequestId, u32>>,
}

impl<'a> RoundView<'a> {
    /// The view of who has read these.
    #[must_use]
    pub(super) fn new(
        inputs: &'a RoundInputs,
        strangers: &'a Strangers,
        header: &'a Header,
        beacon: &'a BeaconRule,
        posted: &Posted,
    ) -> Self {
        let positions = posted.list().map(|list| {
            let entries = list.entries().iter().zip(0_u32..);
            entries.map(|(entry, at)| (entry.request, at)).collect()
        });
        Self {
            inputs,
            strangers,
            header,
            beacon,
            positions,
        }
    }
}

impl View for RoundView<'_> {
    fn context(&self) -> &RoundContext {
        &self.inputs.context
    }

    fn policy(&self) -> &ScorePolicy {
        &self.inputs.policy.score
    }

    fn request(&self, id: RequestId) -> Option<RequestRecord> {
        if let Some(input) = self.inputs.snapshot.request(id) {
            // Closed after T, if at all: else it were no input.
            return Some(RequestRecord {
                input: input.clone(),
                closed: Timestamp::new(u64::MAX),
            });
        }
        let life = self.strangers.requests.get(&id)?;
        Some(RequestRecord {
            input: RequestInput {
                request: life.request.clone(),
                created: life.created,
            },
            closed: life.cancelled.unwrap_or(Timestamp::new(u64::MAX)),
        })
    }

    fn lease(&self, id: RequestId) -> Option<Lease> {
        let round = self.inputs.round();
        if let Some(position) = self.positions.as_ref().and_then(|all| all.get(&id)) {
            let position = *position;
            return Some(Lease { round, position });
        }
        // Where it stands in an earlier list nobody asks.
        let (earlier, _) = self.strangers.requests.get(&id)?.matched?;
        (earlier < round).then_some(Lease {
            round: earlier,
            position: 0,
        })
    }

    fn offer(&self, id: OfferId) -> OfferAt {
        match self.inputs.snapshot.offer(id) {
            Some(input) => OfferAt::Open(Box::new(input.clone())),
            None if self.strangers.offers.contains(&id) => OfferAt::Closed,
            None => OfferAt::Unknown,
        }
    }

    fn is_posted(&self) -> bool {
        self.positions.is_some()
    }

    fn refutes_seed(&self, seed: &Seed, signature: &[u8; 48]) -> bool {
        let header = Header {
            seed: *seed,
            ..*self.header
        };
        self.beacon.refutes(&header, signature)
    }
}
