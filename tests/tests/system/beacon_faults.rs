//! The beacon's relays lie, lag, hang and talk nonsense; then all of them are late, and then silent
//! (issue: "the round waits, then is void by rule").

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use devnet::beacon_server::{Fault, Relay};
use quorate_beacon::{ChainInfo, Client, Limits};
use quorate_canon::{Digest, Timestamp};

use crate::{
    kit::{LONG, Network, Plan, patient, until},
    silence,
};

/// How four of the five relays misbehave.
const FAULTS: [Fault; 4] = [Fault::Lie, Fault::Lag(5), Fault::Hang, Fault::Garbage];

/// Rounds go on while one relay is honest, wait for a late beacon and are void without one. Then
/// operators go silent.
#[tokio::test(flavor = "multi_thread")]
async fn rounds_need_one_honest_relay_and_wait_for_it() -> Result<()> {
    let mut network = Plan::new("beacon_faults")
        .relays(5)
        .clock(patient)
        .start_all()
        .await?;
    for (relay, fault) in network.world.relays.iter().zip(FAULTS) {
        relay.set_fault(fault);
    }
    for relay in network.world.relays.iter().take(FAULTS.len()) {
        ensure!(
            asked(&network, relay).await.is_err(),
            "{} behaves",
            relay.url()
        );
    }
    let first = network.settled_after(None).await?;
    ensure!(network.view.signers(first).await?.len() == 4, "{first}");

    late(&mut network).await?;
    silent(&mut network).await?;
    silence::a_third_can_stop_the_market_and_less_cannot(&mut network).await?;
    network.all_is_well(&[]).await
}

/// No relay answers for some seconds beyond the beacon's time: the round waits and is settled.
async fn late(network: &mut Network) -> Result<()> {
    let last = network.view.settled().last().copied();
    let round = network.logged_after(0, &["snapshot fixed"], last).await?;
    set_all(network, Fault::TooEarly);
    let schedule = network.view.schedule();
    let due = schedule.beacon_time(schedule.beacon_round(round)?)?;
    until("seconds without a beacon", LONG, async || {
        Ok((now() > due.get() + 2).then_some(()))
    })
    .await?;
    ensure!(
        network.recorder.votes(0, round).is_empty(),
        "{round} was signed without a beacon"
    );
    set_all(network, Fault::None);
    let settled = network.settled_after(last).await?;
    ensure!(settled == round, "{settled} was settled, not {round}");
    Ok(())
}

/// No relay answers before the deadline: the operators say so, the round is void, the next comes.
async fn silent(network: &mut Network) -> Result<()> {
    let last = network.view.settled().last().copied();
    set_all(network, Fault::TooEarly);
    let round = network
        .logged_after(0, &["abstained", "no_beacon"], last)
        .await?;
    set_all(network, Fault::None);
    network.settled_after(Some(round)).await?;
    ensure!(
        network.view.round(round).is_none(),
        "{round} was certified without a beacon"
    );
    Ok(())
}

fn set_all(network: &Network, fault: Fault) {
    for relay in &network.world.relays {
        relay.set_fault(fault);
    }
}

/// Asks one relay alone for the newest round.
async fn asked(network: &Network, relay: &Relay) -> Result<()> {
    let info = network.world.beacon.info();
    let genesis = Timestamp::new(info.genesis);
    let chain = ChainInfo::local(info.public_key, Digest(info.hash), genesis, info.period);
    let client = Client::new(vec![relay.url().clone()], chain, Limits::default())?;
    client
        .get(network.world.beacon.latest().unwrap_or(1))
        .await?;
    Ok(())
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
