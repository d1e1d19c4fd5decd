//! Which beacon a node believes.

use quorate_beacon::{BeaconError, ChainInfo, Client, Limits};
use quorate_canon::{Digest, Timestamp};
use quorate_service::{ConfigError, Network};
use serde::Deserialize;
use url::Url;

use crate::hex;

/// The section `[beacon]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BeaconSection {
    /// Relays that speak drand's HTTP API; several of different operators.
    pub relays: Vec<Url>,
    /// `"quicknet"`, or a table with a local chain's parameters (devnet only).
    pub chain: ChainChoice,
}

/// A chain by name, or spelled out.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum ChainChoice {
    /// A chain that this program knows; only `quicknet`.
    Named(String),
    /// A local beacon.
    Local(LocalChain),
}

/// The parameters of a local beacon.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalChain {
    /// Public key, compressed, 96 bytes of hex.
    #[serde(deserialize_with = "hex::bytes")]
    pub public_key: [u8; 96],
    /// Chain hash.
    #[serde(deserialize_with = "hex::parse")]
    pub chain_hash: Digest,
    /// Time of round 1.
    pub genesis: u64,
    /// Seconds a round.
    pub period: u32,
}

impl BeaconSection {
    /// The chain that is pinned.
    ///
    /// # Errors
    /// [`ConfigError::Value`] for an unknown name; [`ConfigError::Simulated`] for a local beacon in
    /// production.
    pub fn info(&self, network: Network) -> Result<ChainInfo, ConfigError> {
        match &self.chain {
            ChainChoice::Named(name) if name == "quicknet" => Ok(ChainInfo::quicknet()),
            ChainChoice::Named(name) => Err(ConfigError::value(
                "beacon.chain",
                format!("{name}, expected quicknet or a table of a local beacon"),
            )),
            ChainChoice::Local(local) => {
                network.allow_simulated("the local beacon (beacon.chain)")?;
                Ok(ChainInfo::local(
                    local.public_key,
                    local.chain_hash,
                    Timestamp::new(local.genesis),
                    local.period,
                ))
            }
        }
    }

    /// A client over the relays.
    ///
    /// # Errors
    /// As [`Self::info`], and what [`Client::new`] refuses.
    pub fn client(&self, network: Network) -> Result<Client, ConfigError> {
        let info = self.info(network)?;
        Client::new(self.relays.clone(), info, Limits::default())
            .map_err(|error: BeaconError| ConfigError::value("beacon", error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local() -> BeaconSection {
        let key = ::hex::encode(ChainInfo::quicknet().public_key);
        let hash = "11".repeat(32);
        toml::from_str(&format!(
            "relays = [\"http://127.0.0.1:1\"]\n[chain]\npublic_key = \"{key}\"\nchain_hash = \"0x{hash}\"\ngenesis = 5\nperiod = 1"
        ))
        .unwrap()
    }

    #[test]
    fn a_local_beacon_is_refused_in_production() {
        assert!(matches!(
            local().info(Network::Production),
            Err(ConfigError::Simulated { .. })
        ));
        assert_eq!(local().info(Network::Devnet).unwrap().period, 1);
    }

    #[test]
    fn quicknet_is_known_by_name() {
        let named: BeaconSection =
            toml::from_str("relays = [\"https://a\"]\nchain = \"quicknet\"").unwrap();
        assert_eq!(
            named.info(Network::Production).unwrap(),
            ChainInfo::quicknet()
        );
        let other: BeaconSection = toml::from_str("relays = []\nchain = \"fastnet\"").unwrap();
        assert!(
            other
                .info(Network::Devnet)
                .unwrap_err()
                .to_string()
                .contains("fastnet")
        );
    }
}
