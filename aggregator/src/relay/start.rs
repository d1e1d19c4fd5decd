//! From configuration to a relay at work.

use std::time::Duration;

use alloy::primitives::Address;
use quorate_chain::forward::Forwarder;
use quorate_chain::sender::{SenderConfig, TxSender};
use quorate_chain::{ChainError, Rpc, to_alloy_address, views};
use quorate_service::{ConfigError, Metrics, Shutdown};
use tracing::{error, info};

use super::budget::Budget;
use super::carrier::Ethereum;
use super::desk::{Desk, Plan};
use super::functions::Targets;
use super::observe::Observe;
use super::page::Page;
use crate::config::{Config, Relay};
use crate::reach::signer;

/// Pause between two attempts to reach the chain.
const RETRY: Duration = Duration::from_secs(2);

/// Opens the relay of a configuration, if it has one, as soon as its chain answers. A task of its
/// own: nothing of the aggregator waits for it.
///
/// # Errors
/// If the key cannot be opened or is the aggregator's own, or the budget cannot be read.
pub fn start(
    config: &Config,
    page: &Page<Ethereum>,
    metrics: &Metrics,
    shutdown: &Shutdown,
) -> anyhow::Result<Option<tokio::task::JoinHandle<()>>> {
    let Some(section) = &config.relay else {
        return Ok(None);
    };
    let key = signer(&section.key())?;
    if key.address() == signer(&config.key)?.address() {
        let detail =
            "is the aggregator's own key: its transactions would wait for those of strangers";
        return Err(ConfigError::value("relay.keystore", detail).into());
    }
    let budget = Budget::open(&config.data.join("relay.json"), section.budget_wei)
        .map_err(|detail| ConfigError::value("data", detail))?;
    let (config, page, shutdown) = (config.clone(), page.clone(), shutdown.clone());
    let (observe, section) = (Observe::new(metrics), section.clone());
    Ok(Some(tokio::spawn(async move {
        let found = loop {
            match shutdown.or(find(&config)).await {
                Some(Err(error)) if error.is_retryable() => {
                    info!(%error, "the relay waits for L2");
                }
                Some(found) => break found,
                None => return,
            }
            if !shutdown.sleep(RETRY).await {
                return;
            }
        };
        let opened = found
            .map_err(|error| error.to_string())
            .and_then(|found| open(found, &section, key, &config).map_err(|e| e.to_string()));
        match opened {
            Ok((plan, carrier)) => {
                info!(forwarder = %plan.forwarder.address(), "signed calls are carried");
                page.open(Desk::new(plan, carrier, budget, observe));
            }
            Err(error) => error!(
                error,
                "the relay does not work; mend [relay] and start again"
            ),
        }
    })))
}

/// What the chain says of the contracts.
struct Found {
    rpc: Rpc,
    forwarder: Forwarder,
    targets: Targets,
}

/// Finds the contracts from `Rounds` on, and makes sure that all of them trust one forwarder. The
/// connection is the relay's own.
async fn find(config: &Config) -> Result<Found, ChainError> {
    let absent = |what: String| ChainError::Absent(what);
    let l2 = config
        .l2
        .rpc("l2", config.network)
        .map_err(|error| absent(error.to_string()))?;
    let rpc = Rpc::connect(l2).await?;
    let market = views::market_of(&rpc, to_alloy_address(config.contracts.rounds)).await?;
    let targets = Targets {
        market,
        escrow: views::escrow_of(&rpc, market).await?,
        providers: views::providers_of(&rpc, market).await?,
        machines: machines(&rpc, config, market).await?,
    };
    let forwarder = views::forwarder(&rpc, market)
        .await?
        .ok_or_else(|| absent("a forwarder that Market trusts".to_owned()))?;
    for (name, address, _) in targets.all() {
        if !views::trusts(&rpc, address, forwarder.address()).await? {
            let at = forwarder.address();
            return Err(absent(format!("trust of {name} in forwarder {at}")));
        }
    }
    Ok(Found {
        rpc,
        forwarder,
        targets,
    })
}

/// `Machines`, as configured or as `Health` names it.
async fn machines(
    rpc: &Rpc,
    config: &Config,
    market: Address,
) -> Result<Option<Address>, ChainError> {
    let (machines, health) = (config.contracts.machines, config.contracts.health);
    let found = match (machines, health) {
        (Some(machines), _) => to_alloy_address(machines),
        (None, Some(health)) => {
            let health = to_alloy_address(health);
            views::health_neighbours(rpc, health).await?.machines
        }
        (None, None) => return Ok(None),
    };
    let of = views::machines_neighbours(rpc, found).await?.market;
    if of != market {
        let detail = format!("Machines at {found} of Market {market}; it is of {of}");
        return Err(ChainError::Absent(detail));
    }
    Ok(Some(found))
}

fn open(
    found: Found,
    section: &Relay,
    key: alloy::signers::local::PrivateKeySigner,
    config: &Config,
) -> Result<(Plan, Ethereum), quorate_chain::sender::SendError> {
    let Found {
        rpc,
        forwarder,
        targets,
    } = found;
    let plan = Plan {
        chain_id: rpc.chain_id(),
        forwarder: forwarder.clone(),
        targets,
        limits: section.limits(),
        wait: section.wait(),
    };
    let journal = config.data.join("relay.sqlite");
    let sender = TxSender::open(rpc, key, SenderConfig::default(), Some(&journal))?;
    Ok((plan, Ethereum::new(forwarder, sender)))
}
