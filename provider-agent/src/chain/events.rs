//! What happens to a machine, out of logs.

use alloy::primitives::{B256, U256};
use alloy::rpc::types::Log;
use alloy::sol_types::SolEvent;
use quorate_bindings::IHealth::{ListCertified, MachineDown, MachineSlashed, SeatsStruck};
use quorate_bindings::IMarket::{LeaseClosed, LeasesOpened};
use quorate_canon::codec::{FixedWidth, Reader};
use quorate_canon::{HealthEpoch, OfferId, OperatorIndex, RequestId, Timestamp};
use quorate_health::Window;
use quorate_matching::Entry;

use super::ChainTrouble;

/// The events that are asked for.
pub(super) const TOPICS: [B256; 6] = [
    ListCertified::SIGNATURE_HASH,
    MachineDown::SIGNATURE_HASH,
    SeatsStruck::SIGNATURE_HASH,
    MachineSlashed::SIGNATURE_HASH,
    LeasesOpened::SIGNATURE_HASH,
    LeaseClosed::SIGNATURE_HASH,
];

/// Something that happened to one machine; a certified list may speak of others only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A lease began.
    LeaseOpened {
        /// Its request.
        request: RequestId,
        /// When.
        time: Timestamp,
    },
    /// A lease ended.
    LeaseClosed {
        /// Its request.
        request: RequestId,
        /// When.
        time: Timestamp,
        /// Why.
        reason: LeaseEnd,
    },
    /// Operators signed a list of windows DOWN.
    ListCertified {
        /// The health epoch.
        epoch: HealthEpoch,
        /// Which list of the epoch.
        number: u32,
        /// Its signers, one bit each, as a certificate's are.
        signers: Vec<u8>,
    },
    /// A list calls the machine DOWN.
    Down {
        /// The health epoch.
        epoch: HealthEpoch,
        /// Which list of the epoch.
        number: u32,
        /// The windows that were not DOWN before, one bit each.
        windows: U256,
        /// Seats behind them.
        seats: u16,
    },
    /// A receipt struck seats.
    Struck {
        /// The health epoch.
        epoch: HealthEpoch,
        /// Which list of the epoch.
        number: u32,
        /// Of which window.
        window: Window,
        /// Whose seats.
        operator: OperatorIndex,
        /// Whether the window is not DOWN any more by this list.
        fell: bool,
    },
    /// Stake was taken.
    Slashed {
        /// Millionths of the token.
        taken: u64,
        /// The machine sits out until then.
        until: Timestamp,
    },
}

/// Why a lease ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseEnd(pub u8);

impl std::fmt::Display for LeaseEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            1 => "the tenant closed it",
            2 => "the provider closed it",
            3 => "its term is over",
            4 => "its round is void",
            5 => "its pair was shown ineligible",
            _ => "for a reason that this version does not know",
        })
    }
}

/// The events of one log; none for those of other machines.
pub(super) fn read(log: &Log, offer: OfferId) -> Result<Vec<Event>, ChainTrouble> {
    let bad = |error: &dyn std::fmt::Display| {
        let block = log.block_number.unwrap_or_default();
        ChainTrouble::Own(format!(
            "an event in block {block} is not what the interface says ({error}): check [contracts]"
        ))
    };
    let Some(topic) = log.topic0().copied() else {
        return Ok(Vec::new());
    };
    let events = if topic == LeasesOpened::SIGNATURE_HASH {
        let event = LeasesOpened::decode_log(&log.inner).map_err(|error| bad(&error))?;
        opened(&event.entries, offer, event.time).map_err(|error| bad(&error))?
    } else if topic == LeaseClosed::SIGNATURE_HASH {
        let event = LeaseClosed::decode_log(&log.inner).map_err(|error| bad(&error))?;
        let closed = Event::LeaseClosed {
            request: RequestId::new(event.requestId),
            time: Timestamp::new(event.time),
            reason: LeaseEnd(event.reason),
        };
        of(offer, event.offerId, closed)
    } else if topic == ListCertified::SIGNATURE_HASH {
        let event = ListCertified::decode_log(&log.inner).map_err(|error| bad(&error))?;
        vec![Event::ListCertified {
            epoch: HealthEpoch::new(event.epoch),
            number: event.number,
            signers: event.bitmap.to_vec(),
        }]
    } else if topic == MachineDown::SIGNATURE_HASH {
        let event = MachineDown::decode_log(&log.inner).map_err(|error| bad(&error))?;
        let down = Event::Down {
            epoch: HealthEpoch::new(event.epoch),
            number: event.number,
            windows: event.windows,
            seats: event.seats,
        };
        of(offer, event.offerId, down)
    } else if topic == SeatsStruck::SIGNATURE_HASH {
        let event = SeatsStruck::decode_log(&log.inner).map_err(|error| bad(&error))?;
        let struck = Event::Struck {
            epoch: HealthEpoch::new(event.epoch),
            number: event.number,
            window: Window(event.window),
            operator: OperatorIndex::new(event.operatorIndex),
            fell: event.fell,
        };
        of(offer, event.offerId, struck)
    } else if topic == MachineSlashed::SIGNATURE_HASH {
        let event = MachineSlashed::decode_log(&log.inner).map_err(|error| bad(&error))?;
        let slashed = Event::Slashed {
            taken: event.taken,
            until: Timestamp::new(event.until),
        };
        of(offer, event.offerId, slashed)
    } else {
        Vec::new()
    };
    Ok(events)
}

