//! Cards that do not exist, for machines without a GPU: what they say follows from a scenario file.
//!
//! Every report of theirs is marked, and the policy of a production network judges it as a FAIL.

mod live;
mod plan;
mod scenario;

use std::time::Instant;

use quorate_health::{GpuUuid, Release};

use super::{Card, GpuReader, Reading, XidSeen, release};

pub use live::LiveScenario;
pub use scenario::{CardPlan, Happening, Happens, Scenario};

/// Plays a scenario, from the moment at which it is made.
#[derive(Debug, Clone)]
pub struct SimulatedReader {
    scenario: Scenario,
    started: Instant,
    /// Seconds up to which events were handed out; none before the first poll.
    polled: Option<u64>,
}

impl SimulatedReader {
    /// Begins the scenario now.
    #[must_use]
    pub fn new(scenario: Scenario) -> Self {
        Self {
            scenario,
            started: Instant::now(),
            polled: None,
        }
    }

    /// The readings as they are so many seconds after the scenario's beginning.
    #[must_use]
    pub fn readings_at(&self, second: u64) -> Vec<Reading> {
        let cards = self.cards();
        cards
            .into_iter()
            .map(|card| plan::reading(&self.scenario, card, second))
            .collect()
    }

    /// The events of the seconds after the last poll up to this one.
    pub fn events_until(&mut self, second: u64) -> Vec<XidSeen> {
        let from = self.polled.map_or(0, |polled| polled + 1);
        self.polled = Some(second.max(self.polled.unwrap_or(0)));
        plan::events(&self.scenario, &self.cards(), from..=second)
    }

    fn elapsed(&self) -> u64 {
        self.started.elapsed().as_secs()
    }
}

impl GpuReader for SimulatedReader {
    fn simulated(&self) -> bool {
        true
    }

    fn driver(&self) -> Release {
        release(&self.scenario.driver)
    }

    fn cards(&self) -> Vec<Card> {
        let names = self
            .scenario
            .cards
            .iter()
            .flat_map(|plan| (0..plan.count).map(|_| plan.name.clone()));
        (0..)
            .zip(names)
            .map(|(index, name)| Card {
                index,
                uuid: uuid(&self.scenario.seed, index),
                name,
            })
            .collect()
    }

    fn snapshot(&mut self) -> Vec<Reading> {
        self.readings_at(self.elapsed())
    }

    fn poll_events(&mut self) -> Vec<XidSeen> {
        self.events_until(self.elapsed())
    }
}

/// A card's number: from the seed, so that machines of one network differ and a machine's cards are
/// the same at each start.
fn uuid(seed: &str, index: u32) -> GpuUuid {
    let hash = quorate_canon::hash::sha256(&[
        b"quorate/simulated-card",
        seed.as_bytes(),
        &index.to_be_bytes(),
    ]);
    GpuUuid(hash.0.first_chunk().copied().unwrap_or_default())
}
