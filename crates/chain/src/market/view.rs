//! What a round sees of the market (`docs/formats.md` section 3).

use quorate_canon::{Round, Timestamp};
use quorate_matching::{OfferInput, RequestInput, Snapshot, SnapshotError};

use super::{MarketIndex, OfferHistory, RequestHistory};

impl MarketIndex {
    /// The inputs of a round: what is open at `t`, that is at the end of second `t`, with its values
    /// then, and without the requests that a round before `round` has matched.
    ///
    /// The index must have folded every block with a timestamp up to `t`; whatever it has folded
    /// beyond changes nothing, but that rounds before `round` must have been posted as far as they
    /// ever will be.
    ///
    /// # Errors
    /// [`SnapshotError`] if there are more orders than a tree can count.
    pub fn snapshot_at(&self, round: Round, t: Timestamp) -> Result<Snapshot, SnapshotError> {
        let time = t.get();
        let offers = self
            .offers
            .iter()
            .filter_map(|(id, history)| self.offer_at(*id, history, time));
        let requests = self
            .requests
            .values()
            .filter_map(|history| history.input_at(round, time));
        Snapshot::new(offers.collect(), requests.collect())
    }

    fn offer_at(&self, id: u64, history: &OfferHistory, time: u64) -> Option<OfferInput> {
        // Versions follow each other in time; of several of one second only the last is ever open.
        let after = history
            .versions
            .partition_point(|version| version.created <= time);
        let version = history.versions.get(after.checked_sub(1)?)?;
        let open = time < version.closed && time < version.offer.available_until.get();
        open.then(|| OfferInput {
            offer: version.offer.clone(),
            created: Timestamp::new(version.created),
            used: history.used.at(time).unwrap_or_default(),
            machine: self
                .machines
                .get(&id)
                .and_then(|steps| steps.at(time))
                .unwrap_or_default(),
            provider: self
                .providers
                .get(&version.offer.provider)
                .and_then(|steps| steps.at(time))
                .unwrap_or_default(),
        })
    }
}

impl RequestHistory {
    fn input_at(&self, round: Round, time: u64) -> Option<RequestInput> {
        let open = self.created <= time
            && time < self.closed
            && time < self.request.valid_until.get()
            && self.lease.is_none_or(|lease| lease.round >= round);
        open.then(|| RequestInput {
            request: self.request.clone(),
            created: Timestamp::new(self.created),
        })
    }
}
