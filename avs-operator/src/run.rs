//! The node, from configuration to its end.

use std::sync::Arc;

use quorate_canon::{OperatorIndex, Round};
use quorate_chain::{health::epoch_clock, to_alloy_address};
use quorate_rpc::{Client, ClientLimits, ClientTls};
use quorate_service::{Metrics, Readiness, Shutdown, health::Requirement, install_crypto};
use quorate_signer::{Signer, Start};
use tracing::info;

use crate::{
    Config, OperatorError,
    archive::Archive,
    driver::{Driver, Parts},
    node::NodePage,
    observe::Observe,
    post::Post,
    prober::{
        self,
        board::{Feed, board},
        observe::ProbeObserve,
        plan::Planner,
        words::{Attester, LedgerAttester},
    },
    self_check::SelfCheck,
    setup::{self, Network},
    shown::{self, ChainSource, ShownObserve},
    voter::{LedgerVoter, Voter},
};

/// What is asked for on the command line.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Create the signing ledger if there is none. Only for a key that has never signed.
    pub init_ledger: bool,
}

/// Runs the node with the honest voter.
///
/// # Errors
/// [`OperatorError`], naming what failed.
pub async fn run(
    config: Config,
    options: Options,
    shutdown: Shutdown,
) -> Result<(), OperatorError> {
    run_with(config, options, shutdown, |honest| Box::new(honest)).await
}

/// Runs the node with another voter around the honest one. For programs of other crates that show
/// what the network does about liars.
///
/// # Errors
/// [`OperatorError`], naming what failed.
pub async fn run_with(
    config: Config,
    options: Options,
    shutdown: Shutdown,
    voter: impl FnOnce(LedgerVoter) -> Box<dyn Voter>,
) -> Result<(), OperatorError> {
    Box::pin(run_as(config, options, shutdown, voter, |honest| {
        Arc::new(honest)
    }))
    .await
}

/// As [`run_with`], also with another attester around the honest one.
///
/// # Errors
/// [`OperatorError`], naming what failed.
pub async fn run_as(
    config: Config,
    options: Options,
    shutdown: Shutdown,
    voter: impl FnOnce(LedgerVoter) -> Box<dyn Voter>,
    attester: impl FnOnce(LedgerAttester) -> Arc<dyn Attester>,
) -> Result<(), OperatorError> {
    install_crypto();
    config.check()?;
    let key = config.bls.bls()?;
    let (metrics, readiness) = (Metrics::new(), Readiness::new());
    let observe = Observe::new(&metrics);
    let conditions = Conditions::new(&readiness);
    let page = NodePage::serve(&config, &metrics, &readiness, &shutdown).await?;

    let network = connected(&config, &conditions).await?;
    let Some(index) =
        registered(&config, &network, &key.public_key(), &conditions, &shutdown).await?
    else {
        return Ok(());
    };
    let archive = Archive::open(&config.store.data)?;
    // Without a ledger the whole history is read: it shows whether this key has signed before.
    let image = if config.store.ledger.exists() {
        archive.image()?
    } else {
        None
    };
    let reader = setup::reader(&config, &network, image.as_deref()).await?;
    let history = history(&config, &network, &reader, index).await?;
    let ledger = setup::ledger(&config, &key, network.domain, history, options.init_ledger)?;
    conditions.ledger.ready();
    // After the ledger is open: the floor below which this process signs nothing new.
    let head = setup::floor(&network.each_l2, reader.start().timestamp).await;
    let start = Start {
        operator: index,
        schedule: network.schedule,
        head,
    };
    let signer = Arc::new(Signer::start(ledger, key, start)?);
    info!(operator = %index, head = reader.start().number, floor = %head, "ready to sign rounds that close from now on");

    let tls = ClientTls {
        roots: config.aggregator_roots.clone(),
        name: None,
    };
    let post = Post::new(&config.aggregators, &tls, observe.clone(), shutdown.clone())?;
    let prober = Probing {
        config: &config,
        network: &network,
        tls: &tls,
        metrics: &metrics,
    };
    let honest = LedgerAttester::new(Arc::clone(&signer));
    let feed = prober.begin(attester(honest), &shutdown).await?;
    let parts = Parts {
        reader,
        domain: network.domain,
        schedule: network.schedule,
        beacon: config.beacon.client(config.network)?,
        self_check: self_check(&config, &network, &observe).await?,
        voter: voter(LedgerVoter::new(signer)),
        archive: Box::new(archive),
        post,
        observe,
        poll: config.l2.poll(),
        feed,
    };
    let result = Driver::new(parts).run(shutdown.clone()).await;
    shutdown.ask();
    page.stopped().await;
    result
}

/// What the prober is made of.
struct Probing<'a> {
    config: &'a Config,
    network: &'a Network,
    tls: &'a ClientTls,
    metrics: &'a Metrics,
}

