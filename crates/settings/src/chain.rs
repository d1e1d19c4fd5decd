//! How a chain is reached.

use std::{fmt, time::Duration};

use quorate_chain::RpcConfig;
use quorate_service::{ConfigError, Network};
use serde::Deserialize;
use url::{Host, Url};

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

/// The section of one chain, `[l1]` or `[l2]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainSection {
    /// JSON-RPC endpoints, asked in this order. Two of different operators are better than one.
    pub urls: Endpoints,
    /// The chain id that every endpoint must have.
    pub chain_id: u64,
    /// Longest wait for one answer, milliseconds.
    #[serde(default = "ChainSection::default_timeout")]
    pub timeout_ms: u64,
    /// Pause between two looks at the head, milliseconds.
    #[serde(default = "ChainSection::default_poll")]
    pub poll_ms: u64,
    /// Blocks below the head that may still be replaced; a deeper change stops the node.
    #[serde(default = "ChainSection::default_final_depth")]
    pub final_depth: u64,
    /// Widest range of blocks in one request for logs.
    #[serde(default = "ChainSection::default_range")]
    pub log_range: u64,
}

impl ChainSection {
    const fn default_timeout() -> u64 {
        5_000
    }

    const fn default_poll() -> u64 {
        250
    }

    const fn default_final_depth() -> u64 {
        64
    }

    const fn default_range() -> u64 {
        5_000
    }

    /// The pause between two looks at the head.
    #[must_use]
    pub const fn poll(&self) -> Duration {
        Duration::from_millis(self.poll_ms)
    }

    /// Checks the section and gives what the chain's client takes. `name` is the section's.
    ///
    /// # Errors
    /// [`ConfigError::Value`] for an empty list, a pause of zero, or, in production, plain text to
    /// another machine.
    pub fn rpc(&self, name: &str, network: Network) -> Result<RpcConfig, ConfigError> {
        if self.urls.0.is_empty() {
            return Err(ConfigError::value(
                format!("{name}.urls"),
                "empty, expected at least one endpoint",
            ));
        }
        for (field, value) in [("poll_ms", self.poll_ms), ("timeout_ms", self.timeout_ms)] {
            if value == 0 {
                return Err(ConfigError::value(
                    format!("{name}.{field}"),
                    "0, expected at least 1 millisecond",
                ));
            }
        }
        for url in &self.urls.0 {
            require_private(name, url, network)?;
        }
        let mut config = RpcConfig::new(self.urls.0.clone(), self.chain_id);
        config.timeout = Duration::from_millis(self.timeout_ms);
        Ok(config)
    }
}

/// Refuses plain text to another machine in production: who sits between can lie about the chain.
fn require_private(name: &str, url: &Url, network: Network) -> Result<(), ConfigError> {
    let here = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(domain)) => domain == "localhost",
        None => false,
    };
    match url.scheme() {
        "https" => Ok(()),
        "http" if here || network == Network::Devnet => Ok(()),
        scheme => Err(ConfigError::value(
            format!("{name}.urls"),
            format!(
                "{scheme}://{} with network = \"{network}\", expected https",
                url.host_str().unwrap_or("?")
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(url: &str) -> ChainSection {
        toml::from_str(&format!("urls = [\"{url}\"]\nchain_id = 1")).unwrap()
    }

    #[test]
    fn plain_text_to_another_machine_is_refused_in_production() {
        let remote = section("http://rpc.example");
        let error = remote.rpc("l1", Network::Production).unwrap_err();
        assert!(error.to_string().contains("expected https"), "{error}");
        assert!(remote.rpc("l1", Network::Devnet).is_ok());
        for good in [
            "https://rpc.example",
            "http://127.0.0.1:8545",
            "http://localhost:1",
            "http://[::1]:2",
        ] {
            assert!(
                section(good).rpc("l1", Network::Production).is_ok(),
                "{good}"
            );
        }
    }

    #[test]
    fn no_endpoint_is_refused() {
        let empty: ChainSection = toml::from_str("urls = []\nchain_id = 1").unwrap();
        assert!(
            empty
                .rpc("l2", Network::Devnet)
                .unwrap_err()
                .to_string()
                .contains("l2.urls")
        );
    }

    #[test]
    fn debug_shows_no_endpoint_path() {
        let shown = format!("{:?}", section("https://rpc.example/v1/secret-key"));
        assert!(
            shown.contains("rpc.example") && !shown.contains("secret-key"),
            "{shown}"
        );
    }

    #[test]
    fn a_typo_is_refused() {
        assert!(toml::from_str::<ChainSection>("url = []\nchain_id = 1").is_err());
    }
}
