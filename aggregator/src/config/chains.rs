//! Where the chains are.

use std::fmt;

use alloy::primitives::{Address, U256};
use serde::Deserialize;
use url::Url;

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
