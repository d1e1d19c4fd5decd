//! `aggregator.toml`. A key that is not known is an error; secrets are named by file or variable.

mod beacon;
mod chains;
mod duties;

use std::{net::SocketAddr, path::PathBuf};

use quorate_rpc::{ServerLimits, ServerTls};
use quorate_service::{ConfigError, Network, SecretSource};
use serde::Deserialize;

pub use beacon::{Beacon, LocalBeacon};
pub use chains::{Endpoints, L1, L2};
pub use duties::{Collector, Duties};

use crate::chain::ethereum::Addresses;

/// The whole configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Which network: production refuses everything simulated.
    pub network: Network,
    /// Folder of the database and of the senders' journals.
    pub data: PathBuf,
    /// Where operators connect.
    pub grpc: Grpc,
    /// Where metrics, health and status are shown.
    pub http: Http,
    /// The chain of the stake.
    pub l1: L1,
    /// The chain of the market.
    pub l2: L2,
    /// Who pays.
    pub key: Key,
    /// The randomness.
    pub beacon: Beacon,
    /// The collector's patience.
    #[serde(default)]
    pub collector: Collector,
    /// What is done beside settling.
    #[serde(default)]
    pub duties: Duties,
}

/// Where operators connect.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grpc {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Certificate and key, PEM files. Without them the connection is not encrypted: votes are public
    /// and signed, but nothing then proves to an operator whom it speaks to.
    pub tls: Option<Tls>,
    /// Connections at a time.
    #[serde(default = "Grpc::connections")]
    pub connections: usize,
    /// Connections at a time from one address; higher behind a proxy.
    #[serde(default = "Grpc::connections_per_address")]
    pub connections_per_address: usize,
}

impl Grpc {
    fn connections() -> usize {
        ServerLimits::default().connections
    }

    fn connections_per_address() -> usize {
        ServerLimits::default().connections_per_address
    }

    /// The server's limits.
    pub fn limits(&self) -> ServerLimits {
        ServerLimits {
            connections: self.connections,
            connections_per_address: self.connections_per_address,
            ..ServerLimits::default()
        }
    }

    /// The server's TLS material.
    pub fn tls(&self) -> Option<ServerTls> {
        let tls = self.tls.as_ref()?;
        Some(ServerTls {
            certificate: tls.certificate.clone(),
            key: tls.key.clone(),
        })
    }
}

/// TLS files.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Certificate chain.
    pub certificate: PathBuf,
    /// Private key.
    pub key: PathBuf,
}

/// The page for the host.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Address and port; port 0 takes a free one. Not for the open internet.
    pub listen: SocketAddr,
}

/// The key that pays for transactions, on both chains.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Keystore in Web3 Secret Storage v3.
    pub keystore: PathBuf,
    /// Its password.
    pub password: SecretSource,
}

impl Config {
    /// Where the contracts lie.
    pub const fn addresses(&self) -> Addresses {
        Addresses {
            service_manager: self.l1.service_manager,
            slasher: self.l1.slasher,
            rounds: self.l2.rounds,
            stake_table: self.l2.stake_table,
        }
    }

    /// Checks what the types cannot say.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.beacon.chain(self.network)?;
        let same = self.l1.chain_id == self.l2.chain_id;
        let checks = [
            (
                "l2.chain_id",
                same,
                "is L1's: a header must tell the chains apart",
            ),
            ("l1.urls", self.l1.urls.0.is_empty(), "is empty"),
            ("l2.urls", self.l2.urls.0.is_empty(), "is empty"),
            ("beacon.relays", self.beacon.relays.is_empty(), "is empty"),
            (
                "collector.grace_ms",
                self.collector.grace_ms > 60_000,
                "is more than a minute",
            ),
            (
                "collector.failures",
                self.collector.failures == 0,
                "is 0: no vote would be checked",
            ),
            (
                "duties.pause_ms",
                self.duties.pause_ms < 50,
                "is less than 50",
            ),
        ];
        match checks.into_iter().find(|(_, wrong, _)| *wrong) {
            Some((key, _, detail)) => Err(ConfigError::value(key, detail)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::Limits;
    use std::path::Path;

    fn example() -> Config {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("aggregator.toml");
        quorate_service::config::load_with(&path, []).unwrap()
    }

    #[test]
    fn the_example_loads_and_is_valid() {
        let config = example();
        config.validate().unwrap();
        assert_eq!(config.network, Network::Production);
        assert_eq!(config.collector.limits(), Limits::default());
    }

    #[test]
    fn production_refuses_a_local_beacon() {
        let mut config = example();
        config.beacon.local = Some(LocalBeacon {
            public_key: "83".repeat(96),
            chain_hash: "52".repeat(32),
            genesis: 1,
            period: 1,
        });
        let error = config.validate().unwrap_err().to_string();
        assert!(error.contains("beacon.local"), "{error}");
        config.network = Network::Devnet;
        config.validate().unwrap();
    }

    #[test]
    fn values_out_of_range_are_named() {
        let mut config = example();
        config.l2.chain_id = config.l1.chain_id;
        assert!(
            config
                .validate()
                .unwrap_err()
                .to_string()
                .contains("l2.chain_id")
        );
    }

    #[test]
    fn debug_shows_no_endpoint_path() {
        let mut config = example();
        config.l1.urls = Endpoints(vec!["https://rpc.example/v1/secret-key".parse().unwrap()]);
        let shown = format!("{config:?}");
        assert!(
            shown.contains("rpc.example") && !shown.contains("secret-key"),
            "{shown}"
        );
    }
}
