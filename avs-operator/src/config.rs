//! The operator's configuration: `operator.toml`, see `operator.example.toml` beside this crate.

mod health;

use std::{net::SocketAddr, path::PathBuf};

use quorate_canon::Address;
use quorate_service::{ConfigError, Network};
use quorate_settings::{BeaconSection, ChainSection, ContractsSection, KeySection};
use serde::Deserialize;
use url::Url;

pub use health::HealthSection;

/// All that an operator's node is told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `production` refuses everything simulated.
    pub network: Network,
    /// The operator's address on L1, 0x and 40 digits.
    pub operator: String,
    /// The chain with the restaked money.
    pub l1: ChainSection,
    /// The chain with the market.
    pub l2: ChainSection,
    /// Which contracts.
    pub contracts: ContractsSection,
    /// Which beacon.
    pub beacon: BeaconSection,
    /// The BLS key.
    pub bls: KeySection,
    /// The operator's ECDSA key on L1; needed only to register.
    pub ecdsa: Option<KeySection>,
    /// Where things lie.
    pub store: StoreSection,
    /// Whom votes are sent to; all of them.
    pub aggregators: Vec<Url>,
    /// Roots that aggregators' certificates must lead to; the system's where absent.
    pub aggregator_roots: Option<PathBuf>,
    /// Metrics, readiness and EigenLayer's node API; keep it inside your own network.
    #[serde(default = "Config::default_http")]
    pub http: SocketAddr,
    /// How many pairs, and how many matches with their neighbours, the contracts are asked about
    /// before this node signs; at most [`Config::MOST_PAIRS`]. 0 asks about none (devnet only).
    #[serde(default = "Config::default_pairs")]
    pub self_check_pairs: usize,
    /// Probing machines; none are probed where it is missing.
    pub health: Option<HealthSection>,
}

/// Where the node keeps what it must not lose, and what it can derive again.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreSection {
    /// The signing ledger. On a disk of its own, never copied while the node runs, never deleted.
    pub ledger: PathBuf,
    /// A folder for what can be derived again; may be deleted while the node is down.
    pub data: PathBuf,
}

impl Config {
    /// The most pairs that the contracts answer for at once.
    pub const MOST_PAIRS: usize = 256;

    const fn default_pairs() -> usize {
        32
    }

    fn default_http() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 9090))
    }

    /// The operator's address.
    ///
    /// # Errors
    /// [`ConfigError::Value`].
    pub fn operator(&self) -> Result<Address, ConfigError> {
        self.operator
            .parse()
            .map_err(|error| ConfigError::value("operator", format!("{}: {error}", self.operator)))
    }

    /// Checks what can be checked without a chain.
    ///
    /// # Errors
    /// [`ConfigError`], naming the setting.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.operator()?;
        self.l1.rpc("l1", self.network)?;
        self.l2.rpc("l2", self.network)?;
        self.beacon.info(self.network)?;
        if self.aggregators.is_empty() {
            return Err(ConfigError::value(
                "aggregators",
                "empty, expected at least one: votes would reach nobody",
            ));
        }
        self.check_pairs()?;
        self.check_health()?;
        if self.store.ledger.starts_with(&self.store.data) {
            return Err(ConfigError::value(
                "store.ledger",
                format!(
                    "{} lies inside store.data ({}), which people delete; give it a place of its own",
                    self.store.ledger.display(),
                    self.store.data.display()
                ),
            ));
        }
        Ok(())
    }

    /// `Machines` on L2.
    ///
    /// # Errors
    /// [`ConfigError::Value`] if it is missing.
    pub fn machines(&self) -> Result<Address, ConfigError> {
        self.contracts.machines.ok_or_else(|| {
            ConfigError::value(
                "contracts.machines",
                "missing; [health] needs it, or set health.enabled = false",
            )
        })
    }

    fn check_health(&self) -> Result<(), ConfigError> {
        match &self.health {
            Some(health) if health.enabled => {
                self.machines()?;
                health.check(self.network)
            }
            _ => Ok(()),
        }
    }

    fn check_pairs(&self) -> Result<(), ConfigError> {
        let (setting, pairs) = ("self_check_pairs", self.self_check_pairs);
        if pairs > Self::MOST_PAIRS {
            let most = Self::MOST_PAIRS;
            return Err(ConfigError::value(
                setting,
                format!("{pairs}, expected at most {most}"),
            ));
        }
        if pairs == 0 && self.network == Network::Production {
            return Err(ConfigError::value(
                setting,
                "0, expected at least 1: a node that signs unchecked pays for our bugs",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Config {
        toml::from_str(include_str!("../operator.example.toml")).unwrap()
    }

    #[test]
    fn the_example_file_is_valid() {
        example().check().unwrap();
    }

    #[test]
    fn a_ledger_inside_the_folder_that_people_delete_is_refused() {
        let mut config = example();
        config.store.ledger = config.store.data.join("ledger.sqlite");
        let error = config.check().unwrap_err().to_string();
        assert!(error.contains("store.ledger"), "{error}");
    }

    #[test]
    fn production_never_signs_unchecked() {
        let mut config = example();
        for (network, pairs, good) in [
            (Network::Production, 1, true),
            (Network::Production, 0, false),
            (Network::Devnet, 0, true),
            (Network::Devnet, 256, true),
            (Network::Devnet, 257, false),
        ] {
            (config.network, config.self_check_pairs) = (network, pairs);
            assert_eq!(config.check_pairs().is_ok(), good, "{network} {pairs}");
        }
    }

    #[test]
    fn no_aggregator_is_refused() {
        let mut config = example();
        config.aggregators.clear();
        assert!(
            config
                .check()
                .unwrap_err()
                .to_string()
                .contains("aggregators")
        );
    }
}
