//! The configuration files of a world's nodes, as a person would write them.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
};

use alloy::primitives::U256;
use url::Url;

use crate::{Error, World, chains::Anvil, deploy::Price, operators::OperatorKeys};

/// Where a world's nodes keep their files, and where they listen.
#[derive(Clone, Debug)]
pub struct NodeFiles {
    /// Holds one folder a node.
    pub dir: PathBuf,
    /// Where the aggregator takes votes.
    pub aggregator_port: u16,
    /// Where the aggregator's page is.
    pub aggregator_http: u16,
    /// Where each operator's page is.
    pub operator_http: Vec<u16>,
    /// Whom operators send their votes to beside the aggregator.
    pub listeners: Vec<Url>,
    /// Whether the aggregator settles rounds for a bond that nobody has certified in time.
    pub proposals: bool,
}

/// Accounts that pay for transactions.
#[derive(Debug)]
pub struct Payers {
    /// The aggregator's, on both chains.
    pub submitter: OperatorKeys,
    /// The auditor's, on L2: it holds no operator's key.
    pub challenger: OperatorKeys,
}

impl Payers {
    /// Makes both and gives them money.
    ///
    /// # Errors
    /// When keys cannot be written or a chain fails.
    pub async fn create(world: &World, dir: &Path) -> Result<Self, Error> {
        let payers = Self {
            submitter: OperatorKeys::create(dir, "submitter")?,
            challenger: OperatorKeys::create(dir, "challenger")?,
        };
        let wei = U256::from(10_u128.pow(21));
        let (l1, l2) = (&world.chains.l1, &world.chains.l2);
        l1.fund(payers.submitter.address(), wei).await?;
        l2.fund(payers.submitter.address(), wei).await?;
        l2.fund(payers.challenger.address(), wei).await?;
        Ok(payers)
    }
}

impl NodeFiles {
    /// Takes free ports and prepares the folder.
    ///
    /// # Errors
    /// When the folder cannot be made or no port is free.
    pub fn new(dir: &Path, operators: usize) -> Result<Self, Error> {
        fs::create_dir_all(dir).map_err(Error::file(dir))?;
        // Held together, so that no port is given out twice.
        let held = (0..operators + 2)
            .map(|_| TcpListener::bind(("127.0.0.1", 0)))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| Error::program("free ports", e.to_string()))?;
        let mut ports = held
            .iter()
            .filter_map(|l| l.local_addr().ok())
            .map(|a| a.port());
        Ok(Self {
            dir: dir.to_owned(),
            aggregator_port: ports.next().unwrap_or_default(),
            aggregator_http: ports.next().unwrap_or_default(),
            operator_http: ports.collect(),
            listeners: Vec::new(),
            proposals: false,
        })
    }

    /// The configuration file of an operator.
    #[must_use]
    pub fn operator(&self, number: usize) -> PathBuf {
        self.dir
            .join(format!("operator-{number}"))
            .join("operator.toml")
    }

    /// Where the aggregator takes votes and lists, and answers agents.
    #[must_use]
    pub fn aggregator_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.aggregator_port)
    }

    /// The configuration file of the aggregator.
    #[must_use]
    pub fn aggregator(&self) -> PathBuf {
        self.dir.join("aggregator").join("aggregator.toml")
    }

    /// The configuration file of the auditor.
    #[must_use]
    pub fn auditor(&self) -> PathBuf {
        self.dir.join("auditor").join("auditor.toml")
    }

    /// The configuration file of the auditor that watches and challenges.
    #[must_use]
    pub fn watcher(&self) -> PathBuf {
        self.dir.join("watcher").join("auditor.toml")
    }

    /// Writes all of them.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, world: &World, payers: &Payers) -> Result<(), Error> {
        let shared = shared(world);
        for (number, keys) in world.operators.iter().enumerate() {
            write(
                &self.operator(number),
                &(self.operator_text(world, number, keys) + &shared),
            )?;
        }
        write(
            &self.aggregator(),
            &(self.aggregator_text(&payers.submitter) + &shared),
        )?;
        write(
            &self.watcher(),
            &(self.watcher_text(&payers.challenger) + &shared),
        )?;
        write(
            &self.auditor(),
            &(format!("network = \"devnet\"\n{shared}")),
        )
    }

    fn operator_text(&self, world: &World, number: usize, keys: &OperatorKeys) -> String {
        let home = self.dir.join(format!("operator-{number}"));
        format!(
            "network = \"devnet\"\noperator = \"{}\"\naggregators = [{}]\n\
             http = \"127.0.0.1:{}\"\n\n\
             [bls]\nkeystore = {:?}\npassword = {{ file = {:?} }}\n\n\
             [ecdsa]\nkeystore = {:?}\npassword = {{ file = {:?} }}\n\n\
             [store]\nledger = {:?}\ndata = {:?}\n{}",
            keys.address(),
            self.aggregators(),
            self.operator_http.get(number).copied().unwrap_or_default(),
            keys.bls_path,
            keys.password_path,
            keys.ecdsa_path,
            keys.password_path,
            home.join("ledger").join("ledger.sqlite"),
            home.join("data"),
            health(world),
        )
    }

    fn aggregators(&self) -> String {
        let all =
            std::iter::once(self.aggregator_url()).chain(self.listeners.iter().map(Url::to_string));
        all.map(|url| format!("\"{url}\""))
            .collect::<Vec<_>>()
            .join(", ")
    }

    fn aggregator_text(&self, submitter: &OperatorKeys) -> String {
        format!(
            "network = \"devnet\"\ndata = {:?}\n\n\
             [grpc]\nlisten = \"127.0.0.1:{}\"\n\n[http]\nlisten = \"127.0.0.1:{}\"\n\n\
             [key]\nkeystore = {:?}\npassword = {{ file = {:?} }}\n\n\
             [duties]\npause_ms = 500\nclaim_min_micro = 1000\n{}",
            self.dir.join("aggregator").join("data"),
            self.aggregator_port,
            self.aggregator_http,
            submitter.ecdsa_path,
            submitter.password_path,
            self.proposing(),
        )
    }

    /// The duty to propose; nothing where it is not wanted, which is what an aggregator does.
    fn proposing(&self) -> String {
        if !self.proposals {
            return String::new();
        }
        let bond = Price::devnet().proposal_bond;
        format!("propose = true\nmax_bond_wei = \"{bond:#x}\"\n")
    }

    fn watcher_text(&self, challenger: &OperatorKeys) -> String {
        format!(
            "network = \"devnet\"\ndata = {:?}\n\n\
             [key]\nkeystore = {:?}\npassword = {{ file = {:?} }}\n",
            self.dir.join("watcher").join("data"),
            challenger.ecdsa_path,
            challenger.password_path,
        )
    }
}

