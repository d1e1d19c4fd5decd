//! The agent, from configuration to its end.

use std::sync::Arc;
use std::time::Duration;

use quorate_canon::OfferId;
use quorate_rpc::Server;
use quorate_service::{
    ConfigError, Metrics, Network, Readiness, Shutdown, health::Requirement, http, install_crypto,
};
use tokio::task::JoinSet;
use tracing::{info, warn};

use crate::answer::{Answerer, Parts};
use crate::appeal::{self, Appealer};
use crate::cards::Cards;
use crate::chain::{Chain, Hand, L2};
use crate::contradict::{self, Said};
use crate::follow::{Again, Follower};
use crate::guard::Guard;
use crate::identity::Identity;
use crate::observe::Observe;
use crate::orders::HOLD;
use crate::shared::Shared;
use crate::signing::MachineKey;
use crate::store::Store;
use crate::watch::Watch;
use crate::{AgentError, Config, setup, status};

/// Pause between two looks whether the machine is registered.
const REGISTERED_POLL: Duration = Duration::from_secs(2);

/// What has to hold before the agent is of use.
struct Conditions {
    chain: Requirement,
    registered: Requirement,
}

/// Runs the agent until the end is asked for.
///
/// # Errors
/// [`AgentError`], naming what failed.
pub async fn run(config: Config, shutdown: Shutdown) -> Result<(), AgentError> {
    install_crypto();
    config.check()?;
    for warning in config.warnings() {
        warn!("{warning}");
    }
    let key = setup::machine_key(&config)?;
    let cards = Cards::start(config.source())?;
    std::fs::create_dir_all(&config.data)
        .map_err(|source| AgentError::file(&config.data, source))?;
    let store = Store::open(&config.file("agent.sqlite"), config.limits.receipts)?;
    let (metrics, readiness, shared) = (Metrics::new(), Readiness::new(), Shared::default());
    let conditions = Conditions {
        chain: readiness.require("l2"),
        registered: readiness.require("registered"),
    };
    let observe = Observe::new(&metrics);
    let mut tasks = JoinSet::new();
    page(
        &config, metrics, readiness, &shared, &store, &shutdown, &mut tasks,
    )
    .await?;

    shared.known().rules = store.rules()?;
    let Some(offer) = identity(&config, &conditions, &shutdown).await? else {
        return ended(tasks, &shutdown).await;
    };
    shared.known().offer = Some(offer);
    let server = Server::bind(
        config.listen,
        config.limits.server(),
        Some(config.server_tls()),
    )
    .await?;
    let l2 = setup::l2(&config)?;
    if reached(&l2, &conditions.chain).await? {
        refuse_simulated(&config, &l2).await?;
    }
    let hand: Arc<dyn Hand> = Arc::new(setup::running_hand(&config, &l2)?);
    let chain: Arc<dyn Chain> = Arc::new(l2);

    let parts = contradict::Parts {
        offer,
        shared: shared.clone(),
        store: store.clone(),
        chain: Arc::clone(&chain),
        observe: observe.clone(),
        said: Said::default(),
        poll: config.l2.poll(),
    };
    let contradictors = setup::contradictors(&config, &parts)?;
    let answerer = Answerer::new(
        Parts {
            cards: cards.clone(),
            key: MachineKey::new(&key)?,
            store: store.clone(),
            shared: shared.clone(),
            observe: observe.clone(),
            at_once: config.limits.at_once,
            per_second: config.limits.per_second,
        },
        Arc::clone(&chain),
    );
    info!(machine = %offer, address = %server.address(), agent = %setup::address(&key), "answering probes");
    let asked = shutdown.clone();
    tasks.spawn(async move {
        let served = server.run_agent(Arc::new(answerer), asked.asked()).await;
        ("the server", served.map_err(AgentError::from))
    });
    let guard = Guard {
        cards,
        shared: shared.clone(),
        store: store.clone(),
        chain: Arc::clone(&chain),
        hand: Arc::clone(&hand),
        observe: observe.clone(),
        watch: Watch::new(store.pauses()?, config.watch.resume_after_seconds),
        hold: config.file(HOLD),
        before: None,
    };
    let (every, asked) = (
        Duration::from_secs(config.watch.every_seconds),
        shutdown.clone(),
    );
    tasks.spawn(async move { ("the watch", guard.run(every, asked).await) });
    // Beside the follower: an aggregator that hangs delays no appeal.
    for contradictor in contradictors {
        let asked = shutdown.clone();
        tasks.spawn(async move { ("a contradictor", contradictor.run(asked).await) });
    }
    let parts = appeal::Parts {
        offer,
        shared: shared.clone(),
        store: store.clone(),
        chain: Arc::clone(&chain),
        hand: Arc::clone(&hand),
        observe: observe.clone(),
    };
    if let Some(appealer) = Appealer::new(parts, &config.duties) {
        let (poll, asked) = (config.l2.poll(), shutdown.clone());
        tasks.spawn(async move { ("the appealer", appealer.run(poll, asked).await) });
    }
    let follower = Follower {
        offer,
        shared,
        store,
        chain,
        hand,
        observe,
        duties: config.duties.clone(),
        log_range: config.l2.log_range,
        depth: config.l2.final_depth,
        first_block: config.contracts.deployed_at,
        again: Again::default(),
        condition: conditions.chain,
        observed: None,
        settled: None,
    };
    let (poll, asked) = (config.l2.poll(), shutdown.clone());
    tasks.spawn(async move { ("the follower", follower.run(poll, asked).await) });
    ended(tasks, &shutdown).await
}

