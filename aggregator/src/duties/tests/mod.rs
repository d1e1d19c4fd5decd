//! Each duty over simulated chains.

mod claims;
mod opener;
mod roll;
mod slashes;

use std::sync::Arc;

use quorate_canon::{HealthEpoch, OfferId, Timestamp};
use quorate_service::Metrics;

use crate::chain::Fault;
use crate::chain::simulated::SimulatedChain;
use crate::clock::now;
use crate::observe::Observe;
use crate::testing::World;

/// Ten health epochs of a thousand seconds are over.
struct Stage {
    world: World,
    chain: SimulatedChain,
    metrics: Metrics,
    observe: Observe,
}

impl Stage {
    fn new() -> Self {
        let (metrics, chain) = (Metrics::new(), SimulatedChain::default());
        Self {
            world: World::at(&[1; 4], now().get() - 10_500),
            chain,
            observe: Observe::new(&metrics),
            metrics,
        }
    }

    fn handle(&self) -> Arc<SimulatedChain> {
        Arc::new(self.chain.clone())
    }

    /// Epochs before this one are settled.
    fn settle(&self, epoch: u32) {
        let start = self.world.facts.schedule.genesis.get() + 1_000 * u64::from(epoch);
        self.chain.world().duty.settled = (epoch, start);
    }

    /// A second of an epoch.
    fn time(&self, epoch: u32, second: u64) -> Timestamp {
        let genesis = self.world.facts.schedule.genesis.get();
        Timestamp::new(genesis + 1_000 * u64::from(epoch) + second)
    }

    fn attempts(&self, name: &str) -> usize {
        let world = self.chain.world();
        world
            .attempts
            .iter()
            .filter(|tried| **tried == name)
            .count()
    }

    /// The next attempts at an action meet these faults, the last one first.
    fn fail(&self, name: &'static str, faults: &[Fault]) {
        self.chain.world().faults.insert(name, faults.to_vec());
    }

    /// Whether all faults were met.
    fn met(&self, name: &str) -> bool {
        let world = self.chain.world();
        world.faults.get(name).is_some_and(Vec::is_empty)
    }

    /// Whether the page of metrics has a line.
    fn counts(&self, line: &str) -> bool {
        let page = self.metrics.encode().unwrap();
        page.lines().any(|known| known == line)
    }
}

fn outage() -> Fault {
    Fault::Unreachable("down".into())
}

fn refused(why: &str) -> Fault {
    Fault::Refused(why.into())
}

const fn epoch(number: u32) -> HealthEpoch {
    HealthEpoch::new(number)
}

const fn machine(id: u64) -> OfferId {
    OfferId::new(id)
}
