//! A chain in memory that a reader can follow: it grows, forks, lags and loses answers on demand.

use std::sync::{Arc, Mutex};

use alloy::primitives::aliases::U136;
use alloy::primitives::{Address, B256, Bloom, keccak256};
use alloy::rpc::types::Log;
use alloy::sol_types::SolEvent;
use quorate_bindings::{IMarket, IProviders};
use quorate_canon::codec::FixedWidth;
use quorate_canon::{Digest, Timestamp};
use quorate_chain::market::MarketEvent;
use quorate_chain::{ChainError, Contracts, Head, Header, Source};

use crate::world::{Dice, World};

pub(crate) const CONTRACTS: Contracts = Contracts {
    market: Address::repeat_byte(1),
    providers: Address::repeat_byte(2),
    rounds: Address::repeat_byte(3),
};

#[derive(Clone)]
struct Block {
    header: Header,
    logs: Vec<Log>,
    world: World,
}

/// What a call may meet.
#[derive(Default)]
struct Faults {
    /// Every this many calls one fails; 0 for none.
    fail_every: u64,
    /// Every this many calls the chain forks underneath it; 0 for never.
    fork_every: u64,
    /// Every this many calls the newest block that is shown is the one before; 0 for never.
    lag_every: u64,
}

struct Inner {
    blocks: Vec<Block>,
    dice: Dice,
    calls: u64,
    ranges: u64,
    faults: Faults,
}

/// Clones share the chain.
#[derive(Clone)]
pub(crate) struct FakeChain(Arc<Mutex<Inner>>);

impl FakeChain {
    pub(crate) fn new(seed: u64, blocks: usize) -> Self {
        let dice = Dice(seed);
        let head = Head {
            number: 0,
            hash: Digest([9; 32]),
            timestamp: Timestamp::new(0),
        };
        let header = Header::new(head, B256::ZERO, Bloom::default());
        let genesis = Block {
            header,
            logs: Vec::new(),
            world: World::default(),
        };
        let faults = Faults::default();
        let chain = Self(Arc::new(Mutex::new(Inner {
            blocks: vec![genesis],
            dice,
            calls: 0,
            ranges: 0,
            faults,
        })));
        chain.grow(blocks);
        chain
    }

    pub(crate) fn grow(&self, blocks: usize) {
        let mut inner = self.0.lock().unwrap();
        (0..blocks).for_each(|_| inner.grow());
    }

    /// Replaces the last `depth` blocks by `depth` others, and `more` on top.
    pub(crate) fn fork(&self, depth: usize, more: usize) {
        self.0.lock().unwrap().fork(depth, more);
    }

    pub(crate) fn set_faults(&self, fail_every: u64, fork_every: u64, lag_every: u64) {
        self.0.lock().unwrap().faults = Faults {
            fail_every,
            fork_every,
            lag_every,
        };
    }

    /// How many ranges of logs were asked for.
    pub(crate) fn ranges(&self) -> u64 {
        self.0.lock().unwrap().ranges
    }

    pub(crate) fn head(&self) -> Head {
        self.0.lock().unwrap().blocks.last().unwrap().header.head()
    }

    /// The last block before `time`, and the number of the first at or after it.
    pub(crate) fn around(&self, time: Timestamp) -> Option<(Head, u64)> {
        let inner = self.0.lock().unwrap();
        let after = inner
            .blocks
            .iter()
            .position(|b| b.header.head().timestamp >= time)?;
        let before = inner.blocks.get(after.checked_sub(1)?)?.header.head();
        Some((before, u64::try_from(after).unwrap()))
    }

    fn call<T>(
        &self,
        answer: impl FnOnce(&mut Inner) -> Result<T, ChainError>,
    ) -> Result<T, ChainError> {
        let mut inner = self.0.lock().unwrap();
        inner.calls += 1;
        let due = |every: u64| every != 0 && inner.calls.is_multiple_of(every);
        let (fail, fork) = (due(inner.faults.fail_every), due(inner.faults.fork_every));
        if fork {
            let depth = usize::try_from(1 + inner.dice.roll(3)).unwrap();
            inner.fork(depth, 0);
        }
        if fail {
            let (got, expected) = ("none".to_owned(), "some".to_owned());
            return Err(ChainError::MissingLogs {
                number: 0,
                got,
                expected,
            });
        }
        answer(&mut inner)
    }
}

impl Inner {
    fn grow(&mut self) {
        let parent = self.blocks.last().unwrap();
        let mut world = parent.world.clone();
        let events = world.block(&mut self.dice);
        let number = parent.header.number() + 1;
        let salt = self.dice.roll(u64::MAX);
        let hash = keccak256([parent.header.hash.0.as_slice(), &salt.to_be_bytes()].concat());
        let logs = (0..)
            .zip(&events)
            .map(|(index, event)| log(event, number, hash, index))
            .collect();
        let timestamp = Timestamp::new(world.time);
        let head = Head {
            number,
            hash: Digest(hash.0),
            timestamp,
        };
        let header = Header::new(head, parent.header.hash, Bloom::default());
        self.blocks.push(Block {
            header,
            logs,
            world,
        });
    }

