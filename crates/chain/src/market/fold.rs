//! Applying events.

use quorate_matching::{Capacity, Entry, Offer, Request};

use super::error::{require_sequence, require_time, require_version, unknown};
use super::{
    FoldError, Lease, MarketEvent, MarketIndex, OPEN, OfferHistory, OfferVersion, RequestHistory,
    Undo,
};

impl MarketIndex {
    /// Applies the events of one block, all or none of them. With `undoable`, the block can be
    /// taken back later; without, it is final.
    ///
    /// # Errors
    /// [`FoldError`]; nothing has changed then.
    pub fn apply<'a>(
        &mut self,
        block: u64,
        events: impl IntoIterator<Item = &'a MarketEvent>,
        undoable: bool,
    ) -> Result<(), FoldError> {
        let mut done = Vec::new();
        for event in events {
            if let Err(error) = self.apply_event(event, &mut done) {
                self.take_back(done);
                return Err(error);
            }
        }
        if undoable && !done.is_empty() {
            self.tail.push_back((block, done));
        }
        Ok(())
    }

    /// Takes every block above `block` back.
    pub fn rollback(&mut self, block: u64) {
        while self.tail.back().is_some_and(|(number, _)| *number > block) {
            if let Some((_, changes)) = self.tail.pop_back() {
                self.take_back(changes);
            }
        }
    }

    /// Declares every block up to `block` final: they cannot be taken back any more.
    pub fn finalize(&mut self, block: u64) {
        while self
            .tail
            .front()
            .is_some_and(|(number, _)| *number <= block)
        {
            self.tail.pop_front();
        }
    }

    fn apply_event(&mut self, event: &MarketEvent, done: &mut Vec<Undo>) -> Result<(), FoldError> {
        match event {
            MarketEvent::OffersPosted { time, offers } => self.post_offers(*time, offers, done),
            MarketEvent::OfferRevised { time, offer } => self.revise_offer(*time, offer, done),
            MarketEvent::OfferClosed { id, time } => self.close_offer(*id, *time, done),
            MarketEvent::RequestsPosted { time, requests } => {
                self.post_requests(*time, requests, done)
            }
            MarketEvent::RequestClosed { id, time } => self.close_request(*id, *time, done),
            MarketEvent::LeasesOpened {
                round,
                time,
                entries,
            } => {
                let lease = Lease {
                    round: *round,
                    time: *time,
                };
                entries
                    .iter()
                    .try_for_each(|entry| self.open_lease(entry, lease, done))
            }
            MarketEvent::UsedChanged { id, time, used } => {
                self.set_used(*id, *time, *used)?;
                done.push(Undo::Used { id: *id });
                Ok(())
            }
            MarketEvent::ProviderChanged {
                provider,
                time,
                state,
            } => {
                let steps = self.providers.entry(*provider).or_default();
                let ok = steps.push(*time, *state);
                require_time(ok, "provider", 0, *time)?;
                done.push(Undo::Provider {
                    provider: *provider,
                });
                Ok(())
            }
            MarketEvent::MachineChanged { id, time, state } => {
                let ok = self.machines.entry(*id).or_default().push(*time, *state);
                require_time(ok, "machine", *id, *time)?;
                done.push(Undo::Machine { id: *id });
                Ok(())
            }
        }
    }

    fn post_offers(
        &mut self,
        time: u64,
        offers: &[Offer],
        done: &mut Vec<Undo>,
    ) -> Result<(), FoldError> {
        for offer in offers {
            let id = offer.id.get();
            let expected = self.offer_count + 1;
            require_sequence("offer", id, expected)?;
            require_version(id, offer.version.get(), 1)?;
            let version = OfferVersion {
                offer: offer.clone(),
                created: time,
                closed: OPEN,
            };
            let history = OfferHistory {
                versions: vec![version],
                ..OfferHistory::default()
            };
            self.offers.insert(id, history);
            self.offer_count = id;
            done.push(Undo::OffersPosted { count: 1 });
        }
        Ok(())
    }

    fn revise_offer(
        &mut self,
        time: u64,
        offer: &Offer,
        done: &mut Vec<Undo>,
    ) -> Result<(), FoldError> {
        let id = offer.id.get();
        let history = self.offers.get_mut(&id).ok_or(unknown("offer", id))?;
        let last = history.versions.last_mut().ok_or(unknown("offer", id))?;
        require_version(id, offer.version.get(), last.offer.version.get() + 1)?;
        let closed_before = last.closed;
        last.closed = last.closed.min(time);
        history.versions.push(OfferVersion {
            offer: offer.clone(),
            created: time,
            closed: OPEN,
        });
        done.push(Undo::OfferRevised { id, closed_before });
        Ok(())
    }

    fn close_offer(&mut self, id: u64, time: u64, done: &mut Vec<Undo>) -> Result<(), FoldError> {
        let history = self.offers.get_mut(&id).ok_or(unknown("offer", id))?;
        let last = history.versions.last_mut().ok_or(unknown("offer", id))?;
        if last.closed != OPEN {
            return Err(FoldError::ClosedTwice(id));
        }
        last.closed = time;
        done.push(Undo::OfferClosed { id });
        Ok(())
    }

    fn post_requests(
        &mut self,
        time: u64,
        requests: &[Request],
        done: &mut Vec<Undo>,
    ) -> Result<(), FoldError> {
        for request in requests {
            let id = request.id.get();
            require_sequence("request", id, self.request_count + 1)?;
            let (created, closed, lease) = (time, OPEN, None);
            let history = RequestHistory {
                request: request.clone(),
                created,
                closed,
                lease,
            };
            self.requests.insert(id, history);
            self.request_count = id;
            done.push(Undo::RequestsPosted { count: 1 });
        }
        Ok(())
    }

    fn close_request(&mut self, id: u64, time: u64, done: &mut Vec<Undo>) -> Result<(), FoldError> {
        match self.requests.get_mut(&id) {
            Some(history) => {
                let closed_before = history.closed;
                history.closed = closed_before.min(time);
                done.push(Undo::RequestClosed { id, closed_before });
                Ok(())
            }
            // Pruned: no round to come can see it, closed or not.
            None if id <= self.request_count => Ok(()),
            None => Err(unknown("request", id)),
        }
    }

    fn open_lease(
        &mut self,
        entry: &Entry,
        lease: Lease,
        done: &mut Vec<Undo>,
    ) -> Result<(), FoldError> {
        let (request, offer) = (entry.request.get(), entry.offer.get());
        let history = self
            .requests
            .get_mut(&request)
            .ok_or(unknown("request", request))?;
        if let Some(first) = history.lease {
            let (got, expected) = (lease.round, first.round);
            return Err(FoldError::LeasedTwice {
                request,
                got,
                expected,
            });
        }
        let demand = history.request.demand();
        let machine = self.offers.get(&offer).ok_or(unknown("offer", offer))?;
        let used = machine.used.last().unwrap_or_default();
        let used = used
            .checked_add(&demand)
            .ok_or(FoldError::Overflow(offer))?;
        history.lease = Some(lease);
        if let Err(error) = self.set_used(offer, lease.time, used) {
            if let Some(history) = self.requests.get_mut(&request) {
                history.lease = None;
            }
            return Err(error);
        }
        done.push(Undo::Leased { request, offer });
        Ok(())
    }

    fn set_used(&mut self, id: u64, time: u64, used: Capacity) -> Result<(), FoldError> {
        let machine = self.offers.get_mut(&id).ok_or(unknown("offer", id))?;
        require_time(
            machine.used.push(time, used),
            "what is used of offer",
            id,
            time,
        )
    }
}
