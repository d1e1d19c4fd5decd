//! A round's way to L2: certificate, or for a bond a proposal without one, then chunks. One job a
//! round, supervised, each able to fail alone; the chain is asked what stands before anything is sent.

mod beacon;
pub mod bonds;
mod certificate;
mod chunks;
mod job;
mod propose;

use std::sync::Arc;

use alloy::primitives::U256;
use quorate_canon::Round;
use quorate_protocol::{Certificate, Domain, Schedule};
use quorate_service::Shutdown;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

use crate::{chain::Chain, collector::Mailbox, observe::Observe, store::Store};

pub use beacon::Beacons;

/// Rounds that are settled at a time.
const JOBS: usize = 64;

/// A round to be settled.
#[derive(Debug)]
pub struct Job {
    /// The round.
    pub round: Round,
    /// Its certificate, once there is one. While the job lives, it holds this.
    pub certificate: watch::Receiver<Option<Arc<Certificate>>>,
}

/// On which terms rounds are proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The highest bond, wei.
    pub max_bond: U256,
    /// Least share of the unstruck stake behind a header, basis points.
    pub min_stake_bps: u32,
}

/// What jobs work with.
pub struct Tools<C, B> {
    /// Whose rounds.
    pub domain: Domain,
    /// When.
    pub schedule: Schedule,
    /// The chains.
    pub chain: Arc<C>,
    /// The beacon.
    pub beacons: Arc<B>,
    /// The database.
    pub store: Arc<Store>,
    /// The collector.
    pub mailbox: Mailbox,
    /// Metrics and logs.
    pub observe: Observe,
    /// Changes whenever a list has come.
    pub lists: watch::Receiver<u64>,
    /// On which terms rounds are proposed, if they are.
    pub terms: Option<Terms>,
}

impl<C, B> Clone for Tools<C, B> {
    fn clone(&self) -> Self {
        Self {
            domain: self.domain,
            schedule: self.schedule,
            chain: Arc::clone(&self.chain),
            beacons: Arc::clone(&self.beacons),
            store: Arc::clone(&self.store),
            mailbox: self.mailbox.clone(),
            observe: self.observe.clone(),
            lists: self.lists.clone(),
            terms: self.terms,
        }
    }
}

/// A queue of jobs and its other end.
pub fn queue() -> (mpsc::Sender<Job>, mpsc::Receiver<Job>) {
    mpsc::channel(JOBS)
}

/// Runs jobs until the end is asked for. A job that panics takes only itself down: the collector
/// sees that its receiver is gone, and hands the round on again.
pub async fn run<C: Chain, B: Beacons>(
    tools: Tools<C, B>,
    mut jobs: mpsc::Receiver<Job>,
    shutdown: Shutdown,
) {
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = shutdown.asked() => break,
            Some(ended) = running.join_next(), if !running.is_empty() => {
                if let Err(error) = ended {
                    tools.observe.hindered("job", error);
                }
            }
            job = jobs.recv(), if running.len() < JOBS => match job {
                Some(job) => drop(running.spawn(job::run(tools.clone(), job))),
                None => break,
            },
        }
    }
    running.shutdown().await;
}
