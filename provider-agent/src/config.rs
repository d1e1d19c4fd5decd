//! The agent's configuration: `provider-agent.toml`, as `init` writes it.

mod machine;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use quorate_canon::Address;
use quorate_rpc::{ClientTls, ServerLimits, ServerTls};
use quorate_service::{ConfigError, Network};
use quorate_settings::{ChainSection, KeySection};
use serde::{Deserialize, Deserializer};
use url::Url;

use crate::cards::Source;

pub use machine::{CardsOffered, Kind, MachineSection};

/// All that an agent is told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `production` refuses everything simulated.
    pub network: Network,
    /// Where operators' probes are taken.
    pub listen: SocketAddr,
    /// What is registered for that: `https://host:port`.
    pub endpoint: String,
    /// Metrics, readiness and status; keep it inside your own network.
    #[serde(default = "Config::default_http")]
    pub http: SocketAddr,
    /// A folder for what must not be lost: receipts, journals, which machine this is.
    pub data: PathBuf,
    /// The chain with the market.
    pub l2: ChainSection,
    /// Which contracts.
    pub contracts: ContractsSection,
    /// The agent's own key.
    pub machine_key: KeySection,
    /// The provider's key. Better kept elsewhere: no command of `run` needs it.
    pub provider_key: Option<KeySection>,
    /// The page of a relay, such as an aggregator's: the commands of a person sign what they want, and
    /// it pays for gas. `run` sends with its own.
    pub relay: Option<Url>,
    /// Who is asked who calls this machine DOWN, and given receipts that say otherwise; all of them, at
    /// most [`Config::MOST_AGGREGATORS`].
    #[serde(default)]
    pub aggregators: Vec<Url>,
    /// Roots that aggregators' certificates must lead to; the system's where absent.
    pub aggregator_roots: Option<PathBuf>,
    /// The certificate that operators know this agent by.
    pub tls: TlsSection,
    /// Which cards.
    #[serde(default)]
    pub cards: CardsSection,
    /// What is offered.
    pub machine: MachineSection,
    /// How the agent watches its own machine.
    #[serde(default)]
    pub watch: WatchSection,
    /// What it does for its machine on chain.
    #[serde(default)]
    pub duties: DutiesSection,
    /// What it takes from strangers.
    #[serde(default)]
    pub limits: LimitsSection,
}

/// The contracts; `Market`, `Providers` and `StakeTable` are read from `Rounds` and `Market`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractsSection {
    /// `Rounds`.
    #[serde(deserialize_with = "address")]
    pub rounds: Address,
    /// `Machines`.
    #[serde(deserialize_with = "address")]
    pub machines: Address,
    /// `Health`.
    #[serde(deserialize_with = "address")]
    pub health: Address,
    /// `Escrow`.
    #[serde(deserialize_with = "address")]
    pub escrow: Address,
    /// The L2 block in which the first of our contracts was deployed. Production refuses 0.
    #[serde(default)]
    pub deployed_at: u64,
}

/// PEM files.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSection {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// Where the cards come from; the driver where nothing is said.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardsSection {
    /// The driver's library, where the system's loader does not find it.
    pub library: Option<PathBuf>,
    /// A scenario file: the cards are simulated, and every report says so.
    pub scenario: Option<PathBuf>,
    /// What simulated cards' numbers follow from; another for each machine of a network.
    pub seed: Option<u64>,
    /// In production simulated cards are refused unless this is set and the policy allows them too.
    #[serde(default)]
    pub allow_simulated: bool,
}

/// How the agent watches its own machine.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WatchSection {
    /// Seconds between two looks.
    pub every_seconds: u64,
    /// How long the machine has to be well before the agent resumes it, seconds; twice as long for
    /// each further pause within a day, up to sixteen times.
    pub resume_after_seconds: u64,
    /// Which key pauses and appeals.
    pub key: PayingKey,
}

/// A key that pays for transactions of `run`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PayingKey {
    /// `[machine_key]`.
    #[default]
    Machine,
    /// `[provider_key]`.
    Provider,
}

impl Default for WatchSection {
    fn default() -> Self {
        Self {
            every_seconds: 10,
            resume_after_seconds: 600,
            key: PayingKey::Machine,
        }
    }
}

/// What the agent does for its machine besides pausing. All but `contradict` is anybody's to do on
/// chain, and costs gas.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DutiesSection {
    /// Shows receipts against lists that call the machine DOWN.
    pub appeal: bool,
    /// Hands receipts to the aggregators against lists that call the machine DOWN, certified or not.
    /// Needs `aggregators`, and no gas.
    pub contradict: bool,
    /// Seconds between two calls that carry uptime and trust on; 0 for never.
    pub observe_seconds: u64,
    /// Seconds between two calls that move a lease's pay; 0 for never.
    pub settle_seconds: u64,
}

