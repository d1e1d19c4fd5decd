//! A state that was read before, as bytes: it saves a backfill. It is derived data; whoever has lost
//! it reads the chain again.

use quorate_canon::codec::{Reader, Writer};
use quorate_canon::{Address, CodecError};

use super::{ReaderConfig, State};
use crate::Head;
use crate::convert::to_address;
use crate::machines::MachineIndex;
use crate::market::{ImageError, MarketIndex};
use crate::rounds::RoundLog;

/// Changes with the layout: an image of another one is read afresh.
const LAYOUT: u32 = 3;

/// A state and the block that it is of.
#[derive(Debug)]
pub(super) struct Image {
    pub head: Head,
    pub state: State,
}

/// What an image must have been made for.
fn origin(config: &ReaderConfig) -> ([Address; 4], u64) {
    let [market, providers, rounds] = config.contracts.addresses().map(to_address);
    let machines = config.machines.map(to_address).unwrap_or_default();
    ([market, providers, rounds, machines], config.deployed_at)
}

impl Image {
    pub(super) fn to_bytes(&self, config: &ReaderConfig) -> Vec<u8> {
        let mut out = Writer::default();
        out.value(&LAYOUT);
        let (contracts, deployed_at) = origin(config);
        contracts.iter().for_each(|address| out.value(address));
        out.value(&deployed_at);
        out.value(&self.head.number);
        out.value(&self.head.hash);
        out.value(&self.head.timestamp);
        self.state.rounds.write(&mut out);
        self.state.market.write(&mut out);
        self.state.machines.write(&mut out);
        out.into_bytes()
    }

    /// The image, if it is one of these contracts in this layout.
    pub(super) fn from_bytes(
        bytes: &[u8],
        config: &ReaderConfig,
    ) -> Result<Option<Self>, ImageError> {
        let mut input = Reader::new(bytes);
        if input.value::<u32>()? != LAYOUT || !is_of(&mut input, config)? {
            return Ok(None);
        }
        let head = Head {
            number: input.value()?,
            hash: input.value()?,
            timestamp: input.value()?,
        };
        let rounds = RoundLog::read(&mut input)?;
        let market = MarketIndex::read(&mut input)?;
        let machines = MachineIndex::read(&mut input)?;
        input.finish()?;
        Ok(Some(Self {
            head,
            state: State::restored(market, rounds, machines),
        }))
    }
}

fn is_of(input: &mut Reader<'_>, config: &ReaderConfig) -> Result<bool, CodecError> {
    let contracts = [
        input.value()?,
        input.value()?,
        input.value()?,
        input.value()?,
    ];
    Ok((contracts, input.value()?) == origin(config))
}
