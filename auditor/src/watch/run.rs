//! Puts a watcher together from its configuration.

use std::{path::Path, time::Duration};

use alloy::signers::local::PrivateKeySigner;
use quorate_chain::{
    Rpc,
    sender::{SenderConfig, TxSender},
};
use quorate_service::{ConfigError, Metrics, Readiness, Shutdown, http, install_crypto};
use tokio::task::JoinHandle;
use tracing::{info, warn};

use super::{
    docket::{Docket, keep_image, read_image},
    engine::{Pace, Watch},
    ethereum::Ethereum,
    observe::Observe,
    options::{Options, Summary},
    seed::BeaconRule,
    world::World as _,
};
use crate::{AuditError, Config, l2::L2};

/// Blocks between two images of the chain that are kept.
const IMAGE_EVERY: u64 = 1_000;
/// Journal of the challenger's transactions.
const JOURNAL: &str = "l2.sqlite";

/// Watches L2 until the options or `shutdown` say that it is enough.
///
/// # Errors
/// [`AuditError`]: the configuration, an endpoint that does not answer at the start, a chain that
/// contradicts itself, the disk. What a single round lacks is no error but a doubt, told in a line.
pub async fn run(
    config: Config,
    options: Options,
    shutdown: Shutdown,
) -> Result<Summary, AuditError> {
    install_crypto();
    config.check()?;
    check_options(&config, &options)?;
    let (metrics, readiness) = (Metrics::new(), Readiness::new());
    // Before anybody can ask: without conditions it would call itself ready.
    let observe = Observe::new(&metrics, &readiness, options.lines.clone());
    let pages = serve(&config, metrics, readiness, &shutdown).await?;
    let watched = Box::pin(watch(&config, options, observe, &shutdown)).await;
    shutdown.ask();
    if let Some(pages) = pages {
        drop(pages.await);
    }
    watched
}

async fn watch(
    config: &Config,
    options: Options,
    observe: Observe,
    shutdown: &Shutdown,
) -> Result<Summary, AuditError> {
    let data = config.data.as_deref();
    let image = data.and_then(read_image);
    let opening = L2::open(config, image.as_deref());
    let Some(l2) = shutdown.or(opening).await.transpose()? else {
        return Ok(Summary::default());
    };
    let info = config.beacon.info(config.network)?;
    check_beacon(&l2, &info)?;
    let beacon = BeaconRule {
        key: info
            .key()
            .map_err(|error| ConfigError::value("beacon", error.to_string()))?,
        domain: l2.domain,
        schedule: l2.schedule,
    };
    let docket = match data {
        Some(folder) => Docket::open(folder, &l2.domain)?,
        None => {
            warn!("no data folder is configured: a restart reads and judges everything again");
            Docket::in_memory()
        }
    };
    let sender = match data {
        Some(folder) if options.mode.sends() => Some(sender(config, l2.rpc(), folder)?),
        _ => None,
    };
    let range = config.l2.log_range;
    let court = Ethereum::open(l2.rpc().clone(), l2.rounds(), sender, range).await?;
    let poll = config.l2.poll();
    let pace = Pace {
        poll,
        patience: (poll * 8).max(Duration::from_secs(1)),
        final_depth: config.l2.final_depth,
    };
    let head = l2.reader.head().number;
    info!(head, mode = ?options.mode, "watching");
    let mut kept = 0;
    let keep = |l2: &L2| keep_now_and_then(data, l2, &mut kept);
    let watch = Watch::new((l2, court, docket), beacon, options, observe, pace);
    Box::pin(watch.run(shutdown, keep)).await
}

/// Keeps an image of the chain at the first look and every so many blocks.
fn keep_now_and_then(data: Option<&Path>, l2: &L2, kept: &mut u64) -> Result<(), AuditError> {
    let head = l2.head().number;
    let due = *kept == 0 || head >= kept.saturating_add(IMAGE_EVERY);
    if let (Some(folder), true) = (data, due)
        && let Some(image) = l2.image()
    {
        keep_image(folder, &image)?;
        *kept = head;
    }
    Ok(())
}

/// Sending needs an account, and a folder that remembers what was sent.
fn check_options(config: &Config, options: &Options) -> Result<(), ConfigError> {
    if !options.mode.sends() {
        return Ok(());
    }
    if config.data.is_none() {
        return Err(ConfigError::value(
            "data",
            "missing; challenges need a folder whose salts and transactions survive a crash",
        ));
    }
    if config.key.is_none() {
        return Err(ConfigError::value(
            "key",
            "missing; challenges need the keystore of an account on L2",
        ));
    }
    Ok(())
}

/// The pinned beacon must be the one that the contracts count by.
fn check_beacon(l2: &L2, info: &quorate_beacon::ChainInfo) -> Result<(), ConfigError> {
    let (got, expected) = (info.chain_hash, l2.schedule.beacon_chain_hash);
    if got == expected {
        return Ok(());
    }
    let detail = format!("chain hash {got}, and Rounds counts by that of {expected}");
    Err(ConfigError::value("beacon.chain", detail))
}

fn sender(config: &Config, rpc: &Rpc, folder: &Path) -> Result<TxSender, AuditError> {
    let key = config.key.as_ref();
    let key = key.ok_or_else(|| ConfigError::value("key", "missing"))?;
    let secret = key.ecdsa()?;
    let signer = PrivateKeySigner::from_slice(secret.expose_bytes())
        .map_err(|error| ConfigError::value("key.keystore", error.to_string()))?;
    info!(account = %signer.address(), "challenges are sent from this account");
    let journal = folder.join(JOURNAL);
    std::fs::create_dir_all(folder).map_err(|source| AuditError::Io {
        what: "make the data folder",
        source,
    })?;
    Ok(TxSender::open(
        rpc.clone(),
        signer,
        SenderConfig::default(),
        Some(&journal),
    )?)
}

/// Metrics and health, if an address is configured.
async fn serve(
    config: &Config,
    metrics: Metrics,
    readiness: Readiness,
    shutdown: &Shutdown,
) -> Result<Option<JoinHandle<()>>, AuditError> {
    let Some(section) = &config.http else {
        return Ok(None);
    };
    let (listener, address) =
        http::bind(section.listen)
            .await
            .map_err(|source| AuditError::Io {
                what: "listen at http.listen",
                source,
            })?;
    info!(%address, "metrics and health");
    let (router, shutdown) = (http::router(metrics, readiness), shutdown.clone());
    Ok(Some(tokio::spawn(async move {
        if let Err(error) = http::serve(listener, router, shutdown).await {
            warn!(%error, "metrics and health ended");
        }
    })))
}