impl Default for DutiesSection {
    fn default() -> Self {
        Self {
            appeal: true,
            contradict: true,
            observe_seconds: 0,
            settle_seconds: 0,
        }
    }
}

/// What the agent takes from strangers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsSection {
    /// Connections at a time. This and all below are at least 1.
    pub connections: usize,
    /// Connections at a time from one address.
    pub connections_per_address: usize,
    /// Probes and receipts worked on at a time, each.
    pub at_once: usize,
    /// Probes and receipts of one address in a second; four times as many in a burst.
    pub per_second: u32,
    /// Receipts that are kept.
    pub receipts: usize,
}

impl Default for LimitsSection {
    fn default() -> Self {
        Self {
            connections: 128,
            connections_per_address: 32,
            at_once: 16,
            per_second: 32,
            receipts: 500_000,
        }
    }
}

impl Config {
    /// The most aggregators that are asked.
    pub const MOST_AGGREGATORS: usize = 16;

    fn default_http() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 9094))
    }

    /// Checks what can be checked without a chain and without cards.
    ///
    /// # Errors
    /// [`ConfigError`], naming the setting.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.l2.rpc("l2", self.network)?;
        check_endpoint(&self.endpoint)?;
        self.machine.check()?;
        self.relay.as_ref().map_or(Ok(()), check_relay)?;
        check_aggregators(&self.aggregators)?;
        let simulated = self.cards.scenario.is_some();
        if simulated && !self.cards.allow_simulated {
            self.network
                .allow_simulated("the cards (cards.scenario, without cards.allow_simulated)")?;
        }
        if simulated && self.cards.library.is_some() {
            return Err(ConfigError::value(
                "cards",
                "library and scenario: cards are real or simulated, not both",
            ));
        }
        if self.watch.key == PayingKey::Provider && self.provider_key.is_none() {
            return Err(ConfigError::value(
                "watch.key",
                "\"provider\", but there is no [provider_key]",
            ));
        }
        self.check_numbers()?;
        if self.network == Network::Production && self.contracts.deployed_at == 0 {
            return Err(ConfigError::value(
                "contracts.deployed_at",
                "0, expected the L2 block in which the first of the contracts was deployed: from block 0 \
                 on, nothing is appealed against until the whole chain was read",
            ));
        }
        Ok(())
    }

    /// What must be at least 1.
    fn check_numbers(&self) -> Result<(), ConfigError> {
        let limits = &self.limits;
        let size = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
        for (key, got, why) in [
            (
                "watch.every_seconds",
                self.watch.every_seconds,
                "nobody judges without a pause",
            ),
            ("l2.log_range", self.l2.log_range, "no block would be read"),
            (
                "limits.connections",
                size(limits.connections),
                "no operator could connect, and the machine be DOWN",
            ),
            (
                "limits.connections_per_address",
                size(limits.connections_per_address),
                "no operator could connect, and the machine be DOWN",
            ),
            (
                "limits.at_once",
                size(limits.at_once),
                "no probe would be answered, and the machine be DOWN",
            ),
            (
                "limits.per_second",
                limits.per_second.into(),
                "no probe would be answered, and the machine be DOWN",
            ),
            (
                "limits.receipts",
                size(limits.receipts),
                "no receipt would be kept, and nothing be there to appeal with",
            ),
        ] {
            if got == 0 {
                let detail = format!("0, expected at least 1: {why}");
                return Err(ConfigError::value(key, detail));
            }
        }
        Ok(())
    }

    /// What is allowed and unwise; said at start.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let hosts: BTreeSet<_> = self.l2.urls.0.iter().map(Url::host_str).collect();
        let alone = self.network == Network::Production && hosts.len() == 1;
        let one = alone.then(|| {
            "l2.urls has one endpoint, expected two of different operators: while it is down, behind or \
             lies, this machine is not paused and nothing is appealed against"
                .to_owned()
        });
        one.into_iter().collect()
    }

    /// Where the cards come from.
    #[must_use]
    pub fn source(&self) -> Source {
        match &self.cards.scenario {
            Some(path) => Source::Scenario(path.clone(), self.cards.seed),
            None => Source::Driver(self.cards.library.clone()),
        }
    }

    /// A file in the folder of data.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.data.join(name)
    }

    /// How aggregators are known.
    #[must_use]
    pub fn aggregator_tls(&self) -> ClientTls {
        ClientTls {
            roots: self.aggregator_roots.clone(),
            name: None,
        }
    }

    /// The server's certificate.
    #[must_use]
    pub fn server_tls(&self) -> ServerTls {
        ServerTls {
            certificate: self.tls.certificate.clone(),
            key: self.tls.key.clone(),
        }
    }
}

