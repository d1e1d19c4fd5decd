//! Plays the trace on the market: posts requests when they are due and ends leases when their
//! tasks are done.

mod actors;
mod leases;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

pub use actors::Actors;
use alloy::{
    primitives::{Address, Bytes},
    providers::Provider,
    rpc::types::{Filter, TransactionReceipt},
    sol_types::SolEvent,
};
use futures::future::join_all;
use leases::{Ender, Leases, Posted};
use quorate_bindings::IMarket;
use quorate_canon::{Address as CanonAddress, codec::FixedWidth};
use tokio_util::sync::CancellationToken;

use crate::{
    Error,
    chains::{Account, Call},
    trace::{Script, TaskRequest},
    unix_now,
};

/// Bytes of an entry of the list; the request's id stands at byte 8.
const ENTRY: usize = 49;
const TICK: Duration = Duration::from_millis(250);
/// Blocks that are read again, so that a reorg hides no lease.
const OVERLAP: u64 = 12;

/// What has been done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fed {
    /// Requests posted.
    pub posted: u64,
    /// Leases that were ended here.
    pub ended: u64,
    /// Leases that are open.
    pub open: usize,
    /// Transactions that failed and were given up.
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
    leases: Leases,
    next_task: usize,
    next_block: u64,
}

impl Feeder {
    /// A player of `script`, whose first task is due at `start` (Unix seconds).
    #[must_use]
    pub fn new(actors: Actors, market: Address, script: Script, start: u64) -> Self {
        Self {
            actors,
            market,
            script,
            start: start * 1_000,
            fed: Arc::default(),
            leases: Leases::default(),
            next_task: 0,
            next_block: 0,
        }
    }

    /// A handle on what has been done, to be read while it plays.
    #[must_use]
    pub fn progress(&self) -> Arc<Mutex<Fed>> {
        Arc::clone(&self.fed)
    }

    /// Plays until `stop`: after the last task it goes on ending leases.
    ///
    /// A transaction that fails is counted and given up; the market goes on without it.
    pub async fn play(mut self, stop: CancellationToken) -> Fed {
        while !stop.is_cancelled() {
            let now = now();
            self.post_due(now).await;
            if let Err(error) = self.watch().await {
                tracing::warn!(%error, "the feeder could not read the market's leases");
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
        let first = self.next_task;
        let due = self
            .script
            .tasks
            .iter()
            .skip(first)
            .take_while(|t| self.start + t.played.at <= now)
            .count();
        self.next_task += due;
        let mut by_tenant: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for at in first..self.next_task {
            by_tenant
                .entry(self.script.tasks[at].tenant)
                .or_default()
                .push(at);
        }
        let batches: Vec<(usize, Vec<usize>)> = by_tenant
            .into_iter()
            .flat_map(|(tenant, tasks)| {
                tasks
                    .chunks(actors::BATCH)
                    .map(|batch| (tenant, batch.to_vec()))
                    .collect::<Vec<_>>()
            })
            .collect();
        let sent = join_all(batches.iter().map(|(tenant, batch)| {
            let tasks = batch.iter().map(|at| &self.script.tasks[*at]).collect();
            post(&self.actors.tenants[*tenant], self.market, tasks)
        }))
        .await;
        for ((_, batch), sent) in batches.into_iter().zip(sent) {
            self.note_posted(&batch, sent);
        }
    }

    fn note_posted(&mut self, batch: &[usize], sent: Result<u64, Error>) {
        let first = match sent {
            Ok(first) => first,
            Err(error) => return self.give_up(&error, "requests were not posted"),
        };
        for (id, at) in (first..).zip(batch) {
            let task = &self.script.tasks[*at];
            let ender = if task.ends_itself {
                Ender::Tenant(task.tenant)
            } else {
                Ender::Anyone
            };
            self.leases.post(
                id,
                Posted {
                    ender,
                    life: task.played.life,
                },
            );
        }
        self.count(|fed| fed.posted += u64::try_from(batch.len()).unwrap_or(0));
    }

    /// Looks for leases that were opened.
    async fn watch(&mut self) -> Result<(), Error> {
        let provider = self.actors.janitor.provider();
        let head = provider.get_block_number().await?;
        if head + 1 == self.next_block {
            return Ok(());
        }
        let filter = Filter::new()
            .address(self.market)
            .event_signature(IMarket::LeasesOpened::SIGNATURE_HASH)
            .from_block(self.next_block.saturating_sub(OVERLAP))
            .to_block(head);
        for log in provider.get_logs(&filter).await? {
            let Ok(event) = IMarket::LeasesOpened::decode_log(&log.inner) else {
                continue;
            };
            for entry in event.entries.chunks_exact(ENTRY) {
                let id: [u8; 8] = std::array::from_fn(|i| entry[8 + i]);
                self.leases.opened(u64::from_be_bytes(id), event.time);
            }
        }
        self.next_block = head + 1;
        Ok(())
    }

    async fn end_due(&mut self, now: u64) {
        let mut batches: Vec<(&Account, Vec<u64>)> = Vec::new();
        for (ender, ids) in self.leases.due(now) {
            let account = self.account_of(ender);
            batches.extend(
                ids.chunks(actors::BATCH)
                    .map(|batch| (account, batch.to_vec())),
            );
        }
        let sent = join_all(batches.iter().map(|(account, ids)| {
            let call = IMarket::closeLeasesCall {
                requestIds: ids.to_vec(),
            };
            account.send(Call::of(self.market, &call))
        }))
        .await;
        for ((_, ids), sent) in batches.into_iter().zip(sent) {
            match sent {
                Ok(_) => self.count(|fed| fed.ended += u64::try_from(ids.len()).unwrap_or(0)),
                Err(error) => self.give_up(&error, "leases were not ended"),
            }
        }
    }

    fn account_of(&self, ender: Ender) -> &Account {
        match ender {
            Ender::Tenant(number) => &self.actors.tenants[number],
            Ender::Anyone => &self.actors.janitor,
        }
    }

    fn give_up(&self, error: &Error, what: &'static str) {
        tracing::warn!(%error, "{what}");
        self.count(|fed| fed.failed += 1);
    }

    fn count(&self, change: impl FnOnce(&mut Fed)) {
        change(&mut self.fed.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Posts a tenant's requests and gives the first id.
async fn post(tenant: &Account, market: Address, tasks: Vec<&TaskRequest>) -> Result<u64, Error> {
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
    first_id(&tenant.send(Call::of(market, &call)).await?)
}

fn first_id(receipt: &TransactionReceipt) -> Result<u64, Error> {
    let logs = receipt.inner.logs();
    let posted = logs
        .iter()
        .find_map(|log| IMarket::RequestsPosted::decode_log(&log.inner).ok());
    posted
        .map(|event| event.firstId)
        .ok_or_else(|| Error::Unexpected {
            what: "receipt of postRequests".into(),
            got: "no RequestsPosted".into(),
            expected: "one".into(),
        })
}

fn now() -> u64 {
    u64::try_from(unix_now().as_millis()).unwrap_or(u64::MAX)
}
