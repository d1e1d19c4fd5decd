//! One machine, and the leases of one offer, over time.

use std::collections::BTreeMap;

use quorate_canon::Address;
use quorate_health::{GpuUuid, LeaseState};

use super::Endpoint;
use crate::market::steps::Steps;

/// A machine from its registration on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Machine {
    pub(super) provider: Address,
    pub(super) registered: u64,
    /// When it was retired; [`super::OPEN`] while it is not.
    pub(super) retired: u64,
    pub(super) cards: Box<[GpuUuid]>,
    /// Where its agent is from when on; not empty, times do not fall.
    pub(super) endpoints: Vec<(u64, Endpoint)>,
    /// Index of the first maintenance that is kept.
    pub(super) forgotten: u32,
    /// By index; they follow each other in time.
    pub(super) maintenances: Vec<Planned>,
}

impl Machine {
    pub(super) fn is_registered_at(&self, time: u64) -> bool {
        self.registered <= time && time < self.retired
    }

    pub(super) fn endpoint_at(&self, time: u64) -> Option<&Endpoint> {
        let after = self.endpoints.partition_point(|(since, _)| *since <= time);
        let (_, endpoint) = self.endpoints.get(after.checked_sub(1)?)?;
        Some(endpoint)
    }

    /// The number that the next maintenance has.
    pub(super) fn next_maintenance(&self) -> u32 {
        let kept = u32::try_from(self.maintenances.len()).unwrap_or(u32::MAX);
        self.forgotten.saturating_add(kept)
    }

    pub(super) fn maintenance_mut(&mut self, index: u32) -> Option<&mut Planned> {
        let place = index.checked_sub(self.forgotten)?;
        self.maintenances.get_mut(usize::try_from(place).ok()?)
    }
}

/// A maintenance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Planned {
    pub(super) announced: u64,
    pub(super) from: u64,
    pub(super) until: u64,
    /// When it was cut short, and to which end.
    pub(super) ended: Option<(u64, u64)>,
}

impl Planned {
    /// Its interval, as known at the end of second `time`; `None` before it was announced.
    pub(super) fn known_at(&self, time: u64) -> Option<(u64, u64)> {
        let until = match self.ended {
            Some((since, until)) if since <= time => until,
            _ => self.until,
        };
        (self.announced <= time).then_some((self.from, until))
    }
}

/// The leases of one offer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Leases {
    /// Start of each open lease, by request.
    pub(super) open: BTreeMap<u64, u64>,
    /// What they make of the machine.
    pub(super) states: Steps<LeaseState>,
}
