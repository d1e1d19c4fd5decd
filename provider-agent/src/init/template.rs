//! The configuration that `init` writes: every setting, with what it means.

use std::path::{Path, PathBuf};

use super::InitArgs;

/// What `init` knows; the rest is for the provider to fill in.
#[derive(Debug, Clone)]
pub struct Choices {
    data: PathBuf,
    password: String,
    host: String,
    port: u16,
    cards: String,
    network: &'static str,
}

impl Default for Choices {
    fn default() -> Self {
        Self {
            data: "agent-data".into(),
            password: "{ file = \"password\" }".to_owned(),
            host: "gpu.example".to_owned(),
            port: 7443,
            cards: String::new(),
            network: "production",
        }
    }
}

impl Choices {
    pub(super) fn of(args: &InitArgs) -> Self {
        let password = match (&args.password_file, &args.password_env) {
            (Some(path), _) => format!("{{ file = {} }}", quoted(path)),
            (None, name) => format!("{{ env = {:?} }}", name.as_deref().unwrap_or_default()),
        };
        let cards = match (&args.scenario, &args.library) {
            (Some(path), _) => {
                let seed = args.seed.map(|seed| format!("seed = {seed}\n"));
                format!("scenario = {}\n{}", quoted(path), seed.unwrap_or_default())
            }
            (None, Some(path)) => format!("library = {}\n", quoted(path)),
            (None, None) => String::new(),
        };
        Self {
            data: args.data.clone(),
            password,
            host: args.host.clone(),
            port: args.port,
            cards,
            network: if args.scenario.is_some() {
                "devnet"
            } else {
                "production"
            },
        }
    }

    pub(super) fn keystore(&self) -> PathBuf {
        self.data.join("machine-key.json")
    }

    pub(super) fn certificate(&self) -> PathBuf {
        self.data.join("certificate.pem")
    }

    pub(super) fn key(&self) -> PathBuf {
        self.data.join("certificate-key.pem")
    }

    /// An IPv6 address stands in brackets.
    fn authority(&self) -> String {
        if self.host.contains(':') && !self.host.starts_with('[') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// A path as TOML has text.
fn quoted(path: &Path) -> String {
    toml::Value::String(path.display().to_string()).to_string()
}

/// Cores of this machine, and its memory in MiB, as far as the system tells.
fn system() -> (usize, u64) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        });
    (cores, memory.map_or(1_024, |kib| kib / 1_024))
}

/// The configuration, with every setting and what it means.
#[must_use]
pub fn example(choices: &Choices) -> String {
    let (cores, memory) = system();
    let Choices {
        password,
        port,
        cards,
        network,
        ..
    } = choices;
    let authority = choices.authority();
    let [data, keystore, certificate, key] = [
        choices.data.clone(),
        choices.keystore(),
        choices.certificate(),
        choices.key(),
    ]
    .map(|path| quoted(&path));
    format!(
        r#"# Configuration of a provider's agent. Variables QUORATE_<TABLE>__<KEY> overlay it.

# "production" refuses everything simulated.
network = "{network}"
# Where operators' probes are taken, and what is registered for that.
listen = "0.0.0.0:{port}"
endpoint = "https://{authority}"
# Metrics, readiness and status; keep it inside your own network.
http = "127.0.0.1:9094"
# What must not be lost: receipts, journals of transactions, which machine this is.
data = {data}
# A relay, such as an aggregator's: `register`, `price`, `pause`, `resume` and `maintenance` sign what
# they want, and it pays for gas. The same as --relay.
# relay = "https://aggregator.example"
# Aggregators, at most 16. After each health epoch each is asked which operators called this machine DOWN,
# and given a receipt of each of them that says otherwise: that convicts liars who were too few to be
# certified, and needs no gas.
# aggregators = ["https://aggregator.example:7000", "https://another.example:7000"]
# Roots that their certificates must lead to; the system's where nothing is said.
# aggregator_roots = "roots.pem"

[l2]
# JSON-RPC endpoints, asked in this order: two of different operators. With one alone the agent says at
# start what that costs.
urls = ["https://l2.example"]
chain_id = 42161
# Pause between two looks at the chain, milliseconds. Downtime is appealed against within hours.
poll_ms = 15000
# Widest range of blocks in one request for events, and blocks below the newest that may still be
# replaced: these are read again at each look.
log_range = 5000
final_depth = 64

[contracts]
rounds = "0x0000000000000000000000000000000000000001"
machines = "0x0000000000000000000000000000000000000002"
health = "0x0000000000000000000000000000000000000003"
escrow = "0x0000000000000000000000000000000000000004"
# The block in which the first of them was deployed; 0 is refused in production.
deployed_at = 0

# The agent's own key: signs reports, pauses the machine, appeals. Needs some gas money on L2.
[machine_key]
keystore = {keystore}
password = {password}

# The provider's own key: for `register`, `price`, `maintenance`. It holds money: keep it off this
# machine where you can, and run those commands elsewhere with a copy of this file.
# [provider_key]
# keystore = "provider-key.json"
# password = {{ file = "provider-password" }}

# The certificate that operators know this agent by; its hash stands on chain.
[tls]
certificate = {certificate}
key = {key}

# The driver's library is found by itself; `scenario` and `seed` make simulated cards.
[cards]
{cards}
# What is offered. Model, memory and number of cards are read from the cards.
[machine]
# Dollars for one GPU and one hour.
ask = "2.50"
cores = {cores}
memory_mib = {memory}
disk_gib = 100
mbits = 1000
region = "{region}"
# "provider" or "fizz".
kind = "provider"
# Seconds.
min_term = 3600
max_term = 2592000
notice = 3600
# Unix time at which the offer ends; 0 for never.
available_until = 0
# Accepted currencies, and capabilities, by the policy's numbers.
currencies = [0]
capabilities = []

[watch]
# The agent judges itself as operators do, and pauses its machine at once on a FAIL. It resumes after
# the machine was well for so long; twice as long for each further pause within a day.
every_seconds = 10
resume_after_seconds = 600
# Which key pays for that: "machine" or "provider".
key = "machine"

[duties]
# Show receipts against lists that call this machine DOWN.
appeal = true
# Hand receipts to the aggregators against such lists, certified or not. Does nothing without aggregators.
contradict = true
# Seconds between two calls that carry on uptime and trust, or a lease's pay; 0 for never: it is
# anybody's to do, and costs gas.
observe_seconds = 0
settle_seconds = 0

[limits]
connections = 128
connections_per_address = 32
at_once = 16
per_second = 32
receipts = 500000
"#,
        region = quorate_matching::policy::regions::REGIONS[0].code,
    )
}
