//! What a colluder knows beside a round's inputs: what was there in the round before.

use std::collections::BTreeSet;

use avs_operator::compute::{Computed, Prepared};
use quorate_canon::RequestId;
use quorate_matching::{OfferInput, RequestInput, Snapshot, wrong::Outside};

/// The orders of the newest round but the present one. Only one round is remembered, so that
/// operators which were started at different times remember the same.
#[derive(Debug, Default)]
pub(super) struct Memory {
    requests: Vec<RequestInput>,
    offers: Vec<OfferInput>,
    matched: BTreeSet<RequestId>,
}

impl Memory {
    /// Takes a round in place of the one before.
    pub(super) fn remember(&mut self, prepared: &Prepared, computed: &Computed) {
        let inputs = prepared.inputs();
        self.requests = inputs.requests().to_vec();
        self.offers = inputs.offers().to_vec();
        let entries = computed.list.entries();
        self.matched = entries.iter().map(|entry| entry.request).collect();
    }

    /// What was an input of the round before and is none of this one.
    pub(super) fn beside(&self, inputs: &Snapshot) -> Outside {
        let gone = |input: &&RequestInput| inputs.request(input.request.id).is_none();
        let (matched_before, closed_requests) = self
            .requests
            .iter()
            .filter(gone)
            .cloned()
            .partition(|input| self.matched.contains(&input.request.id));
        let now = |old: &OfferInput| inputs.offer(old.offer.id);
        let other =
            |old: &&OfferInput| now(old).is_some_and(|new| new.offer.version != old.offer.version);
        let closed = |old: &&OfferInput| now(old).is_none();
        Outside {
            closed_requests,
            matched_before,
            closed_offers: self.offers.iter().filter(closed).cloned().collect(),
            other_versions: self.offers.iter().filter(other).cloned().collect(),
        }
    }
}
