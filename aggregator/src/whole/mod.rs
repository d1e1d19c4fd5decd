//! The whole aggregator over simulated chains: restarts, callers that hang up, liars, hostile chains.

mod chains;
mod downs;
mod duties;
mod evidence;
mod proposals;
mod restarts;
mod rounds;
mod trials;
mod work;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use quorate_canon::{Epoch, Round};
use quorate_rpc::handler::{Handler as _, ListRefusal};
use quorate_rpc::wire::{Phase, RoundReport, VoteReceipt};
use quorate_service::{Metrics, Shutdown};
use tokio::time::{Instant, sleep};

use crate::chain::simulated::{SimulatedBeacon, SimulatedChain};
use crate::config::Duties;
use crate::observe::Observe;
use crate::parts::{Parts, Running};
use crate::store::Store;
use crate::tally::Work;
use crate::testing::{World, list};

/// A running aggregator.
pub(crate) struct Host {
    pub(crate) chain: SimulatedChain,
    pub(crate) store: Arc<Store>,
    running: Running<SimulatedChain, SimulatedBeacon>,
    metrics: Metrics,
    shutdown: Shutdown,
}

impl Host {
    /// Starts an aggregator with its data in `folder`.
    pub(crate) fn start(world: &World, chain: SimulatedChain, folder: &Path) -> Self {
        Self::start_with(world, chain, folder, quiet())
    }

    /// The same with other duties, looked at often.
    fn start_with(world: &World, chain: SimulatedChain, folder: &Path, duties: Duties) -> Self {
        Self::start_for(world, chain, folder, duties, Work::default())
    }

    /// The same with other contracts about operators' work.
    fn start_for(
        world: &World,
        chain: SimulatedChain,
        folder: &Path,
        duties: Duties,
        work: Work,
    ) -> Self {
        let store = Arc::new(open(&folder.join("aggregator.sqlite")));
        let (metrics, shutdown) = (Metrics::new(), Shutdown::new());
        let parts = Parts {
            facts: world.facts,
            chain: Arc::new(chain.clone()),
            beacons: Arc::new(SimulatedBeacon),
            store: Arc::clone(&store),
            observe: Observe::new(&metrics),
            limits: crate::collector::Limits::default(),
            duties: Duties {
                pause_ms: 50,
                ..duties
            },
            health: true,
            escrow: true,
            work,
        };
        let running = parts.start(&shutdown);
        Self {
            chain,
            store,
            running,
            metrics,
            shutdown,
        }
    }

    /// Votes for a header of the last round.
    pub(crate) async fn vote(&self, world: &World, operator: u32, flavour: u8) -> VoteReceipt {
        let vote = world.vote(operator, world.header(world.round(), flavour));
        self.running.service.vote(vote, None).await
    }

    /// Sends the list of the right header.
    async fn send_list(&self, world: &World) -> Result<bool, ListRefusal> {
        self.send_list_of(world, 0).await
    }

    /// Sends the list of a header of the last round.
    async fn send_list_of(&self, world: &World, flavour: u8) -> Result<bool, ListRefusal> {
        let digest = world.header(world.round(), flavour).digest();
        match self.running.service.admit(digest, None).await? {
            Some(place) => {
                let list = list(3, flavour);
                self.running.service.list(digest, list, place).await
            }
            None => Ok(false),
        }
    }

    async fn report(&self, round: Round) -> Option<RoundReport> {
        self.running.mailbox.round(round).await
    }

    /// Waits until the last round has come this far.
    pub(crate) async fn until(&self, world: &World, phase: Phase) -> RoundReport {
        eventually(async || {
            self.report(world.round())
                .await
                .filter(|report| report.phase == phase)
        })
        .await
    }

    /// How often an action was tried.
    fn attempts(&self, name: &str) -> usize {
        let world = self.chain.world();
        world
            .attempts
            .iter()
            .filter(|tried| **tried == name)
            .count()
    }

    /// Ends it and waits until its database is free.
    pub(crate) async fn stop(self) {
        self.shutdown.ask();
        let aborted =
            quorate_service::shutdown::join_all(self.running.tasks, Duration::from_secs(5)).await;
        assert!(aborted.is_empty(), "{aborted:?}");
        let store = Arc::downgrade(&self.store);
        drop((self.store, self.running.service, self.running.intake));
        // Disk work that a task had begun ends by itself.
        eventually(async || store.upgrade().is_none().then_some(())).await;
    }
}

/// Opens a database, once its last user's disk work is done: 10 s at most.
fn open(path: &Path) -> Store {
    let end = std::time::Instant::now() + Duration::from_secs(10);
    loop {
        match Store::open(path) {
            Err(quorate_store::StoreError::Locked { .. }) if std::time::Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(20));
            }
            store => return store.unwrap(),
        }
    }
}

/// The duties without those about machines and money, which do something whenever they look.
pub(crate) fn quiet() -> Duties {
    Duties {
        slash: false,
        open_epochs: false,
        observe: false,
        release: false,
        claim: false,
        ..Duties::default()
    }
}

/// Waits until `look` sees something, 10 s at most.
async fn eventually<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(Instant::now() < end, "not in time");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Four operators, a chain with their table, a folder.
fn stage() -> (World, SimulatedChain, tempfile::TempDir) {
    let world = World::new(&[25, 25, 25, 25]);
    let chain = SimulatedChain::default();
    chain
        .world()
        .tables
        .insert(Epoch::new(0), (*world.table).clone());
    (world, chain, tempfile::tempdir().unwrap())
}

impl Host {
    /// Sends the list once a vote for its header was counted.
    async fn send_list_when_known(&self, world: &World) {
        eventually(async || self.send_list(world).await.ok()).await;
    }
}
