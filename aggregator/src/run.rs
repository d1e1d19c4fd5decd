//! Puts the parts together. Everything starts in any order: what cannot be reached yet is waited
//! for, and readiness says so.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use alloy::signers::local::PrivateKeySigner;
use anyhow::Context as _;
use quorate_beacon::Limits as BeaconLimits;
use quorate_canon::Round;
use quorate_chain::{
    ChainError, Rpc, RpcConfig,
    sender::{SenderConfig, TxSender},
    to_address, views,
};
use quorate_keys::{Exposure, Password, ecdsa};
use quorate_protocol::{Domain, Schedule};
use quorate_rpc::{Server, WireLimits};
use quorate_service::{
    ConfigError, Metrics, Readiness, Shutdown, health::Requirement, http, shutdown::join_all,
};
use tokio::sync::{Notify, watch};
use tracing::info;

use crate::{
    chain::{Chain, ethereum::Ethereum},
    collector::{Limits, Mailbox, State, actor},
    config::{Config, Key},
    courts::{docket::Docket, words::Words},
    grpc::{Service, Uploads},
    observe::Observe,
    settle::{self, Beacons},
    status::{self, Status},
    store::Store,
    tables::Keeper,
};

/// Pause between two attempts to reach what is needed at start.
const RETRY: Duration = Duration::from_secs(1);
/// Pause between two looks at the chains' heads.
const LISTEN: Duration = Duration::from_secs(5);
/// How long tasks have to end.
const GRACE: Duration = Duration::from_secs(10);

/// What never changes, read from the contracts.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// Whose rounds.
    pub domain: Domain,
    /// When.
    pub schedule: Schedule,
}

/// Where a started aggregator listens.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// gRPC.
    pub grpc: SocketAddr,
    /// Metrics, health, status.
    pub http: SocketAddr,
}

/// Runs an aggregator until the end is asked for. `started` hears where it listens as soon as it
/// does, which may be before it is ready.
pub async fn run(
    config: Config,
    shutdown: Shutdown,
    started: impl FnOnce(Addresses),
) -> anyhow::Result<()> {
    config.validate()?;
    let (metrics, readiness) = (Metrics::new(), Readiness::new());
    // Before anybody can ask: without conditions it would call itself ready.
    let conditions = Conditions {
        l1: readiness.require("l1"),
        l2: readiness.require("l2"),
    };
    std::fs::create_dir_all(&config.data)
        .with_context(|| format!("data folder {}", config.data.display()))?;
    let store = Arc::new(Store::open(&config.data.join("aggregator.sqlite"))?);
    let server = Server::bind(config.grpc.listen, config.grpc.limits(), config.grpc.tls()).await?;
    let (listener, http_address) = http::bind(config.http.listen)
        .await
        .context("http.listen")?;
    started(Addresses {
        grpc: server.address(),
        http: http_address,
    });
    info!(grpc = %server.address(), http = %http_address, network = %config.network, "listening");

    let status = Status::new(readiness.clone());
    let page =
        http::router(metrics.clone(), readiness.clone()).merge(status::router(status.clone()));
    let pages = tokio::spawn(http::serve(listener, page, shutdown.clone()));
    let Some(ready) = reach(&config, conditions, &shutdown).await? else {
        return Ok(());
    };

    let parts = Parts {
        facts: ready.facts,
        chain: Arc::new(ready.chain),
        beacons: Arc::new(ready.beacons),
        store,
        observe: Observe::new(&metrics),
        limits: config.collector.limits(),
        duties: config.duties.clone(),
    };
    let mut running = parts.start(&shutdown);
    running.tasks.push((
        "chains",
        tokio::spawn(listen_to_chains(ready.heads, shutdown.clone())),
    ));
    status.show(running.mailbox.clone(), ready.facts);
    let served = server
        .run(
            running.service,
            WireLimits::default(),
            |_| {},
            shutdown.asked(),
        )
        .await;
    shutdown.ask();
    let aborted = join_all(running.tasks, GRACE).await;
    drop(pages.await);
    served?;
    anyhow::ensure!(
        aborted.is_empty(),
        "tasks did not end in time: {}",
        aborted.join(", ")
    );
    Ok(())
}

/// What has to hold for the aggregator to be ready.
struct Conditions {
    l1: Requirement,
    l2: Requirement,
}

/// What could be reached.
struct Reached {
    facts: Facts,
    chain: Ethereum,
    beacons: quorate_beacon::Client,
    heads: Vec<(Rpc, Requirement)>,
}

