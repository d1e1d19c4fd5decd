//! Follows the chain for one machine: its state, its leases, its downtime; and does its duties.

mod again;
mod look;
mod stretch;

use std::sync::Arc;
use std::time::Duration;

use quorate_canon::{HealthEpoch, OfferId, Timestamp};
use quorate_chain::Head;
use quorate_service::{Shutdown, health::Requirement};
use tokio::time::Instant;

use crate::AgentError;
use crate::chain::{Action, Chain, ChainTrouble, Hand, MachineState};
use crate::clock::now;
use crate::config::DutiesSection;
use crate::observe::Observe;
use crate::shared::Shared;
use crate::store::{LeaseRecord, Store};

pub use again::Again;

/// Blocks that are read again at each look at least: a reorganisation may have changed them.
const LEAST_DEPTH: u64 = 16;
/// Epochs that one call observes.
const EPOCHS: u16 = 32;
/// Epochs that are kept after they are settled, for people who ask.
const KEPT: u32 = 2;

/// The part that follows.
pub struct Follower {
    /// The machine.
    pub offer: OfferId,
    /// What is known of it.
    pub shared: Shared,
    /// The store.
    pub store: Store,
    /// Reads.
    pub chain: Arc<dyn Chain>,
    /// Sends.
    pub hand: Arc<dyn Hand>,
    /// Log lines and metrics.
    pub observe: Observe,
    /// What is to be done besides.
    pub duties: DutiesSection,
    /// Blocks in one request for events.
    pub log_range: u64,
    /// Blocks below the newest that may still be replaced: they are read again at each look.
    pub depth: u64,
    /// The block from which on a fresh store reads.
    pub first_block: u64,
    /// What else is read again.
    pub again: Again,
    /// Whether the chain can be read.
    pub condition: Requirement,
    /// When the duties were last done.
    pub observed: Option<Instant>,
    /// The same for leases.
    pub settled: Option<Instant>,
}

impl std::fmt::Debug for Follower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follower")
            .field("offer", &self.offer)
            .finish_non_exhaustive()
    }
}

impl Follower {
    /// Follows until the end is asked for.
    ///
    /// # Errors
    /// [`AgentError`] of the store. Trouble with the chain is said, and tried again.
    pub async fn run(mut self, poll: Duration, shutdown: Shutdown) -> Result<(), AgentError> {
        loop {
            match shutdown.or(self.step()).await {
                None => return Ok(()),
                Some(Ok(())) => self.condition.ready(),
                Some(Err(AgentError::Chain(trouble))) => {
                    self.condition.missing(trouble.to_string());
                    self.observe.unread(&trouble);
                }
                Some(Err(error)) => return Err(error),
            }
            if !shutdown.sleep(poll).await {
                return Ok(());
            }
        }
    }

    /// Reads what is new, and does what follows from it. What cannot be read again now, and a duty that
    /// cannot be done, keep nothing else back.
    ///
    /// # Errors
    /// [`AgentError`] of the store, or the first trouble with the chain.
    pub async fn step(&mut self) -> Result<(), AgentError> {
        let head = self.chain.head().await?;
        let (now, time) = (now(), head.timestamp);
        self.rules(time).await?;
        self.machine(head, now).await?;
        let unsettled = self.unsettled().await?;
        let fresh = self.events(head.number, oldest(unsettled)).await?;
        self.observe
            .followed(head.number, time, now, self.store.receipts());
        let mut troubles = Troubles::default();
        self.again(head, fresh, unsettled, &mut troubles).await?;
        self.duties(unsettled, &mut troubles).await?;
        self.forget(head.timestamp, unsettled)?;
        troubles.first()
    }

    /// Forgets what is settled, and so old that no block of its time is read again.
    fn forget(&self, time: Timestamp, unsettled: HealthEpoch) -> Result<(), AgentError> {
        let keep = oldest(unsettled);
        self.store.forget_receipts_before(keep)?;
        self.store.forget_history_before(keep)?;
        let clock = self.shared.known().rules.as_ref().map(|rules| rules.epochs);
        if let Some(start) = clock.and_then(|clock| clock.start(keep).ok()) {
            let read_again = time.get().saturating_sub(2 * again::OVERLAP);
            let before = Timestamp::new(start.get().min(read_again));
            self.store.forget_leases_before(before)?;
        }
        Ok(())
    }

    /// Reads the machine. It is known together with its cards or not at all: whoever judged it without
    /// them would take its own cards for foreign ones.
    async fn machine(&self, head: Head, now: Timestamp) -> Result<(), AgentError> {
        let machine = self.chain.machine(self.offer).await?;
        let registered = machine.as_ref().is_some_and(MachineState::is_registered);
        let unknown = self.shared.known().cards.is_empty();
        let cards = if registered && unknown {
            Some(self.chain.cards(self.offer).await?)
        } else {
            None
        };
        let mut known = self.shared.known();
        known.cards = cards.unwrap_or_else(|| std::mem::take(&mut known.cards));
        known.saw(machine, now);
        known.head = Some(head);
        Ok(())
    }

