//! From configuration to parts.

use quorate_canon::Address;
use quorate_keys::ecdsa;
use quorate_rpc::ClientLimits;
use quorate_service::ConfigError;
use tracing::info;
use url::Url;

use crate::chain::{Hand, KeyedHand, L2, Place, RelayedHand};
use crate::config::PayingKey;
use crate::contradict::{Contradictor, Parts};
use crate::{AgentError, Config};

/// Journals of transactions, one a key.
const MACHINE_JOURNAL: &str = "machine-journal.sqlite";
const PROVIDER_JOURNAL: &str = "provider-journal.sqlite";

/// L2, not connected yet.
///
/// # Errors
/// [`ConfigError`] for endpoints that are refused.
pub(crate) fn l2(config: &Config) -> Result<L2, ConfigError> {
    Ok(L2::new(Place {
        rpc: config.l2.rpc("l2", config.network)?,
        contracts: config.contracts,
        log_range: config.l2.log_range,
    }))
}

/// The machine key.
///
/// # Errors
/// [`ConfigError::Secret`].
pub(crate) fn machine_key(config: &Config) -> Result<ecdsa::SecretKey, ConfigError> {
    config.machine_key.ecdsa()
}

/// The provider's key.
///
/// # Errors
/// [`ConfigError`] if there is none, or it cannot be opened.
pub(crate) fn provider_key(config: &Config) -> Result<ecdsa::SecretKey, ConfigError> {
    let missing = || {
        ConfigError::value(
            "provider_key",
            "missing; this command sends with the provider's own key",
        )
    };
    config.provider_key.as_ref().ok_or_else(missing)?.ecdsa()
}

/// A hand with the provider's key.
///
/// # Errors
/// [`AgentError`] if there is no such key, or it cannot be opened.
pub(crate) fn provider_hand(config: &Config, l2: &L2) -> Result<KeyedHand, AgentError> {
    let journal = config.file(PROVIDER_JOURNAL);
    Ok(KeyedHand::new(l2.clone(), &provider_key(config)?, journal)?)
}

/// The hand of a person's command: the provider's key, and its own gas or a relay's.
///
/// # Errors
/// As [`provider_hand`].
pub(crate) fn cold_hand(config: &Config, l2: &L2) -> Result<Box<dyn Hand>, AgentError> {
    match &config.relay {
        Some(relay) => relayed(config, l2, &provider_key(config)?, relay),
        None => Ok(Box::new(provider_hand(config, l2)?)),
    }
}

/// A hand that signs, and has a relay carry it.
///
/// # Errors
/// [`AgentError::Chain`] if no HTTP client can be made.
pub(crate) fn relayed(
    config: &Config,
    l2: &L2,
    key: &ecdsa::SecretKey,
    relay: &Url,
) -> Result<Box<dyn Hand>, AgentError> {
    let hand = RelayedHand::new(l2.clone(), key, relay, config.data.clone())?;
    Ok(Box::new(hand))
}

/// A hand with the machine key.
///
/// # Errors
/// As [`provider_hand`].
pub(crate) fn machine_hand(config: &Config, l2: &L2) -> Result<KeyedHand, AgentError> {
    let journal = config.file(MACHINE_JOURNAL);
    Ok(KeyedHand::new(l2.clone(), &machine_key(config)?, journal)?)
}

/// The hand that `run` sends with.
///
/// # Errors
/// As [`provider_hand`].
pub(crate) fn running_hand(config: &Config, l2: &L2) -> Result<KeyedHand, AgentError> {
    match config.watch.key {
        PayingKey::Machine => machine_hand(config, l2),
        PayingKey::Provider => provider_hand(config, l2),
    }
}

/// Those who ask aggregators who calls the machine DOWN; none, and a line that says so, where nobody is
/// to be asked.
///
/// # Errors
/// [`AgentError::Rpc`] for an address that cannot be used, or roots that do not load.
pub(crate) fn contradictors(
    config: &Config,
    parts: &Parts,
) -> Result<Vec<Contradictor>, AgentError> {
    let why = match (config.duties.contradict, config.aggregators.is_empty()) {
        (false, _) => "duties.contradict is off",
        (true, true) => "no aggregators are configured",
        (true, false) => {
            let (tls, limits) = (config.aggregator_tls(), ClientLimits::default());
            return Ok(Contradictor::all(
                parts,
                &config.aggregators,
                &tls,
                &limits,
            )?);
        }
    };
    info!(
        why,
        "nobody is asked who calls this machine DOWN without being certified; set aggregators and duties.contradict to convict them"
    );
    Ok(Vec::new())
}

/// The address of a key.
pub(crate) fn address(key: &ecdsa::SecretKey) -> Address {
    Address(key.address())
}
