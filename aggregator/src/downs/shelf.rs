//! Which epochs a desk knows: read from chain, beacon and store when they are first asked for, forgotten
//! when receipts against their lists are taken no more.

use std::{
    collections::BTreeMap,
    sync::{Arc, MutexGuard, PoisonError},
};

use quorate_canon::{HealthEpoch, Timestamp};
use quorate_chain::health::epoch_clock;
use quorate_rpc::ListRejection;

use super::desk::{Desk, Entry};
use super::loading::Unready;
use super::{Book, Own, Terms};
use crate::chain::HealthChain;
use crate::settle::Beacons;
use crate::store::blocking;

/// Epochs whose lists are kept: those that take lists or receipts against them, of which there are few.
/// Older ones are refused without asking anybody about them.
const KEPT: u32 = 64;

/// Epochs that could not be read before a restart reads no more of them.
const UNREAD: u32 = 3;

impl<C: HealthChain, B: Beacons> Desk<C, B> {
    /// Looks into an epoch's book, if it is here.
    pub(super) fn read<T>(&self, epoch: HealthEpoch, look: impl FnOnce(&Book) -> T) -> Option<T> {
        self.lock().get(&epoch).map(|entry| look(&entry.book))
    }

    /// The terms of an epoch that takes lists, or receipts against them, at `clock`.
    pub(super) async fn kept_terms(
        &self,
        epoch: HealthEpoch,
        clock: Timestamp,
    ) -> Result<Arc<Terms>, (ListRejection, String)> {
        // Before anything is asked of anybody: epochs to come are for free, and old ones too.
        let over = epoch_clock(&self.schedule)
            .end(epoch)
            .map_err(|error| (ListRejection::EpochNotOver, error.to_string()))?;
        if clock < over {
            let detail = format!("health epoch {epoch} is over at {over}, it is {clock}");
            return Err((ListRejection::EpochNotOver, detail));
        }
        if self.is_closed(epoch, clock) {
            let detail = format!("health epoch {epoch} is over for good");
            return Err((ListRejection::EpochClosed, detail));
        }
        let terms = match self.known(epoch) {
            Some(terms) => terms,
            None => self.load(epoch).await?,
        };
        if clock > terms.times.appealable {
            self.close(epoch);
            let until = terms.times.appealable;
            let detail = format!("receipts against lists of {epoch} were taken until {until}");
            return Err((ListRejection::EpochClosed, detail));
        }
        Ok(terms)
    }

    /// Whether an epoch is known to be over for good, or is too old to be kept.
    fn is_closed(&self, epoch: HealthEpoch, clock: Timestamp) -> bool {
        let closed = *self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        let present = self.schedule.health_epoch_at(clock);
        let oldest = present.map_or(0, |present| present.get().saturating_sub(KEPT));
        closed.is_some_and(|closed| epoch <= closed) || epoch.get() < oldest
    }

    /// An epoch is over for good, and with it all before it.
    fn close(&self, epoch: HealthEpoch) {
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        *closed = (*closed).max(Some(epoch));
    }

    async fn load(&self, epoch: HealthEpoch) -> Result<Arc<Terms>, Unready> {
        // All operators come at once when an epoch is over: who comes second waits for the first.
        let known = || self.known(epoch);
        self.loading
            .once(epoch, known, async || self.read_in(epoch).await)
            .await
    }

    /// Reads an epoch's terms, and what a restart left of it.
    async fn read_in(&self, epoch: HealthEpoch) -> Result<Arc<Terms>, Unready> {
        let facts = (&self.domain, &self.schedule);
        let terms = Terms::load(&*self.chain, &*self.beacons, facts, epoch).await;
        let terms = Arc::new(terms.map_err(|fault| (ListRejection::NotReady, fault.to_string()))?);
        let book = self
            .stored(epoch)
            .await
            .map_err(|error| (ListRejection::Overloaded, error))?;
        let mut epochs = self.lock();
        let entry = Entry {
            terms: Arc::clone(&terms),
            book,
        };
        epochs.insert(epoch, entry);
        while epochs.len() > KEPT as usize {
            epochs.pop_first();
        }
        Ok(terms)
    }

    /// What a restart left of an epoch.
    async fn stored(&self, epoch: HealthEpoch) -> Result<Book, String> {
        let store = Arc::clone(&self.store);
        let (lists, proposed) =
            blocking(move || Ok((store.downs(epoch)?, store.proposed(epoch)?))).await?;
        let mut book = Book::default();
        for (operator, list, signature) in lists {
            book.restore_own(operator, Own { list, signature });
        }
        for proposed in proposed {
            book.restore(proposed.list, proposed.expected, proposed.certified);
        }
        Ok(book)
    }

    /// Reads what a restart left of epochs that still take lists, or receipts against them, the newest
    /// first.
    pub(super) async fn wake(&self, clock: Timestamp) {
        let present = self.schedule.health_epoch_at(clock);
        let present = present.map_or(0, HealthEpoch::get);
        let mut unread = 0;
        for epoch in (present.saturating_sub(KEPT)..present).rev() {
            match self.kept_terms(HealthEpoch::new(epoch), clock).await {
                Ok(_) => {}
                Err((ListRejection::EpochClosed, _)) => return,
                // It is read when somebody asks for it; an endpoint that is down is not asked 64 times.
                Err(_) if unread < UNREAD => unread += 1,
                Err(_) => return,
            }
        }
    }

    /// Forgets epochs that take neither lists nor receipts against them any more.
    pub(super) async fn forget(&self, clock: Timestamp) -> Result<(), String> {
        let first = {
            let mut epochs = self.lock();
            let over = epochs
                .iter()
                .filter(|(_, entry)| clock > entry.terms.times.appealable);
            let Some(last) = over.map(|(epoch, _)| *epoch).next_back() else {
                return Ok(());
            };
            epochs.retain(|_, entry| clock <= entry.terms.times.appealable);
            // A longer time for appeals under an earlier policy may keep an earlier epoch.
            let next = HealthEpoch::new(last.get().saturating_add(1));
            epochs.keys().next().copied().unwrap_or(next).min(next)
        };
        if let Some(last) = first.get().checked_sub(1) {
            self.close(HealthEpoch::new(last));
        }
        self.lists.forget_before(first);
        self.receipts.forget_before(first);
        let (store, keeps) = (Arc::clone(&self.store), self.switches.keeps);
        blocking(move || match keeps {
            true => store.release_downs_before(first),
            false => store.drop_downs_before(first),
        })
        .await
    }

    fn known(&self, epoch: HealthEpoch) -> Option<Arc<Terms>> {
        self.lock()
            .get(&epoch)
            .map(|entry| Arc::clone(&entry.terms))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, BTreeMap<HealthEpoch, Entry>> {
        self.epochs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