/// Keeps asking the chains for their heads: an aggregator that is alive but deaf must say so.
async fn listen_to_chains(chains: Vec<(Rpc, Requirement)>, shutdown: Shutdown) {
    while shutdown.sleep(LISTEN).await {
        for (rpc, condition) in &chains {
            let head = shutdown.or(rpc.latest()).await;
            // Only the condition matters here; those who need the head ask for themselves.
            drop(head.map(|head| condition.note(head)));
        }
    }
}

/// Waits until both chains answer. A wrong chain or contract is an error at once: no waiting helps.
async fn reach(
    config: &Config,
    conditions: Conditions,
    shutdown: &Shutdown,
) -> anyhow::Result<Option<Reached>> {
    let signer = signer(&config.key)?;
    let info = config.beacon.chain(config.network)?;
    let beacons =
        quorate_beacon::Client::new(config.beacon.relays.clone(), info, BeaconLimits::default())?;
    let l1 = || connect(&config.l1.urls.0, config.l1.chain_id);
    let l2 = || connect(&config.l2.urls.0, config.l2.chain_id);
    let Some(l1) = patiently(l1, &conditions.l1, shutdown).await? else {
        return Ok(None);
    };
    let Some(l2) = patiently(l2, &conditions.l2, shutdown).await? else {
        return Ok(None);
    };
    let Some(facts) = patiently(|| facts(&l2, config), &conditions.l2, shutdown).await? else {
        return Ok(None);
    };
    check_facts(config, &facts, &info)?;
    let sender = |rpc: Rpc, name: &str| {
        TxSender::open(
            rpc,
            signer.clone(),
            SenderConfig::default(),
            Some(config.data.join(name).as_path()),
        )
    };
    let heads = vec![(l1.clone(), conditions.l1), (l2.clone(), conditions.l2)];
    let (l1, l2) = (sender(l1, "l1.sqlite")?, sender(l2, "l2.sqlite")?);
    let chain = Ethereum::new(config.addresses(), l1, l2, config.l1.bridge_value);
    Ok(Some(Reached {
        facts,
        chain,
        beacons,
        heads,
    }))
}