fn of(ours: OfferId, its: u64, event: Event) -> Vec<Event> {
    if ours.get() == its {
        vec![event]
    } else {
        Vec::new()
    }
}

/// The leases of a chunk that are of our machine.
fn opened(
    entries: &[u8],
    offer: OfferId,
    time: u64,
) -> Result<Vec<Event>, quorate_canon::CodecError> {
    let mut input = Reader::new(entries);
    let mut events = Vec::new();
    while input.remaining() >= Entry::WIDTH {
        let entry: Entry = input.value()?;
        if entry.offer == offer {
            events.push(Event::LeaseOpened {
                request: entry.request,
                time: Timestamp::new(time),
            });
        }
    }
    input.finish()?;
    Ok(events)
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, Bytes};

    use super::*;

    fn log<E: SolEvent>(event: &E) -> Log {
        Log {
            inner: alloy::primitives::Log {
                address: Address::ZERO,
                data: event.encode_log_data(),
            },
            ..Log::default()
        }
    }

    fn entry(offer: u64, request: u64) -> Vec<u8> {
        let entry = Entry {
            offer: OfferId::new(offer),
            request: RequestId::new(request),
            score: 1,
            tie: 2,
            used: quorate_matching::Capacity::ZERO,
        };
        entry.to_bytes()
    }

    #[test]
    fn only_our_leases_are_taken_out_of_a_chunk() {
        let entries = [entry(7, 1), entry(8, 2), entry(7, 3)].concat();
        let event = LeasesOpened {
            round: 1,
            first: 0,
            time: 50,
            entries: entries.into(),
        };
        let opened = |request| Event::LeaseOpened {
            request: RequestId::new(request),
            time: Timestamp::new(50),
        };
        let read = read(&log(&event), OfferId::new(7)).unwrap();
        assert_eq!(read, [opened(1), opened(3)]);
    }

    #[test]
    fn a_torn_chunk_is_an_error() {
        let mut entries = entry(7, 1);
        entries.pop();
        let event = LeasesOpened {
            round: 1,
            first: 0,
            time: 50,
            entries: entries.into(),
        };
        assert!(read(&log(&event), OfferId::new(7)).is_err());
    }

    #[test]
    fn another_machines_downtime_is_not_ours() {
        let event = MachineDown {
            epoch: 3,
            offerId: 7,
            number: 1,
            windows: U256::from(5),
            seats: 40,
        };
        let ours = read(&log(&event), OfferId::new(7)).unwrap();
        let expected = Event::Down {
            epoch: HealthEpoch::new(3),
            number: 1,
            windows: U256::from(5),
            seats: 40,
        };
        assert_eq!(ours, [expected]);
        assert!(read(&log(&event), OfferId::new(8)).unwrap().is_empty());
    }

    #[test]
    fn every_list_is_kept_with_its_signers() {
        let event = ListCertified {
            epoch: 3,
            number: 1,
            digest: B256::ZERO,
            time: 9,
            list: Bytes::new(),
            bitmap: Bytes::from_static(&[0b101]),
            aggregate: Bytes::new(),
        };
        let expected = Event::ListCertified {
            epoch: HealthEpoch::new(3),
            number: 1,
            signers: vec![0b101],
        };
        assert_eq!(read(&log(&event), OfferId::new(7)).unwrap(), [expected]);
    }
}
