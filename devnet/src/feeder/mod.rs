//! Plays the trace on the market: posts requests when they are due and ends leases when their
//! tasks are done.

mod actors;
mod leases;
mod watch;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

pub use actors::Actors;
use actors::BATCH;
use alloy::primitives::{Address, Bytes};
use futures::future::join_all;
use leases::{Ender, Leases};
use quorate_bindings::IMarket;
use quorate_canon::{Address as CanonAddress, codec::FixedWidth};
use tokio_util::sync::CancellationToken;
use watch::Watch;

use crate::{
    Error,
    chains::{Account, Call},
    trace::{Script, TaskRequest},
    unix_now,
};

const TICK: Duration = Duration::from_millis(250);

/// What has been done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fed {
    /// Requests posted.
    pub posted: u64,
    /// Leases that were ended here.
    pub ended: u64,
    /// Leases that are open.
    pub open: usize,
    /// Transactions that failed.
    pub failed: u64,
}

/// The player. One run each.
#[derive(Debug)]
pub struct Feeder {
    actors: Actors,
    market: Address,
    script: Script,
    /// When the script begins, Unix milliseconds.
    start: u64,
    fed: Arc<Mutex<Fed>>,
    watch: Watch,
    leases: Leases,
    next_task: usize,
}

impl Feeder {
    /// A player of `script`, whose first task is due at `start` (Unix seconds).
    #[must_use]
    pub fn new(actors: Actors, market: Address, script: Script, start: u64) -> Self {
        let watch = Watch::new(market, &script);
        let (fed, leases) = (Arc::default(), Leases::default());
        Self {
            actors,
            market,
            script,
            start: start * 1_000,
            fed,
            watch,
            leases,
            next_task: 0,
        }
    }

    /// A handle on what has been done, to be read while it plays.
    #[must_use]
    pub fn progress(&self) -> Arc<Mutex<Fed>> {
        Arc::clone(&self.fed)
    }

    /// Plays until `stop`: after the last task it goes on ending leases.
    ///
    /// A post that fails is counted and given up; the market goes on without it. An end that fails
    /// is tried again.
    pub async fn play(mut self, stop: CancellationToken) -> Fed {
        while !stop.is_cancelled() {
            let now = now();
            self.post_due(now).await;
            if let Err(error) = self
                .watch
                .look(self.actors.janitor.provider(), &mut self.leases)
                .await
            {
                tracing::warn!(%error, "the feeder could not read the market");
            }
            self.end_due(now).await;
            let open = self.leases.count();
            self.count(|fed| fed.open = open);
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(TICK) => {}
            }
        }
        *self.fed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn post_due(&mut self, now: u64) {
        let later = self.script.tasks.iter().skip(self.next_task);
        let due: Vec<_> = later
            .take_while(|t| self.start + t.played.at <= now)
            .collect();
        let mut by_tenant: BTreeMap<usize, Vec<&TaskRequest>> = BTreeMap::new();
        for task in &due {
            by_tenant.entry(task.tenant).or_default().push(task);
        }
        let batches = by_tenant
            .iter()
            .flat_map(|(tenant, tasks)| tasks.chunks(BATCH).map(move |batch| (tenant, batch)));
        let sent = join_all(batches.map(async |(tenant, batch)| {
            (
                batch.len(),
                post(&self.actors.tenants[*tenant], self.market, batch).await,
            )
        }))
        .await;
        for (count, sent) in sent {
            match sent {
                Ok(()) => self.count(|fed| fed.posted += u64::try_from(count).unwrap_or(0)),
                Err(error) => self.failed(&error, "requests were not posted"),
            }
        }
        self.next_task += due.len();
    }

    async fn end_due(&mut self, now: u64) {
        let batches = self.leases.due(now, BATCH);
        let sent = join_all(batches.iter().map(|(ender, ids)| {
            let call = IMarket::closeLeasesCall {
                requestIds: ids.clone(),
            };
            self.account_of(*ender).send(Call::of(self.market, &call))
        }))
        .await;
        for ((_, ids), sent) in batches.into_iter().zip(sent) {
            match sent {
                Ok(_) => {
                    self.leases.ended(&ids);
                    self.count(|fed| fed.ended += u64::try_from(ids.len()).unwrap_or(0));
                }
                Err(error) => {
                    self.leases.failed(&ids, now);
                    self.failed(&error, "leases were not ended");
                }
            }
        }
    }

    fn account_of(&self, ender: Ender) -> &Account {
        match ender {
            Ender::Tenant(number) => &self.actors.tenants[number],
            Ender::Anyone => &self.actors.janitor,
        }
    }

    fn failed(&self, error: &Error, what: &'static str) {
        tracing::warn!(%error, "{what}");
        self.count(|fed| fed.failed += 1);
    }

    fn count(&self, change: impl FnOnce(&mut Fed)) {
        change(&mut self.fed.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Posts requests that their tenant pays itself.
async fn post(tenant: &Account, market: Address, tasks: &[&TaskRequest]) -> Result<(), Error> {
    let payer = CanonAddress(tenant.address().into_array());
    let records: Vec<u8> = tasks
        .iter()
        .flat_map(|task| {
            let mut request = task.request.clone();
            request.payer = payer;
            request.to_bytes()
        })
        .collect();
    let call = IMarket::postRequestsCall {
        records: Bytes::from(records),
    };
    tenant.send(Call::of(market, &call)).await.map(|_| ())
}

fn now() -> u64 {
    u64::try_from(unix_now().as_millis()).unwrap_or(u64::MAX)
}
