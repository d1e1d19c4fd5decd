//! `aggregator.toml`. A key that is not known is an error; secrets are named by file or variable.

use std::{fmt, net::SocketAddr, path::PathBuf, time::Duration};

use alloy::primitives::{Address, U256};
use quorate_beacon::{ChainInfo, Kind};
use quorate_canon::{Digest, Timestamp};
use quorate_rpc::{ServerLimits, ServerTls};
use quorate_service::{ConfigError, Network, SecretSource};
use serde::Deserialize;
use url::Url;

use crate::{
    chain::ethereum::Addresses,
    collector::{Limits, Millis},
};

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

/// JSON-RPC endpoints; their paths often are keys, so only hosts are shown.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Endpoints(pub Vec<Url>);

impl fmt::Debug for Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|url| url.host_str().unwrap_or("?")))
            .finish()
    }
}

/// L1.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct L1 {
    /// Endpoints, best first.
    pub urls: Endpoints,
    /// The chain id that all of them must have.
    pub chain_id: u64,
    /// `ServiceManager`.
    pub service_manager: Address,
    /// `Slasher`.
    pub slasher: Address,
    /// Wei that go along with what crosses the bridge.
    #[serde(default)]
    pub bridge_value: U256,
}

/// L2.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct L2 {
    /// Endpoints, best first.
    pub urls: Endpoints,
    /// The chain id that all of them must have.
    pub chain_id: u64,
    /// `Rounds`.
    pub rounds: Address,
    /// `StakeTable`.
    pub stake_table: Address,
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

/// The beacon.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beacon {
    /// Relays.
    pub relays: Vec<Url>,
    /// A local stand-in for drand quicknet; devnet only.
    pub local: Option<LocalBeacon>,
}

/// The parameters of a local beacon.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalBeacon {
    /// Public key, hex, compressed.
    pub public_key: String,
    /// Chain hash.
    pub chain_hash: String,
    /// Time of round 1.
    pub genesis: u64,
    /// Seconds a round.
    pub period: u32,
}

impl Beacon {
    /// The chain that is trusted: drand quicknet, or the local stand-in where it is allowed.
    pub fn chain(&self, network: Network) -> Result<ChainInfo, ConfigError> {
        let Some(local) = &self.local else {
            return Ok(ChainInfo::quicknet());
        };
        let bad =
            |key: &str, detail: String| ConfigError::value(format!("beacon.local.{key}"), detail);
        let public_key = alloy::hex::decode_to_array(&local.public_key)
            .map_err(|error| bad("public_key", error.to_string()))?;
        let chain_hash: Digest = local
            .chain_hash
            .parse()
            .map_err(|error| bad("chain_hash", format!("{error}")))?;
        let info = ChainInfo::local(
            public_key,
            chain_hash,
            Timestamp::new(local.genesis),
            local.period,
        );
        if info.kind == Kind::Local {
            network.allow_simulated("beacon.local")?;
        }
        Ok(info)
    }
}

/// The collector's patience.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Collector {
    /// Wait for stragglers once a quorum stands, milliseconds.
    pub grace_ms: u64,
    /// Bad signatures from one address in one operator's name in one round before no more are checked.
    pub failures: u32,
    /// Seconds for which votes of a round are kept after its deadline.
    pub kept_seconds: u32,
}

impl Default for Collector {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            grace_ms: limits.grace.0,
            failures: limits.failures,
            kept_seconds: limits.kept,
        }
    }
}

impl Collector {
    /// The collector's limits.
    pub fn limits(&self) -> Limits {
        Limits {
            grace: Millis(self.grace_ms),
            failures: self.failures,
            kept: self.kept_seconds,
            ..Limits::default()
        }
    }
}

/// What is done beside settling.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Duties {
    /// Fixes stake tables on L1 and posts their pages on L2.
    pub tables: bool,
    /// Takes evidence to L1.
    pub evidence: bool,
    /// Reports every round that has become final, not only those that L1 waits for.
    pub report_all: bool,
    /// Pause between two looks of each duty, milliseconds.
    pub pause_ms: u64,
    /// Days after a round's close in which L1 takes evidence and executes charges.
    pub evidence_days: u64,
}

impl Default for Duties {
    fn default() -> Self {
        Self {
            tables: true,
            evidence: true,
            report_all: false,
            pause_ms: 5_000,
            evidence_days: 13,
        }
    }
}

impl Duties {
    /// Pause between two looks.
    pub const fn pause(&self) -> Duration {
        Duration::from_millis(self.pause_ms)
    }
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