impl LimitsSection {
    /// Limits of the gRPC server. Messages are small, connections short.
    #[must_use]
    pub fn server(&self) -> ServerLimits {
        ServerLimits {
            streams_per_connection: 8,
            requests_per_connection: 8,
            requests: 4 * self.at_once,
            header_list_bytes: 8 * 1024,
            message_bytes: 4 * 1024,
            stream_window: 16 * 1024,
            connection_window: 64 * 1024,
            request_timeout: Duration::from_secs(10),
            connection_age: Duration::from_secs(600),
            connection_grace: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(45),
            connections: self.connections,
            connections_per_address: self.connections_per_address,
            drain: Duration::from_secs(2),
            ..ServerLimits::default()
        }
    }
}

/// What `Machines` takes: 1 to 128 bytes of printable ASCII, `https://host:port`.
fn check_endpoint(endpoint: &str) -> Result<(), ConfigError> {
    let refuse = |detail: &str| {
        Err(ConfigError::value(
            "endpoint",
            format!("{endpoint}: {detail}, expected https://host:port"),
        ))
    };
    if endpoint.len() > 128 || !endpoint.bytes().all(|byte| byte.is_ascii_graphic()) {
        return refuse("more than 128 bytes, or not printable");
    }
    match Url::parse(endpoint) {
        Err(error) => refuse(&error.to_string()),
        Ok(url) if url.scheme() != "https" => refuse("no https"),
        Ok(url) if url.host_str().is_none() => refuse("no host"),
        Ok(url) if !matches!(url.path(), "" | "/") => refuse("a path"),
        Ok(_) => Ok(()),
    }
}

/// A relay is spoken with over HTTP. Without TLS nothing is lost but the call's arrival: what is sent is
/// signed, and what comes back is held to the chain.
fn check_relay(relay: &Url) -> Result<(), ConfigError> {
    match relay.scheme() {
        "https" | "http" if relay.has_host() => Ok(()),
        _ => Err(ConfigError::value(
            "relay",
            format!("{relay}: expected https://host or http://host:port"),
        )),
    }
}

/// Aggregators are spoken with by gRPC: host and port say it all. A path would be dropped without a word,
/// and is likely that of the same aggregator's relay. Without TLS nothing is lost but the call's arrival:
/// a receipt is evidence whoever reads it.
fn check_aggregators(aggregators: &[Url]) -> Result<(), ConfigError> {
    let (got, most) = (aggregators.len(), Config::MOST_AGGREGATORS);
    if got > most {
        return Err(ConfigError::value(
            "aggregators",
            format!("{got}, expected at most {most}: one that is honest is enough"),
        ));
    }
    for url in aggregators {
        let scheme = matches!(url.scheme(), "https" | "http") && url.has_host();
        let bare = matches!(url.path(), "" | "/") && url.query().is_none();
        let nameless = url.username().is_empty() && url.password().is_none();
        if !(scheme && bare && nameless) {
            return Err(ConfigError::value(
                "aggregators",
                format!("{url}: expected https://host:port or http://host:port, and nothing else"),
            ));
        }
    }
    Ok(())
}

/// Reads the configuration file, with the environment over it, and checks it.
///
/// # Errors
/// [`ConfigError`].
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    let config: Config = quorate_service::config::load(path)?;
    config.check()?;
    Ok(config)
}

