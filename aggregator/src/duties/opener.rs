//! Opens every health epoch on L2 with its beacon: committees of an epoch can be drawn there only then,
//! for downtime and for operators' work.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use quorate_canon::{HealthEpoch, Timestamp};
use quorate_chain::health::epoch_clock;
use quorate_protocol::Schedule;
use quorate_service::Shutdown;

use super::{act, refused, unsettled};
use crate::chain::{Action, DutyChain, Fault};
use crate::clock::now;
use crate::courts::patience::Patience;
use crate::observe::Observe;
use crate::settle::Beacons;

/// Seconds that the beacon is waited for.
const BEACON: u64 = 10;
/// Epochs before the present one that are looked at, at most: a bound on what one look asks.
const BACK: u32 = 64;
/// What `Health` says of epochs that are open, and of those that it is too late for.
const OVER: [&str; 2] = ["AlreadyOpen", "AlreadySettled"];

/// The work on epochs that begin.
pub struct Opener<C, B> {
    chain: Arc<C>,
    beacons: Arc<B>,
    observe: Observe,
    schedule: Schedule,
    pause: Duration,
    /// Epochs that nothing is to be done about.
    over: BTreeSet<HealthEpoch>,
    patience: Patience<HealthEpoch>,
}

impl<C: DutyChain, B: Beacons> Opener<C, B> {
    /// Opens epochs from now on, and those before that are not settled; looks every `pause`.
    pub fn new(
        chain: Arc<C>,
        beacons: Arc<B>,
        observe: Observe,
        schedule: Schedule,
        pause: Duration,
    ) -> Self {
        Self {
            chain,
            beacons,
            observe,
            schedule,
            pause,
            over: BTreeSet::new(),
            patience: Patience::new(pause),
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

    /// Looks at every epoch that has begun and is not settled; one that fails keeps no other back.
    pub async fn work_off(&mut self, clock: Timestamp) {
        let epochs = match self.epochs(clock).await {
            Ok(epochs) => epochs,
            Err(fault) => return self.observe.hindered("settled epochs", fault),
        };
        for epoch in epochs {
            if self.over.contains(&epoch) || !self.patience.may_try(&epoch) {
                continue;
            }
            match self.open(epoch, clock).await {
                Ok(false) => {}
                Ok(true) => {
                    self.patience.succeeded(&epoch);
                    self.over.insert(epoch);
                }
                Err(fault) => {
                    self.observe.hindered("opening of a health epoch", fault);
                    self.patience.failed(epoch);
                }
            }
        }
    }

    /// The epochs that can be opened now, in order: the first is settled first.
    async fn epochs(&mut self, clock: Timestamp) -> Result<Vec<HealthEpoch>, Fault> {
        if clock < self.schedule.genesis {
            return Ok(Vec::new());
        }
        let present = self.schedule.health_epoch_at(clock);
        let present = present
            .map_err(|error| Fault::BadData(error.to_string()))?
            .get();
        let first = unsettled(&*self.chain, &self.schedule).await?.get();
        let first = first.max(present.saturating_sub(BACK));
        self.over = self.over.split_off(&HealthEpoch::new(first));
        Ok((first..=present).map(HealthEpoch::new).collect())
    }

    /// Opens an epoch whose beacon is due; true if nothing is left to do.
    async fn open(&self, epoch: HealthEpoch, clock: Timestamp) -> Result<bool, Fault> {
        let bad = |error: &dyn std::fmt::Display| Fault::BadData(error.to_string());
        let times = epoch_clock(&self.schedule);
        let beacon_round = times.beacon_round(epoch).map_err(|error| bad(&error))?;
        let first_round = times.first_round(epoch).map_err(|error| bad(&error))?;
        let close = self
            .schedule
            .close(first_round)
            .map_err(|error| bad(&error))?;
        let beacon = self.schedule.beacon_time(beacon_round);
        if clock < close.max(beacon.map_err(|error| bad(&error))?) {
            return Ok(false);
        }
        if self.chain.is_open(epoch).await? {
            return Ok(true);
        }
        let deadline = Timestamp::new(now().get().saturating_add(BEACON));
        let signature = self.beacons.signature(beacon_round, deadline).await;
        let action = Action::OpenEpoch(epoch, signature.map_err(Fault::Unreachable)?);
        match act(&*self.chain, &self.observe, &action).await {
            Ok(()) => {
                self.observe.epoch_opened(epoch);
                Ok(true)
            }
            Err(fault) if refused(&fault, &OVER) => Ok(true),
            Err(fault) => Err(fault),
        }
    }
}
