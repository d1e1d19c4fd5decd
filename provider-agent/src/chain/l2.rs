//! The real chain.

use std::sync::Arc;

use alloy::primitives::{Address as EthAddress, B256, FixedBytes, U256};
use alloy::providers::Provider;
use alloy::rpc::types::Filter;
use alloy::sol_types::SolEvent;
use async_trait::async_trait;
use quorate_bindings::IMachines::MachineRegistered;
use quorate_bindings::{IEscrow, IHealth, IMachines, IMarket, IProviders};
use quorate_canon::codec::FixedWidth;
use quorate_canon::{
    Address, Epoch, HealthEpoch, OfferId, OperatorIndex, RequestId, Round, Timestamp,
};
use quorate_chain::health::epoch_clock;
use quorate_chain::{Head, Rpc, RpcConfig, to_alloy_address, views};
use quorate_health::{GpuUuid, HealthPolicy};
use quorate_matching::{Offer, Policy};
use quorate_protocol::{Schedule, StakeTable};
use tokio::sync::OnceCell;

use super::events::{self, Event};
use super::facts::trouble;
use super::{Chain, ChainTrouble, MachineState, Registration, Rules, Standing};
use crate::config::ContractsSection;

/// Before any epoch was observed.
const UNOBSERVED: u16 = u16::MAX;

/// The contracts that an agent speaks with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    /// `Rounds`.
    pub rounds: EthAddress,
    /// `Market`, as `Rounds` names it.
    pub market: EthAddress,
    /// `Providers`, as `Market` names it.
    pub providers: EthAddress,
    /// `StakeTable`, as `Rounds` names it.
    pub table: EthAddress,
    /// `Machines`.
    pub machines: EthAddress,
    /// `Health`.
    pub health: EthAddress,
    /// `Escrow`.
    pub escrow: EthAddress,
}

/// Where our contracts are to be found.
#[derive(Debug, Clone)]
pub struct Place {
    /// How the chain is reached.
    pub rpc: RpcConfig,
    /// The contracts.
    pub contracts: ContractsSection,
    /// Blocks in one request for events.
    pub log_range: u64,
}

/// A chain that answered, and what it said of our contracts.
#[derive(Debug)]
pub(super) struct Connected {
    pub(super) rpc: Rpc,
    pub(super) at: Addresses,
    /// Blocks in one request for events.
    pub(super) log_range: u64,
}

/// L2 with our contracts; connects at its first use, so that an agent starts while its endpoints are
/// down. Cheap to clone.
#[derive(Debug, Clone)]
pub struct L2(Arc<Lazy>);

#[derive(Debug)]
struct Lazy {
    place: Place,
    connected: OnceCell<Connected>,
}

impl L2 {
    /// Our contracts on a chain. Does not connect yet.
    #[must_use]
    pub fn new(place: Place) -> Self {
        let connected = OnceCell::new();
        Self(Arc::new(Lazy { place, connected }))
    }

    /// Connects, unless it is connected, and finds the contracts.
    ///
    /// # Errors
    /// [`ChainTrouble`] if no endpoint answers, it is another chain, or a contract is missing.
    pub async fn connect(&self) -> Result<&Addresses, ChainTrouble> {
        Ok(&self.on().await?.at)
    }

    pub(super) async fn on(&self) -> Result<&Connected, ChainTrouble> {
        self.0
            .connected
            .get_or_try_init(|| connect(&self.0.place))
            .await
    }

    /// The policy of the first round that does not close before `time`.
    async fn policy(&self, schedule: &Schedule, time: Timestamp) -> Result<Policy, ChainTrouble> {
        let on = self.on().await?;
        let since = time.get().saturating_sub(schedule.genesis.get());
        let round = Round::new(since.div_ceil(u64::from(schedule.period.max(1))));
        Ok(views::policy_of(&on.rpc, on.at.rounds, round).await?)
    }

    /// The newest version of an offer, and whether it is open.
    async fn offer(
        &self,
        id: OfferId,
        at: Timestamp,
    ) -> Result<Option<(Offer, bool)>, ChainTrouble> {
        let on = self.on().await?;
        let market = IMarket::new(on.at.market, on.rpc.provider());
        let count = market.offerCount().call().await;
        if id.get() == 0 || id.get() > count.map_err(trouble("offerCount"))? {
            return Ok(None);
        }
        let version = market.offerVersionAt(id.get(), at.get()).call().await;
        match version.map_err(trouble("offerVersionAt"))? {
            0 => Ok(Some((self.last_version(id).await?, false))),
            version => Ok(Some((self.version(id, version).await?, true))),
        }
    }

    async fn version(&self, id: OfferId, version: u32) -> Result<Offer, ChainTrouble> {
        let on = self.on().await?;
        let market = IMarket::new(on.at.market, on.rpc.provider());
        let found = market.offerRecord(id.get(), version).call().await;
        Offer::from_bytes(&found.map_err(trouble("offerRecord"))?.record)
            .map_err(|error| ChainTrouble::Own(format!("the record of offer {id}: {error}")))
    }

