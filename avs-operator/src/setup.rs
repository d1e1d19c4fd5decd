//! From configuration to connected, checked parts.

mod agreed;
mod on_l1;
#[cfg(test)]
mod tests;

use std::time::Duration;

use quorate_bls::{PublicKey, SecretKey};
use quorate_canon::{Address, OperatorIndex, Round, Timestamp};
use quorate_chain::{ChainError, Contracts, Reader, ReaderConfig, Rpc, to_alloy_address, views};
use quorate_protocol::{Domain, Schedule};
use quorate_service::{ConfigError, Network as NetworkKind};
use quorate_signer::{Identity, SignerError, SigningLedger};
use quorate_store::StoreError;

pub use agreed::Endpoint;
pub(crate) use agreed::{AHEAD, floor};

use crate::{Config, OperatorError, post::now};

/// Certified rounds that are searched for a vote of a key whose ledger is missing.
const HISTORY: usize = 512;
/// Pause between two looks whether the operator is registered.
pub(crate) const REGISTERED_POLL: Duration = Duration::from_secs(2);

/// The chains, checked, and what the contracts say of themselves.
#[derive(Debug)]
pub struct Network {
    /// L1.
    pub l1: Rpc,
    /// L2.
    pub l2: Rpc,
    /// Each endpoint of L2 by itself, of those that answered at the start.
    pub each_l2: Vec<Endpoint>,
    /// Whom headers name.
    pub domain: Domain,
    /// The schedule.
    pub schedule: Schedule,
    /// Contracts that are followed on L2.
    pub contracts: Contracts,
}

/// A mismatch between configuration and chain.
pub(crate) fn mismatch(
    what: &'static str,
    got: impl ToString,
    expected: impl ToString,
    remedy: &'static str,
) -> OperatorError {
    OperatorError::Mismatch {
        what,
        got: got.to_string(),
        expected: expected.to_string(),
        remedy,
    }
}

/// Connects to one chain and makes sure of its id and precompile.
///
/// # Errors
/// [`ChainError`] naming the check that failed.
pub async fn connect(config: &Config, l1: bool) -> Result<Rpc, OperatorError> {
    let (name, section) = if l1 {
        ("l1", &config.l1)
    } else {
        ("l2", &config.l2)
    };
    let rpc = Rpc::connect(section.rpc(name, config.network)?).await?;
    rpc.check_precompiles().await?;
    Ok(rpc)
}

/// Reads what `Rounds` says of itself, from every endpoint of L2 that answers, and compares it with the
/// configuration and with L1.
///
/// # Errors
/// [`OperatorError::Mismatch`], naming both sides.
pub async fn network(config: &Config, l1: Rpc, l2: Rpc) -> Result<Network, OperatorError> {
    let (facts, each_l2) = agreed::facts(config).await?;
    let agreed::Facts {
        domain,
        schedule,
        contracts,
    } = facts;
    if domain.l1_chain.get() != config.l1.chain_id {
        let remedy = "Rounds serves another L1: check contracts.rounds and l1.chain_id";
        return Err(mismatch(
            "L1 chain id of Rounds",
            domain.l1_chain,
            config.l1.chain_id,
            remedy,
        ));
    }
    if domain.avs != config.contracts.service_manager {
        let remedy =
            "Rounds serves another AVS: check contracts.rounds and contracts.service_manager";
        return Err(mismatch(
            "AVS of Rounds",
            domain.avs,
            config.contracts.service_manager,
            remedy,
        ));
    }
    pinned_beacon(config, &schedule)?;
    refuse_devnet_bridges(config, &l2, contracts.rounds).await?;
    on_l1::check(config, &l1, &domain, &schedule, now()).await?;
    Ok(Network {
        l1,
        l2,
        each_l2,
        domain,
        schedule,
        contracts,
    })
}

/// The beacon of `Rounds` must be the one that is pinned here.
fn pinned_beacon(config: &Config, schedule: &Schedule) -> Result<(), OperatorError> {
    let pinned = config.beacon.info(config.network)?;
    if pinned.chain_hash != schedule.beacon_chain_hash {
        let remedy = "Rounds uses another beacon: check beacon.chain";
        return Err(mismatch(
            "beacon chain hash of Rounds",
            schedule.beacon_chain_hash,
            pinned.chain_hash,
            remedy,
        ));
    }
    let rhythm = |genesis: Timestamp, period: u32| format!("{genesis} and {period} s");
    let got = rhythm(schedule.beacon_genesis, schedule.beacon_period);
    let expected = rhythm(pinned.genesis, pinned.period);
    if got != expected {
        let remedy = "an endpoint of L2 lies, or Rounds was deployed wrongly: check l2.urls, contracts.rounds and beacon.chain";
        return Err(mismatch(
            "beacon genesis and period of Rounds",
            got,
            expected,
            remedy,
        ));
    }
    Ok(())
}

