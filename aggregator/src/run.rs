//! Puts the parts together. Everything starts in any order: what cannot be reached yet is waited
//! for, and readiness says so.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use quorate_rpc::{Server, WireLimits};
use quorate_service::shutdown::join_all;
use quorate_service::{Metrics, Readiness, Shutdown, http};
use tracing::info;

use crate::config::Config;
use crate::observe::Observe;
use crate::parts::Parts;
use crate::reach::{Conditions, listen_to_chains, reach};
use crate::relay;
use crate::status::{self, Status};
use crate::store::Store;

/// How long tasks have to end.
const GRACE: Duration = Duration::from_secs(10);

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
    let mut page =
        http::router(metrics.clone(), readiness.clone()).merge(status::router(status.clone()));
    let relay = relay::Page::new(config.relay.as_ref().map_or(&[], |relay| &relay.proxies));
    if config.relay.is_some() {
        page = page.merge(relay.router());
    }
    // Before anything is waited for: a key that must not be used is refused at once.
    let carrying = relay::start(&config, &relay, &metrics, &shutdown)?;
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
        health: config.contracts.health.is_some(),
        escrow: ready.has_escrow,
        work: config.work(),
    };
    let mut running = parts.start(&shutdown);
    running.tasks.push((
        "chains",
        tokio::spawn(listen_to_chains(ready.heads, shutdown.clone())),
    ));
    running
        .tasks
        .extend(carrying.map(|carrying| ("relay", carrying)));
    status.show(running.mailbox.clone(), ready.facts, running.intake.clone());
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
