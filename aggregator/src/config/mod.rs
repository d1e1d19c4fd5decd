//! `aggregator.toml`. A key that is not known is an error; secrets are named by file or variable.

mod duties;
mod relay;

use std::{collections::BTreeSet, net::SocketAddr, path::PathBuf};

use quorate_canon::Address;
use quorate_rpc::{ServerLimits, ServerTls};
use quorate_service::{ConfigError, Network};
use quorate_settings::{BeaconSection, ChainSection, ContractsSection, KeySection};
use serde::Deserialize;
use tracing::warn;

pub use duties::{Collector, Duties};
pub use relay::Relay;

use crate::tally::Work;

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
    pub l1: ChainSection,
    /// The chain of the market.
    pub l2: ChainSection,
    /// Which contracts; `slasher` is needed here.
    pub contracts: ContractsSection,
    /// The key that pays for transactions, on both chains.
    pub key: KeySection,
    /// The randomness.
    pub beacon: BeaconSection,
    /// The collector's patience.
    #[serde(default)]
    pub collector: Collector,
    /// What is done beside settling.
    #[serde(default)]
    pub duties: Duties,
    /// Carrying calls that others signed; off where it is missing.
    pub relay: Option<Relay>,
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
    /// Connections at a time from one address, of IPv6 from one /48; as many as `connections` behind
    /// a proxy.
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

    /// The server's limits. An address may have as large a share of the requests as it has of the
    /// connections: behind a proxy all of them.
    pub fn limits(&self) -> ServerLimits {
        let usual = ServerLimits::default();
        let of_all = usual.requests.saturating_mul(self.connections_per_address);
        let share = of_all / self.connections.max(1);
        ServerLimits {
            connections: self.connections,
            connections_per_address: self.connections_per_address,
            requests_per_address: share.clamp(usual.requests_per_address, usual.requests),
            ..usual
        }
    }

    /// Checks what the types cannot say.
    fn validate(&self) -> Result<(), ConfigError> {
        let checks = [
            ("grpc.connections", self.connections),
            ("grpc.connections_per_address", self.connections_per_address),
        ];
        match checks.into_iter().find(|(_, value)| *value == 0) {
            Some((key, _)) => {
                let detail = "is 0, expected at least 1: no operator could connect";
                Err(ConfigError::value(key, detail))
            }
            None => Ok(()),
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

impl Config {
    /// `Slasher`, where evidence goes.
    ///
    /// # Errors
    /// [`ConfigError::Value`] if it is not named.
    pub fn slasher(&self) -> Result<Address, ConfigError> {
        let missing = "missing: evidence is taken there";
        self.contracts
            .slasher
            .ok_or_else(|| ConfigError::value("contracts.slasher", missing))
    }

    /// What is done about operators' work: as far as contracts are named, unless it is switched off.
    pub fn work(&self) -> Work {
        let done = self.duties.work;
        Work {
            tally: done && self.contracts.tally.is_some(),
            attendance: done && self.contracts.attendance.is_some(),
            rewards: done && self.contracts.rewards.is_some(),
        }
    }

    /// What works, and should not be left so.
    pub fn advice(&self) -> Vec<String> {
        let alone = |(name, section): (&str, &ChainSection)| {
            let urls = section.urls.0.iter();
            let hosts: BTreeSet<_> = urls.filter_map(|url| url.host_str()).collect();
            (hosts.len() < 2).then(|| {
                format!(
                    "{name}.urls names one host, expected two of different providers at least: what it \
                     withholds or gets wrong, nobody contradicts"
                )
            })
        };
        let chains = [("l1", &self.l1), ("l2", &self.l2)];
        match self.network {
            Network::Production => chains.into_iter().filter_map(alone).collect(),
            Network::Devnet => Vec::new(),
        }
    }

    /// Checks what the types cannot say, and warns of what is no error.
    ///
    /// # Errors
    /// [`ConfigError::Value`], naming the setting.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.check()?;
        for advice in self.advice() {
            warn!("{advice}");
        }
        Ok(())
    }

    fn check(&self) -> Result<(), ConfigError> {
        self.l1.rpc("l1", self.network)?;
        self.l2.rpc("l2", self.network)?;
        self.beacon.info(self.network)?;
        self.slasher()?;
        self.grpc.validate()?;
        self.relay.as_ref().map_or(Ok(()), Relay::validate)?;
        let same = self.l1.chain_id == self.l2.chain_id;
        let checks = [
            (
                "l2.chain_id",
                same,
                "is L1's: a header must tell the chains apart",
            ),
            (
                "contracts.health",
                self.work().tally && self.contracts.health.is_none(),
                "missing: the sample of operators' work is drawn from its beacon",
            ),
            (
                "l1.log_range",
                self.l1.log_range == 0,
                "is 0, expected at least 1 block",
            ),
            (
                "l2.log_range",
                self.l2.log_range == 0,
                "is 0, expected at least 1 block",
            ),
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
            (
                "duties.max_bond_wei",
                self.duties.propose && self.duties.max_bond_wei.is_zero(),
                "is 0: no bond could be paid for a proposal",
            ),
            (
                "duties.propose_min_stake_bps",
                self.duties.propose_min_stake_bps > 10_000,
                "is more than 10000",
            ),
            (
                "duties.evidence_days",
                self.duties.evidence && self.duties.evidence_days == 0,
                "is 0: no evidence would be taken anywhere",
            ),
            (
                "duties.slash_days",
                self.duties.slash && self.duties.slash_days == 0,
                "is 0: nothing would be remembered long enough to be slashed",
            ),
            (
                "duties.observe_epochs",
                self.duties.observe && self.duties.observe_epochs == 0,
                "is 0, expected at least 1",
            ),
            (
                "duties.claim_min_micro",
                self.duties.claim && self.duties.claim_min_micro == 0,
                "is 0: nothing would be claimed, at the price of a transaction",
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
    fn a_missing_slasher_is_named() {
        let mut config = example();
        config.contracts.slasher = None;
        let error = config.validate().unwrap_err().to_string();
        assert!(error.contains("contracts.slasher"), "{error}");
    }

    #[test]
    fn proposing_needs_a_bond() {
        let mut config = example();
        config.duties.propose = true;
        let error = config.validate().unwrap_err().to_string();
        assert!(error.contains("duties.max_bond_wei"), "{error}");
        config.duties.max_bond_wei = alloy::primitives::U256::from(1);
        config.validate().unwrap();
    }

    #[test]
    fn the_example_s_duties_are_the_defaults() {
        assert_eq!(example().duties, Duties::default());
    }

    #[test]
    fn duties_that_could_do_nothing_are_named() {
        type Fault = fn(&mut Duties);
        let faults: [(&str, Fault); 4] = [
            ("duties.evidence_days", |duties| duties.evidence_days = 0),
            ("duties.slash_days", |duties| duties.slash_days = 0),
            ("duties.observe_epochs", |duties| duties.observe_epochs = 0),
            ("duties.claim_min_micro", |duties| {
                duties.claim_min_micro = 0
            }),
        ];
        for (key, fault) in faults {
            let mut config = example();
            fault(&mut config.duties);
            let error = config.validate().unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
    }

    #[test]
    fn operators_work_is_done_as_far_as_contracts_are_named() {
        let mut config = example();
        assert!(config.work().tally && config.work().keeps_signers());
        config.contracts.attendance = None;
        assert!(!config.work().keeps_signers());
        config.duties.work = false;
        assert_eq!(config.work(), Work::default());
    }

    #[test]
    fn a_tally_without_health_is_named() {
        let mut config = example();
        config.contracts.health = None;
        let error = config.validate().unwrap_err().to_string();
        assert!(error.contains("contracts.health"), "{error}");
    }

    #[test]
    fn a_range_of_no_blocks_is_refused_and_named() {
        type Chosen = fn(&mut Config) -> &mut ChainSection;
        let chains: [(&str, Chosen); 2] = [
            ("l1.log_range", |config| &mut config.l1),
            ("l2.log_range", |config| &mut config.l2),
        ];
        for (key, chosen) in chains {
            let mut config = example();
            chosen(&mut config).log_range = 0;
            let error = config.validate().unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
    }

    #[test]
    fn a_chain_seen_through_one_host_is_warned_of_in_production() {
        let mut config = example();
        assert_eq!(config.advice(), Vec::<String>::new());
        // Two of the same host are one.
        let first = config.l2.urls.0[0].clone();
        config.l2.urls.0 = vec![first.clone(), first.join("/v2").unwrap()];
        let advice = config.advice();
        assert!(
            matches!(&advice[..], [one] if one.starts_with("l2.urls")),
            "{advice:?}"
        );
        config.validate().unwrap();
        config.network = Network::Devnet;
        assert_eq!(config.advice(), Vec::<String>::new());
    }

    #[test]
    fn a_door_that_lets_nobody_in_is_refused_and_named() {
        for (all, one, key) in [
            (0, 0, "grpc.connections"),
            (8, 0, "grpc.connections_per_address"),
        ] {
            let mut config = example();
            (config.grpc.connections, config.grpc.connections_per_address) = (all, one);
            let error = config.validate().unwrap_err().to_string();
            assert!(error.contains(key) && error.contains("expected"), "{error}");
        }
    }

    #[test]
    fn the_example_s_door_is_the_default_and_a_proxy_has_all_of_it() {
        let (mut grpc, usual) = (example().grpc, ServerLimits::default());
        let limits = grpc.limits();
        assert_eq!(limits.connections, usual.connections);
        assert_eq!(
            limits.connections_per_address,
            usual.connections_per_address
        );
        assert_eq!(limits.requests_per_address, usual.requests_per_address);
        grpc.connections_per_address = grpc.connections;
        assert_eq!(grpc.limits().requests_per_address, usual.requests);
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
}