/// Whose judgement rounds are refuted by.
///
/// # Errors
/// [`ChainError`].
pub async fn verifier(network: &Network) -> Result<alloy::primitives::Address, ChainError> {
    let disputes = views::disputes_of(&network.l2, network.contracts.rounds).await?;
    views::verifier_of(&network.l2, disputes).await
}

/// `Machines`, if machines are probed.
///
/// # Errors
/// [`ConfigError`] if they are to be probed and the address is missing.
pub fn machines(config: &Config) -> Result<Option<Address>, ConfigError> {
    config
        .health
        .as_ref()
        .filter(|health| health.enabled)
        .map(|_| config.machines())
        .transpose()
}

/// Follows L2 from the deployment on, or from the block of an image of the index.
///
/// # Errors
/// [`ChainError`].
pub async fn reader(
    config: &Config,
    network: &Network,
    image: Option<&[u8]>,
) -> Result<Reader, OperatorError> {
    let mut follow = ReaderConfig::new(network.contracts, config.contracts.deployed_at);
    follow.machines = machines(config)?.map(to_alloy_address);
    follow.final_depth = config.l2.final_depth;
    follow.range = config.l2.log_range;
    follow.ahead = Some(AHEAD);
    Ok(Reader::open_from(network.l2.clone(), follow, image).await?)
}

/// The operator's index, if it is registered, with its key compared to ours.
///
/// # Errors
/// [`OperatorError::Mismatch`] if it is registered with another key.
pub async fn registration(
    network: &Network,
    operator: Address,
    key: &PublicKey,
) -> Result<Option<OperatorIndex>, OperatorError> {
    let manager = to_alloy_address(network.domain.avs);
    let Some((index, registered)) = views::operator_index(&network.l1, manager, operator).await?
    else {
        return Ok(None);
    };
    if registered != key.to_bytes192() {
        return Err(mismatch(
            "BLS key of this operator on L1",
            hex::encode(registered),
            hex::encode(key.to_bytes192()),
            "use the keystore that was registered; a key cannot be changed without a new index",
        ));
    }
    Ok(Some(index))
}

/// Opens the ledger, or makes one if told to.
///
/// # Errors
/// [`SignerError::Missing`], or [`SignerError::MissingButSigned`] if the chain shows votes of it.
pub fn ledger(
    config: &Config,
    key: &SecretKey,
    domain: Domain,
    history: Option<Round>,
    init: bool,
) -> Result<SigningLedger, SignerError> {
    let identity = Identity {
        key: key.public_key(),
        domain,
    };
    let path = &config.store.ledger;
    if init && !path.exists() {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|source| StoreError::Io {
                path: folder.to_owned(),
                source,
            })?;
        }
        return SigningLedger::create(path, &identity, history);
    }
    SigningLedger::open(path, &identity).map_err(|error| error.with_history(history))
}

/// The newest certified round that bears a signature of this index, as far back as is looked.
/// Proposed rounds show nobody's.
///
/// # Errors
/// [`ChainError`].
pub async fn last_signed(
    network: &Network,
    reader: &Reader,
    index: OperatorIndex,
) -> Result<Option<Round>, ChainError> {
    let rounds = reader.state().rounds.iter().rev();
    let certified = rounds.filter(|(_, round)| round.proposer.is_none());
    for (round, certified) in certified.take(HISTORY) {
        let record =
            views::certified_record(&network.l2, &network.domain, round, certified).await?;
        if record.certificate.claims(index) {
            return Ok(Some(round));
        }
    }
    Ok(None)
}

/// Refuses the devnet's bridges in production: whoever holds their relayer's key could make up L2's word
/// on rounds, and on who did what share of the work.
async fn refuse_devnet_bridges(
    config: &Config,
    l2: &Rpc,
    rounds: alloy::primitives::Address,
) -> Result<(), OperatorError> {
    if config.network == NetworkKind::Devnet {
        return Ok(());
    }
    let tally = config.contracts.tally.map(to_alloy_address);
    for sender in std::iter::once(rounds).chain(tally) {
        let bridge = views::bridge_of(l2, sender).await?;
        if views::is_devnet_bridge(l2, bridge).await? {
            config
                .network
                .allow_simulated(format!("the bridge at {bridge}"))?;
        }
    }
    Ok(())
}