impl Probing<'_> {
    /// Begins to probe machines, and to show that work, where that is asked for; gives the driver's side
    /// of the board.
    async fn begin(
        &self,
        attester: Arc<dyn Attester>,
        shutdown: &Shutdown,
    ) -> Result<Option<Feed>, OperatorError> {
        let Some(section) = self.config.health.clone().filter(|health| health.enabled) else {
            return Ok(None);
        };
        let clients = self.config.aggregators.iter();
        let clients = clients.map(|url| Client::new(url, self.tls, ClientLimits::default()));
        let clock = epoch_clock(&self.network.schedule);
        let (feed, reader) = board();
        let planner = Planner {
            l2: self.network.l2.clone(),
            rounds: self.config.contracts.rounds,
            clock,
            beacon: self.config.beacon.client(self.config.network)?,
            attester: Arc::clone(&attester),
        };
        let parts = prober::Parts {
            section,
            board: reader,
            attester,
            plans: Arc::new(planner),
            clock,
            aggregators: clients.collect::<Result<_, _>>()?,
            shown_seconds: self.shown_seconds().await?,
            observe: ProbeObserve::new(self.metrics),
        };
        if let Some(source) = self.source()? {
            let parts = shown::Parts {
                attester: Arc::clone(&parts.attester),
                plans: Arc::clone(&parts.plans),
                source: Arc::new(source),
                clock,
                aggregators: parts.aggregators.clone(),
                pause: parts.section.poll(),
                observe: ShownObserve::new(self.metrics),
            };
            drop(shown::spawn(parts, shutdown.clone()));
        }
        // Both end with the process's wish to end; nothing waits for them.
        drop(prober::spawn(parts, shutdown.clone()));
        Ok(Some(feed))
    }

    /// Seconds from a health epoch's start in which its receipts may show work.
    async fn shown_seconds(&self) -> Result<u64, OperatorError> {
        match self.source()? {
            Some(source) => Ok(shown::longest(&source, &self.network.schedule).await?),
            None => Ok(0),
        }
    }

    /// Where samples of this operator's work come from; nowhere without `Tally`.
    fn source(&self) -> Result<Option<ChainSource>, OperatorError> {
        let Some(tally) = self.config.contracts.tally else {
            return Ok(None);
        };
        Ok(Some(ChainSource {
            l2: self.network.l2.clone(),
            tally: to_alloy_address(tally),
        }))
    }
}

/// What asks the contracts before anything is signed; whom, `Rounds` itself says.
async fn self_check(
    config: &Config,
    network: &Network,
    observe: &Observe,
) -> Result<SelfCheck, OperatorError> {
    Ok(SelfCheck {
        rpc: network.l2.clone(),
        verifier: setup::verifier(network).await?,
        pairs: config.self_check_pairs,
        reports: config.store.data.join("disagreements"),
        observe: observe.clone(),
    })
}

/// What has to hold before the node can sign.
struct Conditions {
    l1: Requirement,
    l2: Requirement,
    registered: Requirement,
    ledger: Requirement,
}

impl Conditions {
    fn new(readiness: &Readiness) -> Self {
        Self {
            l1: readiness.require("l1"),
            l2: readiness.require("l2"),
            registered: readiness.require("registered"),
            ledger: readiness.require("ledger"),
        }
    }
}

async fn connected(config: &Config, conditions: &Conditions) -> Result<Network, OperatorError> {
    let l1 = conditions.l1.note(setup::connect(config, true).await)?;
    let l2 = conditions.l2.note(setup::connect(config, false).await)?;
    setup::network(config, l1, l2).await
}

/// Waits until the operator is registered; `None` if the end is asked for meanwhile.
async fn registered(
    config: &Config,
    network: &Network,
    key: &quorate_bls::PublicKey,
    conditions: &Conditions,
    shutdown: &Shutdown,
) -> Result<Option<OperatorIndex>, OperatorError> {
    let operator = config.operator()?;
    loop {
        if let Some(index) = setup::registration(network, operator, key).await? {
            conditions.registered.ready();
            return Ok(Some(index));
        }
        let why =
            format!("{operator} is not registered with this AVS: run `avs-operator register`");
        info!("{why}");
        conditions.registered.missing(why);
        if !shutdown.sleep(setup::REGISTERED_POLL).await {
            return Ok(None);
        }
    }
}

/// The last round that the chain shows as signed by this key; looked for only if the ledger is missing.
async fn history(
    config: &Config,
    network: &Network,
    reader: &quorate_chain::Reader,
    index: OperatorIndex,
) -> Result<Option<Round>, OperatorError> {
    if config.store.ledger.exists() {
        return Ok(None);
    }
    Ok(setup::last_signed(network, reader, index).await?)
}
