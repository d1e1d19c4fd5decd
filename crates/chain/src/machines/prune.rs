//! Forgetting what nobody asks about any more.

use std::sync::Arc;

use quorate_canon::Timestamp;

use super::life::{Leases, Machine};
use super::{MachineIndex, OPEN};

/// How long before a maintenance others count against its cap, and as long again for the span of
/// one: 60 days.
const MAINTENANCE_MEMORY: u64 = 60 * 86_400;
/// The longest `drain_seconds` that a policy can name: after that an ended lease says nothing more.
const DRAIN: u64 = 1 << 16;

impl MachineIndex {
    /// Forgets what no time from `t` on can see. `t` must lie before every block that can still be
    /// taken back; this is the caller's to keep.
    pub fn prune(&mut self, t: Timestamp) {
        let time = t.get();
        let leases = &self.leases;
        self.machines.retain(|id, machine| {
            let leased = leases.get(id).is_some_and(|leases| !leases.open.is_empty());
            leased || machine.retired == OPEN || machine.retired > time
        });
        for machine in self.machines.values_mut() {
            if machine.is_prunable(time) {
                Arc::make_mut(machine).prune(time);
            }
        }
        let machines = &self.machines;
        self.leases.retain(|id, leases| {
            let last = leases.states.last_time().unwrap_or(0);
            machines.contains_key(id)
                || !leases.open.is_empty()
                || last.saturating_add(DRAIN) > time
        });
        for leases in self.leases.values_mut() {
            if leases.is_prunable(time) {
                Arc::make_mut(leases).states.prune(time);
            }
        }
    }
}

impl Machine {
    fn old_endpoints(&self, time: u64) -> usize {
        let after = self.endpoints.partition_point(|(since, _)| *since <= time);
        after.saturating_sub(1)
    }

    fn old_maintenances(&self, time: u64) -> usize {
        let old = |until: u64| until.saturating_add(MAINTENANCE_MEMORY) <= time;
        self.maintenances
            .partition_point(|planned| old(planned.until))
    }

    fn is_prunable(&self, time: u64) -> bool {
        self.old_endpoints(time) > 0 || self.old_maintenances(time) > 0
    }

    fn prune(&mut self, time: u64) {
        self.endpoints.drain(..self.old_endpoints(time));
        let old = self.old_maintenances(time);
        self.maintenances.drain(..old);
        let old = u32::try_from(old).unwrap_or(u32::MAX);
        self.forgotten = self.forgotten.saturating_add(old);
    }
}

impl Leases {
    fn is_prunable(&self, time: u64) -> bool {
        self.states
            .iter()
            .nth(1)
            .is_some_and(|(second, _)| *second <= time)
    }
}
