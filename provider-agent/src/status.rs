//! What the agent would tell about itself: on its page, and by `status`.

use std::fmt::Write as _;
use std::time::Duration;

use axum::{Json, Router, extract::State, routing::get};
use quorate_canon::Timestamp;
use quorate_service::Exit;
use quorate_service::terminal::{self, Tone};
use serde::{Deserialize, Serialize};

use crate::chain::{Chain as _, MachineState};
use crate::doctor::Fault;
use crate::identity::Identity;
use crate::observe::offset;
use crate::shared::{Known, Shared};
use crate::store::Store;
use crate::{AgentError, Config, setup};

/// The whole answer of `status`.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// What the running agent says; `null` if it does not run, or not here.
    pub agent: Option<AgentPage>,
    /// Why there is nothing from it.
    pub agent_missing: Option<String>,
    /// What the chain says; `null` if it could not be read.
    pub chain: Option<ChainView>,
    /// Why there is nothing from it.
    pub chain_missing: Option<String>,
}

/// What a running agent says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AgentPage {
    /// The offer, once the machine is registered.
    pub machine: Option<u64>,
    /// What an operator would find wrong now.
    pub faults: Vec<Fault>,
    /// Why the cards cannot be read, if they cannot.
    pub unread: Option<String>,
    /// The newest L2 block read.
    pub block: Option<u64>,
    /// The machine's clock minus that block's time, seconds.
    pub clock_offset: Option<i64>,
    /// The first health epoch that is not settled.
    pub unsettled: Option<u32>,
    /// Receipts that are held.
    pub receipts: usize,
    /// The last probe of each operator.
    pub probes: Vec<ProbeLine>,
    /// Leases whose money has not all left.
    pub leases: Vec<LeaseLine>,
    /// Windows DOWN by lists of epochs that are not settled, or were a moment ago.
    pub downs: Vec<DownLine>,
    /// Operators that called the machine DOWN in a window that they gave a receipt for, as far as an
    /// aggregator has both words. Agents of before do not tell.
    #[serde(default)]
    pub contradicted: Vec<ContradictedLine>,
}

/// An operator's last probe.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProbeLine {
    /// The operator's index.
    pub operator: u32,
    /// When it came.
    pub at: u64,
    /// Its health epoch.
    pub epoch: u32,
    /// Its window.
    pub window: u16,
    /// When the last receipt of this operator came.
    pub receipt: Option<u64>,
}

/// A lease.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LeaseLine {
    /// Its request.
    pub request: u64,
    /// When it began.
    pub opened: u64,
    /// When it ended, if it has.
    pub closed: Option<u64>,
}

/// A certified list against the machine.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DownLine {
    /// The health epoch.
    pub epoch: u32,
    /// Which list of the epoch.
    pub number: u32,
    /// The windows, one bit each, in hex.
    pub windows: String,
}

/// An operator that contradicts itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ContradictedLine {
    /// The health epoch.
    pub epoch: u32,
    /// The operator's index.
    pub operator: u32,
    /// The window whose receipt was handed in.
    pub window: u16,
}

/// What the chain says of the machine.
#[derive(Debug, Clone, Serialize)]
pub struct ChainView {
    /// The offer.
    pub machine: u64,
    /// The version of its order.
    pub version: u32,
    /// Whether the offer is open.
    pub open: bool,
    /// Whether an agent is registered.
    pub registered: bool,
    /// Bit 0 jailed, 1 in maintenance, 2 paused.
    pub flags: u8,
    /// Basis points.
    pub uptime: Option<u16>,
    /// Trust, 0 to 6.
    pub level: u8,
    /// Whether leases hold some of it.
    pub in_use: bool,
    /// Dollars for one GPU and one hour.
    pub ask: String,
}

impl ChainView {
    /// What is told of a machine's state.
    #[must_use]
    pub fn of(machine: u64, state: &MachineState) -> Self {
        Self {
            machine,
            version: state.offer.version.get(),
            open: state.open,
            registered: state.is_registered(),
            flags: state.flags,
            uptime: state.standing.uptime,
            level: state.standing.level,
            in_use: state.in_use,
            ask: crate::amount::show(state.offer.ask.get()),
        }
    }
}

