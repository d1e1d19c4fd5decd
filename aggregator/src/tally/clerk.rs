//! The work on stake epochs that are over: draws, shows, tells. What was done is asked of the
//! chains, so a restart goes on where it was, and several aggregators share the work.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use quorate_canon::{Epoch, HealthEpoch, OperatorIndex, Round, Timestamp};
use quorate_chain::health::epoch_clock;
use quorate_service::Shutdown;

use super::{Intake, Sheet, Work};
use crate::chain::{Action, Fault, TallyChain, WorkAction};
use crate::clock::now;
use crate::courts::patience::Patience;
use crate::observe::Observe;
use crate::reach::Facts;
use crate::settle::Beacons;
use crate::store::{Store, blocking};

/// Stake epochs before the present one that are looked after.
const BACK: u64 = 32;
/// Seconds that a transaction has.
const PATIENCE: u64 = 120;

/// What is tried again later when it fails, and keeps nothing else back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// Drawing, reading the sample, telling.
    Epoch(Epoch),
    /// Showing who signed a round.
    Round(Epoch, Round),
    /// Showing who probed.
    Probe(Epoch, u16),
    /// Handing an epoch to the core.
    Submit(Epoch),
    /// Ejecting an operator.
    Eject(OperatorIndex),
}

/// What the clerk works with.
pub struct Desks<C, B> {
    /// The chains.
    pub chain: Arc<C>,
    /// The beacon.
    pub beacons: Arc<B>,
    /// Where votes and lists lie.
    pub store: Arc<Store>,
    /// Where receipts are handed in.
    pub intake: Arc<Intake>,
    /// Metrics and logs.
    pub observe: Observe,
    /// The network.
    pub facts: Facts,
    /// Which contracts are configured.
    pub work: Work,
    /// Pause between two looks, and the first pause of what failed.
    pub pause: Duration,
}

/// The clerk.
pub struct Clerk<C, B> {
    pub(super) desks: Desks<C, B>,
    pub(super) patience: Patience<Step>,
    /// How often what a sample asks for was shown.
    pub(super) shown: BTreeMap<Step, u8>,
    /// Until when each epoch's work is shown.
    until: BTreeMap<Epoch, Timestamp>,
    /// Epochs of which nothing is left to do on L2.
    counted: BTreeSet<Epoch>,
    /// Epochs that were handed to the core.
    pub(super) submitted: BTreeSet<Epoch>,
    /// Epochs that this process has worked on: their figures are told once.
    watched: BTreeSet<Epoch>,
    /// Where this process begins among samples: several aggregators then rarely show the same.
    pub(super) turn: u64,
}

impl<C: TallyChain, B: Beacons> Clerk<C, B> {
    /// A clerk that has done nothing yet.
    pub fn new(desks: Desks<C, B>) -> Self {
        Self {
            patience: Patience::new(desks.pause),
            desks,
            shown: BTreeMap::new(),
            until: BTreeMap::new(),
            counted: BTreeSet::new(),
            submitted: BTreeSet::new(),
            watched: BTreeSet::new(),
            turn: RandomState::new().build_hasher().finish(),
        }
    }

    /// Works until the end is asked for.
    pub async fn run(mut self, shutdown: Shutdown) {
        loop {
            if shutdown.or(self.work_off(now())).await.is_none()
                || !shutdown.sleep(self.desks.pause).await
            {
                return;
            }
        }
    }

    /// Looks at every stake epoch that is over once; one that fails keeps no other back.
    pub async fn work_off(&mut self, clock: Timestamp) {
        let schedule = &self.desks.facts.schedule;
        let since = clock.get().saturating_sub(schedule.genesis.get());
        let length = u64::from(schedule.stake_epoch);
        let present = since.checked_div(length).unwrap_or(0);
        let epochs: Vec<_> = (present.saturating_sub(BACK)..present)
            .map(Epoch::new)
            .collect();
        if self.desks.work.tally {
            for epoch in &epochs {
                self.count(*epoch, clock).await;
            }
        }
        if self.desks.work.rewards {
            self.pay(&epochs).await;
        }
        self.forget(present.saturating_sub(BACK));
    }

    async fn count(&mut self, epoch: Epoch, clock: Timestamp) {
        let step = Step::Epoch(epoch);
        if self.counted.contains(&epoch) || !self.patience.may_try(&step) {
            return;
        }
        match self.advance(epoch, clock).await {
            Ok(done) => {
                self.patience.succeeded(&step);
                if done {
                    self.counted.insert(epoch);
                }
            }
            Err(fault) => {
                self.desks.observe.hindered("operators' work", fault);
                self.patience.failed(step);
            }
        }
    }

