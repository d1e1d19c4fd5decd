//! Applying events and taking them back.

use std::collections::BTreeMap;
use std::sync::Arc;

use quorate_canon::{Address, Timestamp};
use quorate_health::{GpuUuid, LeaseState};

use super::life::{Leases, Machine, Planned};
use super::{Endpoint, MachineEvent, MachineIndex, OPEN};

/// One change, so that it can be taken back. In the order of the changes of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Undo {
    Registered { id: u64 },
    Retired { id: u64 },
    Moved { id: u64 },
    Announced { id: u64 },
    Ended { id: u64, index: u32 },
    Leased { id: u64, request: u64 },
    Closed { id: u64, request: u64, start: u64 },
}

/// An event that cannot follow those before it. The contracts emit none such: logs were lost, or
/// they are not those of our contracts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MachineError {
    /// An agent was registered for an offer that has one.
    #[error("machine {0} was registered twice")]
    RegisteredTwice(u64),
    /// Something about a machine that was never registered, or retired before.
    #[error("machine {0} is not registered")]
    NotRegistered(u64),
    /// A maintenance is not the next one, or not one that is known.
    #[error("maintenance of machine {id}: got index {got}, expected {expected}")]
    Maintenance {
        /// The machine.
        id: u64,
        /// Index in the event.
        got: u32,
        /// The next index, or the last.
        expected: u32,
    },
    /// A lease was opened twice.
    #[error("request {request} has a lease of offer {id} already")]
    LeasedTwice {
        /// The offer.
        id: u64,
        /// The request.
        request: u64,
    },
    /// A lease ended that was not open.
    #[error("request {request} has no open lease of offer {id}")]
    NoLease {
        /// The offer.
        id: u64,
        /// The request.
        request: u64,
    },
    /// Times of one value fall.
    #[error("time of {what} {id}: got {time}, expected none before the last")]
    Time {
        /// Whose value.
        what: &'static str,
        /// Its id.
        id: u64,
        /// Time in the event.
        time: u64,
    },
}

