//! The auditor's configuration: `auditor.toml`, see `auditor.example.toml` beside this crate.

use std::{net::SocketAddr, path::PathBuf};

use quorate_service::{ConfigError, Network};
use quorate_settings::{BeaconSection, ChainSection, ContractsSection, KeySection};
use serde::Deserialize;

/// What an auditor reads from, and, for one that challenges, where it keeps and pays.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `production` refuses a local beacon.
    pub network: Network,
    /// The chain with the stake tables.
    pub l1: ChainSection,
    /// The chain with the market.
    pub l2: ChainSection,
    /// Which contracts.
    pub contracts: ContractsSection,
    /// Which beacon.
    pub beacon: BeaconSection,
    /// Folder of the docket, of the image of L2 and of the sender's journal. Without it `watch` begins
    /// anew at each start, and cannot challenge.
    pub data: Option<PathBuf>,
    /// Where `watch` shows metrics and health.
    pub http: Option<HttpSection>,
    /// The account on L2 that challenges, commits and strikes. Nothing else needs a key.
    pub key: Option<KeySection>,
}

/// The section `[http]`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSection {
    /// Address and port; port 0 takes a free one. Not for the open internet.
    pub listen: SocketAddr,
}

impl Config {
    /// Checks what can be checked without a chain.
    ///
    /// # Errors
    /// [`ConfigError`], naming the setting.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.l1.rpc("l1", self.network)?;
        self.l2.rpc("l2", self.network)?;
        self.beacon.info(self.network).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_file_is_valid() {
        let config: Config = toml::from_str(include_str!("../auditor.example.toml")).unwrap();
        config.check().unwrap();
        assert!(config.key.is_none() && config.data.is_none());
    }

    /// What is commented out is right too.
    #[test]
    fn the_example_file_is_valid_with_everything_in_it() {
        let text = include_str!("../auditor.example.toml");
        let whole: String = text
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(setting) if setting.contains(" = ") || setting.starts_with('[') => setting,
                _ => line,
            })
            .flat_map(|line| [line, "\n"])
            .collect();
        let config: Config = toml::from_str(&whole).unwrap();
        assert!(config.key.is_some() && config.data.is_some() && config.http.is_some());
    }
}
