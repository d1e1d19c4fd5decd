//! Forgetting what no round to come can need.

use quorate_canon::{Round, Timestamp};
use quorate_matching::Capacity;

use super::{MarketIndex, OPEN, OfferHistory, RequestHistory};

impl MarketIndex {
    /// Forgets what snapshots of rounds from `round` on, with times from `t` on, cannot see. `t` must
    /// lie before every block that can still be taken back; this is the caller's to keep.
    pub fn prune(&mut self, round: Round, t: Timestamp) {
        let time = t.get();
        self.offers.retain(|_, history| history.prune(time));
        self.requests
            .retain(|_, history| history.is_needed(round, time));
        let offers = &self.offers;
        let count = self.offer_count;
        for steps in self.providers.values_mut() {
            steps.prune(time);
        }
        self.machines.retain(|id, steps| {
            steps.prune(time);
            offers.contains_key(id) || *id > count
        });
    }
}

impl OfferHistory {
    /// Forgets old versions and values; `false` if nothing can ever come of the offer again: it is
    /// closed for good, since a closed offer is not revised, and no lease holds any of it.
    fn prune(&mut self, time: u64) -> bool {
        let in_use = self.used.last().is_some_and(|used| used != Capacity::ZERO);
        let open = |closed: u64| closed == OPEN || closed > time;
        let last_open = self
            .versions
            .last()
            .is_some_and(|version| open(version.closed));
        if !last_open && !in_use && self.used.last() == self.used.at(time) {
            return false;
        }
        let last = self.versions.len().saturating_sub(1);
        let mut place = 0;
        self.versions.retain(|version| {
            let keep = place == last || open(version.closed);
            place += 1;
            keep
        });
        self.used.prune(time);
        true
    }
}

impl RequestHistory {
    fn is_needed(&self, round: Round, time: u64) -> bool {
        let gone = self.closed <= time || self.request.valid_until.get() <= time;
        let leased = self
            .lease
            .is_some_and(|lease| lease.round < round && lease.time <= time);
        !gone && !leased
    }
}
