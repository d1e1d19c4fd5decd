//! Machines as the events tell them: who registered an agent for which offer, where it is reached,
//! its cards, its maintenances, and whether it is leased. A fold without I/O.
//!
//! [`MachineIndex`] stands beside [`crate::market::MarketIndex`], has the same manners, and can be
//! asked for any time since the last [`MachineIndex::prune`]. Offers, flags and stake are the
//! market's ([`crate::market::MarketIndex::offer_standing`]). A clone shares all machines that have
//! not changed since, so that a reader can hand one to another task with each block.

mod event;
mod fold;
mod image;
mod life;
mod prune;
mod view;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use quorate_canon::Digest;

pub use event::MachineEvent;
pub use fold::MachineError;
use fold::Undo;
use life::{Leases, Machine};
pub use view::MachineView;

/// The longest endpoint, bytes.
pub const MAX_ENDPOINT: usize = 128;

/// "Not retired", as a time.
const OPEN: u64 = u64::MAX;

/// Where an agent is reached, and how it is known there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// `https://host:port`, as the provider wrote it: a stranger's text, at most
    /// [`MAX_ENDPOINT`] bytes.
    pub url: Box<str>,
    /// SHA-256 of the agent's TLS certificate (DER).
    pub certificate: Digest,
}

impl Endpoint {
    /// An endpoint as the chain has it; what is longer than the contract takes is cut.
    #[must_use]
    pub fn new(url: &str, certificate: Digest) -> Self {
        let end = url.floor_char_boundary(MAX_ENDPOINT);
        Self {
            url: url.get(..end).unwrap_or_default().into(),
            certificate,
        }
    }
}

/// Registered machines and the leases of all offers, at every time, folded from events.
#[derive(Debug, Clone, Default)]
pub struct MachineIndex {
    machines: BTreeMap<u64, Arc<Machine>>,
    leases: BTreeMap<u64, Arc<Leases>>,
    /// Counts changes, those taken back included.
    revision: u64,
    /// The blocks that can be taken back, by number ascending; blocks without changes have none.
    tail: VecDeque<(u64, Vec<Undo>)>,
}

/// Two indices are equal if they hold the same machines, whatever each can still take back.
impl PartialEq for MachineIndex {
    fn eq(&self, other: &Self) -> bool {
        self.machines == other.machines && self.leases == other.leases
    }
}

impl Eq for MachineIndex {}

impl MachineIndex {
    /// No machines.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Rises with every change, also with one that is taken back: while it stays, so does the index.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }
}
