//! Taking changes back, the last one first.

use std::collections::BTreeMap;

use super::{MarketIndex, OPEN, Steps, Undo};

impl MarketIndex {
    pub(super) fn take_back(&mut self, mut changes: Vec<Undo>) {
        while let Some(change) = changes.pop() {
            self.take_back_one(&change);
        }
    }

    fn take_back_one(&mut self, change: &Undo) {
        match change {
            Undo::OffersPosted { count } => {
                self.offer_count -= count;
                self.offers.split_off(&(self.offer_count + 1));
            }
            Undo::RequestsPosted { count } => {
                self.request_count -= count;
                self.requests.split_off(&(self.request_count + 1));
            }
            Undo::OfferRevised { id, closed_before } => {
                if let Some(history) = self.offers.get_mut(id) {
                    history.versions.pop();
                    if let Some(last) = history.versions.last_mut() {
                        last.closed = *closed_before;
                    }
                }
            }
            Undo::OfferClosed { id } => {
                let history = self.offers.get_mut(id);
                if let Some(last) = history.and_then(|history| history.versions.last_mut()) {
                    last.closed = OPEN;
                }
            }
            Undo::RequestClosed { id, closed_before } => {
                if let Some(history) = self.requests.get_mut(id) {
                    history.closed = *closed_before;
                }
            }
            Undo::Leased { request, offer } => {
                if let Some(history) = self.requests.get_mut(request) {
                    history.lease = None;
                }
                self.take_back_used(*offer);
            }
            Undo::Used { id } => self.take_back_used(*id),
            Undo::Provider { provider } => pop_or_remove(&mut self.providers, provider),
            Undo::Machine { id } => pop_or_remove(&mut self.machines, id),
        }
    }

    fn take_back_used(&mut self, id: u64) {
        if let Some(history) = self.offers.get_mut(&id) {
            history.used.pop();
        }
    }
}

/// Takes the last change of an entry back; an entry without changes was never there.
fn pop_or_remove<K: Ord, T: Copy + PartialEq>(map: &mut BTreeMap<K, Steps<T>>, key: &K) {
    if let Some(steps) = map.get_mut(key) {
        steps.pop();
        if steps.last().is_none() {
            map.remove(key);
        }
    }
}
