//! Goes through all machines whenever a health epoch is settled: carries on their uptime and trust
//! level, lets those out of jail whose time is over, and keeps the list of machines for hire, from which
//! operators' probes are sampled: of what becomes of stake and offers nobody tells it.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt as _, stream};
use quorate_canon::{HealthEpoch, OfferId, Timestamp};
use quorate_protocol::Schedule;
use quorate_service::Shutdown;

use super::{act, refused, start_of, unsettled};
use crate::chain::{Action, DutyChain, Fault, Machine};
use crate::clock::now;
use crate::courts::patience::Patience;
use crate::observe::Observe;

/// Machines that are asked about, and observed, at a time.
const AT_A_TIME: usize = 8;
/// Epochs that one transaction carries on at most.
const MOST: u32 = 64;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switches {
    /// A machine is observed once so many settled epochs wait, 1 at least; none: never.
    pub observe: Option<u16>,
    /// Whether machines are let out of jail.
    pub release: bool,
    /// Whether the list of machines for hire is kept.
    pub sync: bool,
}

/// The work on machines.
pub struct Roll<C> {
    chain: Arc<C>,
    observe: Observe,
    schedule: Schedule,
    pause: Duration,
    switches: Switches,
    /// All machines, by number.
    machines: Vec<OfferId>,
    /// The first epoch that was not settled when all machines were to be looked at last.
    seen: Option<HealthEpoch>,
    /// Machines that are still to be looked at.
    waiting: BTreeSet<OfferId>,
    /// Until when machines are jailed.
    jailed: BTreeMap<OfferId, Timestamp>,
    patience: Patience<OfferId>,
    /// Another order in each process, so that several aggregators share the work.
    order: RandomState,
}

impl<C: DutyChain> Roll<C> {
    /// Looks every `pause` whether an epoch was settled.
    pub fn new(
        chain: Arc<C>,
        observe: Observe,
        schedule: Schedule,
        pause: Duration,
        switches: Switches,
    ) -> Self {
        Self {
            chain,
            observe,
            schedule,
            pause,
            switches,
            machines: Vec::new(),
            seen: None,
            waiting: BTreeSet::new(),
            jailed: BTreeMap::new(),
            patience: Patience::new(pause),
            order: RandomState::new(),
        }
    }

    /// Works until the end is asked for.
    pub async fn run(mut self, shutdown: Shutdown) {
        loop {
            if shutdown.or(self.work_off(now())).await.is_none()
                || !shutdown.sleep(self.pause).await
            {
                return;
            }
        }
    }

    /// Lets machines out, and looks at those that wait; one that fails keeps no other back.
    pub async fn work_off(&mut self, clock: Timestamp) {
        match unsettled(&*self.chain, &self.schedule).await {
            Err(fault) => self.observe.hindered("settled epochs", fault),
            Ok(settled) => {
                if let Err(fault) = self.call(settled).await {
                    self.observe.hindered("list of machines", fault);
                }
                self.look(settled).await;
            }
        }
        self.let_out(clock).await;
        self.observe.machines(self.waiting.len(), self.jailed.len());
    }

    /// Calls up all machines if an epoch was settled since the last time.
    async fn call(&mut self, settled: HealthEpoch) -> Result<(), Fault> {
        if self.seen == Some(settled) {
            return Ok(());
        }
        let count = self.chain.machine_count().await?;
        let known = u64::try_from(self.machines.len()).unwrap_or(u64::MAX);
        let chain = &self.chain;
        let mut new = stream::iter(known..count)
            .map(|number| chain.machine_at(number))
            .buffered(AT_A_TIME);
        while let Some(machine) = new.next().await {
            self.machines.push(machine?);
        }
        drop(new);
        self.waiting = self.machines.iter().copied().collect();
        self.seen = Some(settled);
        Ok(())
    }

    /// Looks at the machines that wait.
    async fn look(&mut self, settled: HealthEpoch) {
        let ready = |machine: &OfferId| self.patience.may_try(machine);
        let mut ready: Vec<_> = self.waiting.iter().copied().filter(ready).collect();
        ready.sort_by_cached_key(|machine| self.order.hash_one(machine));
        let this = &*self;
        let visits: Vec<_> = stream::iter(ready)
            .map(|machine| async move { (machine, this.visit(machine, settled).await) })
            .buffer_unordered(AT_A_TIME)
            .collect()
            .await;
        for (machine, visit) in visits {
            match visit {
                Ok((jailed, is_over)) => {
                    self.patience.succeeded(&machine);
                    self.note(machine, jailed);
                    if is_over {
                        self.waiting.remove(&machine);
                    }
                }
                Err(fault) => {
                    self.observe.hindered("look at a machine", fault);
                    self.patience.failed(machine);
                }
            }
        }
    }

