//! A network of four honest operators on the trace's densest thousand tasks: from the beacon to the
//! certificate on L2. Then what a slash costs on its L1.

use std::{path::Path, time::Duration};

use quorate_chain::views;
use tokio_util::sync::CancellationToken;

use super::{
    Row,
    certified::{Certificates, Seen},
    ground::{connect, failed},
    network::Network,
    row::as_f64,
    slashes, vote,
};
use crate::{Error, WorldConfig, trace::Window, unix_now};

/// A second, and one L2 block.
const BEACON_TO_CERTIFICATE_MS: u32 = 2_000;
/// Seconds after the last task in which rounds are still counted.
const LAST_ROUNDS: u64 = 10;
/// Fine enough for figures of a second.
const PACE: Duration = Duration::from_millis(10);

/// All rows of this group.
///
/// # Errors
/// When a process does not start or ends, or a call reverts.
pub(super) async fn measure(dir: &Path, tick: impl Fn()) -> Result<Vec<Row>, Error> {
    let window = Window::DENSE;
    let config = WorldConfig {
        window,
        ..WorldConfig::new(dir)
    };
    let mut network = Network::start(config).await?;
    tick();
    let stop = CancellationToken::new();
    let feeder = network.world.take_feeder();
    let feeder = feeder.ok_or_else(|| failed("the feeder has been taken"))?;
    let playing = tokio::spawn(feeder.play(stop.clone()));

    let mut certificates = Certificates::of(&network.world);
    let mut seen = Vec::new();
    let end = network.world.start + window.seconds + LAST_ROUNDS;
    while unix_now().as_secs() < end {
        seen.extend(certificates.fresh().await?);
        network.require_alive()?;
        tokio::time::sleep(PACE).await;
    }
    stop.cancel();
    let fed = playing.await.map_err(failed)?;
    tick();

    let mut rows = latency(&network, &seen, fed.posted).await?;
    rows.extend(vote::measure(network.nodes.files()).await?);
    let last = seen
        .last()
        .ok_or_else(|| failed("no round was certified"))?;
    rows.extend(slashes::measure(&network.end_nodes(), &last.header).await?);
    tick();
    Ok(rows)
}

async fn latency(network: &Network, seen: &[Seen], posted: u64) -> Result<Vec<Row>, Error> {
    let rpc = connect(&network.world.chains.l2).await?;
    let rounds = network.world.contracts.l2.rounds;
    let schedule = views::schedule(&rpc, rounds).await.map_err(failed)?;
    let mut spans = Vec::with_capacity(seen.len());
    for certificate in seen {
        let beacon = schedule.beacon_round(certificate.header.round);
        let due = beacon.and_then(|number| schedule.beacon_time(number));
        let due = due.map_err(failed)?.get() * 1_000;
        spans.push(certificate.at.saturating_sub(due));
    }
    spans.sort_unstable();
    let operators = network.world.operators.len();
    let what = format!("beacon emitted to certificate on L2, {operators} operators");
    let row = |percent| {
        Row::at_most(
            format!("{what}, {posted} requests, p{percent}"),
            as_f64(percentile(&spans, percent)),
            "ms",
            BEACON_TO_CERTIFICATE_MS,
        )
    };
    let count = as_f64(u64::try_from(spans.len()).unwrap_or(0));
    Ok(vec![
        row(50),
        row(99),
        Row::info("rounds in that sample", count, "rounds"),
    ])
}

/// The smallest value that at least `percent` of all do not exceed.
fn percentile(sorted: &[u64], percent: usize) -> u64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(0)
}