    /// Brings one epoch as far as it goes now; true once nothing is left to do for it.
    async fn advance(&mut self, epoch: Epoch, clock: Timestamp) -> Result<bool, Fault> {
        let until = self.until(epoch).await?;
        let over = clock > until;
        match self.desks.chain.told(epoch).await? {
            Some(true) => {}
            Some(false) if over => {
                self.watched.insert(epoch);
                self.others_may_be_faster(WorkAction::Tell(epoch), "AlreadyTold")
                    .await?;
            }
            Some(false) => {
                self.watched.insert(epoch);
                let sheet = self.sheet(epoch).await?;
                self.show(&sheet, clock).await;
                return Ok(false);
            }
            None if over => {
                // Only of epochs that could have been drawn by this process.
                if self.watched.remove(&epoch) {
                    self.desks.observe.work_lost(epoch);
                }
            }
            None => {
                self.watched.insert(epoch);
                self.draw(epoch, clock).await?;
                return Ok(false);
            }
        }
        self.close(epoch).await?;
        Ok(true)
    }

    /// Draws the sample, once the health epoch that gives the randomness is open.
    async fn draw(&self, epoch: Epoch, clock: Timestamp) -> Result<(), Fault> {
        let epochs = epoch_clock(&self.desks.facts.schedule);
        let bad = |error: quorate_health::HealthError| Fault::BadData(error.to_string());
        let drawn_by = epochs.sample_epoch(epoch).map_err(bad)?;
        let begins = epochs.start(drawn_by).map_err(bad)?;
        if clock < begins || !self.desks.chain.is_open(drawn_by).await? {
            return Ok(());
        }
        self.others_may_be_faster(WorkAction::Draw(epoch), "AlreadyDrawn")
            .await
    }

    /// The sheet of an epoch; receipts for it are taken from then on.
    async fn sheet(&self, epoch: Epoch) -> Result<Arc<Sheet>, Fault> {
        if let Some(sheet) = self.desks.intake.sheet(epoch) {
            return Ok(sheet);
        }
        let (chain, beacons) = (&*self.desks.chain, &*self.desks.beacons);
        let sheet = Arc::new(Sheet::load(chain, beacons, &self.desks.facts, epoch).await?);
        let opened = self.desks.intake.open(Arc::clone(&sheet)).await;
        opened.map_err(Fault::Unreachable)?;
        Ok(sheet)
    }

    /// Tells the epoch's figures, and forgets what showed its work.
    async fn close(&mut self, epoch: Epoch) -> Result<(), Fault> {
        if self.watched.contains(&epoch) {
            let counted = self.desks.chain.counted(epoch).await?;
            let sheet = self.desks.intake.sheet(epoch);
            let stakes = sheet.as_ref().map(|sheet| sheet.table.stakes());
            self.desks.observe.work_counted(epoch, &counted, stakes);
            self.desks.intake.note(epoch, counted);
            self.watched.remove(&epoch);
        }
        let next = Epoch::new(epoch.get().saturating_add(1));
        let (round, health) = self.beginning(next)?;
        self.desks.intake.close_before(next);
        let store = Arc::clone(&self.desks.store);
        blocking(move || store.drop_work_before(next, round, health))
            .await
            .map_err(Fault::Unreachable)
    }

    /// The first round and the first health epoch of a stake epoch.
    fn beginning(&self, epoch: Epoch) -> Result<(Round, HealthEpoch), Fault> {
        let clock = epoch_clock(&self.desks.facts.schedule);
        let bad = |error: quorate_health::HealthError| Fault::BadData(error.to_string());
        let (round, _) = clock.rounds_of(epoch).map_err(bad)?;
        let (health, _) = clock.health_epochs_of(epoch).map_err(bad)?;
        Ok((round, health))
    }

    async fn until(&mut self, epoch: Epoch) -> Result<Timestamp, Fault> {
        if let Some(until) = self.until.get(&epoch) {
            return Ok(*until);
        }
        let until = self.desks.chain.showable_until(epoch).await?;
        self.until.insert(epoch, until);
        Ok(until)
    }

    /// Acts; a refusal for `done` means that somebody else did it before.
    pub(super) async fn others_may_be_faster(
        &self,
        action: WorkAction,
        done: &str,
    ) -> Result<(), Fault> {
        match self.act(action).await {
            Err(Fault::Refused(why)) if why.contains(done) => Ok(()),
            result => result,
        }
    }

    pub(super) async fn act(&self, action: WorkAction) -> Result<(), Fault> {
        let action = Action::Work(action);
        let deadline = Timestamp::new(now().get().saturating_add(PATIENCE));
        let result = self.desks.chain.act(&action, deadline).await;
        self.desks.observe.acted(&action, &result);
        result.map(drop)
    }

    /// Forgets epochs that are not looked after any more.
    fn forget(&mut self, first: u64) {
        let first = Epoch::new(first);
        self.until = self.until.split_off(&first);
        self.counted = self.counted.split_off(&first);
        self.submitted = self.submitted.split_off(&first);
        self.watched = self.watched.split_off(&first);
        self.shown.retain(|step, _| match step {
            Step::Round(epoch, _) | Step::Probe(epoch, _) => *epoch >= first,
            _ => true,
        });
    }
}