    /// Reads the rules anew when a health epoch has begun.
    async fn rules(&self, time: Timestamp) -> Result<(), AgentError> {
        let known = self.shared.known().rules.clone();
        let fresh = self.shared.known().head.is_some();
        let same = known.as_ref().is_some_and(|rules| {
            let epoch = |time| rules.clock().at(time).map(|(epoch, _)| epoch).ok();
            let last = self.shared.known().head.map(|head| head.timestamp);
            fresh && last.and_then(epoch) == epoch(time)
        });
        if same {
            return Ok(());
        }
        let rules = self.chain.rules(time).await?;
        if known.as_ref() != Some(&rules) {
            self.store.keep_rules(&rules)?;
        }
        self.shared.known().rules = Some(rules);
        Ok(())
    }

    /// Reads the blocks that were not read yet, and those that may still be replaced; the first of them.
    async fn events(&self, head: u64, oldest: HealthEpoch) -> Result<u64, AgentError> {
        let next = self
            .store
            .cursor()?
            .map_or(0, |last| last.saturating_add(1));
        let depth = self.depth.max(LEAST_DEPTH);
        let first = next.saturating_sub(depth).max(self.first_block);
        let mut from = first;
        while from <= head {
            let to = head.min(from.saturating_add(self.log_range.saturating_sub(1)));
            let events = self.chain.events(self.offer, from, to).await?;
            for event in self.store.keep_events(&events, oldest, to)? {
                self.observe.event(&event);
            }
            from = to + 1;
        }
        Ok(first)
    }

    /// The first health epoch that is not settled.
    async fn unsettled(&self) -> Result<HealthEpoch, AgentError> {
        let time = self.chain.settled_until().await?;
        let rules = self.shared.known().rules.clone();
        let epoch = rules
            .and_then(|rules| rules.clock().at(time).ok())
            .map_or(HealthEpoch::new(0), |(epoch, _)| epoch);
        self.shared.known().unsettled = Some(epoch);
        Ok(epoch)
    }

    async fn duties(
        &mut self,
        unsettled: HealthEpoch,
        troubles: &mut Troubles,
    ) -> Result<(), AgentError> {
        if due(self.observed, self.duties.observe_seconds) {
            self.observed = Some(Instant::now());
            let machine = self.shared.known().machine.clone();
            if machine.is_some_and(|machine| machine.standing.next < unsettled.get()) {
                let (offer, most) = (self.offer, EPOCHS);
                let done = self.duty("observe", &Action::Observe { offer, most }).await;
                troubles.note(done.map_err(AgentError::from))?;
            }
        }
        if due(self.settled, self.duties.settle_seconds) {
            self.settled = Some(Instant::now());
            for lease in self.store.leases()? {
                troubles.note(self.settle(&lease).await)?;
            }
        }
        Ok(())
    }

    async fn settle(&self, lease: &LeaseRecord) -> Result<(), AgentError> {
        let request = lease.request;
        self.duty("settle", &Action::Settle { request }).await?;
        if lease.closed.is_some() && self.chain.locked(request).await?.is_zero() {
            self.store.forget_lease(request)?;
        }
        Ok(())
    }

    /// Does a duty. A contract that refuses has nothing to do now.
    async fn duty(&self, what: &str, action: &Action) -> Result<(), ChainTrouble> {
        match self.hand.act(action).await {
            Ok(done) => self.observe.done(what, &done),
            Err(trouble) => match trouble.refusal() {
                Some(why) => tracing::debug!(what, why, "nothing to do"),
                None => return Err(trouble),
            },
        }
        Ok(())
    }
}

/// The first epoch of which something is kept.
fn oldest(unsettled: HealthEpoch) -> HealthEpoch {
    HealthEpoch::new(unsettled.get().saturating_sub(KEPT))
}

/// Trouble with the chain that keeps back nothing but what it befell.
#[derive(Debug, Default)]
pub(crate) struct Troubles(Option<ChainTrouble>);

impl Troubles {
    /// Keeps the first trouble with the chain; gives what is worse.
    fn note(&mut self, done: Result<(), AgentError>) -> Result<(), AgentError> {
        match done {
            Err(AgentError::Chain(trouble)) => {
                self.0.get_or_insert(trouble);
                Ok(())
            }
            done => done,
        }
    }

    fn first(self) -> Result<(), AgentError> {
        self.0.map_or(Ok(()), |trouble| Err(trouble.into()))
    }
}

/// Whether so many seconds have passed; never for 0.
fn due(last: Option<Instant>, seconds: u64) -> bool {
    seconds > 0 && last.is_none_or(|last| last.elapsed() >= Duration::from_secs(seconds))
}
