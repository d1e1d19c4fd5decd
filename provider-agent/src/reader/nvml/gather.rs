//! Collects what a card gives, and why it does not give the rest.

use nvml_wrapper::error::NvmlError;
use quorate_health::{GpuRecord, GpuUuid, Signals};

use super::super::{Card, Missing, Reading};
use crate::models;

/// A reading in the making.
pub(super) struct Gather {
    pub(super) record: GpuRecord,
    missing: Vec<Missing>,
}

impl Gather {
    pub(super) fn new(uuid: GpuUuid) -> Self {
        Self {
            record: GpuRecord {
                uuid,
                ..GpuRecord::default()
            },
            missing: Vec::new(),
        }
    }

    /// Notes that the card gives a signal.
    pub(super) fn give(&mut self, signal: Signals) {
        self.record.signals = self.record.signals.with(signal);
    }

    /// Notes that it does not.
    pub(super) fn miss(&mut self, what: &'static str, why: &str) {
        self.missing.push(Missing {
            what,
            why: why.to_owned(),
        });
    }

    /// The value, and the signal given; or a note of why there is none. Two of the driver's answers
    /// are news about the card itself.
    pub(super) fn signal<T>(
        &mut self,
        signal: Signals,
        what: &'static str,
        value: Result<T, NvmlError>,
    ) -> Option<T> {
        match value {
            Ok(value) => {
                self.give(signal);
                return Some(value);
            }
            Err(NvmlError::GpuLost) => self.record.lost = true,
            Err(NvmlError::ResetRequired) => self.record.needs_reset = true,
            Err(_) => {}
        }
        let why = value.err().map(|error| error.to_string());
        self.miss(what, &why.unwrap_or_default());
        None
    }

    /// The reading. A lost card says nothing else: what it gave before it was lost may be stale.
    pub(super) fn finish(mut self, card: Card) -> Reading {
        if self.record.lost {
            self.record = GpuRecord {
                uuid: card.uuid,
                lost: true,
                ..GpuRecord::default()
            };
        } else {
            self.record.model = models::recognise(&card.name, self.record.memory_mib);
        }
        Reading {
            card,
            record: self.record,
            missing: self.missing,
        }
    }
}