fn address<'de, D: Deserializer<'de>>(from: D) -> Result<Address, D::Error> {
    let text = String::deserialize(from)?;
    text.parse()
        .map_err(|error| serde::de::Error::custom(format!("{text}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::{Choices, example};

    /// What `init` writes, with the block filled in that it cannot know.
    fn filled_in() -> Config {
        let mut config: Config = toml::from_str(&example(&Choices::default())).unwrap();
        config.contracts.deployed_at = 1;
        config
    }

    fn config(change: impl FnOnce(&mut Config)) -> Result<(), ConfigError> {
        let mut config = filled_in();
        change(&mut config);
        config.check()
    }

    #[test]
    fn what_init_writes_is_valid_once_the_contracts_are_filled_in() {
        config(|_| {}).unwrap();
    }

    #[test]
    fn production_reads_no_chain_from_block_zero() {
        let without = |network| {
            config(|config| {
                config.network = network;
                config.contracts.deployed_at = 0;
            })
        };
        assert!(without(Network::Devnet).is_ok());
        let error = without(Network::Production).unwrap_err().to_string();
        assert!(error.contains("contracts.deployed_at"), "{error}");
    }

    #[test]
    fn limits_that_shut_everybody_out_are_refused() {
        type Change = fn(&mut Config);
        let zeros: [(&str, Change); 7] = [
            ("watch.every_seconds", |config| {
                config.watch.every_seconds = 0
            }),
            ("l2.log_range", |config| config.l2.log_range = 0),
            ("limits.connections", |config| config.limits.connections = 0),
            ("limits.connections_per_address", |config| {
                config.limits.connections_per_address = 0;
            }),
            ("limits.at_once", |config| config.limits.at_once = 0),
            ("limits.per_second", |config| config.limits.per_second = 0),
            ("limits.receipts", |config| config.limits.receipts = 0),
        ];
        for (name, zero) in zeros {
            let error = config(zero).unwrap_err().to_string();
            let named = error.contains(name) && error.contains("0, expected at least 1");
            assert!(named, "{name}: {error}");
        }
    }

    #[test]
    fn one_endpoint_alone_is_said_in_production() {
        let said = |network, urls: &[&str]| {
            let mut config = filled_in();
            config.network = network;
            config.l2.urls.0 = urls.iter().map(|url| url.parse().unwrap()).collect();
            config.check().unwrap();
            config.warnings()
        };
        let one = ["https://a.example/key"];
        let same = ["https://a.example/key", "https://a.example/other"];
        let two = ["https://a.example", "https://b.example"];
        for urls in [&one[..], &same] {
            let words = said(Network::Production, urls);
            assert!(
                words.len() == 1 && words[0].contains("l2.urls"),
                "{words:?}"
            );
            assert!(!words[0].contains("key"), "{words:?}");
        }
        assert!(said(Network::Production, &two).is_empty());
        assert!(said(Network::Devnet, &one).is_empty());
    }

    #[test]
    fn production_refuses_simulated_cards_unless_told_otherwise() {
        let simulated = |network, allow| {
            config(|config| {
                config.network = network;
                config.cards.scenario = Some("s.toml".into());
                config.cards.allow_simulated = allow;
            })
        };
        assert!(simulated(Network::Devnet, false).is_ok());
        assert!(simulated(Network::Production, true).is_ok());
        let error = simulated(Network::Production, false).unwrap_err();
        assert!(error.to_string().contains("cards.scenario"), "{error}");
    }

    #[test]
    fn endpoints_that_the_contract_refuses_are_refused_here() {
        for (endpoint, good) in [
            ("https://gpu.example:7443", true),
            ("https://192.0.2.1:7443", true),
            ("http://gpu.example:7443", false),
            ("https://gpu.example/agent", false),
            ("gpu.example:7443", false),
            ("", false),
        ] {
            let result = config(|config| config.endpoint = endpoint.to_owned());
            assert_eq!(result.is_ok(), good, "{endpoint}");
        }
        let long = format!("https://{}:1", "a".repeat(128));
        assert!(config(|config| config.endpoint = long).is_err());
    }

    #[test]
    fn a_relay_is_a_page() {
        for (url, good) in [
            ("https://a.example", true),
            ("http://127.0.0.1:9101/relay", true),
            ("ftp://a.example", false),
            ("file:///relay", false),
        ] {
            let result = config(|config| config.relay = Some(url.parse().unwrap()));
            assert_eq!(result.is_ok(), good, "{url}");
        }
    }

    #[test]
    fn aggregators_are_hosts_in_production_too() {
        for (url, good) in [
            ("https://a.example", true),
            ("https://a.example:7000/", true),
            ("http://127.0.0.1:9100", true),
            ("http://127.0.0.1:9101/relay", false),
            ("https://a.example?key=1", false),
            ("https://user@a.example", false),
            ("ftp://a.example", false),
            ("file:///aggregator", false),
        ] {
            let result = config(|config| {
                config.network = Network::Production;
                config.aggregators = vec![url.parse().unwrap()];
            });
            assert_eq!(result.is_ok(), good, "{url}");
        }
    }

    #[test]
    fn no_more_aggregators_are_asked_than_that() {
        let with = |count| {
            let url: Url = "https://a.example".parse().unwrap();
            config(|config| config.aggregators = vec![url; count])
        };
        with(Config::MOST_AGGREGATORS).unwrap();
        let error = with(Config::MOST_AGGREGATORS + 1).unwrap_err().to_string();
        assert!(
            error.contains("aggregators") && error.contains("17"),
            "{error}"
        );
    }

    #[test]
    fn without_a_word_nobody_is_asked_and_with_aggregators_it_is_done() {
        let text = example(&Choices::default());
        let config: Config = toml::from_str(&text).unwrap();
        assert!(config.aggregators.is_empty() && config.duties.contradict);
        let text = text.replace("# aggregators =", "aggregators =");
        let config: Config = toml::from_str(&text).unwrap();
        assert_eq!(config.aggregators.len(), 2);
        check_aggregators(&config.aggregators).unwrap();
        assert!(DutiesSection::default().contradict);
    }

    #[test]
    fn a_provider_key_that_is_not_there_cannot_pay() {
        let result = config(|config| {
            config.watch.key = PayingKey::Provider;
            config.provider_key = None;
        });
        assert!(result.unwrap_err().to_string().contains("watch.key"));
    }
}
