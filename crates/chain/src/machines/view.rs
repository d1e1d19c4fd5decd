//! What is asked about machines, for any time.

use quorate_canon::{Address, OfferId, Timestamp};
use quorate_health::{GpuUuid, LeaseState, Maintenance};

use super::life::Machine;
use super::{Endpoint, MachineIndex};

/// Seconds over which maintenance is capped: 30 days.
const CAP_SPAN: u64 = 30 * 86_400;

/// A registered machine, at the end of one second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MachineView<'a> {
    /// The machine, by its offer.
    pub id: OfferId,
    /// Whose it is.
    pub provider: Address,
    /// Since when it has an agent.
    pub registered: Timestamp,
    /// Where the agent is.
    pub endpoint: &'a Endpoint,
    /// Its cards, as they were registered.
    pub cards: &'a [GpuUuid],
}

impl MachineIndex {
    /// A machine at the end of second `t`; `None` if it had no agent then, or is
    /// [pruned](Self::prune).
    #[must_use]
    pub fn machine_at(&self, id: OfferId, t: Timestamp) -> Option<MachineView<'_>> {
        view(id.get(), self.machines.get(&id.get())?, t.get())
    }

    /// All machines that had an agent at the end of second `t`, by id.
    pub fn machines_at(&self, t: Timestamp) -> impl Iterator<Item = MachineView<'_>> {
        self.machines
            .iter()
            .filter_map(move |(id, machine)| view(*id, machine, t.get()))
    }

    /// Whether an offer's machine was leased at the end of second `t`. Also asked of offers without
    /// an agent.
    #[must_use]
    pub fn lease_at(&self, id: OfferId, t: Timestamp) -> LeaseState {
        let leases = self.leases.get(&id.get());
        leases
            .and_then(|leases| leases.states.at(t.get()))
            .unwrap_or(LeaseState::Free)
    }

    /// The maintenance that a verdict at `t` has to look at, as it was known at the end of second
    /// `t`: the one whose interval holds `t`, else the next one, else none.
    #[must_use]
    pub fn maintenance_at(&self, id: OfferId, t: Timestamp) -> Option<Maintenance> {
        let (machine, time) = (self.machines.get(&id.get())?, t.get());
        let known = || {
            let all = machine.maintenances.iter();
            all.filter_map(|planned| Some((planned.announced, planned.known_at(time)?)))
        };
        // They follow each other in time, so the first that is not over is the one.
        let (announced, (from, until)) = known().find(|(_, (_, until))| time < *until)?;
        let used: u64 = known()
            .map(|(_, span)| overlap(span, (from.saturating_sub(CAP_SPAN), from)))
            .fold(0, u64::saturating_add);
        Some(Maintenance {
            announced: Timestamp::new(announced),
            from: Timestamp::new(from),
            until: Timestamp::new(until),
            used_seconds: u32::try_from(used).unwrap_or(u32::MAX),
        })
    }
}

fn view(id: u64, machine: &Machine, time: u64) -> Option<MachineView<'_>> {
    let endpoint = machine.endpoint_at(time)?;
    machine.is_registered_at(time).then_some(MachineView {
        id: OfferId::new(id),
        provider: machine.provider,
        registered: Timestamp::new(machine.registered),
        endpoint,
        cards: &machine.cards,
    })
}

/// Seconds that two intervals have in common.
fn overlap(a: (u64, u64), b: (u64, u64)) -> u64 {
    a.1.min(b.1).saturating_sub(a.0.max(b.0))
}
