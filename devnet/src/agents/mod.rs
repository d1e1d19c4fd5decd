//! Providers with agents: simulated cards, real processes, real keys, real registrations.
//!
//! Their machines stand beside the trace's and win leases like them. Operators probe them; a card is
//! pulled by writing another scenario into an agent's file.

mod events;
mod files;
mod tenant;

use std::{
    ops::Range,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use alloy::{
    primitives::{Address, U256},
    sol_types::SolEvent as _,
};
use provider_agent::{
    status::AgentPage,
    store::{Store, StoredReceipt},
};
use quorate_bindings::{IMachines, erc20::IERC20};
use quorate_canon::HealthEpoch;
use quorate_health::{HealthPolicy, Window};
use serde::Deserialize;

pub use events::{Event, Events, Paid};
pub use files::{ASK, AgentFiles, CARDS};
pub use tenant::{Rented, Tenant};

use crate::{
    Error, World,
    chains::{Account, Process},
    nodes::{DEVNET, binary},
    operators::EcdsaKeys,
};

/// The agent's binary.
pub const AGENT: &str = "provider-agent";
/// How long one may take to end when it is asked to.
const GRACE: Duration = Duration::from_secs(5);
/// Agents that register at a time: each waits for blocks.
const AT_A_TIME: usize = 6;
/// Tokens that each provider has and stakes.
const STAKE: u64 = 100_000;

/// What befalls an agent's cards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cards {
    /// Nothing.
    Steady,
    /// One is gone from now on.
    Lost,
    /// One is held by a tenant's process from now on.
    Held,
}

/// One provider's machine.
#[derive(Debug)]
pub struct Agent {
    /// Its files.
    pub files: AgentFiles,
    /// The provider's key: stake, price, machines.
    pub provider: EcdsaKeys,
    /// The agent's own.
    pub machine: EcdsaKeys,
    /// Its offer, once it is registered.
    pub offer: u64,
    /// `None` while it is down.
    pub process: Option<Process>,
}

/// All of them; dropping them kills the agents.
#[derive(Debug)]
pub struct Agents {
    /// By number.
    pub all: Vec<Agent>,
}

/// What `provider-agent register --json` says.
#[derive(Debug, Deserialize)]
struct Registered {
    offer: u64,
}

impl Agents {
    /// Makes keys and files for `count` providers below `dir`, gives them money, has them register
    /// and starts their agents.
    ///
    /// # Errors
    /// When a file cannot be written, a process fails or a call reverts.
    pub async fn start(world: &World, dir: &Path, count: usize) -> Result<Self, Error> {
        Self::start_asking(world, dir, count, &[]).await
    }

    /// The same with aggregators that agents ask who accuses their machines.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_asking(
        world: &World,
        dir: &Path,
        count: usize,
        aggregators: &[String],
    ) -> Result<Self, Error> {
        let mut all = Vec::with_capacity(count);
        for number in 0..count {
            let home = dir.join(format!("agent-{number}"));
            let provider = EcdsaKeys::create(&home, "provider")?;
            let machine = EcdsaKeys::create(&home, "machine")?;
            let mut files = AgentFiles::new(&home, number)?;
            files.aggregators = aggregators.to_vec();
            files.write(world, &provider, &machine)?;
            endow(world, &provider, &machine).await?;
            all.push(Agent {
                files,
                provider,
                machine,
                offer: 0,
                process: None,
            });
        }
        for batch in all.chunks_mut(AT_A_TIME) {
            futures::future::try_join_all(batch.iter_mut().map(Agent::register)).await?;
        }
        for agent in &mut all {
            agent.start()?;
        }
        Ok(Self { all })
    }

    /// The agent of an offer.
    #[must_use]
    pub fn of(&mut self, offer: u64) -> Option<&mut Agent> {
        self.all.iter_mut().find(|agent| agent.offer == offer)
    }

    /// The agents that have ended although nobody asked them to, with where their logs are.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn fallen(&mut self) -> Result<Vec<(String, PathBuf)>, Error> {
        let mut fallen = Vec::new();
        for process in self
            .all
            .iter_mut()
            .filter_map(|agent| agent.process.as_mut())
        {
            if process.try_wait()?.is_some() {
                fallen.push((process.name().to_owned(), process.log().to_owned()));
            }
        }
        Ok(fallen)
    }

    /// Ends all of them.
    pub fn end(self) {
        for process in self.all.into_iter().filter_map(|agent| agent.process) {
            let name = process.name().to_owned();
            if let Err(error) = process.stop(GRACE) {
                tracing::warn!(%error, name, "an agent did not end");
            }
        }
    }
}

impl Agent {
    /// Runs `provider-agent register`, as the provider would who has staked nothing yet.
    async fn register(&mut self) -> Result<(), Error> {
        let words = ["register", "--json", "--stake", &STAKE.to_string()];
        self.registered(&words).await
    }

    /// Runs `provider-agent register` for a machine that is registered already: moves the agent here,
    /// and makes this its machine key.
    ///
    /// # Errors
    /// As [`Self::command`].
    pub async fn take_over(&mut self) -> Result<(), Error> {
        self.registered(&["register", "--json"]).await
    }

    async fn registered(&mut self, words: &[&str]) -> Result<(), Error> {
        let answer = self.command(words).await?;
        let registered: Registered =
            serde_json::from_value(answer).map_err(|e| Error::program(AGENT, e.to_string()))?;
        self.offer = registered.offer;
        Ok(())
    }

