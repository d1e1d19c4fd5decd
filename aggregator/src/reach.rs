//! Reaching the chains, and comparing what they say with the configuration.

use std::time::Duration;

use alloy::signers::local::PrivateKeySigner;
use quorate_chain::sender::{SenderConfig, TxSender};
use quorate_chain::{ChainError, Rpc, RpcConfig, to_alloy_address, views};
use quorate_protocol::{Domain, Schedule};
use quorate_service::health::Requirement;
use quorate_service::{ConfigError, Shutdown};
use tracing::info;

use quorate_settings::KeySection;

use crate::chain::ethereum::{Addresses, Ethereum};
use crate::config::Config;

/// Pause between two attempts to reach what is needed at start.
const RETRY: Duration = Duration::from_secs(1);
/// Pause between two looks at the chains' heads.
const LISTEN: Duration = Duration::from_secs(5);

/// What never changes, read from the contracts.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// Whose rounds.
    pub domain: Domain,
    /// When.
    pub schedule: Schedule,
}

/// What `Rounds` is connected with.
#[derive(Clone, Copy, Debug)]
struct Links {
    stake_table: alloy::primitives::Address,
    strikes: alloy::primitives::Address,
    disputes: alloy::primitives::Address,
    /// Whether its bridge says of itself that it proves nothing.
    devnet_bridge: bool,
    /// `Machines` of the configured `Health`.
    machines: Option<alloy::primitives::Address>,
    /// `Escrow` of its `Market`.
    escrow: Option<alloy::primitives::Address>,
}

/// What has to hold for the aggregator to be ready.
pub(crate) struct Conditions {
    pub(crate) l1: Requirement,
    pub(crate) l2: Requirement,
}

/// What could be reached.
pub(crate) struct Reached {
    pub(crate) facts: Facts,
    pub(crate) chain: Ethereum,
    pub(crate) beacons: quorate_beacon::Client,
    /// Whether `Market` names an `Escrow`.
    pub(crate) has_escrow: bool,
    pub(crate) heads: Vec<(Rpc, Requirement)>,
}

/// Keeps asking the chains for their heads: an aggregator that is alive but deaf must say so.
pub(crate) async fn listen_to_chains(chains: Vec<(Rpc, Requirement)>, shutdown: Shutdown) {
    while shutdown.sleep(LISTEN).await {
        for (rpc, condition) in &chains {
            let head = shutdown.or(rpc.latest()).await;
            // Only the condition matters here; those who need the head ask for themselves.
            drop(head.map(|head| condition.note(head)));
        }
    }
}

/// Waits until both chains answer. A wrong chain or contract is an error at once: no waiting helps.
pub(crate) async fn reach(
    config: &Config,
    conditions: Conditions,
    shutdown: &Shutdown,
) -> anyhow::Result<Option<Reached>> {
    let signer = signer(&config.key)?;
    let info = config.beacon.info(config.network)?;
    let beacons = config.beacon.client(config.network)?;
    let rpc1 = config.l1.rpc("l1", config.network)?;
    let rpc2 = config.l2.rpc("l2", config.network)?;
    let l1 = || connect(rpc1.clone());
    let l2 = || connect(rpc2.clone());
    let Some(l1) = patiently(l1, &conditions.l1, shutdown).await? else {
        return Ok(None);
    };
    let Some(l2) = patiently(l2, &conditions.l2, shutdown).await? else {
        return Ok(None);
    };
    let Some(facts) = patiently(|| facts(&l2, config), &conditions.l2, shutdown).await? else {
        return Ok(None);
    };
    check_facts(config, &facts, &info)?;
    let Some(links) = patiently(|| links(&l2, config), &conditions.l2, shutdown).await? else {
        return Ok(None);
    };
    if links.devnet_bridge {
        config.network.allow_simulated("the bridge of Rounds")?;
    }
    let [shown, paid] = work_addresses(config);
    let check = || l2.check_code(&shown);
    if patiently(check, &conditions.l2, shutdown).await?.is_none() {
        return Ok(None);
    }
    let look = || counts_over_devnet_bridge(&l2, config);
    let Some(devnet_bridge) = patiently(look, &conditions.l2, shutdown).await? else {
        return Ok(None);
    };
    if devnet_bridge {
        config.network.allow_simulated("the bridge of Tally")?;
    }
    let check = || l1.check_code(&paid);
    if patiently(check, &conditions.l1, shutdown).await?.is_none() {
        return Ok(None);
    }
    let sender = |rpc: Rpc, name: &str| {
        TxSender::open(
            rpc,
            signer.clone(),
            SenderConfig::default(),
            Some(config.data.join(name).as_path()),
        )
    };
    let heads = vec![(l1.clone(), conditions.l1), (l2.clone(), conditions.l2)];
    let (l1, l2) = (sender(l1, "l1.sqlite")?, sender(l2, "l2.sqlite")?);
    let addresses = Addresses {
        service_manager: to_alloy_address(config.contracts.service_manager),
        slasher: to_alloy_address(config.slasher()?),
        rounds: to_alloy_address(config.contracts.rounds),
        stake_table: links.stake_table,
        strikes: links.strikes,
        disputes: links.disputes,
        health: config.contracts.health.map(to_alloy_address),
        machines: links.machines,
        escrow: links.escrow,
        payer: signer.address(),
        tally: config.contracts.tally.map(to_alloy_address),
        attendance: config.contracts.attendance.map(to_alloy_address),
        rewards: config.contracts.rewards.map(to_alloy_address),
    };
    let bridge_value = config.duties.bridge_value;
    let log_range = config.l2.log_range;
    let chain = Ethereum::new(facts.domain, addresses, l1, l2, bridge_value, log_range);
    Ok(Some(Reached {
        facts,
        chain,
        beacons,
        has_escrow: addresses.escrow.is_some(),
        heads,
    }))
}