/// How operators probe machines: both chains' nodes stand for hosts that are no providers'.
fn health(world: &World) -> String {
    let target = |anvil: &Anvil| {
        let url = anvil.url();
        let port = url.port_or_known_default().unwrap_or_default();
        format!("{}:{port}", url.host_str().unwrap_or_default())
    };
    format!(
        "\n[health]\ntargets = [\"{}\", \"{}\"]\nwatch_ms = 500\npoll_ms = 500\nallow_private_endpoints = true\n",
        target(&world.chains.l1),
        target(&world.chains.l2),
    )
}

/// The sections that all nodes have.
fn shared(world: &World) -> String {
    let chain = |name: &str, anvil: &Anvil| {
        format!(
            "\n[{name}]\nurls = [\"{}\"]\nchain_id = {}\npoll_ms = 100\n",
            anvil.url(),
            anvil.chain_id()
        )
    };
    let (l1, l2) = (&world.contracts.l1, &world.contracts.l2);
    format!(
        "{}{}\n[contracts]\nrounds = \"{}\"\nservice_manager = \"{}\"\nslasher = \"{}\"\nmachines = \"{}\"\nhealth = \"{}\"\n\
         attendance = \"{}\"\ntally = \"{}\"\nrewards = \"{}\"\ndeployed_at = 1\n\n\
         [beacon]\nrelays = [{}]\n\n[beacon.chain]\n{}",
        chain("l1", &world.chains.l1),
        chain("l2", &world.chains.l2),
        l2.rounds,
        l1.service_manager,
        l1.slasher,
        l2.machines,
        l2.health,
        l2.attendance,
        l2.tally,
        l1.rewards,
        relays(world),
        beacon(world),
    )
}

fn relays(world: &World) -> String {
    let relays: Vec<_> = world
        .relays
        .iter()
        .map(|relay| format!("\"{}\"", relay.url()))
        .collect();
    relays.join(", ")
}

fn beacon(world: &World) -> String {
    let info = world.beacon.info();
    format!(
        "public_key = \"{}\"\nchain_hash = \"0x{}\"\ngenesis = {}\nperiod = {}\n",
        hex::encode(info.public_key),
        hex::encode(info.hash),
        info.genesis,
        info.period,
    )
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).map_err(Error::file(dir))?;
    }
    fs::write(path, text).map_err(Error::file(path))
}
