//! An agent's files, as `provider-agent init` would make them and a provider fill them in.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
};

use provider_agent::init::{Certificate, hash_of};

use super::Cards;
use crate::{Error, World, operators::EcdsaKeys};

/// Cards of each machine.
pub const CARDS: u8 = 2;
/// What they are: a model that no task of the trace accepts, so that these machines have their own
/// tenant and the trace its own leases.
const MODEL: &str = "NVIDIA H100 80GB HBM3";
/// The same in the policy's table.
pub(super) const MODEL_CODE: &str = "h100";
const MEMORY_MIB: u32 = 81_559;
/// What a GPU costs an hour, micro-dollars.
pub const ASK: u64 = 2_000_000;
/// Regions of the policy's table, one agent after the other.
const REGIONS: [&str; 3] = ["us-east", "germany", "singapore"];

/// Where an agent keeps what.
#[derive(Clone, Debug)]
pub struct AgentFiles {
    /// Which agent.
    pub number: usize,
    /// Its configuration.
    pub config: PathBuf,
    /// Its log.
    pub log: PathBuf,
    /// Where operators reach it.
    pub port: u16,
    /// Where its page is.
    pub http: u16,
    /// Aggregators that it asks who accuses its machine.
    pub aggregators: Vec<String>,
    home: PathBuf,
}

impl AgentFiles {
    /// Takes free ports and prepares the folder.
    ///
    /// # Errors
    /// When the folder cannot be made or no port is free.
    pub fn new(home: &Path, number: usize) -> Result<Self, Error> {
        fs::create_dir_all(home).map_err(Error::file(home))?;
        let free = || TcpListener::bind(("127.0.0.1", 0));
        let port = |listener: &TcpListener| listener.local_addr().map(|address| address.port());
        // Both held at once, so that they are two.
        let ports = free().and_then(|a| Ok((port(&a)?, port(&free()?)?)));
        let (port, http) = ports.map_err(|e| Error::program("free ports", e.to_string()))?;
        Ok(Self {
            number,
            config: home.join("provider-agent.toml"),
            log: home.join("log"),
            port,
            http,
            aggregators: Vec::new(),
            home: home.to_owned(),
        })
    }

    /// Writes certificate, scenario and configuration.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(
        &self,
        world: &World,
        provider: &EcdsaKeys,
        machine: &EcdsaKeys,
    ) -> Result<(), Error> {
        let certificate = Certificate::new("127.0.0.1").map_err(|e| Error::Key(e.to_string()))?;
        put(&self.home.join("certificate.pem"), &certificate.pem)?;
        put(&self.home.join("certificate-key.pem"), &certificate.key)?;
        self.scenario(Cards::Steady)?;
        put(&self.config, &self.text(world, provider, machine))
    }

    /// Writes the scenario; a running agent reads it again when it changes.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn scenario(&self, cards: Cards) -> Result<(), Error> {
        let mut text = format!(
            "seed = \"devnet\"\n\n[[card]]\nname = \"{MODEL}\"\ncount = {CARDS}\nmemory_mib = {MEMORY_MIB}\n"
        );
        text.push_str(match cards {
            Cards::Steady => "",
            Cards::Lost => "\n[[event]]\nat = 0\ncard = 0\nwhat = \"gone\"\n",
            Cards::Held => {
                "\n[[event]]\nat = 0\ncard = 0\nwhat = \"rented\"\nheld_mib = 70000\nprocesses = 1\n"
            }
        });
        // Put in place whole: an agent never reads half of it.
        let (path, part) = (self.cards(), self.home.join("cards.toml.part"));
        put(&part, &text)?;
        fs::rename(&part, &path).map_err(Error::file(&path))
    }

    /// Writes which machine it is, as `register` does.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn claim(&self, offer: u64) -> Result<(), Error> {
        let data = self.home.join("data");
        fs::create_dir_all(&data).map_err(Error::file(&data))?;
        put(
            &data.join("machine.json"),
            &format!("{{\"offer\": {offer}}}"),
        )
    }

    /// Where operators reach it, as it is registered.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// SHA-256 of its certificate.
    ///
    /// # Errors
    /// When it was not written yet.
    pub fn certificate(&self) -> Result<[u8; 32], Error> {
        let path = self.home.join("certificate.pem");
        hash_of(&path).map_err(|e| Error::Key(e.to_string()))
    }

    /// What the agent must not lose.
    pub(super) fn store(&self) -> PathBuf {
        self.home.join("data").join("agent.sqlite")
    }

    fn cards(&self) -> PathBuf {
        self.home.join("cards.toml")
    }

    fn text(&self, world: &World, provider: &EcdsaKeys, machine: &EcdsaKeys) -> String {
        let l2 = &world.contracts.l2;
        let chain = &world.chains.l2;
        let key = |name: &str, keys: &EcdsaKeys| {
            format!(
                "[{name}]\nkeystore = {:?}\npassword = {{ file = {:?} }}\n\n",
                keys.path, keys.password_path
            )
        };
        format!(
            "network = \"devnet\"\nlisten = \"127.0.0.1:{port}\"\nendpoint = \"{endpoint}\"\n\
             http = \"127.0.0.1:{http}\"\ndata = {data:?}\n\
             aggregators = {aggregators:?}\n\n\
             [l2]\nurls = [\"{url}\"]\nchain_id = {id}\npoll_ms = 500\n\n\
             [contracts]\nrounds = \"{rounds}\"\nmachines = \"{machines}\"\nhealth = \"{health}\"\n\
             escrow = \"{escrow}\"\ndeployed_at = 1\n\n\
             {machine_key}{provider_key}\
             [tls]\ncertificate = {certificate:?}\nkey = {tls_key:?}\n\n\
             [cards]\nscenario = {cards:?}\nseed = {seed}\n\n\
             [machine]\nask = \"{ask}\"\ncores = 96\nmemory_mib = 786432\ndisk_gib = 4000\nmbits = 20000\n\
             region = \"{region}\"\nkind = \"provider\"\nmin_term = 1\nmax_term = 2592000\nnotice = 5\n\
             currencies = [0]\ncapabilities = [{capability}]\n\n\
             [watch]\nevery_seconds = 2\nresume_after_seconds = 10\n\n\
             [duties]\nappeal = true\nobserve_seconds = 10\nsettle_seconds = 5\n\n\
             [limits]\nconnections_per_address = 128\n",
            port = self.port,
            endpoint = self.endpoint(),
            ask = format_args!("{}.{:06}", ASK / 1_000_000, ASK % 1_000_000),
            http = self.http,
            aggregators = self.aggregators,
            data = self.home.join("data"),
            url = chain.url(),
            id = chain.chain_id(),
            rounds = l2.rounds,
            machines = l2.machines,
            health = l2.health,
            escrow = l2.escrow,
            machine_key = key("machine_key", machine),
            provider_key = key("provider_key", provider),
            certificate = self.home.join("certificate.pem"),
            tls_key = self.home.join("certificate-key.pem"),
            cards = self.cards(),
            seed = self.number + 1,
            region = REGIONS[self.number % REGIONS.len()],
            capability = capability(self.number),
        )
    }
}

/// The capability that only this agent's machine has: by it a request asks for that machine.
#[must_use]
pub(super) fn capability(number: usize) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX).saturating_add(100)
}

fn put(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(Error::file(path))
}