/// Waits for the end of all parts; the first that ends by itself ends the others.
async fn ended(
    mut tasks: JoinSet<(&'static str, Result<(), AgentError>)>,
    shutdown: &Shutdown,
) -> Result<(), AgentError> {
    let mut result = Ok(());
    while let Some(done) = tasks.join_next().await {
        let early = !shutdown.is_asked();
        shutdown.ask();
        let failed = match done {
            Ok((_, Err(error))) => Some(error),
            Ok((part, Ok(()))) if early => {
                Some(AgentError::Ended(format!("{part} ended by itself")))
            }
            Ok(_) => None,
            Err(error) => Some(AgentError::Ended(format!("a part panicked: {error}"))),
        };
        if let Some(error) = failed
            && result.is_ok()
        {
            result = Err(error);
        }
    }
    match &result {
        Ok(()) => info!(
            "stopped as asked; while the agent is down operators find the machine down: announce maintenance, or start it again"
        ),
        Err(error) => tracing::error!(
            %error,
            "stopped; operators find the machine down until the agent runs again: `provider-agent doctor` names what is wrong"
        ),
    }
    result
}

async fn page(
    config: &Config,
    metrics: Metrics,
    readiness: Readiness,
    shared: &Shared,
    store: &Store,
    shutdown: &Shutdown,
    tasks: &mut JoinSet<(&'static str, Result<(), AgentError>)>,
) -> Result<(), AgentError> {
    let (listener, address) = http::bind(config.http).await.map_err(|error| {
        ConfigError::value("http", format!("cannot listen on {}: {error}", config.http))
    })?;
    info!(%address, "metrics, readiness and status");
    let router =
        http::router(metrics, readiness).merge(status::router(shared.clone(), store.clone()));
    let asked = shutdown.clone();
    tasks.spawn(async move {
        let served = http::serve(listener, router, asked).await;
        ("the page", served.map_err(AgentError::from))
    });
    Ok(())
}

/// Waits until it is known which machine this is; `None` if the end is asked for meanwhile.
async fn identity(
    config: &Config,
    conditions: &Conditions,
    shutdown: &Shutdown,
) -> Result<Option<OfferId>, AgentError> {
    let mut said = false;
    loop {
        if let Some(identity) = Identity::load(config)? {
            conditions.registered.ready();
            return Ok(Some(identity.offer()));
        }
        if !said {
            let why = "this machine is not registered: run `provider-agent register`";
            info!("{why}");
            conditions.registered.missing(why);
            said = true;
        }
        if !shutdown.sleep(REGISTERED_POLL).await {
            return Ok(None);
        }
    }
}

/// Connects if that can be done now. An agent whose endpoints are down answers probes all the same;
/// one whose configuration is wrong does not start.
async fn reached(l2: &L2, condition: &Requirement) -> Result<bool, AgentError> {
    match condition.note(l2.connect().await) {
        Ok(_) => Ok(true),
        Err(trouble) if trouble.is_passing() => {
            warn!(%trouble, "the chain does not answer; going by what was known before");
            Ok(false)
        }
        Err(trouble) => Err(trouble.into()),
    }
}

/// In production simulated cards need the policy's leave too; without it every probe is a FAIL.
async fn refuse_simulated(config: &Config, chain: &dyn Chain) -> Result<(), AgentError> {
    if config.cards.scenario.is_none() || config.network != Network::Production {
        return Ok(());
    }
    let time = chain.head().await?.timestamp;
    if chain.rules(time).await?.health.simulated_allowed {
        return Ok(());
    }
    Err(AgentError::mismatch(
        "simulated cards",
        "cards.scenario",
        "real ones, by the policy of this network",
        "remove cards.scenario",
    ))
}