/// The configured contracts about operators' work, on L2 and on L1.
fn work_addresses(config: &Config) -> [Vec<alloy::primitives::Address>; 2] {
    let contracts = &config.contracts;
    let shown = [contracts.tally, contracts.attendance];
    let shown = shown.into_iter().flatten().map(to_alloy_address);
    let paid = contracts.rewards.into_iter().map(to_alloy_address);
    [shown.collect(), paid.collect()]
}

/// Whether the bridge that takes operators' work to L1 says of itself that it proves nothing.
async fn counts_over_devnet_bridge(l2: &Rpc, config: &Config) -> Result<bool, ChainError> {
    let Some(tally) = config.contracts.tally.map(to_alloy_address) else {
        return Ok(false);
    };
    let bridge = views::bridge_of(l2, tally).await?;
    views::is_devnet_bridge(l2, bridge).await
}

/// Tries again while it can help; none if the end was asked for meanwhile.
async fn patiently<T, F: Future<Output = Result<T, ChainError>>>(
    mut attempt: impl FnMut() -> F,
    condition: &Requirement,
    shutdown: &Shutdown,
) -> anyhow::Result<Option<T>> {
    loop {
        let Some(result) = shutdown.or(attempt()).await else {
            return Ok(None);
        };
        match condition.note(result) {
            Ok(value) => return Ok(Some(value)),
            Err(error) if error.is_retryable() => {
                info!(%error, "waiting for a chain");
                if !shutdown.sleep(RETRY).await {
                    return Ok(None);
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Connects to a chain and looks for the precompiles.
pub async fn connect(config: RpcConfig) -> Result<Rpc, ChainError> {
    let rpc = Rpc::connect(config).await?;
    rpc.check_precompiles().await?;
    Ok(rpc)
}

/// Reads what never changes.
pub async fn facts(l2: &Rpc, config: &Config) -> Result<Facts, ChainError> {
    let rounds = to_alloy_address(config.contracts.rounds);
    l2.check_code(&[rounds]).await?;
    Ok(Facts {
        domain: views::domain(l2, rounds).await?,
        schedule: views::schedule(l2, rounds).await?,
    })
}

async fn links(l2: &Rpc, config: &Config) -> Result<Links, ChainError> {
    let rounds = to_alloy_address(config.contracts.rounds);
    let bridge = views::bridge_of(l2, rounds).await?;
    let market = views::market_of(l2, rounds).await?;
    let escrow = views::escrow_of(l2, market).await?;
    let machines = match config.contracts.health {
        Some(health) => {
            let named = views::health_neighbours(l2, to_alloy_address(health)).await?;
            Some(named.machines)
        }
        None => None,
    };
    Ok(Links {
        stake_table: views::table_of(l2, rounds).await?,
        strikes: views::strikes_of(l2, rounds).await?,
        disputes: views::disputes_of(l2, rounds).await?,
        devnet_bridge: views::is_devnet_bridge(l2, bridge).await?,
        machines,
        escrow: (!escrow.is_zero()).then_some(escrow),
    })
}

/// Compares what the contracts say with the configuration.
pub fn check_facts(
    config: &Config,
    facts: &Facts,
    beacon: &quorate_beacon::ChainInfo,
) -> Result<(), ConfigError> {
    let (domain, schedule) = (&facts.domain, &facts.schedule);
    let checks = [
        (
            "l1.chain_id",
            domain.l1_chain.get() == config.l1.chain_id,
            format!("Rounds names {}", domain.l1_chain),
        ),
        (
            "contracts.service_manager",
            domain.avs == config.contracts.service_manager,
            format!("Rounds names {}", domain.avs),
        ),
        (
            "beacon",
            schedule.beacon_chain_hash == beacon.chain_hash,
            format!("Rounds names chain {}", schedule.beacon_chain_hash),
        ),
        (
            "beacon",
            schedule.beacon_genesis == beacon.genesis,
            format!("Rounds has genesis {}", schedule.beacon_genesis),
        ),
        (
            "beacon",
            schedule.beacon_period == beacon.period,
            format!("Rounds has a period of {} s", schedule.beacon_period),
        ),
    ];
    match checks.into_iter().find(|(_, right, _)| !right) {
        Some((key, _, detail)) => Err(ConfigError::value(key, detail)),
        None => Ok(()),
    }
}

/// Opens the key that pays.
pub fn signer(key: &KeySection) -> anyhow::Result<PrivateKeySigner> {
    Ok(PrivateKeySigner::from_slice(key.ecdsa()?.expose_bytes())?)
}
