//! The market's events out of logs, as far as they change a round's inputs.

use alloy::rpc::types::Log;
use quorate_bindings::{IMarket::IMarketEvents, IProviders::IProvidersEvents};
use quorate_canon::codec::{FixedWidth, Reader};
use quorate_canon::{Address, Bps, CodecError, HealthEpoch, Round, Stake};
use quorate_matching::{Capacity, Entry, MachineState, Offer, ProviderState, Request};

use crate::ChainError;
use crate::rpc::{known, position};

/// A change of the market. Times are those of the block, as the contracts wrote them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MarketEvent {
    /// New offers, ids in sequence.
    OffersPosted {
        /// Time.
        time: u64,
        /// The records.
        offers: Vec<Offer>,
    },
    /// A new version of an offer.
    OfferRevised {
        /// Time.
        time: u64,
        /// The record.
        offer: Box<Offer>,
    },
    /// An offer was closed.
    OfferClosed {
        /// Its id.
        id: u64,
        /// Time.
        time: u64,
    },
    /// New requests, ids in sequence.
    RequestsPosted {
        /// Time.
        time: u64,
        /// The records.
        requests: Vec<Request>,
    },
    /// A request was cancelled.
    RequestClosed {
        /// Its id.
        id: u64,
        /// Time.
        time: u64,
    },
    /// Leases were opened; each takes its request's demand from its machine.
    LeasesOpened {
        /// Round that matched them.
        round: Round,
        /// Time.
        time: u64,
        /// The list's entries, in order.
        entries: Vec<Entry>,
    },
    /// Leases ended; what is used of a machine since.
    UsedChanged {
        /// The offer.
        id: u64,
        /// Time.
        time: u64,
        /// All that leases still hold.
        used: Capacity,
    },
    /// A provider's state changed.
    ProviderChanged {
        /// The provider.
        provider: Address,
        /// Time.
        time: u64,
        /// Its state since.
        state: ProviderState,
    },
    /// A machine's state changed.
    MachineChanged {
        /// The offer.
        id: u64,
        /// Time.
        time: u64,
        /// Its state since.
        state: MachineState,
    },
}

impl MarketEvent {
    /// Reads a log of `Market`; `None` for events that change no input.
    ///
    /// # Errors
    /// [`ChainError::BadEvent`] if the log is not what the interface says.
    pub fn from_market(log: &Log) -> Result<Option<Self>, ChainError> {
        let Some(event) = known(log, IMarketEvents::SELECTORS)? else {
            return Ok(None);
        };
        Self::of_market(event).map_err(|error| bad(log, error))
    }

    /// Reads a log of `Providers`; `None` for events that change no input.
    ///
    /// # Errors
    /// [`ChainError::BadEvent`] if the log is not what the interface says.
    pub fn from_providers(log: &Log) -> Result<Option<Self>, ChainError> {
        let Some(event) = known(log, IProvidersEvents::SELECTORS)? else {
            return Ok(None);
        };
        Self::of_providers(event)
            .map(Some)
            .map_err(|error| bad(log, error))
    }

    fn of_market(event: IMarketEvents) -> Result<Option<Self>, CodecError> {
        Ok(Some(match event {
            IMarketEvents::OffersPosted(e) => Self::OffersPosted {
                time: e.time,
                offers: records(&e.records)?,
            },
            IMarketEvents::OfferRevised(e) => {
                let offer = Box::new(Offer::from_bytes(&e.record)?);
                Self::OfferRevised {
                    time: e.time,
                    offer,
                }
            }
            IMarketEvents::OfferClosed(e) => Self::OfferClosed {
                id: e.id,
                time: e.time,
            },
            IMarketEvents::RequestsPosted(e) => Self::RequestsPosted {
                time: e.time,
                requests: records(&e.records)?,
            },
            IMarketEvents::RequestClosed(e) => Self::RequestClosed {
                id: e.id,
                time: e.time,
            },
            IMarketEvents::LeasesOpened(e) => Self::LeasesOpened {
                round: Round::new(e.round),
                time: e.time,
                entries: records(&e.entries)?,
            },
            IMarketEvents::UsedChanged(e) => {
                let used = Capacity::from_bytes(&e.used.to_be_bytes::<17>())?;
                Self::UsedChanged {
                    id: e.offerId,
                    time: e.time,
                    used,
                }
            }
            // Money, and the end of a lease: `UsedChanged` says what that does to the machine.
            _ => return Ok(None),
        }))
    }

    fn of_providers(event: IProvidersEvents) -> Result<Self, CodecError> {
        Ok(match event {
            IProvidersEvents::ProviderChanged(e) => Self::ProviderChanged {
                provider: Address(e.provider.into_array()),
                time: e.time,
                state: ProviderState {
                    stake: Stake::new(e.stake),
                    registered_gpus: e.gpus,
                    reputation: observed("reputation", e.reputation)?,
                    slash: share("slash", e.slash)?,
                    slash_epoch: HealthEpoch::new(e.slashEpoch),
                    flags: e.flags,
                },
            },
            IProvidersEvents::MachineChanged(e) => Self::MachineChanged {
                id: e.offerId,
                time: e.time,
                state: MachineState {
                    uptime: observed("uptime", e.uptime)?,
                    flags: e.flags,
                },
            },
        })
    }
}

/// Records of fixed width, joined.
fn records<T: FixedWidth>(bytes: &[u8]) -> Result<Vec<T>, CodecError> {
    if !bytes.len().is_multiple_of(T::WIDTH) {
        return Err(CodecError::Width {
            got: bytes.len() % T::WIDTH,
            expected: T::WIDTH,
        });
    }
    let mut reader = Reader::new(bytes);
    (0..bytes.len() / T::WIDTH)
        .map(|_| reader.value())
        .collect()
}

fn share(field: &'static str, value: u16) -> Result<Bps, CodecError> {
    let expected = "0 to 10000";
    Bps::new(value).ok_or(CodecError::Range {
        field,
        got: u64::from(value),
        expected,
    })
}

/// `None` for 65 535, which stands for "no observation".
fn observed(field: &'static str, value: u16) -> Result<Option<Bps>, CodecError> {
    if value == u16::MAX {
        Ok(None)
    } else {
        share(field, value).map(Some)
    }
}

fn bad(log: &Log, error: impl std::fmt::Display) -> ChainError {
    let (block, index) = position(log);
    ChainError::BadEvent {
        block,
        log: index,
        detail: error.to_string(),
    }
}
