//! The section `[health]`: probing machines.

use std::collections::BTreeSet;
use std::time::Duration;

use quorate_service::{ConfigError, Network};
use serde::Deserialize;

/// How machines are probed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HealthSection {
    /// Whether they are at all.
    #[serde(default = "HealthSection::default_enabled")]
    pub enabled: bool,
    /// `host:port`s that are no providers', of different operators: while half of them or more refuse
    /// a connection, this operator's own network is at fault, and nobody else is judged.
    #[serde(default)]
    pub targets: Vec<String>,
    /// Pause between two looks at the targets, milliseconds.
    #[serde(default = "HealthSection::default_watch")]
    pub watch_ms: u64,
    /// Probes at a time. Each holds its connection for the policy's deadline at most.
    #[serde(default = "HealthSection::default_concurrency")]
    pub concurrency: usize,
    /// The most machines; those without a lease and with the highest ids are left out beyond.
    #[serde(default = "HealthSection::default_machines")]
    pub most_machines: usize,
    /// Pause between two questions to an aggregator for lists, milliseconds.
    #[serde(default = "HealthSection::default_poll")]
    pub poll_ms: u64,
    /// Oldest head of L2, seconds, by which machines are still judged.
    #[serde(default = "HealthSection::default_stale")]
    pub stale_seconds: u64,
    /// Also call agents at addresses that are not public (devnet only): whoever registers a machine
    /// chooses the address.
    #[serde(default)]
    pub allow_private_endpoints: bool,
}

impl HealthSection {
    /// Fewest targets in production: the fewest of which one may fail.
    const FEWEST_TARGETS: usize = 3;

    const fn default_enabled() -> bool {
        true
    }

    const fn default_watch() -> u64 {
        2_000
    }

    const fn default_concurrency() -> usize {
        512
    }

    const fn default_machines() -> usize {
        20_000
    }

    const fn default_poll() -> u64 {
        5_000
    }

    const fn default_stale() -> u64 {
        60
    }

    /// The pause between two looks at the targets.
    #[must_use]
    pub const fn watch(&self) -> Duration {
        Duration::from_millis(self.watch_ms)
    }

    /// The pause between two questions to an aggregator.
    #[must_use]
    pub const fn poll(&self) -> Duration {
        Duration::from_millis(self.poll_ms)
    }

    /// Checks what can be checked without a network.
    ///
    /// # Errors
    /// [`ConfigError::Value`] for an empty limit, a target without a port, and, in production, for too
    /// few targets; [`ConfigError::Simulated`] for private endpoints in production.
    pub fn check(&self, network: Network) -> Result<(), ConfigError> {
        let zero = |setting: &str, is_zero: bool| match is_zero {
            true => Err(ConfigError::value(setting, "0, expected at least 1")),
            false => Ok(()),
        };
        zero("health.concurrency", self.concurrency == 0)?;
        zero("health.most_machines", self.most_machines == 0)?;
        zero("health.watch_ms", self.watch_ms == 0)?;
        zero("health.poll_ms", self.poll_ms == 0)?;
        zero("health.stale_seconds", self.stale_seconds == 0)?;
        for target in &self.targets {
            require_target(target)?;
        }
        if self.allow_private_endpoints {
            network.allow_simulated("health.allow_private_endpoints")?;
        }
        let different: BTreeSet<_> = self.targets.iter().collect();
        if network == Network::Production && different.len() < Self::FEWEST_TARGETS {
            let (got, least) = (different.len(), Self::FEWEST_TARGETS);
            return Err(ConfigError::value(
                "health.targets",
                format!(
                    "{got}, expected at least {least} different ones: without them a cut cable looks like everybody's downtime"
                ),
            ));
        }
        Ok(())
    }
}

fn require_target(target: &str) -> Result<(), ConfigError> {
    let port = target
        .rsplit_once(':')
        .map(|(host, port)| (host, port.parse::<u16>()));
    match port {
        Some((host, Ok(1..))) if !host.is_empty() => Ok(()),
        _ => Err(ConfigError::value(
            "health.targets",
            format!("{target:?}, expected host:port"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(text: &str) -> HealthSection {
        toml::from_str(text).unwrap()
    }

    const TARGETS: &str = r#"targets = ["a:1", "b:1", "c:1"]"#;

    #[test]
    fn production_needs_targets_of_its_own_network() {
        assert!(section(TARGETS).check(Network::Production).is_ok());
        let two = section(r#"targets = ["a:1", "b:1", "b:1"]"#);
        assert!(two.check(Network::Production).is_err());
        assert!(two.check(Network::Devnet).is_ok());
    }

    #[test]
    fn production_calls_no_inner_networks() {
        let open = section(&format!("{TARGETS}\nallow_private_endpoints = true"));
        assert!(open.check(Network::Devnet).is_ok());
        let refused = open.check(Network::Production);
        assert!(matches!(refused, Err(ConfigError::Simulated { .. })));
    }

    #[test]
    fn a_target_is_a_host_and_a_port() {
        for bad in ["a", "a:", ":1", "a:0", "a:65536"] {
            let section = section(&format!("targets = [{bad:?}]"));
            assert!(section.check(Network::Devnet).is_err(), "{bad}");
        }
    }
}
