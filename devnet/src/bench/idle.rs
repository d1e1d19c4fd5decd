//! What an operator's node takes between rounds while it follows a big market.

use std::{path::Path, time::Duration};

use super::{
    Row,
    certified::Certificates,
    ground::failed,
    network::Network,
    process::{share_of_core, usage},
    row::as_f64,
    stall::{Stall, model, offer, request},
};
use crate::{Error, WorldConfig, deploy::Clock, trace::Window, unix_now};

const OFFERS: u64 = 10_000;
const REQUESTS: u64 = 10_000;
const RESIDENT_MB: u32 = 60;
const SHARE_PERCENT: u32 = 1;
/// Seconds between two closes: long enough to post everything within one round.
const PERIOD: u32 = 100;
/// How long the node's share of a core is measured.
const SPAN: Duration = Duration::from_secs(20);
/// From the certificate on, for the leases and whatever a node does after a round.
const SETTLING: Duration = Duration::from_secs(8);
/// The budgets lie below every ask, the trace's too: the node has judged each pair, and no request
/// has gone.
const PERCENT: u64 = 75;

/// All rows of this group.
///
/// # Errors
/// When a process does not start or ends, or no round is certified with the whole market.
pub(super) async fn measure(dir: &Path, tick: impl Fn()) -> Result<Vec<Row>, Error> {
    let config = WorldConfig {
        operators: 1,
        window: Window {
            count: 0,
            ..Window::DENSE
        },
        clock,
        ..WorldConfig::new(dir)
    };
    let mut network = Network::start(config).await?;
    tick();
    fill(&network, &tick).await?;
    let filled = unix_now().as_secs();
    let operator = operator(&network)?;
    wait_for_round(&mut network, filled).await?;
    tick();
    tokio::time::sleep(SETTLING).await;
    let share = share_of_core(operator, SPAN).await?;
    let usage = usage(operator)?;
    network.require_alive()?;
    tick();
    let _world = network.end_nodes();

    let market = format!("market of {OFFERS} offers and {REQUESTS} requests");
    let mb = |bytes| as_f64(bytes) / 1e6;
    Ok(vec![
        Row::at_most(
            format!("operator node between rounds, {market}: resident"),
            mb(usage.resident),
            "MB",
            RESIDENT_MB,
        ),
        Row::info("the same node's peak, in the round", mb(usage.peak), "MB"),
        Row::at_most(
            format!("operator node between rounds, {market}: share of a core"),
            share,
            "%",
            SHARE_PERCENT,
        ),
    ])
}

fn clock(devnet: Clock) -> Clock {
    Clock {
        period: PERIOD,
        stake_epoch: 6 * PERIOD,
        health_epoch: 6 * PERIOD,
        grace: 8 * PERIOD,
        unbonding: 30 * PERIOD,
        ..devnet
    }
}

/// Posts orders until the market holds so many, the trace's machines counted.
async fn fill(network: &Network, tick: impl Fn()) -> Result<(), Error> {
    let world = &network.world;
    let stall = Stall::open(&world.chains.l2, &world.owners.l2, &world.contracts.l2).await?;
    let (model, now) = (model("t4")?, unix_now().as_secs());
    let there = u64::try_from(world.machines()).unwrap_or(0);
    let offers: Vec<_> = (there..OFFERS).map(|i| offer(model, 4, i, now)).collect();
    let requests: Vec<_> = (0..REQUESTS)
        .map(|i| request(model, PERCENT, i, now))
        .collect();
    tokio::try_join!(
        stall.post_offers(&offers, |_| tick()),
        stall.post_requests(&requests, |_| tick())
    )?;
    Ok(())
}

fn operator(network: &Network) -> Result<u32, Error> {
    let process = network.nodes.operators.iter().flatten().next();
    process
        .map(crate::chains::Process::id)
        .ok_or_else(|| failed("no operator runs"))
}

/// Waits for the certificate of a round that closed after the market was filled.
async fn wait_for_round(network: &mut Network, filled: u64) -> Result<(), Error> {
    let mut certificates = Certificates::of(&network.world);
    let (genesis, period) = (network.world.clock.genesis, u64::from(PERIOD));
    let full = |n: u64| genesis + n * period > filled;
    let end = filled + 3 * period;
    while unix_now().as_secs() < end {
        let seen = certificates.fresh().await?;
        if seen.iter().any(|c| full(c.header.round.get())) {
            return Ok(());
        }
        network.require_alive()?;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(Error::TimedOut {
        what: "a certificate with the whole market".into(),
        seconds: end - filled,
    })
}