    /// Runs a command of the agent with its configuration, and gives its JSON answer.
    ///
    /// # Errors
    /// When it ends with another status than 0, or says no JSON.
    pub async fn command(&self, words: &[&str]) -> Result<serde_json::Value, Error> {
        let output = tokio::process::Command::new(binary(AGENT)?)
            .args(words)
            .args(["--log", "warn", "--config"])
            .arg(&self.files.config)
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|e| Error::program(AGENT, e.to_string()))?;
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        if !output.status.success() {
            return Err(Error::program(
                AGENT,
                format!("{}: {said}", words.join(" ")),
            ));
        }
        serde_json::from_slice(&output.stdout)
            .map_err(|e| Error::program(AGENT, format!("{e}; it said: {said}")))
    }

    /// Starts the agent, or starts it again.
    ///
    /// # Errors
    /// When the binary is not built or does not start.
    pub fn start(&mut self) -> Result<(), Error> {
        let mut command = Command::new(binary(AGENT)?);
        command.args(["run", "--config"]).arg(&self.files.config);
        let name = format!("agent-{}", self.files.number);
        self.process = Some(Process::spawn(&name, command, &self.files.log)?);
        Ok(())
    }

    /// Starts a liar in its place, with its keys, its certificate and its cards
    /// ([`crate::liars::HostileAgent`]).
    ///
    /// # Errors
    /// When the binary is not built or does not start.
    pub fn start_hostile(&mut self) -> Result<(), Error> {
        let mut command = Command::new(binary(DEVNET)?);
        command
            .args(["hostile-agent", "--config"])
            .arg(&self.files.config);
        let name = format!("hostile-agent-{}", self.files.number);
        self.process = Some(Process::spawn(&name, command, &self.files.log)?);
        Ok(())
    }

    /// An agent of the same machine elsewhere: the same cards, but files, port and certificate of its
    /// own, and these keys. It does not run yet.
    ///
    /// # Errors
    /// When a file cannot be written, no port is free, or a chain fails.
    pub async fn elsewhere(
        &self,
        world: &World,
        home: &Path,
        provider: EcdsaKeys,
        machine: EcdsaKeys,
    ) -> Result<Self, Error> {
        let files = AgentFiles::new(home, self.files.number)?;
        files.write(world, &provider, &machine)?;
        files.claim(self.offer)?;
        endow(world, &provider, &machine).await?;
        Ok(Self {
            files,
            provider,
            machine,
            offer: self.offer,
            process: None,
        })
    }

    /// What its page says now.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn page(&self) -> Result<AgentPage, Error> {
        let page = async {
            let url = format!("http://127.0.0.1:{}/status", self.files.http);
            let answer = reqwest::get(url).await?.error_for_status()?;
            answer.json().await
        };
        page.await
            .map_err(|e: reqwest::Error| Error::program(AGENT, e.to_string()))
    }

    /// The receipts on its disk of these health epochs; it must be down.
    ///
    /// # Errors
    /// When it runs, or its store cannot be read.
    pub fn receipts(&self, epochs: Range<u32>) -> Result<Vec<StoredReceipt>, Error> {
        let store = Store::open(&self.files.store(), usize::MAX);
        let store = store.map_err(|e| Error::program(AGENT, e.to_string()))?;
        let windows = HealthPolicy::devnet().windows;
        let mut receipts = Vec::new();
        for epoch in epochs.map(HealthEpoch::new) {
            for window in (0..windows).map(Window) {
                let found = store.receipts_of(epoch, window);
                receipts.extend(found.map_err(|e| Error::program(AGENT, e.to_string()))?);
            }
        }
        Ok(receipts)
    }

    /// Kills it, as a crash would.
    ///
    /// # Errors
    /// When it does not run, or the system does not tell its status.
    pub fn kill(&mut self) -> Result<(), Error> {
        let process = self.process.take();
        let mut process = process.ok_or_else(|| Error::program(AGENT, "it is down"))?;
        process.kill().map(drop)
    }

    /// Changes what befalls its cards from now on.
    ///
    /// # Errors
    /// When the scenario cannot be written.
    pub fn set_cards(&self, cards: Cards) -> Result<(), Error> {
        self.files.scenario(cards)
    }
}

/// Gas for both keys, and tokens that the provider may stake.
async fn endow(world: &World, provider: &EcdsaKeys, machine: &EcdsaKeys) -> Result<(), Error> {
    let l2 = &world.chains.l2;
    let wei = U256::from(10_u128.pow(21));
    l2.fund(provider.address(), wei).await?;
    l2.fund(machine.address(), wei).await?;
    let value = U256::from(STAKE) * U256::from(10_u128.pow(18));
    let give = IERC20::transferCall {
        to: provider.address(),
        value,
    };
    let token = world.contracts.l2.token;
    world.owners.l2.call(token, &give).await.map(drop)
}

/// The account of a key on L2, for tests that act as its owner.
#[must_use]
pub fn account(world: &World, keys: &EcdsaKeys) -> Account {
    Account::new(&world.chains.l2, keys.signer().clone())
}

/// The machines that are registered on chain, by offer.
///
/// # Errors
/// When the chain does not answer.
pub async fn registered(world: &World) -> Result<Vec<u64>, Error> {
    use alloy::{providers::Provider as _, rpc::types::Filter};
    let machines: Address = world.contracts.l2.machines;
    let filter = Filter::new()
        .address(machines)
        .event_signature(IMachines::MachineRegistered::SIGNATURE_HASH)
        .from_block(0);
    let logs = world.chains.l2.provider().get_logs(&filter).await?;
    logs.iter()
        .map(|log| {
            IMachines::MachineRegistered::decode_log(&log.inner)
                .map(|event| event.offerId)
                .map_err(|e| Error::program("machines", e.to_string()))
        })
        .collect()
}
