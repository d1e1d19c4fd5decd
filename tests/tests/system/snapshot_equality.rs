//! Two ways to a round's inputs, and the bytes that both must give (DESIGN section 4): the state as
//! it stood at the snapshot's block, and T looked up in the state of now. The node's own reader,
//! which folds events, is the third.

use std::collections::BTreeSet;

use alloy::{eips::BlockId, primitives::aliases::U136, providers::DynProvider};
use anyhow::{Context as _, Result, ensure};
use quorate_bindings::{
    IMarket::{self, IMarketInstance},
    IProviders::{self, IProvidersInstance},
};
use quorate_canon::{
    Address, Bps, FixedWidth as _, HealthEpoch, Round, Stake, Timestamp, codec::CodecError,
};
use quorate_chain::to_alloy_address;
use quorate_matching::{
    Capacity, MachineState, Offer, OfferInput, ProviderState, Request, RequestInput,
};

use crate::kit::Network;

/// Of the machines on which nothing runs, one in so many is read.
const STRIDE: usize = 25;
/// Stands on chain for "no observation".
const UNOBSERVED: u16 = u16::MAX;

/// Compares all requests of a round and the machines that leases hold, and some that stand idle.
pub(crate) async fn holds_for(network: &mut Network, round: Round) -> Result<()> {
    let time = network.view.schedule().t_of(round)?;
    let inputs = network.view.reader().snapshot(round, time)?;
    let inputs = inputs.context("no snapshot")?;
    let block = network
        .view
        .certificate(round)
        .await?
        .header()
        .snapshot_number;
    let (then, now) = (Lookup::at(network, block), Lookup::now(network));

    let mut changed = 0;
    for (number, input) in inputs.offers().iter().enumerate() {
        if input.used == Capacity::ZERO && number % STRIDE != 0 {
            continue;
        }
        let id = input.offer.id.get();
        // At the snapshot's block everything stands as of T: later times give the same.
        ensure!(
            then.offer(id, u64::MAX >> 24).await? == input.to_bytes(),
            "offer {id} at {block}"
        );
        ensure!(
            now.offer(id, time.get()).await? == input.to_bytes(),
            "offer {id} looked up"
        );
        changed += usize::from(now.offer(id, u64::MAX >> 24).await? != input.to_bytes());
    }
    ensure!(
        changed > 0,
        "nothing has changed since T: a wrong look-up would not be seen"
    );

    for input in inputs.requests() {
        let id = input.request.id.get();
        for lookup in [&then, &now] {
            let (found, closed) = lookup.request(id).await?;
            ensure!(
                found == *input,
                "request {id}: got {found:?}, expected {input:?}"
            );
            ensure!(
                time.get() < closed,
                "request {id} closed at {closed}, T is {time}"
            );
        }
    }
    let ids: BTreeSet<_> = inputs
        .requests()
        .iter()
        .map(|i| i.request.id.get())
        .collect();
    ensure!(
        then.open_requests(time).await? == ids,
        "other requests are open at {block}"
    );
    Ok(())
}

/// The contracts as of a block.
struct Lookup {
    market: IMarketInstance<DynProvider>,
    providers: IProvidersInstance<DynProvider>,
    block: BlockId,
}

impl Lookup {
    fn at(network: &Network, block: u64) -> Self {
        Self {
            block: BlockId::number(block),
            ..Self::now(network)
        }
    }

    fn now(network: &Network) -> Self {
        let (l2, contracts) = (&network.world.chains.l2, &network.world.contracts.l2);
        Self {
            market: IMarket::new(contracts.market, l2.provider().clone()),
            providers: IProviders::new(contracts.providers, l2.provider().clone()),
            block: BlockId::latest(),
        }
    }

    /// An offer with its values at `t`, as the formats write it.
    async fn offer(&self, id: u64, t: u64) -> Result<Vec<u8>> {
        let version = self
            .market
            .offerVersionAt(id, t)
            .block(self.block)
            .call()
            .await?;
        let found = self
            .market
            .offerRecord(id, version)
            .block(self.block)
            .call()
            .await?;
        let offer = Offer::from_bytes(&found.record)?;
        let used = self.market.usedAt(id, t).block(self.block).call().await?;
        let machine = self
            .providers
            .machineAt(id, t)
            .block(self.block)
            .call()
            .await?;
        let input = OfferInput {
            created: Timestamp::new(found.created),
            used: capacity(used)?,
            machine: MachineState {
                uptime: observed(machine.uptime)?,
                flags: machine.flags,
            },
            provider: self.provider(offer.provider, t).await?,
            offer,
        };
        Ok(input.to_bytes())
    }

    async fn provider(&self, provider: Address, t: u64) -> Result<ProviderState> {
        let provider = to_alloy_address(provider);
        let found = self
            .providers
            .providerAt(provider, t)
            .block(self.block)
            .call()
            .await?;
        Ok(ProviderState {
            stake: Stake::new(found.stake_),
            registered_gpus: found.gpus,
            reputation: observed(found.reputation)?,
            slash: Bps::new(found.slash).context("slash beyond the whole")?,
            slash_epoch: HealthEpoch::new(found.slashEpoch),
            flags: found.flags,
        })
    }

    /// A request and when it closed.
    async fn request(&self, id: u64) -> Result<(RequestInput, u64)> {
        let found = self
            .market
            .requestRecord(id)
            .block(self.block)
            .call()
            .await?;
        let input = RequestInput {
            request: Request::from_bytes(&found.record)?,
            created: Timestamp::new(found.created),
        };
        Ok((input, found.closed))
    }

    /// The requests that are open at `time`.
    async fn open_requests(&self, time: Timestamp) -> Result<BTreeSet<u64>> {
        let count = self.market.requestCount().block(self.block).call().await?;
        let mut open = BTreeSet::new();
        for id in 1..=count {
            let (input, closed) = self.request(id).await?;
            let lease = self.market.leaseOf(id).block(self.block).call().await?;
            let valid = time < input.request.valid_until;
            if valid && time.get() < closed && lease.round == 0 {
                open.insert(id);
            }
        }
        Ok(open)
    }
}

fn observed(value: u16) -> Result<Option<Bps>> {
    if value == UNOBSERVED {
        return Ok(None);
    }
    Bps::new(value).context("beyond the whole").map(Some)
}

fn capacity(used: U136) -> Result<Capacity, CodecError> {
    Capacity::from_bytes(&used.to_be_bytes::<17>())
}
