//! The events of `Machines`, and those of `Market` that are about leases, out of logs.

use alloy::rpc::types::Log;
use quorate_bindings::{IMachines::IMachinesEvents, IMarket::IMarketEvents};
use quorate_canon::codec::{FixedWidth, Reader};
use quorate_canon::{Address, CodecError, Digest};
use quorate_health::GpuUuid;
use quorate_matching::Entry;

use super::Endpoint;
use crate::ChainError;
use crate::rpc::{known, position};

/// Most cards that are kept of a machine: an offer counts them in a byte.
const MOST_CARDS: usize = 255;

/// A change of the machines. Times are those of the block, as the contracts wrote them; machines are
/// named by their offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MachineEvent {
    /// An agent was registered for an offer.
    Registered {
        /// The offer.
        id: u64,
        /// Its provider.
        provider: Address,
        /// Time.
        time: u64,
        /// Where the agent is.
        endpoint: Endpoint,
        /// The cards.
        cards: Vec<GpuUuid>,
    },
    /// The machine is not probed any more.
    Retired {
        /// The offer.
        id: u64,
        /// Time.
        time: u64,
    },
    /// The agent is elsewhere now.
    Moved {
        /// The offer.
        id: u64,
        /// Time.
        time: u64,
        /// Where it is.
        endpoint: Endpoint,
    },
    /// A maintenance was announced.
    MaintenanceAnnounced {
        /// The offer.
        id: u64,
        /// Counts the machine's maintenances from 0.
        index: u32,
        /// Time.
        time: u64,
        /// Its first second.
        from: u64,
        /// The second after its last.
        until: u64,
    },
    /// A maintenance was cancelled or cut short.
    MaintenanceEnded {
        /// The offer.
        id: u64,
        /// Which one.
        index: u32,
        /// Time.
        time: u64,
        /// The second after its last, now.
        until: u64,
    },
    /// Leases were opened.
    LeasesOpened {
        /// Time.
        time: u64,
        /// Offer and request of each.
        leases: Vec<(u64, u64)>,
    },
    /// A lease ended.
    LeaseClosed {
        /// The offer.
        id: u64,
        /// The request.
        request: u64,
        /// Time.
        time: u64,
    },
}

impl MachineEvent {
    /// Reads a log of `Machines`; `None` for events that change nothing here. A pause is one: the
    /// flag that it sets is `Providers`' to tell.
    ///
    /// # Errors
    /// [`ChainError::BadEvent`] if the log is not what the interface says.
    pub fn from_machines(log: &Log) -> Result<Option<Self>, ChainError> {
        let Some(event) = known(log, IMachinesEvents::SELECTORS)? else {
            return Ok(None);
        };
        Ok(Self::of_machines(event))
    }

    /// Reads a log of `Market`; `None` for events that open or close no lease.
    ///
    /// # Errors
    /// [`ChainError::BadEvent`] if the log is not what the interface says.
    pub fn from_market(log: &Log) -> Result<Option<Self>, ChainError> {
        let Some(event) = known(log, IMarketEvents::SELECTORS)? else {
            return Ok(None);
        };
        Ok(Some(match event {
            IMarketEvents::LeasesOpened(e) => Self::LeasesOpened {
                time: e.time,
                leases: pairs(&e.entries).map_err(|error| bad(log, error))?,
            },
            IMarketEvents::LeaseClosed(e) => Self::LeaseClosed {
                id: e.offerId,
                request: e.requestId,
                time: e.time,
            },
            _ => return Ok(None),
        }))
    }

    fn of_machines(event: IMachinesEvents) -> Option<Self> {
        Some(match event {
            IMachinesEvents::MachineRegistered(e) => Self::Registered {
                id: e.offerId,
                provider: Address(e.provider.into_array()),
                time: e.time,
                endpoint: Endpoint::new(&e.endpoint, Digest(e.certificate.0)),
                cards: e
                    .cards
                    .iter()
                    .take(MOST_CARDS)
                    .map(|card| GpuUuid(card.0))
                    .collect(),
            },
            IMachinesEvents::MachineRetired(e) => Self::Retired {
                id: e.offerId,
                time: e.time,
            },
            IMachinesEvents::EndpointChanged(e) => Self::Moved {
                id: e.offerId,
                time: e.time,
                endpoint: Endpoint::new(&e.endpoint, Digest(e.certificate.0)),
            },
            IMachinesEvents::MaintenanceAnnounced(e) => Self::MaintenanceAnnounced {
                id: e.offerId,
                index: e.index,
                time: e.time,
                from: e.from,
                until: e.until,
            },
            IMachinesEvents::MaintenanceEnded(e) => Self::MaintenanceEnded {
                id: e.offerId,
                index: e.index,
                time: e.time,
                until: e.until,
            },
            _ => return None,
        })
    }
}

/// Offer and request of each entry.
fn pairs(bytes: &[u8]) -> Result<Vec<(u64, u64)>, CodecError> {
    let entries = bytes.chunks(Entry::WIDTH).map(|bytes| {
        let mut input = Reader::new(bytes);
        let entry: Entry = input.value()?;
        Ok((entry.offer.get(), entry.request.get()))
    });
    entries.collect()
}

fn bad(log: &Log, error: impl std::fmt::Display) -> ChainError {
    let (block, index) = position(log);
    ChainError::BadEvent {
        block,
        log: index,
        detail: error.to_string(),
    }
}
