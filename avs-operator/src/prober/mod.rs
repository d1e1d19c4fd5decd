//! The prober: asks machines whether they are well, judges the answers, and says at most one word
//! about each machine and window.
//!
//! It stands beside the [driver](crate::driver) and shares nothing with the rounds but the signer and
//! a [board] on which the driver puts up the chain. Whatever fails here fails here: an epoch that
//! cannot be planned is tried again, and a prober that panics begins anew.
//!
//! An epoch's way through it, with the names of the modules: [plan] (policy, committees, moments) ->
//! [roster] of each window -> [schedule], a heap of moments -> [probe] over a pinned connection ->
//! verdict and tally (`quorate_health`) -> [scribe] and [words] (the ledger) -> the agent gets its
//! receipt -> [attest] (lists of windows DOWN).

pub mod attest;
pub mod board;
mod job;
pub mod network;
pub mod observe;
pub mod plan;
pub mod probe;
pub mod report;
pub mod roster;
pub mod schedule;
pub mod scribe;
#[cfg(test)]
mod tests;
pub mod words;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use quorate_health::EpochClock;
use quorate_rpc::{Client, Reach};
use quorate_service::Shutdown;
use tokio::task::JoinHandle;

use crate::config::HealthSection;
use crate::post::now;
use attest::Attest;
use board::BoardReader;
use network::NetworkWatch;
use observe::ProbeObserve;
use probe::Prober;
use schedule::{Plans, Schedule};
use scribe::Scribe;
use words::Attester;

/// Pause before a prober that failed begins anew.
const RESTART: Duration = Duration::from_secs(5);

/// What a prober works with.
#[derive(Debug)]
pub struct Parts<P> {
    /// Its settings.
    pub section: HealthSection,
    /// The chain, as the driver puts it up.
    pub board: BoardReader,
    /// Who speaks.
    pub attester: Arc<dyn Attester>,
    /// Where plans of epochs come from.
    pub plans: Arc<P>,
    /// The clock of epochs.
    pub clock: EpochClock,
    /// The aggregators.
    pub aggregators: Vec<Client>,
    /// Seconds from a health epoch's start in which its receipts may still show work: the ledger keeps
    /// them for so long. 0 where no work is shown.
    pub shown_seconds: u64,
    /// Logs and metrics.
    pub observe: ProbeObserve,
}

impl<P> Clone for Parts<P> {
    fn clone(&self) -> Self {
        Self {
            section: self.section.clone(),
            board: self.board.clone(),
            attester: Arc::clone(&self.attester),
            plans: Arc::clone(&self.plans),
            clock: self.clock,
            aggregators: self.aggregators.clone(),
            shown_seconds: self.shown_seconds,
            observe: self.observe.clone(),
        }
    }
}

/// Runs a prober in a task of its own until the end is asked for.
pub fn spawn<P: Plans>(parts: Parts<P>, shutdown: Shutdown) -> JoinHandle<()> {
    tokio::spawn(async move {
        while !shutdown.is_asked() {
            let run = tokio::spawn(run(parts.clone(), shutdown.clone()));
            if let Err(error) = run.await {
                parts.observe.restarted(&error.to_string());
                shutdown.sleep(RESTART).await;
            }
        }
    })
}

/// One life of a prober.
async fn run<P: Plans>(parts: Parts<P>, shutdown: Shutdown) {
    let section = &parts.section;
    let watch = Arc::new(NetworkWatch::new(section.targets.clone(), section.watch()));
    let prober = Prober {
        board: parts.board,
        attester: Arc::clone(&parts.attester),
        scribe: Scribe::start(Arc::clone(&parts.attester)),
        reach: Reach::new(section.allow_private_endpoints),
        watch: Arc::clone(&watch),
        observe: parts.observe.clone(),
        stale_seconds: section.stale_seconds,
        previous: Mutex::new(HashMap::new()),
    };
    let schedule = Schedule {
        prober: Arc::new(prober),
        plans: parts.plans,
        attest: Attest {
            attester: parts.attester,
            clients: parts.aggregators,
            clock: parts.clock,
            poll: section.poll(),
            shown_seconds: parts.shown_seconds,
            observe: parts.observe,
        },
        clock: parts.clock,
        concurrency: section.concurrency,
        most_machines: section.most_machines,
        started: now(),
    };
    tokio::join!(schedule.run(&shutdown), watch.run(&shutdown));
}
