//! Keeps the stake tables coming: fixed on L1 in time, their pages posted on L2. Anyone may do
//! both, so others may have been faster; an epoch without a table has no live rounds.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use quorate_canon::{Epoch, Timestamp};
use quorate_protocol::Schedule;
use quorate_service::Shutdown;

use crate::{
    chain::{Action, Chain, Fault, Pages},
    clock::now,
    observe::Observe,
};

/// Seconds that a transaction has.
const PATIENCE: u64 = 120;

/// Keeps the tables.
pub struct Keeper<C> {
    chain: Arc<C>,
    schedule: Schedule,
    observe: Observe,
    pause: Duration,
    complete: BTreeSet<Epoch>,
}

impl<C: Chain> Keeper<C> {
    /// A keeper that looks every `pause`.
    pub fn new(chain: Arc<C>, schedule: Schedule, observe: Observe, pause: Duration) -> Self {
        Self {
            chain,
            schedule,
            observe,
            pause,
            complete: BTreeSet::new(),
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

    /// Brings the tables of the present and the next epochs as far as they go now.
    pub async fn work_off(&mut self, clock: Timestamp) {
        for epoch in self.epochs(clock) {
            if self.complete.contains(&epoch) {
                continue;
            }
            match self.advance(epoch, clock).await {
                Ok(true) => {
                    self.observe.table_complete(epoch);
                    self.complete.insert(epoch);
                }
                Ok(false) => {}
                Err(fault) => self.observe.hindered("stake table", fault),
            }
        }
    }

    /// The present epoch and the two after it: a table may be fixed long before its epoch.
    fn epochs(&self, clock: Timestamp) -> Vec<Epoch> {
        let since = clock.get().saturating_sub(self.schedule.genesis.get());
        let present = since
            .checked_div(u64::from(self.schedule.stake_epoch))
            .unwrap_or(0);
        (0..=2)
            .map(|ahead| Epoch::new(present.saturating_add(ahead)))
            .collect()
    }

    /// One epoch; true once its table is complete on L2.
    async fn advance(&self, epoch: Epoch, clock: Timestamp) -> Result<bool, Fault> {
        let Some(pages) = self.chain.pages(epoch).await? else {
            if clock >= self.chain.opens_at(epoch).await? {
                self.act(Action::FixTable(epoch)).await?;
            }
            return Ok(false);
        };
        self.post(epoch, pages).await
    }

    /// Posts the pages that L2 lacks, once the commitment has arrived there.
    async fn post(&self, epoch: Epoch, pages: Pages) -> Result<bool, Fault> {
        let count =
            u32::try_from(pages.keys.len()).map_err(|error| Fault::BadData(error.to_string()))?;
        let Some(missing) = self.chain.missing_pages(epoch, count).await? else {
            return Ok(false);
        };
        for (page, keys) in (0..count).zip(pages.keys) {
            if missing.keys.contains(&page) {
                self.act(Action::PostKeys { epoch, page, keys }).await?;
            }
        }
        if missing.stakes {
            self.act(Action::PostStakes {
                epoch,
                stakes: pages.stakes,
            })
            .await?;
        }
        Ok(true)
    }

    async fn act(&self, action: Action) -> Result<(), Fault> {
        let deadline = Timestamp::new(now().get().saturating_add(PATIENCE));
        let result = self.chain.act(&action, deadline).await;
        self.observe.acted(&action, &result);
        result.map(drop)
    }
}