    /// The last version of a closed offer: nothing but the versions themselves tells its number.
    async fn last_version(&self, id: OfferId) -> Result<Offer, ChainTrouble> {
        let mut last = self.version(id, 1).await?;
        for version in 2.. {
            match self.version(id, version).await {
                Ok(next) => last = next,
                Err(ChainTrouble::Refused(_)) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(last)
    }

    async fn registration(&self, id: OfferId) -> Result<Option<Registration>, ChainTrouble> {
        let on = self.on().await?;
        let machines = IMachines::new(on.at.machines, on.rpc.provider());
        let found = machines.machineOf(id.get()).call().await;
        let found = found.map_err(trouble("machineOf"))?;
        Ok((found.registeredAt != 0).then(|| Registration {
            since: Timestamp::new(found.registeredAt),
            retired: (found.retiredAt != 0).then(|| Timestamp::new(found.retiredAt)),
            paused: found.paused,
            certificate: found.certificate.0,
        }))
    }

    async fn standing(&self, id: OfferId) -> Result<Standing, ChainTrouble> {
        let on = self.on().await?;
        let health = IHealth::new(on.at.health, on.rpc.provider());
        let found = health.standingOf(id.get()).call().await;
        let found = found.map_err(trouble("standingOf"))?;
        Ok(Standing {
            uptime: (found.uptime != UNOBSERVED).then_some(found.uptime),
            level: found.level,
            next: found.next,
        })
    }
}

/// `eth_getCode` says whether a contract is there at all: a call to nothing gives nothing.
async fn connect(place: &Place) -> Result<Connected, ChainTrouble> {
    let rpc = Rpc::connect(place.rpc.clone()).await?;
    let [rounds, machines, health, escrow] = [
        place.contracts.rounds,
        place.contracts.machines,
        place.contracts.health,
        place.contracts.escrow,
    ]
    .map(to_alloy_address);
    rpc.check_code(&[rounds, machines, health, escrow]).await?;
    let market = views::market_of(&rpc, rounds).await?;
    let at = Addresses {
        rounds,
        market,
        providers: views::providers_of(&rpc, market).await?,
        table: views::table_of(&rpc, rounds).await?,
        machines,
        health,
        escrow,
    };
    Ok(Connected {
        rpc,
        at,
        log_range: place.log_range.max(1),
    })
}

#[async_trait]
impl Chain for L2 {
    async fn head(&self) -> Result<Head, ChainTrouble> {
        let on = self.on().await?;
        Ok(on.rpc.latest().await?.head())
    }

    async fn rules(&self, now: Timestamp) -> Result<Rules, ChainTrouble> {
        let on = self.on().await?;
        let domain = views::domain(&on.rpc, on.at.rounds).await?;
        let schedule = views::schedule(&on.rpc, on.at.rounds).await?;
        let epochs = epoch_clock(&schedule);
        let epoch = schedule
            .health_epoch_at(now)
            .map_err(|error| ChainTrouble::Own(error.to_string()))?;
        let round = epochs
            .first_round(epoch)
            .map_err(|error| ChainTrouble::Own(error.to_string()))?;
        let policy = views::policy_of(&on.rpc, on.at.rounds, round).await?;
        let health = HealthPolicy::from_section(&policy.health.0)
            .map_err(|error| ChainTrouble::Own(format!("the policy's health section: {error}")))?;
        Ok(Rules {
            network: domain,
            epochs,
            health,
        })
    }

    async fn tier_of(&self, model: u8, now: Timestamp) -> Result<Option<u8>, ChainTrouble> {
        let on = self.on().await?;
        let schedule = views::schedule(&on.rpc, on.at.rounds).await?;
        let policy = self.policy(&schedule, now).await?;
        let price = policy.score.reference_of(model);
        Ok(price.map(|price| policy.standing.tier_of(price).code()))
    }

    async fn machine(&self, id: OfferId) -> Result<Option<MachineState>, ChainTrouble> {
        let on = self.on().await?;
        let now = self.head().await?.timestamp;
        let Some((offer, open)) = self.offer(id, now).await? else {
            return Ok(None);
        };
        let market = IMarket::new(on.at.market, on.rpc.provider());
        let providers = IProviders::new(on.at.providers, on.rpc.provider());
        let used = market.usedAt(id.get(), now.get()).call().await;
        let flags = providers.machineAt(id.get(), now.get()).call().await;
        Ok(Some(MachineState {
            offer,
            open,
            registration: self.registration(id).await?,
            flags: flags.map_err(trouble("machineAt"))?.flags,
            in_use: !used.map_err(trouble("usedAt"))?.is_zero(),
            standing: self.standing(id).await?,
        }))
    }

    async fn cards(&self, offer: OfferId) -> Result<Vec<GpuUuid>, ChainTrouble> {
        let on = self.on().await?;
        let latest = on.rpc.latest().await?.number();
        let mut from = self.0.place.contracts.deployed_at;
        while from <= latest {
            let to = latest.min(from.saturating_add(self.0.place.log_range.max(1) - 1));
            let filter = Filter::new()
                .address(on.at.machines)
                .event_signature(MachineRegistered::SIGNATURE_HASH)
                .topic1(B256::from(U256::from(offer.get())))
                .from_block(from)
                .to_block(to);
            let logs = on.rpc.provider().get_logs(&filter).await;
            let logs = logs.map_err(|error| ChainTrouble::Silent(error.to_string()))?;
            if let Some(log) = logs.last() {
                let event = MachineRegistered::decode_log(&log.inner)
                    .map_err(|error| ChainTrouble::Own(error.to_string()))?;
                return Ok(event.cards.iter().map(|card| GpuUuid(card.0)).collect());
            }
            from = to.saturating_add(1);
        }
        Ok(Vec::new())
    }

    async fn machine_of_card(&self, card: GpuUuid) -> Result<Option<OfferId>, ChainTrouble> {
        let on = self.on().await?;
        let machines = IMachines::new(on.at.machines, on.rpc.provider());
        let found = machines.machineOfCard(FixedBytes(card.0)).call().await;
        let found = found.map_err(trouble("machineOfCard"))?;
        Ok((found != 0).then(|| OfferId::new(found)))
    }

    async fn table(&self, epoch: Epoch) -> Result<Option<StakeTable>, ChainTrouble> {
        let on = self.on().await?;
        Ok(views::l2_table(&on.rpc, on.at.table, epoch).await?)
    }

    async fn block_before(
        &self,
        time: Timestamp,
        lowest: u64,
    ) -> Result<Option<u64>, ChainTrouble> {
        let on = self.on().await?;
        if let Some(head) = on.rpc.last_block_before(time, lowest).await? {
            return Ok(Some(head.number));
        }
        // Nothing was found by an endpoint that is behind either, and all blocks would be read again.
        let newest = on.rpc.latest().await?.head().timestamp;
        if newest < time {
            return Err(ChainTrouble::Silent(format!(
                "an endpoint is behind: its newest block is of {newest}, expected one of {time} or later"
            )));
        }
        Ok(None)
    }

    async fn events(&self, offer: OfferId, from: u64, to: u64) -> Result<Vec<Event>, ChainTrouble> {
        let on = self.on().await?;
        let addresses = [on.at.market, on.at.health];
        let logs = on
            .rpc
            .logs_of_events(&addresses, &events::TOPICS, from, to)
            .await?;
        let mut all = Vec::new();
        for log in &logs {
            all.extend(events::read(log, offer)?);
        }
        Ok(all)
    }

    async fn seats(
        &self,
        epoch: HealthEpoch,
        offer: OfferId,
    ) -> Result<Vec<OperatorIndex>, ChainTrouble> {
        let on = self.on().await?;
        let health = IHealth::new(on.at.health, on.rpc.provider());
        let seats = health.committeeOf(epoch.get(), offer.get()).call().await;
        let seats = seats.map_err(trouble("committeeOf"))?;
        Ok(seats.into_iter().map(OperatorIndex::new).collect())
    }

    async fn appealable_until(&self, epoch: HealthEpoch) -> Result<Timestamp, ChainTrouble> {
        let on = self.on().await?;
        let health = IHealth::new(on.at.health, on.rpc.provider());
        let until = health.appealableUntil(epoch.get()).call().await;
        until
            .map(Timestamp::new)
            .map_err(trouble("appealableUntil"))
    }

    async fn settled_until(&self) -> Result<Timestamp, ChainTrouble> {
        let on = self.on().await?;
        let health = IHealth::new(on.at.health, on.rpc.provider());
        let until = health.settledUntil().call().await;
        until.map(Timestamp::new).map_err(trouble("settledUntil"))
    }

    async fn locked(&self, request: RequestId) -> Result<U256, ChainTrouble> {
        let on = self.on().await?;
        let escrow = IEscrow::new(on.at.escrow, on.rpc.provider());
        escrow
            .lockedOf(request.get())
            .call()
            .await
            .map_err(trouble("lockedOf"))
    }

    async fn stake(&self, provider: Address) -> Result<u64, ChainTrouble> {
        let on = self.on().await?;
        let now = self.head().await?.timestamp;
        let providers = IProviders::new(on.at.providers, on.rpc.provider());
        let found = providers
            .providerAt(to_alloy_address(provider), now.get())
            .call()
            .await;
        Ok(found.map_err(trouble("providerAt"))?.stake_)
    }

    async fn balance(&self, account: Address) -> Result<U256, ChainTrouble> {
        let on = self.on().await?;
        on.rpc
            .provider()
            .get_balance(to_alloy_address(account))
            .await
            .map_err(|error| ChainTrouble::Silent(error.to_string()))
    }
}
