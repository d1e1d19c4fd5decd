//! What the agent's parts know of its machine, kept in one place.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quorate_canon::{HealthEpoch, OfferId, OperatorIndex, Timestamp};
use quorate_chain::Head;
use quorate_health::{GpuUuid, LeaseState, Reason, Window};

use crate::chain::{MachineState, Rules};

/// Operators whose last probe is remembered.
const OPERATORS: usize = 1_024;

/// What is known now.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Which machine this is.
    pub offer: Option<OfferId>,
    /// The network's rules.
    pub rules: Option<Rules>,
    /// The registered cards.
    pub cards: Vec<GpuUuid>,
    /// The machine as the chain had it at `head`.
    pub machine: Option<MachineState>,
    /// The newest block that was read.
    pub head: Option<Head>,
    /// The first health epoch that is not settled.
    pub unsettled: Option<HealthEpoch>,
    /// When the machine was last seen in use.
    pub used: Option<Timestamp>,
    /// What is wrong with the machine by the agent's own judgement.
    pub faults: Vec<Reason>,
    /// Why the cards cannot be read, if they cannot.
    pub unread: Option<String>,
    /// The last probe of each operator.
    pub probes: BTreeMap<OperatorIndex, LastProbe>,
}

/// An operator's last probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastProbe {
    /// When it came.
    pub at: Timestamp,
    /// Its health epoch.
    pub epoch: HealthEpoch,
    /// Its window.
    pub window: Window,
    /// When the last receipt of this operator came.
    pub receipt: Option<Timestamp>,
}

/// [`Known`], shared by all parts; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Shared(Arc<Mutex<Known>>);

impl Shared {
    /// What is known. Hold it for no longer than a look takes.
    pub fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Leases on chain, as far as the agent has seen: in use, or when it last was. A machine that was
    /// not looked at before may have lost its tenant a moment ago.
    #[must_use]
    pub fn lease(&self) -> LeaseState {
        let in_use = self.machine.as_ref().is_some_and(|machine| machine.in_use);
        match self.used {
            Some(since) if in_use => LeaseState::LeasedSince(since),
            Some(last) => LeaseState::EndedAt(last),
            None => LeaseState::Free,
        }
    }

    /// Takes in what the chain says of the machine.
    pub fn saw(&mut self, machine: Option<MachineState>, now: Timestamp) {
        // The first look finds nobody, and a tenant may have left just before.
        let first = self.machine.is_none() && self.used.is_none();
        if first || machine.as_ref().is_some_and(|machine| machine.in_use) {
            self.used = Some(now);
        }
        self.machine = machine;
    }

    /// Notes a probe. Of more operators than any committee has, those that were silent longest are
    /// forgotten.
    pub fn probed(&mut self, operator: OperatorIndex, probe: LastProbe) {
        let receipt = self.probes.get(&operator).and_then(|last| last.receipt);
        self.probes.insert(operator, LastProbe { receipt, ..probe });
        if self.probes.len() > OPERATORS {
            let oldest = self.probes.iter().min_by_key(|(_, probe)| probe.at);
            if let Some(oldest) = oldest.map(|(operator, _)| *operator) {
                self.probes.remove(&oldest);
            }
        }
    }

    /// Notes a receipt.
    pub fn received(&mut self, operator: OperatorIndex, now: Timestamp) {
        if let Some(probe) = self.probes.get_mut(&operator) {
            probe.receipt = Some(now);
        }
    }
}