/// Tries again while it can help; none if the end was asked for meanwhile.
async fn patiently<T, F: Future<Output = Result<T, ChainError>>>(
    mut attempt: impl FnMut() -> F,
    condition: &Requirement,
    shutdown: &Shutdown,
) -> anyhow::Result<Option<T>> {
    loop {
        let Some(result) = shutdown.or(attempt()).await else {
            return Ok(None);
        };
        match condition.note(result) {
            Ok(value) => return Ok(Some(value)),
            Err(error) if error.is_retryable() => {
                info!(%error, "waiting for a chain");
                if !shutdown.sleep(RETRY).await {
                    return Ok(None);
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Connects to a chain and looks for the precompiles.
pub async fn connect(urls: &[url::Url], chain_id: u64) -> Result<Rpc, ChainError> {
    let rpc = Rpc::connect(RpcConfig::new(urls.to_vec(), chain_id)).await?;
    rpc.check_precompiles().await?;
    Ok(rpc)
}

/// Reads what never changes.
pub async fn facts(l2: &Rpc, config: &Config) -> Result<Facts, ChainError> {
    l2.check_code(&[config.l2.rounds, config.l2.stake_table])
        .await?;
    let domain = views::domain(l2, config.l2.rounds).await?;
    let schedule = views::schedule(l2, config.l2.rounds).await?;
    Ok(Facts { domain, schedule })
}

/// Compares what the contracts say with the configuration.
pub fn check_facts(
    config: &Config,
    facts: &Facts,
    beacon: &quorate_beacon::ChainInfo,
) -> Result<(), ConfigError> {
    let (domain, schedule) = (&facts.domain, &facts.schedule);
    let avs = to_address(config.l1.service_manager);
    let checks = [
        (
            "l1.chain_id",
            domain.l1_chain.get() == config.l1.chain_id,
            format!("Rounds names {}", domain.l1_chain),
        ),
        (
            "l1.service_manager",
            domain.avs == avs,
            format!("Rounds names {}", domain.avs),
        ),
        (
            "beacon",
            schedule.beacon_chain_hash == beacon.chain_hash,
            format!("Rounds names chain {}", schedule.beacon_chain_hash),
        ),
        (
            "beacon",
            schedule.beacon_genesis == beacon.genesis,
            format!("Rounds has genesis {}", schedule.beacon_genesis),
        ),
        (
            "beacon",
            schedule.beacon_period == beacon.period,
            format!("Rounds has a period of {} s", schedule.beacon_period),
        ),
    ];
    match checks.into_iter().find(|(_, right, _)| !right) {
        Some((key, _, detail)) => Err(ConfigError::value(key, detail)),
        None => Ok(()),
    }
}

/// Opens the key that pays.
pub fn signer(key: &Key) -> anyhow::Result<PrivateKeySigner> {
    let password = Password::new(key.password.read()?.reveal().to_owned());
    let keystore = ecdsa::Keystore::read(Path::new(&key.keystore), Exposure::Refuse)?;
    let secret = keystore.decrypt(&password)?;
    Ok(PrivateKeySigner::from_slice(secret.expose_bytes())?)
}

/// What an aggregator is made of; tests put a simulated chain and beacon in.
pub struct Parts<C, B> {
    /// What never changes.
    pub facts: Facts,
    /// The chains.
    pub chain: Arc<C>,
    /// The beacon.
    pub beacons: Arc<B>,
    /// The database.
    pub store: Arc<Store>,
    /// Metrics and logs.
    pub observe: Observe,
    /// The collector's limits.
    pub limits: Limits,
    /// What is done beside settling.
    pub duties: crate::config::Duties,
}

/// An aggregator at work.
pub struct Running {
    /// What answers operators.
    pub service: Arc<Service>,
    /// The way to the collector.
    pub mailbox: Mailbox,
    /// Its tasks, by name.
    pub tasks: Vec<(&'static str, tokio::task::JoinHandle<()>)>,
}

impl<C: Chain, B: Beacons> Parts<C, B> {
    /// Starts all actors. They end when the end is asked for.
    pub fn start(self, shutdown: &Shutdown) -> Running {
        let (mailbox, messages) = Mailbox::new();
        let (jobs, queue) = settle::queue();
        let (came, lists) = watch::channel(0);
        let (uploads, courts) = (Uploads::default(), Arc::new(Notify::new()));
        let mut tasks = Vec::new();

        let tools = actor::Tools {
            chain: Arc::clone(&self.chain),
            store: Arc::clone(&self.store),
            observe: self.observe.clone(),
            uploads: uploads.clone(),
            jobs,
            courts: Arc::clone(&courts),
        };
        let state = State::new(self.facts.domain, self.facts.schedule, self.limits);
        let collector = actor::Collector::new(state, tools, mailbox.clone());
        tasks.push((
            "collector",
            tokio::spawn(collector.run(messages, shutdown.clone())),
        ));

        let tools = settle::Tools {
            domain: self.facts.domain,
            schedule: self.facts.schedule,
            chain: Arc::clone(&self.chain),
            beacons: Arc::clone(&self.beacons),
            store: Arc::clone(&self.store),
            mailbox: mailbox.clone(),
            observe: self.observe.clone(),
            lists,
        };
        tasks.push((
            "settle",
            tokio::spawn(settle::run(tools, queue, shutdown.clone())),
        ));
        self.start_duties(&mailbox, courts, shutdown, &mut tasks);

        let service = Service::new(mailbox.clone(), self.store, uploads, self.observe, came);
        Running {
            service: Arc::new(service),
            mailbox,
            tasks,
        }
    }

    /// Starts what is done beside settling.
    fn start_duties(
        &self,
        mailbox: &Mailbox,
        courts: Arc<Notify>,
        shutdown: &Shutdown,
        tasks: &mut Vec<(&'static str, tokio::task::JoinHandle<()>)>,
    ) {
        let (pause, schedule) = (self.duties.pause(), self.facts.schedule);
        if self.duties.tables {
            let keeper = Keeper::new(
                Arc::clone(&self.chain),
                schedule,
                self.observe.clone(),
                pause,
            );
            tasks.push(("tables", tokio::spawn(keeper.run(shutdown.clone()))));
        }
        if self.duties.evidence {
            let docket = Docket::new(
                Arc::clone(&self.chain),
                Arc::clone(&self.store),
                self.observe.clone(),
                pause,
                self.duties.evidence_days.saturating_mul(86_400),
                Box::new(move |round: Round| schedule.close(round).ok()),
            );
            tasks.push(("courts", tokio::spawn(docket.run(courts, shutdown.clone()))));
        }
        if self.duties.evidence || self.duties.report_all {
            let words = Words {
                chain: Arc::clone(&self.chain),
                store: Arc::clone(&self.store),
                observe: self.observe.clone(),
                all: self.duties.report_all.then(|| mailbox.clone()),
                pause,
                settled: std::collections::BTreeSet::new(),
            };
            tasks.push(("words", tokio::spawn(words.run(shutdown.clone()))));
        }
    }
}