    fn fork(&mut self, depth: usize, more: usize) {
        let kept = self.blocks.len().saturating_sub(depth).max(1);
        let again = self.blocks.len() - kept + more;
        self.blocks.truncate(kept);
        (0..again).for_each(|_| self.grow());
    }

    fn block(&self, number: u64) -> Result<&Block, ChainError> {
        let place = usize::try_from(number).unwrap();
        self.blocks.get(place).ok_or(ChainError::NoBlock(number))
    }
}

impl Source for FakeChain {
    async fn latest(&self) -> Result<Header, ChainError> {
        self.call(|inner| {
            let lag = inner.faults.lag_every;
            let back = usize::from(lag != 0 && inner.calls.is_multiple_of(lag));
            let place = (inner.blocks.len() - 1).saturating_sub(back);
            Ok(inner.blocks[place].header)
        })
    }

    async fn headers(&self, from: u64, to: u64) -> Result<Vec<Header>, ChainError> {
        self.call(|inner| {
            (from..=to)
                .map(|number| Ok(inner.block(number)?.header))
                .collect()
        })
    }

    async fn logs_of(&self, _: &[Address], header: &Header) -> Result<Vec<Log>, ChainError> {
        self.call(|inner| {
            let block = inner.block(header.number())?;
            // An endpoint does not know the logs of a block that is not on its chain.
            let known = block.header.hash == header.hash;
            if known {
                Ok(block.logs.clone())
            } else {
                Err(ChainError::NoBlock(header.number()))
            }
        })
    }

    async fn logs_between(
        &self,
        _: &[Address],
        from: u64,
        to: u64,
    ) -> Result<Vec<Log>, ChainError> {
        self.call(|inner| {
            inner.ranges += 1;
            // A provider's usual limit, small.
            if to - from >= 16 {
                return Err(ChainError::NoBlock(to));
            }
            inner.block(to)?;
            Ok((from..=to)
                .flat_map(|n| inner.blocks[usize::try_from(n).unwrap()].logs.clone())
                .collect())
        })
    }
}

/// An event as a log of the contract that emits it.
fn log(event: &MarketEvent, block: u64, hash: B256, index: u64) -> Log {
    let (address, data) = match event {
        MarketEvent::OffersPosted { time, offers } => {
            let first = offers[0].id.get();
            let records = offers.iter().flat_map(FixedWidth::to_bytes).collect();
            (
                CONTRACTS.market,
                IMarket::OffersPosted {
                    firstId: first,
                    time: *time,
                    records,
                }
                .encode_log_data(),
            )
        }
        MarketEvent::OfferRevised { time, offer } => {
            let (id, version) = (offer.id.get(), offer.version.get());
            let record = offer.to_bytes().into();
            (
                CONTRACTS.market,
                IMarket::OfferRevised {
                    id,
                    version,
                    time: *time,
                    record,
                }
                .encode_log_data(),
            )
        }
        MarketEvent::OfferClosed { id, time } => (
            CONTRACTS.market,
            IMarket::OfferClosed {
                id: *id,
                version: 1,
                time: *time,
            }
            .encode_log_data(),
        ),
        MarketEvent::RequestsPosted { time, requests } => {
            let first = requests[0].id.get();
            let records = requests.iter().flat_map(FixedWidth::to_bytes).collect();
            (
                CONTRACTS.market,
                IMarket::RequestsPosted {
                    firstId: first,
                    time: *time,
                    records,
                }
                .encode_log_data(),
            )
        }
        MarketEvent::RequestClosed { id, time } => (
            CONTRACTS.market,
            IMarket::RequestClosed {
                id: *id,
                time: *time,
            }
            .encode_log_data(),
        ),
        MarketEvent::LeasesOpened {
            round,
            time,
            entries,
        } => {
            let entries = entries.iter().flat_map(FixedWidth::to_bytes).collect();
            let event = IMarket::LeasesOpened {
                round: round.get(),
                first: 0,
                time: *time,
                entries,
            };
            (CONTRACTS.market, event.encode_log_data())
        }
        MarketEvent::UsedChanged { id, time, used } => {
            let used = U136::from_be_bytes::<17>(used.to_bytes().try_into().unwrap());
            (
                CONTRACTS.market,
                IMarket::UsedChanged {
                    offerId: *id,
                    time: *time,
                    used,
                }
                .encode_log_data(),
            )
        }
        MarketEvent::ProviderChanged {
            provider,
            time,
            state,
        } => {
            let event = IProviders::ProviderChanged {
                provider: Address::new(provider.0),
                time: *time,
                stake: state.stake.get(),
                gpus: state.registered_gpus,
                reputation: state.reputation.map_or(u16::MAX, |share| share.get()),
                slash: state.slash.get(),
                slashEpoch: state.slash_epoch.get(),
                flags: state.flags,
            };
            (CONTRACTS.providers, event.encode_log_data())
        }
        MarketEvent::MachineChanged { id, time, state } => {
            let uptime = state.uptime.map_or(u16::MAX, |share| share.get());
            let event = IProviders::MachineChanged {
                offerId: *id,
                time: *time,
                uptime,
                flags: state.flags,
            };
            (CONTRACTS.providers, event.encode_log_data())
        }
    };
    Log {
        inner: alloy::primitives::Log { address, data },
        block_hash: Some(hash),
        block_number: Some(block),
        log_index: Some(index),
        ..Log::default()
    }
}
