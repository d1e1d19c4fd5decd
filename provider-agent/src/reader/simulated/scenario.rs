//! Scenario files.

use std::path::Path;

use serde::Deserialize;

use crate::AgentError;

/// What simulated cards are, and what happens to them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What the cards' numbers follow from; another for each machine of a network. The agent's
    /// configuration may give one instead.
    #[serde(default)]
    pub seed: String,
    /// The driver's version.
    #[serde(default = "driver")]
    pub driver: String,
    /// The cards.
    #[serde(rename = "card")]
    pub cards: Vec<CardPlan>,
    /// What happens to them.
    #[serde(rename = "event", default)]
    pub events: Vec<Happens>,
}

/// Some cards of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardPlan {
    /// The driver's name of the model.
    pub name: String,
    /// How many; 1 where it is left out.
    #[serde(default = "one")]
    pub count: u8,
    /// Memory, MiB.
    pub memory_mib: u32,
    /// Degrees Celsius while nothing happens.
    #[serde(default = "celsius")]
    pub celsius: u8,
}

/// Something that happens, at a time.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Happens {
    /// Seconds after the scenario's beginning.
    #[serde(default)]
    pub at: u64,
    /// How many seconds it lasts; to the end where it is left out.
    #[serde(rename = "for")]
    pub seconds: Option<u64>,
    /// To which card, by index; to all where it is left out.
    pub card: Option<u32>,
    /// What.
    #[serde(flatten)]
    pub what: Happening,
}

/// What can happen to a card.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Happening {
    /// Nothing; for files that say so.
    Steady {},
    /// It gets hot, and the hardware slows it down.
    Hot {
        /// How hot.
        celsius: u8,
    },
    /// The driver tells an XID, once.
    Xid {
        /// The number.
        xid: u16,
    },
    /// Memory errors come.
    EccStorm {
        /// Corrected ones, each second.
        corrected: u64,
        /// Uncorrected ones, each second.
        #[serde(default)]
        uncorrected: u64,
    },
    /// It falls off the bus.
    Gone {},
    /// A tenant's work begins on it.
    Rented {
        /// Memory that the work holds, MiB.
        held_mib: u32,
        /// Its processes.
        processes: u16,
    },
    /// Its link falls to fewer lanes.
    NarrowLink {
        /// Lanes that are left.
        width: u8,
    },
    /// Its link repeats itself.
    Replays {
        /// Replays, each second.
        each_second: u32,
    },
}

impl Scenario {
    /// The most cards of a machine.
    const MOST: usize = quorate_health::MAX_GPUS;

    /// Reads a scenario.
    ///
    /// # Errors
    /// If it is no TOML of this form, or names cards that it does not have.
    pub fn parse(text: &str) -> Result<Self, String> {
        let scenario: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        scenario.check()?;
        Ok(scenario)
    }

    /// Reads a scenario file.
    ///
    /// # Errors
    /// As [`Self::parse`], or if the file cannot be read.
    pub fn load(path: &Path) -> Result<Self, AgentError> {
        let refuse = |detail| AgentError::Scenario {
            path: path.to_owned(),
            detail,
        };
        let text = std::fs::read_to_string(path).map_err(|error| refuse(error.to_string()))?;
        Self::parse(&text).map_err(refuse)
    }

    fn check(&self) -> Result<(), String> {
        let cards: usize = self.cards.iter().map(|plan| usize::from(plan.count)).sum();
        if cards == 0 || cards > Self::MOST {
            return Err(format!("cards: got {cards}, expected 1 to {}", Self::MOST));
        }
        for event in &self.events {
            let named = event.card.and_then(|card| usize::try_from(card).ok());
            if named.is_some_and(|card| card >= cards) {
                return Err(format!(
                    "event at {}: card {}, expected below {cards}",
                    event.at,
                    event.card.unwrap_or(0)
                ));
            }
        }
        Ok(())
    }
}

fn driver() -> String {
    "550.54.15".to_owned()
}

const fn one() -> u8 {
    1
}

const fn celsius() -> u8 {
    42
}