/// How long the running agent may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks the running agent and the chain; either may be missing.
///
/// # Errors
/// [`AgentError`] if the configuration cannot be used.
pub async fn ask(config: &Config) -> Result<Status, AgentError> {
    quorate_service::install_crypto();
    let (agent, agent_missing) = split(ask_agent(config).await.map_err(|error| {
        format!(
            "no answer from http://{}: {error}; is the agent running?",
            config.http
        )
    }));
    let (chain, chain_missing) = split(ask_chain(config).await.map_err(|error| error.to_string()));
    Ok(Status {
        agent,
        agent_missing,
        chain,
        chain_missing,
    })
}

async fn ask_agent(config: &Config) -> Result<AgentPage, reqwest::Error> {
    let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
    let url = format!("http://{}/status", config.http);
    let answer = client.get(url).send().await?.error_for_status()?;
    answer.json().await
}

async fn ask_chain(config: &Config) -> Result<ChainView, AgentError> {
    let identity = Identity::need(config)?;
    let found = setup::l2(config)?.machine(identity.offer()).await?;
    let remedy = "this is another network, or machine.json is of one";
    let state =
        found.ok_or_else(|| AgentError::mismatch("offer", "none", identity.offer, remedy))?;
    Ok(ChainView::of(identity.offer, &state))
}

fn split<T>(result: Result<T, String>) -> (Option<T>, Option<String>) {
    match result {
        Ok(value) => (Some(value), None),
        Err(why) => (None, Some(why)),
    }
}

/// The page's route: `/status`.
pub fn router(shared: Shared, store: Store) -> Router {
    Router::new()
        .route("/status", get(page))
        .with_state((shared, store))
}

async fn page(State((shared, store)): State<(Shared, Store)>) -> Json<AgentPage> {
    let known = shared.known().clone();
    Json(AgentPage::of(&known, &store, crate::clock::now()))
}

impl AgentPage {
    fn of(known: &Known, store: &Store, now: Timestamp) -> Self {
        let probes = known.probes.iter().map(|(operator, probe)| ProbeLine {
            operator: operator.get(),
            at: probe.at.get(),
            epoch: probe.epoch.get(),
            window: probe.window.0,
            receipt: probe.receipt.map(Timestamp::get),
        });
        let leases = store.leases().unwrap_or_default();
        let downs = store.downs().unwrap_or_default();
        let contradicted = store.contradicted().unwrap_or_default();
        Self {
            machine: known.offer.map(|offer| offer.get()),
            faults: known.faults.iter().map(Fault::from).collect(),
            unread: known.unread.clone(),
            block: known.head.map(|head| head.number),
            clock_offset: known.head.map(|head| offset(now, head.timestamp)),
            unsettled: known.unsettled.map(|epoch| epoch.get()),
            receipts: store.receipts(),
            probes: probes.collect(),
            leases: leases
                .iter()
                .map(|lease| LeaseLine {
                    request: lease.request.get(),
                    opened: lease.opened.get(),
                    closed: lease.closed.map(Timestamp::get),
                })
                .collect(),
            downs: downs
                .iter()
                .map(|down| DownLine {
                    epoch: down.epoch.get(),
                    number: down.number,
                    windows: format!("{:#x}", down.windows),
                })
                .collect(),
            contradicted: contradicted
                .iter()
                .map(|each| ContradictedLine {
                    epoch: each.epoch.get(),
                    operator: each.operator.get(),
                    window: each.window.0,
                })
                .collect(),
        }
    }

    /// Whether nothing is wrong by its own judgement.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.faults.is_empty() && self.unread.is_none()
    }
}