impl MachineIndex {
    /// Applies the events of one block, all or none of them. With `undoable`, the block can be
    /// taken back later; without, it is final.
    ///
    /// # Errors
    /// [`MachineError`]; nothing has changed then.
    pub fn apply<'a>(
        &mut self,
        block: u64,
        events: impl IntoIterator<Item = &'a MachineEvent>,
        undoable: bool,
    ) -> Result<(), MachineError> {
        let mut done = Vec::new();
        for event in events {
            if let Err(error) = self.apply_event(event, &mut done) {
                self.take_back(done);
                return Err(error);
            }
        }
        if !done.is_empty() {
            self.revision = self.revision.wrapping_add(1);
            if undoable {
                self.tail.push_back((block, done));
            }
        }
        Ok(())
    }

    /// Takes every block above `block` back.
    pub fn rollback(&mut self, block: u64) {
        while self.tail.back().is_some_and(|(number, _)| *number > block) {
            if let Some((_, changes)) = self.tail.pop_back() {
                self.take_back(changes);
            }
        }
    }

    /// Declares every block up to `block` final: they cannot be taken back any more.
    pub fn finalize(&mut self, block: u64) {
        while self
            .tail
            .front()
            .is_some_and(|(number, _)| *number <= block)
        {
            self.tail.pop_front();
        }
    }

    fn apply_event(
        &mut self,
        event: &MachineEvent,
        done: &mut Vec<Undo>,
    ) -> Result<(), MachineError> {
        match event {
            MachineEvent::Registered {
                id,
                provider,
                time,
                endpoint,
                cards,
            } => self.register(*id, *provider, (*time, endpoint), cards)?,
            MachineEvent::Retired { id, time } => self.registered(*id)?.retired = *time,
            MachineEvent::Moved { id, time, endpoint } => self.relocate(*id, *time, endpoint)?,
            MachineEvent::MaintenanceAnnounced {
                id,
                index,
                time,
                from,
                until,
            } => {
                let planned = Planned {
                    announced: *time,
                    from: *from,
                    until: *until,
                    ended: None,
                };
                self.announce(*id, *index, planned)?;
            }
            MachineEvent::MaintenanceEnded {
                id,
                index,
                time,
                until,
            } => self.end_maintenance(*id, *index, (*time, *until))?,
            MachineEvent::LeasesOpened { time, leases } => {
                for (id, request) in leases {
                    self.open_lease(*id, *request, *time)?;
                    let (id, request) = (*id, *request);
                    done.push(Undo::Leased { id, request });
                }
                return Ok(());
            }
            MachineEvent::LeaseClosed { id, request, time } => {
                let start = self.close_lease(*id, *request, *time)?;
                let (id, request) = (*id, *request);
                done.push(Undo::Closed { id, request, start });
                return Ok(());
            }
        }
        done.extend(undo_of(event));
        Ok(())
    }

    fn register(
        &mut self,
        id: u64,
        provider: Address,
        (time, endpoint): (u64, &Endpoint),
        cards: &[GpuUuid],
    ) -> Result<(), MachineError> {
        if self.machines.contains_key(&id) {
            return Err(MachineError::RegisteredTwice(id));
        }
        let machine = Machine {
            provider,
            registered: time,
            retired: OPEN,
            cards: cards.into(),
            endpoints: vec![(time, endpoint.clone())],
            forgotten: 0,
            maintenances: Vec::new(),
        };
        self.machines.insert(id, Arc::new(machine));
        Ok(())
    }

    fn relocate(&mut self, id: u64, time: u64, endpoint: &Endpoint) -> Result<(), MachineError> {
        let machine = self.registered(id)?;
        if machine
            .endpoints
            .last()
            .is_some_and(|(last, _)| *last > time)
        {
            let what = "endpoint of machine";
            return Err(MachineError::Time { what, id, time });
        }
        machine.endpoints.push((time, endpoint.clone()));
        Ok(())
    }

    fn announce(&mut self, id: u64, got: u32, planned: Planned) -> Result<(), MachineError> {
        let machine = self.registered(id)?;
        let expected = machine.next_maintenance();
        if got != expected {
            return Err(MachineError::Maintenance { id, got, expected });
        }
        machine.maintenances.push(planned);
        Ok(())
    }

    /// Only the last one can end early, and once.
    fn end_maintenance(&mut self, id: u64, got: u32, end: (u64, u64)) -> Result<(), MachineError> {
        let machine = self.registered(id)?;
        let expected = machine.next_maintenance().saturating_sub(1);
        match machine.maintenance_mut(got) {
            Some(planned) if got == expected && planned.ended.is_none() => {
                planned.ended = Some(end);
                Ok(())
            }
            _ => Err(MachineError::Maintenance { id, got, expected }),
        }
    }

    fn open_lease(&mut self, id: u64, request: u64, time: u64) -> Result<(), MachineError> {
        let leases = Arc::make_mut(self.leases.entry(id).or_default());
        if leases.open.contains_key(&request) {
            return Err(MachineError::LeasedTwice { id, request });
        }
        leases.open.insert(request, time);
        let pushed = leases.push_state(time, time);
        if !pushed {
            leases.open.remove(&request);
            let what = "leases of offer";
            return Err(MachineError::Time { what, id, time });
        }
        Ok(())
    }

    /// Gives when the lease began.
    fn close_lease(&mut self, id: u64, request: u64, time: u64) -> Result<u64, MachineError> {
        let no_lease = MachineError::NoLease { id, request };
        let leases = self.leases.get_mut(&id).ok_or(no_lease)?;
        let leases = Arc::make_mut(leases);
        let start = leases.open.remove(&request).ok_or(no_lease)?;
        if !leases.push_state(time, time) {
            leases.open.insert(request, start);
            let what = "leases of offer";
            return Err(MachineError::Time { what, id, time });
        }
        Ok(start)
    }

    /// A machine that is not retired, to be changed.
    fn registered(&mut self, id: u64) -> Result<&mut Machine, MachineError> {
        let machine = self.machines.get_mut(&id).map(Arc::make_mut);
        machine
            .filter(|machine| machine.retired == OPEN)
            .ok_or(MachineError::NotRegistered(id))
    }

    fn take_back(&mut self, changes: Vec<Undo>) {
        if !changes.is_empty() {
            self.revision = self.revision.wrapping_add(1);
        }
        for change in changes.into_iter().rev() {
            match change {
                Undo::Registered { id } => {
                    self.machines.remove(&id);
                }
                Undo::Retired { id } => self.change(id, |machine| machine.retired = OPEN),
                Undo::Moved { id } => self.change(id, |machine| {
                    machine.endpoints.pop();
                }),
                Undo::Announced { id } => self.change(id, |machine| {
                    machine.maintenances.pop();
                }),
                Undo::Ended { id, index } => self.change(id, |machine| {
                    if let Some(planned) = machine.maintenance_mut(index) {
                        planned.ended = None;
                    }
                }),
                Undo::Leased { id, request } => take_lease_back(&mut self.leases, id, |leases| {
                    leases.open.remove(&request);
                }),
                Undo::Closed { id, request, start } => {
                    take_lease_back(&mut self.leases, id, |leases| {
                        leases.open.insert(request, start);
                    });
                }
            }
        }
    }

    fn change(&mut self, id: u64, change: impl FnOnce(&mut Machine)) {
        if let Some(machine) = self.machines.get_mut(&id) {
            change(Arc::make_mut(machine));
        }
    }
}

impl Leases {
    /// Writes down what the open leases make of the machine from `time` on; `end` is when the last
    /// one ended, if none is open.
    fn push_state(&mut self, time: u64, end: u64) -> bool {
        let oldest = self.open.values().min();
        let state = oldest.map_or(LeaseState::EndedAt(Timestamp::new(end)), |start| {
            LeaseState::LeasedSince(Timestamp::new(*start))
        });
        self.states.push(time, state)
    }
}

/// Leases without a change were never there.
fn take_lease_back(
    all: &mut BTreeMap<u64, Arc<Leases>>,
    id: u64,
    change: impl FnOnce(&mut Leases),
) {
    let Some(leases) = all.get_mut(&id) else {
        return;
    };
    let leases = Arc::make_mut(leases);
    change(leases);
    leases.states.pop();
    if leases.open.is_empty() && leases.states.last().is_none() {
        all.remove(&id);
    }
}

const fn undo_of(event: &MachineEvent) -> Option<Undo> {
    Some(match event {
        MachineEvent::Registered { id, .. } => Undo::Registered { id: *id },
        MachineEvent::Retired { id, .. } => Undo::Retired { id: *id },
        MachineEvent::Moved { id, .. } => Undo::Moved { id: *id },
        MachineEvent::MaintenanceAnnounced { id, .. } => Undo::Announced { id: *id },
        MachineEvent::MaintenanceEnded { id, index, .. } => Undo::Ended {
            id: *id,
            index: *index,
        },
        MachineEvent::LeasesOpened { .. } | MachineEvent::LeaseClosed { .. } => return None,
    })
}
