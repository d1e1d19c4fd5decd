//! Puts the parts together. Everything starts in any order: what cannot be reached yet is waited
//! for, and readiness says so.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures::future::select_all;
use quorate_rpc::{Server, WireLimits};
use quorate_service::shutdown::join_all;
use quorate_service::{Metrics, Readiness, Shutdown, http};
use tokio::task::{JoinError, JoinHandle};
use tracing::{error, info};

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
    running.tasks.extend(
        carrying.map(|carrying| ("relay", tokio::spawn(opened(carrying, shutdown.clone())))),
    );
    running.tasks.push(("pages", tokio::spawn(shown(pages))));
    status.show(running.mailbox.clone(), ready.facts, running.intake.clone());
    let wire = WireLimits::default();
    let serving = Box::pin(server.run(running.service, wire, |_| {}, shutdown.asked()));
    supervise(serving, running.tasks, &shutdown).await
}

/// Serves until the end is asked for. The first task that ends by itself, or panics, ends the process:
/// without one of its parts an aggregator looks well, answers operators, and does not do its work.
///
/// # Errors
/// What ended before it was asked to, or did not end in time when it was.
async fn supervise<E>(
    serving: impl Future<Output = Result<(), E>>,
    mut tasks: Vec<(&'static str, JoinHandle<()>)>,
    shutdown: &Shutdown,
) -> anyhow::Result<()>
where
    anyhow::Error: From<E>,
{
    let mut serving = pin!(serving);
    let mut early = None;
    let served = tokio::select! {
        biased;
        served = &mut serving => {
            if !shutdown.is_asked() {
                early = Some(ended("the gRPC server", Ok(())));
            }
            served
        }
        why = first_to_end(&mut tasks, shutdown) => {
            error!(%why, "shutting down: a part of the aggregator is gone");
            early = Some(why);
            shutdown.ask();
            serving.await
        }
    };
    shutdown.ask();
    let aborted = join_all(tasks, GRACE).await;
    served?;
    if let Some(why) = early {
        return Err(why);
    }
    anyhow::ensure!(
        aborted.is_empty(),
        "tasks did not end in time: {}",
        aborted.join(", ")
    );
    Ok(())
}

/// Waits for the first task that ends before the end is asked for, takes it out, and says which it was.
async fn first_to_end(
    tasks: &mut Vec<(&'static str, JoinHandle<()>)>,
    shutdown: &Shutdown,
) -> anyhow::Error {
    if !tasks.is_empty() {
        let all = select_all(tasks.iter_mut().map(|(_, task)| task));
        if let Some((result, at, _)) = shutdown.or(all).await {
            let (name, _) = tasks.swap_remove(at);
            return ended(name, result);
        }
    }
    std::future::pending().await
}

fn ended(name: &str, result: Result<(), JoinError>) -> anyhow::Error {
    match result {
        Ok(()) => anyhow::anyhow!("{name} ended by itself; start the aggregator again"),
        Err(error) => anyhow::anyhow!("{name} failed: {error}; start the aggregator again"),
    }
}

/// The relay's task is done once its page is open, which is no reason to end; a panic is.
async fn opened(carrying: JoinHandle<()>, shutdown: Shutdown) {
    match carrying.await.map_err(JoinError::try_into_panic) {
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        Ok(()) | Err(Err(_)) => shutdown.asked().await,
    }
}

/// The pages of metrics and status, for as long as they are served.
async fn shown(pages: JoinHandle<std::io::Result<()>>) {
    match pages.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => error!(%error, "http.listen"),
        Err(error) => error!(%error, "http.listen"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of an aggregator whose server only waits, ten seconds at most.
    async fn outcome(
        part: impl Future<Output = ()> + Send + 'static,
        shutdown: &Shutdown,
    ) -> anyhow::Result<()> {
        let asked = shutdown.clone();
        let serving = async move {
            asked.asked().await;
            Ok::<_, std::io::Error>(())
        };
        let asked = shutdown.clone();
        let well = tokio::spawn(async move { asked.asked().await });
        let tasks = vec![("well", well), ("part", tokio::spawn(part))];
        tokio::time::timeout(Duration::from_secs(10), supervise(serving, tasks, shutdown))
            .await
            .expect("the aggregator goes on without its part")
    }

    #[tokio::test]
    async fn a_task_that_panics_ends_the_process_by_name() {
        let shutdown = Shutdown::new();
        let error = outcome(async { panic!("out of range") }, &shutdown).await;
        let error = error.unwrap_err().to_string();
        assert!(
            error.starts_with("part failed") && error.contains("out of range"),
            "{error}"
        );
        assert!(shutdown.is_asked(), "the others go on");
    }

    #[tokio::test]
    async fn a_task_that_ends_by_itself_ends_the_process_by_name() {
        let shutdown = Shutdown::new();
        let error = outcome(async {}, &shutdown).await.unwrap_err().to_string();
        assert!(error.starts_with("part ended by itself"), "{error}");
    }

    #[tokio::test]
    async fn a_server_that_ends_by_itself_ends_the_process() {
        let shutdown = Shutdown::new();
        let asked = shutdown.clone();
        let tasks = vec![("well", tokio::spawn(async move { asked.asked().await }))];
        let error = supervise(async { Ok::<_, std::io::Error>(()) }, tasks, &shutdown).await;
        assert!(error.unwrap_err().to_string().contains("gRPC server ended"));
    }

    #[tokio::test]
    async fn the_end_that_was_asked_for_is_no_error() {
        let shutdown = Shutdown::new();
        let (asked, ask) = (shutdown.clone(), shutdown.clone());
        let part = async move { asked.asked().await };
        tokio::spawn(async move {
            tokio::task::yield_now().await;
            ask.ask();
        });
        outcome(part, &shutdown).await.unwrap();
    }

    #[tokio::test]
    async fn a_relay_that_is_open_ends_nothing_and_one_that_panics_does() {
        let shutdown = Shutdown::new();
        let open = tokio::spawn(opened(tokio::spawn(async {}), shutdown.clone()));
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(!open.is_finished());
        shutdown.ask();
        open.await.unwrap();
        let fallen = opened(tokio::spawn(async { panic!("relay") }), Shutdown::new());
        assert!(tokio::spawn(fallen).await.unwrap_err().is_panic());
    }
}
