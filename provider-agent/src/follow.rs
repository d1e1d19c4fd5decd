//! Follows the chain for one machine: its state, its leases, its downtime; appeals and does its duties.

use std::sync::Arc;
use std::time::Duration;

use quorate_canon::{HealthEpoch, OfferId, Timestamp};
use quorate_chain::Head;
use quorate_service::{Shutdown, health::Requirement};
use tokio::time::Instant;

use crate::AgentError;
use crate::appeal::Appealer;
use crate::chain::{Action, Chain, ChainTrouble, Hand, MachineState};
use crate::clock::now;
use crate::config::DutiesSection;
use crate::observe::Observe;
use crate::shared::Shared;
use crate::store::Store;

/// Blocks that are read again each time: a reorganisation may have changed them.
const AGAIN: u64 = 16;
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
    /// The block from which on a fresh store reads.
    pub first_block: u64,
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

    /// Reads what is new, and does what follows from it.
    ///
    /// # Errors
    /// [`AgentError`] of chain or store.
    pub async fn step(&mut self) -> Result<(), AgentError> {
        let head = self.chain.head().await?;
        let (now, time) = (now(), head.timestamp);
        self.rules(time).await?;
        self.machine(head, now).await?;
        self.events(head.number).await?;
        let unsettled = self.unsettled().await?;
        self.observe
            .followed(head.number, time, now, self.store.receipts());
        if self.duties.appeal {
            self.appealer().run(unsettled).await?;
        }
        self.duties(unsettled).await?;
        let keep = HealthEpoch::new(unsettled.get().saturating_sub(KEPT));
        self.store.forget_receipts_before(keep)?;
        self.store.forget_history_before(keep)?;
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

    async fn events(&self, head: u64) -> Result<(), AgentError> {
        let next = self.store.cursor()?.map_or(0, |last| last + 1);
        let mut from = next.saturating_sub(AGAIN).max(self.first_block);
        while from <= head {
            let to = head.min(from.saturating_add(self.log_range.saturating_sub(1)));
            let events = self.chain.events(self.offer, from, to).await?;
            for event in self.store.keep_events(&events, to)? {
                self.observe.event(&event);
            }
            from = to + 1;
        }
        Ok(())
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

    fn appealer(&self) -> Appealer {
        Appealer {
            offer: self.offer,
            store: self.store.clone(),
            chain: Arc::clone(&self.chain),
            hand: Arc::clone(&self.hand),
            observe: self.observe.clone(),
        }
    }

    async fn duties(&mut self, unsettled: HealthEpoch) -> Result<(), AgentError> {
        if due(self.observed, self.duties.observe_seconds) {
            self.observed = Some(Instant::now());
            let machine = self.shared.known().machine.clone();
            if machine.is_some_and(|machine| machine.standing.next < unsettled.get()) {
                let (offer, most) = (self.offer, EPOCHS);
                self.duty("observe", &Action::Observe { offer, most })
                    .await?;
            }
        }
        if due(self.settled, self.duties.settle_seconds) {
            self.settled = Some(Instant::now());
            for lease in self.store.leases()? {
                let request = lease.request;
                self.duty("settle", &Action::Settle { request }).await?;
                if lease.closed.is_some() && self.chain.locked(request).await?.is_zero() {
                    self.store.forget_lease(request)?;
                }
            }
        }
        Ok(())
    }

    /// Does a duty. A contract that refuses has nothing to do now.
    async fn duty(&self, what: &str, action: &Action) -> Result<(), ChainTrouble> {
        match self.hand.act(action).await {
            Ok(done) => self.observe.done(what, &done),
            Err(ChainTrouble::Refused(why)) => tracing::debug!(what, why, "nothing to do"),
            Err(trouble) => return Err(trouble),
        }
        Ok(())
    }
}

/// Whether so many seconds have passed; never for 0.
fn due(last: Option<Instant>, seconds: u64) -> bool {
    seconds > 0 && last.is_none_or(|last| last.elapsed() >= Duration::from_secs(seconds))
}