    /// Notes until when a machine is jailed, if it is.
    fn note(&mut self, machine: OfferId, jailed: Option<Timestamp>) {
        match jailed {
            Some(until) => drop(self.jailed.insert(machine, until)),
            None => drop(self.jailed.remove(&machine)),
        }
    }

    /// Does what is due for a machine. Until when it is jailed, and whether nothing more is to be done.
    async fn visit(
        &self,
        id: OfferId,
        settled: HealthEpoch,
    ) -> Result<(Option<Timestamp>, bool), Fault> {
        let machine = self.chain.machine(id).await?;
        let is_over = self.carry_on(id, &machine, settled).await?;
        if self.switches.sync && machine.misplaced {
            let action = Action::SyncForHire(id, settled);
            match act(&*self.chain, &self.observe, &action).await {
                Ok(()) => {}
                // Then it has left the list by itself.
                Err(fault) if refused(&fault, &["AlreadyRetired"]) => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok((machine.jailed, is_over))
    }

    /// Observes a machine if that is due. Whether nothing more is to be observed.
    async fn carry_on(
        &self,
        id: OfferId,
        machine: &Machine,
        settled: HealthEpoch,
    ) -> Result<bool, Fault> {
        let behind = self.behind(machine, settled)?;
        let Some(most) = behind.and_then(|epochs| u16::try_from(epochs.min(MOST)).ok()) else {
            return Ok(true);
        };
        let from = machine.next;
        let action = Action::ObserveMachine {
            machine: id,
            from,
            most,
        };
        match act(&*self.chain, &self.observe, &action).await {
            Ok(()) => {}
            // Another was faster.
            Err(fault) if refused(&fault, &["NothingToObserve"]) => {}
            Err(fault) => return Err(fault),
        }
        Ok(u32::from(most) < MOST)
    }

    /// How many settled epochs wait to be observed, if they are enough. What began after a machine was
    /// retired says nothing about it.
    fn behind(&self, machine: &Machine, settled: HealthEpoch) -> Result<Option<u32>, Fault> {
        let Some(least) = self.switches.observe else {
            return Ok(None);
        };
        let start = start_of(&self.schedule, machine.next)?;
        if machine.retired.is_some_and(|retired| retired < start) {
            return Ok(None);
        }
        let behind = settled.get().saturating_sub(machine.next.get());
        Ok((behind >= u32::from(least.max(1))).then_some(behind))
    }

    /// Lets out whose time is over.
    async fn let_out(&mut self, clock: Timestamp) {
        if !self.switches.release {
            return;
        }
        let over = self.jailed.iter().filter(|(_, until)| **until <= clock);
        let over: Vec<_> = over.map(|(machine, until)| (*machine, *until)).collect();
        for (machine, until) in over {
            if !self.patience.may_try(&machine) {
                continue;
            }
            match self.release(machine, until).await {
                Ok(jailed) => {
                    self.patience.succeeded(&machine);
                    self.note(machine, jailed);
                }
                Err(fault) => {
                    self.observe.hindered("release of a machine", fault);
                    self.patience.failed(machine);
                }
            }
        }
    }

    /// Lets a machine out; until when it is jailed now.
    async fn release(&self, id: OfferId, until: Timestamp) -> Result<Option<Timestamp>, Fault> {
        let action = Action::ReleaseMachine(id, until);
        match act(&*self.chain, &self.observe, &action).await {
            Ok(()) => Ok(None),
            Err(fault) if refused(&fault, &["NotJailed"]) => Ok(None),
            // Slashed again since we looked.
            Err(fault) if refused(&fault, &["StillJailed"]) => {
                let machine = self.chain.machine(id).await?;
                match machine.jailed {
                    Some(jailed) if jailed == until => Err(fault),
                    jailed => Ok(jailed),
                }
            }
            Err(fault) => Err(fault),
        }
    }
}
