//! A card's XID events, through an event set that stays open.

use nvml_wrapper::bitmasks::event::EventTypes;
use nvml_wrapper::enums::event::XidError;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, EventSet, Nvml};

/// The most events that one poll takes from a card, so that a storm cannot hold the agent.
const AT_ONCE: usize = 64;

/// NVML's number for an XID that it does not know.
const UNKNOWN_XID: u16 = 999;

/// The events of one card.
#[derive(Debug)]
pub(super) struct Events<'driver> {
    set: Option<EventSet<'driver>>,
}

impl<'driver> Events<'driver> {
    /// Registers for the card's XID events. Where that fails, there are none, and the card's signals
    /// say so. The set is the card's own: the wrapper frees a set whose registration fails.
    pub(super) fn open(nvml: &'driver Nvml, device: &Device<'driver>) -> Self {
        let set = nvml.create_event_set().and_then(|set| {
            device
                .register_events(EventTypes::CRITICAL_XID_ERROR, set)
                .map_err(|failed| failed.error)
        });
        match set {
            Ok(set) => Self { set: Some(set) },
            Err(error) => {
                tracing::warn!(%error, "no xid events from this card");
                Self { set: None }
            }
        }
    }

    /// Whether the card gives events.
    pub(super) const fn is_open(&self) -> bool {
        self.set.is_some()
    }

    /// The numbers of the events that wait, oldest first. Of several events that came between two
    /// polls the driver may tell the last number only; so polls are to be frequent.
    pub(super) fn poll(&self) -> Vec<u16> {
        let Some(set) = &self.set else {
            return Vec::new();
        };
        let mut numbers = Vec::new();
        for _ in 0..AT_ONCE {
            match set.wait(0) {
                Ok(event) => numbers.extend(event.event_data.as_ref().map(number)),
                // A lost card shows in its next reading.
                Err(NvmlError::Timeout | NvmlError::GpuLost) => break,
                Err(error) => {
                    tracing::debug!(%error, "waiting for events");
                    break;
                }
            }
        }
        numbers
    }
}

fn number(xid: &XidError) -> u16 {
    match xid {
        XidError::Value(value) => u16::try_from(*value).unwrap_or(u16::MAX),
        XidError::Unknown => UNKNOWN_XID,
    }
}
