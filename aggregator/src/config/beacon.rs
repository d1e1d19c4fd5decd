//! Where randomness comes from.

use quorate_beacon::{ChainInfo, Kind};
use quorate_canon::{Digest, Timestamp};
use quorate_service::{ConfigError, Network};
use serde::Deserialize;
use url::Url;

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
