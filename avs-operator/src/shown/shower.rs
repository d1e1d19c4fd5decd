//! One look after the other at the stake epochs whose work can be shown.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use quorate_canon::{Epoch, Timestamp};

use super::handing::{Known, begin, hand_in};
use super::work::ShownError;
use super::{Parts, Source};
use crate::prober::schedule::Plans;

/// The most stake epochs that are shown at a time: more than any deployment leaves open.
const MOST_EPOCHS: u64 = 64;
/// Pause between two looks at a sample whose receipts are all handed in: L2 may be reorganised, and the
/// sample be drawn anew.
const LOOK_AGAIN: Duration = Duration::from_secs(600);

/// Seconds after an epoch was shown last in which it is looked whether L1 was told.
const COUNT_WAIT: u64 = 7 * 86_400;

/// Hands receipts in; remembers what it did for as long as the process lives.
#[derive(Debug)]
pub struct Shower<S, P> {
    parts: Parts<S, P>,
    look_again: Duration,
    epochs: BTreeMap<Epoch, Entry>,
    /// No epoch up to it can be shown any more.
    closed: Option<Epoch>,
    /// Epochs of which it was said that something keeps them up.
    hindered: BTreeSet<Epoch>,
    /// Epochs that were drawn and shown, until when, of which L1 has not been told yet.
    uncounted: BTreeMap<Epoch, Timestamp>,
}

/// One stake epoch whose work can be shown.
#[derive(Debug)]
struct Entry {
    until: Timestamp,
    looked: Option<Instant>,
    known: Option<Known>,
}

impl Entry {
    fn is_due(&self, look_again: Duration) -> bool {
        let done = self
            .known
            .as_ref()
            .is_some_and(|known| known.waiting.is_empty());
        let recently = |looked: Instant| looked.elapsed() < look_again;
        !(done && self.looked.is_some_and(recently))
    }
}

impl<S: Source, P: Plans> Shower<S, P> {
    /// Knows nothing yet.
    #[must_use]
    pub fn new(parts: Parts<S, P>) -> Self {
        Self {
            parts,
            look_again: LOOK_AGAIN,
            epochs: BTreeMap::new(),
            closed: None,
            hindered: BTreeSet::new(),
            uncounted: BTreeMap::new(),
        }
    }

    /// With another pause between two looks at what is done.
    #[must_use]
    pub fn looking_again(self, look_again: Duration) -> Self {
        Self { look_again, ..self }
    }

    /// Looks once at each stake epoch that is over at `now` and can still be shown, and hands in what
    /// is missing. One epoch's trouble is not another's.
    pub async fn turn(&mut self, now: Timestamp) {
        self.close(now);
        self.ask_counted(now).await;
        for epoch in self.over(now) {
            match self.enter(epoch, now).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => return self.hindered(epoch, &error),
            }
            if let Err(error) = self.look(epoch).await {
                self.hindered(epoch, &error);
            }
        }
    }

    /// Says once an epoch that something keeps it up.
    fn hindered(&mut self, epoch: Epoch, error: &ShownError) {
        if self.hindered.insert(epoch) {
            self.parts.observe.hindered(epoch, &error.to_string());
        }
    }

    /// Lets go of epochs that are shown no more.
    fn close(&mut self, now: Timestamp) {
        let Self {
            parts,
            epochs,
            uncounted,
            ..
        } = self;
        epochs.retain(|epoch, entry| {
            let open = now <= entry.until;
            if !open && let Some(known) = &entry.known {
                let waiting = known.waiting.iter();
                for aggregator in waiting.filter_map(|at| parts.aggregators.get(*at)) {
                    parts.observe.lapsed(*epoch, aggregator.endpoint());
                }
                uncounted.insert(*epoch, entry.until);
            }
            open
        });
    }

    /// Tells the operator's share of epochs that were counted meanwhile.
    async fn ask_counted(&mut self, now: Timestamp) {
        self.uncounted
            .retain(|_, until| now.get() <= until.get().saturating_add(COUNT_WAIT));
        let operator = self.parts.attester.operator();
        for epoch in self.uncounted.keys().copied().collect::<Vec<_>>() {
            // L2 in trouble is asked again, and heard of where epochs are looked at.
            if let Ok(Some(counted)) = self.parts.source.counted(epoch, operator).await {
                self.parts.observe.counted(epoch, &counted);
                self.uncounted.remove(&epoch);
            }
        }
    }

    /// The stake epochs that are over and not known to be closed, the latest first.
    fn over(&self, now: Timestamp) -> Vec<Epoch> {
        let clock = &self.parts.clock;
        let present = now
            .get()
            .checked_sub(clock.genesis.get())
            .and_then(|elapsed| elapsed.checked_div(clock.stake_epoch.into()))
            .unwrap_or(0);
        let first = self.closed.map_or(0, |closed| closed.get() + 1);
        let first = first.max(present.saturating_sub(MOST_EPOCHS));
        (first..present).rev().map(Epoch::new).collect()
    }

    /// Whether an epoch can be shown at `now`; no earlier one can if it cannot.
    async fn enter(&mut self, epoch: Epoch, now: Timestamp) -> Result<bool, ShownError> {
        if self.epochs.contains_key(&epoch) {
            return Ok(true);
        }
        let until = self.parts.source.showable_until(epoch).await?;
        if now > until {
            self.closed = self.closed.max(Some(epoch));
            self.hindered = self.hindered.split_off(&epoch);
            return Ok(false);
        }
        let entry = Entry {
            until,
            looked: None,
            known: None,
        };
        self.epochs.insert(epoch, entry);
        Ok(true)
    }

    async fn look(&mut self, epoch: Epoch) -> Result<(), ShownError> {
        let Some(entry) = self.epochs.get_mut(&epoch) else {
            return Ok(());
        };
        if !entry.is_due(self.look_again) {
            return Ok(());
        }
        let Some(found) = self.parts.source.sample(epoch).await? else {
            return Ok(());
        };
        entry.looked = Some(Instant::now());
        if found.told {
            // Counted: nobody shows more.
            if let Some(known) = &mut entry.known {
                known.waiting.clear();
            }
            return Ok(());
        }
        let known = match entry.known.take() {
            Some(known) if known.sample == found.sample => known,
            _ => begin(&self.parts, found.sample).await?,
        };
        let known = entry.known.insert(known);
        hand_in(&self.parts, known).await;
        Ok(())
    }
}
