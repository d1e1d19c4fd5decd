//! Carrying calls that others signed.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use alloy::primitives::U256;
use quorate_chain::forward::{Limits, MAX_DATA};
use quorate_service::{ConfigError, SecretSource};
use quorate_settings::KeySection;
use serde::Deserialize;

/// The section `[relay]`; where it is missing nothing is carried.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relay {
    /// Keystore of the key that pays: one of its own, so that nobody's call waits for the
    /// aggregator's nonces, nor the other way round.
    pub keystore: PathBuf,
    /// Its password.
    pub password: SecretSource,
    /// The most wei that are spent in a day (UTC).
    pub budget_wei: U256,
    /// The most gas that a call may be signed for.
    #[serde(default = "Relay::gas")]
    pub gas: u64,
    /// How many seconds ahead a deadline may be.
    #[serde(default = "Relay::deadline_seconds")]
    pub deadline_seconds: u64,
    /// Calls of one account in a minute.
    #[serde(default = "Relay::account_minute")]
    pub account_minute: u32,
    /// Calls from one network address in a minute; of an IPv6 address, from its /64.
    #[serde(default = "Relay::address_minute")]
    pub address_minute: u32,
    /// How long an answer waits for the transaction, seconds.
    #[serde(default = "Relay::wait_seconds")]
    pub wait_seconds: u64,
    /// Proxies in front, whose `X-Forwarded-For` is believed.
    #[serde(default)]
    pub proxies: Vec<IpAddr>,
}

impl Relay {
    const fn gas() -> u64 {
        4_000_000
    }

    const fn deadline_seconds() -> u64 {
        3_600
    }

    const fn account_minute() -> u32 {
        10
    }

    const fn address_minute() -> u32 {
        30
    }

    const fn wait_seconds() -> u64 {
        30
    }

    /// The key that pays.
    #[must_use]
    pub fn key(&self) -> KeySection {
        KeySection {
            keystore: self.keystore.clone(),
            password: self.password.clone(),
        }
    }

    /// How long an answer waits for the transaction.
    #[must_use]
    pub const fn wait(&self) -> Duration {
        Duration::from_secs(self.wait_seconds)
    }

    /// What is too much.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        Limits {
            data_bytes: MAX_DATA,
            gas: self.gas,
            deadline_seconds: self.deadline_seconds,
            account_minute: self.account_minute,
            address_minute: self.address_minute,
        }
    }

    /// Checks what the types cannot say.
    ///
    /// # Errors
    /// [`ConfigError::Value`], naming the setting.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let checks = [
            ("relay.budget_wei", self.budget_wei.is_zero(), "is 0"),
            ("relay.gas", self.gas < 100_000, "is less than 100000"),
            (
                "relay.gas",
                self.gas > 30_000_000,
                "is more than 30000000: no block has room for that",
            ),
            (
                "relay.deadline_seconds",
                self.deadline_seconds < 60,
                "is less than 60",
            ),
            ("relay.account_minute", self.account_minute == 0, "is 0"),
            ("relay.address_minute", self.address_minute == 0, "is 0"),
            (
                "relay.wait_seconds",
                self.wait_seconds > 300,
                "is more than 300",
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

    /// What the example has, with the marks of comments taken away.
    fn example() -> Relay {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/aggregator.toml");
        let text = std::fs::read_to_string(path).unwrap();
        let (_, section) = text.split_once("# [relay]\n").unwrap();
        let lines = section.lines().map_while(|line| line.strip_prefix("# "));
        read(&lines.collect::<Vec<_>>().join("\n"))
    }

    fn read(text: &str) -> Relay {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        quorate_service::config::load_with(file.path(), []).unwrap()
    }

    #[test]
    fn the_example_shows_the_defaults() {
        let example = example();
        example.validate().unwrap();
        let least = "keystore = \"a\"\npassword = { file = \"b\" }\nbudget_wei = \"0x1\"";
        let least = read(least);
        least.validate().unwrap();
        assert_eq!(example.limits(), least.limits());
        assert_eq!(example.wait(), least.wait());
        assert_eq!(example.proxies, least.proxies);
    }

    #[test]
    fn values_out_of_range_are_named() {
        type Fault = (&'static str, fn(&mut Relay));
        let faults: [Fault; 6] = [
            ("relay.budget_wei", |r| r.budget_wei = U256::ZERO),
            ("relay.gas", |r| r.gas = 99_999),
            ("relay.gas", |r| r.gas = 30_000_001),
            ("relay.deadline_seconds", |r| r.deadline_seconds = 59),
            ("relay.account_minute", |r| r.account_minute = 0),
            ("relay.wait_seconds", |r| r.wait_seconds = 301),
        ];
        for (name, fault) in faults {
            let mut relay = example();
            fault(&mut relay);
            let error = relay.validate().unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
    }
}