impl Status {
    /// 0 if the agent runs, would pass, and the machine can win leases; 2 if one side did not answer;
    /// else 1.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match (&self.agent, &self.chain) {
            (Some(agent), Some(chain)) => {
                let active = chain.open && chain.registered && chain.flags == 0;
                if agent.is_well() && active {
                    Exit::Well
                } else {
                    Exit::Fault
                }
            }
            _ => Exit::Unchecked,
        }
    }

    /// The same for people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut table = terminal::table(&["", "what"]);
        let mut line = |name: &str, tone: Tone, what: String| {
            table.add_row(vec![
                terminal::cell(name, Tone::Plain),
                terminal::cell(&what, tone),
            ]);
        };
        match (&self.chain, &self.chain_missing) {
            (Some(chain), _) => chain_lines(chain, &mut line),
            (None, why) => line("chain", Tone::Bad, why.clone().unwrap_or_default()),
        }
        match (&self.agent, &self.agent_missing) {
            (Some(agent), _) => agent_lines(agent, &mut line),
            (None, why) => line("agent", Tone::Bad, why.clone().unwrap_or_default()),
        }
        format!("{table}\n")
    }
}

fn chain_lines(chain: &ChainView, line: &mut impl FnMut(&str, Tone, String)) {
    let tone = if chain.registered && chain.open && chain.flags == 0 {
        Tone::Good
    } else {
        Tone::Bad
    };
    line(
        "machine",
        tone,
        format!(
            "{} version {}{}{}{}",
            chain.machine,
            chain.version,
            if chain.open { "" } else { ", closed" },
            if chain.registered {
                ""
            } else {
                ", not registered"
            },
            flags(chain.flags)
        ),
    );
    line(
        "ask",
        Tone::Plain,
        format!("{} dollars for a GPU-hour", chain.ask),
    );
    let uptime = chain.uptime.map_or_else(
        || "not observed yet".to_owned(),
        |bps| format!("{}.{:02} %", bps / 100, bps % 100),
    );
    line(
        "uptime",
        Tone::Plain,
        format!("{uptime}, level {}", chain.level),
    );
    line(
        "in use",
        Tone::Plain,
        if chain.in_use { "yes" } else { "no" }.to_owned(),
    );
}

fn agent_lines(agent: &AgentPage, line: &mut impl FnMut(&str, Tone, String)) {
    let wrong: Vec<_> = agent
        .faults
        .iter()
        .map(|fault| fault.reason.clone())
        .chain(agent.unread.clone())
        .collect();
    match wrong.as_slice() {
        [] => line("report", Tone::Good, "would pass".to_owned()),
        wrong => line(
            "report",
            Tone::Bad,
            format!("would FAIL: {}", wrong.join("\n")),
        ),
    }
    let block = agent
        .block
        .map_or_else(|| "none".to_owned(), |block| block.to_string());
    let clock = agent.clock_offset.unwrap_or_default();
    line(
        "block",
        Tone::Plain,
        format!("{block}, clock {clock:+} s against it"),
    );
    line("receipts", Tone::Plain, format!("{} held", agent.receipts));
    for lease in &agent.leases {
        let end = lease
            .closed
            .map_or_else(|| "now".to_owned(), |end| end.to_string());
        line(
            "lease",
            Tone::Plain,
            format!("request {}, {} to {end}", lease.request, lease.opened),
        );
    }
    for down in &agent.downs {
        line(
            "DOWN",
            Tone::Bad,
            format!("epoch {}, windows {}", down.epoch, down.windows),
        );
    }
    for each in &agent.contradicted {
        line(
            "contradicted",
            Tone::Plain,
            format!(
                "operator {} called epoch {} DOWN, and gave a receipt for window {}",
                each.operator, each.epoch, each.window
            ),
        );
    }
    let mut probes = String::new();
    for probe in &agent.probes {
        let receipt = if probe.receipt.is_some() {
            "receipt"
        } else {
            "no receipt"
        };
        let _ = writeln!(
            probes,
            "operator {} at {} (epoch {}, window {}), {receipt}",
            probe.operator, probe.at, probe.epoch, probe.window
        );
    }
    line(
        "probes",
        Tone::Plain,
        if probes.is_empty() {
            "none yet".to_owned()
        } else {
            probes
        },
    );
}

fn flags(flags: u8) -> String {
    [(1, "jailed"), (2, "in maintenance"), (4, "paused")]
        .iter()
        .filter(|(bit, _)| flags & bit != 0)
        .map(|(_, name)| format!(", {name}"))
        .collect()
}
