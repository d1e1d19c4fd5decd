//! What the collector does once a second.

use std::collections::BTreeSet;
use std::sync::Arc;

use quorate_canon::{Epoch, Timestamp};

use super::actor::Collector;
use super::book::Book;
use crate::chain::Chain;
use crate::clock::now;
use crate::store::blocking;

impl<C: Chain> Collector<C> {
    /// Once a second: tables that will be needed, votes that wait, rounds that are over.
    pub(super) async fn keep_house(&mut self) {
        let clock = now();
        let books = &self.books;
        let forgotten = self
            .state
            .forget(clock, |round| books.get(&round).is_some_and(Book::is_over));
        self.tools.observe.rounds_kept(self.state.rounds().count());
        for epoch in self.epochs_needed(clock) {
            self.fetch(epoch);
        }
        if forgotten.is_empty() {
            return;
        }
        for round in &forgotten {
            self.books.remove(round);
        }
        self.lists.retain(|id| self.state.round(id.round).is_some());
        let (store, keep) = (Arc::clone(&self.tools.store), self.tools.keep_signers);
        let dropped = blocking(move || match keep {
            true => store.retire_rounds(&forgotten),
            false => store.drop_rounds(&forgotten),
        });
        if let Err(error) = dropped.await {
            self.tools.observe.store_failed(error);
        }
    }

    /// Epochs whose tables are missing: those that votes wait for, the present one and, shortly
    /// before it begins, the next one.
    pub(super) fn epochs_needed(&self, clock: Timestamp) -> Vec<Epoch> {
        let schedule = self.state.schedule();
        let since = clock.get().saturating_sub(schedule.genesis.get());
        let epoch_at = |seconds: u64| {
            Epoch::new(
                seconds
                    .checked_div(u64::from(schedule.stake_epoch))
                    .unwrap_or(0),
            )
        };
        let coming = [
            epoch_at(since),
            epoch_at(since.saturating_add(u64::from(schedule.period))),
        ];
        let mut epochs: BTreeSet<Epoch> = self.parked.keys().copied().collect();
        epochs.extend(coming);
        epochs
            .into_iter()
            .filter(|epoch| !self.state.has_table(*epoch))
            .collect()
    }
}
