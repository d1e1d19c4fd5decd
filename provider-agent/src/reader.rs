//! Reading GPUs: one trait, with NVML and a simulation behind it.

pub mod nvml;
mod refusal;
pub mod simulated;

use quorate_health::{GpuRecord, GpuUuid, Release};

pub use refusal::{ReaderError, Tried};

/// A card that the reader knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Its place in the driver's list when it was first seen.
    pub index: u32,
    /// Its own number.
    pub uuid: GpuUuid,
    /// What the driver calls its model.
    pub name: String,
}

/// What was read from one card. Its XID events are not in it; see [`GpuReader::poll_events`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The card.
    pub card: Card,
    /// The values, as they go into a report.
    pub record: GpuRecord,
    /// Signals that the card did not give, and why; for people.
    pub missing: Vec<Missing>,
}

/// A signal that a card did not give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// What was asked.
    pub what: &'static str,
    /// The driver's word.
    pub why: String,
}

/// An XID event that the driver told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct XidSeen {
    /// The card.
    pub card: GpuUuid,
    /// The number in NVIDIA's catalogue.
    pub xid: u16,
    /// Whether a process held the card when the event was fetched.
    pub with_process: bool,
}

/// Something that reads cards.
///
/// A card, once seen, stays in the list: if it can no longer be read, its record says that it is lost.
/// Nothing here fails for what a single card does.
pub trait GpuReader {
    /// Whether the cards are simulated; goes into every report.
    fn simulated(&self) -> bool;

    /// The driver's version.
    fn driver(&self) -> Release;

    /// The cards, in the driver's order.
    fn cards(&self) -> Vec<Card>;

    /// Reads every card now.
    fn snapshot(&mut self) -> Vec<Reading>;

    /// The events that came since the last call, oldest first; does not wait.
    fn poll_events(&mut self) -> Vec<XidSeen>;
}

/// Reads a version out of the first three numbers of a text such as `550.54.15`; what is missing or
/// too large is 0.
#[must_use]
pub fn release(text: &str) -> Release {
    let mut numbers = text
        .split(['.', '-', '+', ' '])
        .map(|part| part.parse().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    Release {
        major: next(),
        minor: next(),
        patch: next(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_three_numbers() {
        assert_eq!(release("550.54.15").to_string(), "550.54.15");
        assert_eq!(release("535.104").to_string(), "535.104.0");
        assert_eq!(release("580.65.06-beta").to_string(), "580.65.6");
        assert_eq!(release("").to_string(), "0.0.0");
        assert_eq!(release("99999.1.2").to_string(), "0.1.2");
    }
}
