//! Half of the seats call a machine DOWN that passes all their probes: nothing stands on L2, the provider
//! keeps its pay, and each liar pays on L1 by its own two words, of which the machine's agent holds one
//! and the aggregator the other.

use std::collections::BTreeSet;

use alloy::primitives::U256;
use anyhow::{Context as _, Result, ensure};
use devnet::{
    agents::{Agents, Tenant},
    liars::{Lie, When},
};
use quorate_bindings::{IEscrow, IHealth};
use quorate_canon::{HealthEpoch, OfferId, Round};
use quorate_health::Subject;
use quorate_rpc::SignedDowns;

use crate::kit::{Event, LONG, Network, Plan, health, logs, until};

/// They hold 2,600 of 5,200 tokens: half of the seats, give or take the draw.
const LIARS: [usize; 2] = [0, 3];
const HONEST: [usize; 2] = [1, 2];

#[tokio::test(flavor = "multi_thread")]
async fn half_of_the_seats_take_nothing_from_a_machine_and_pay_for_trying() -> Result<()> {
    let mut network = Plan::new("half").start().await?;
    network.nodes.start_aggregator()?;
    for honest in HONEST {
        network.nodes.start_operator(honest)?;
    }
    let (dir, aggregators) = (
        network.dir().join("agents"),
        [network.nodes.files().aggregator_url()],
    );
    let agents = Agents::start_asking(&network.world, &dir, 1, &aggregators).await?;
    let victim = agents.all[0].offer;
    for liar in LIARS {
        let when = When::always_from(Round::new(0));
        network.nodes.start_liar(liar, Lie::Attest(victim), when)?;
    }
    let tenant = Tenant::create(&network.world).await?;
    let requests = tenant.post(&[0]).await?;
    network
        .until("the lease", async |_: &mut Network| {
            Ok((!tenant.rented(&requests).await?.is_empty()).then_some(()))
        })
        .await?;

    let mut epoch = health::next_epoch(&network.world).await?;
    health::wait_until(health::certified_by(&network.world, epoch)?).await;
    // In about one epoch of thirty the draw gives half of the stake more than two thirds of the seats.
    while has_two_thirds(&network, victim, epoch).await? {
        epoch += 1;
        health::wait_until(health::certified_by(&network.world, epoch)?).await;
    }
    let lies = lies(&network, victim, epoch)?;
    is_paid(&network, &tenant, requests[0], epoch).await?;

    is_contradicted(&network, &lies, epoch).await?;
    let slashed = until("slashes of both liars", LONG, async || {
        let slashed = slashed(&network).await?;
        Ok((slashed.len() >= LIARS.len()).then_some(slashed))
    });
    let slashed = slashed.await?;
    ensure!(slashed == BTreeSet::from(LIARS), "slashed: {slashed:?}");
    agents.end();
    network.settled_after(None).await?;
    network.all_is_well(&LIARS).await
}

/// The fault was there: each liar sent its signed list to whoever takes lists, and nobody else did.
fn lies(network: &Network, victim: u64, epoch: u32) -> Result<Vec<SignedDowns>> {
    let subject = Subject::Machine(OfferId::new(victim));
    let mut lists = network.recorder.downs();
    lists.retain(|signed| {
        signed.list.epoch() == HealthEpoch::new(epoch) && signed.list.entry(subject).is_some()
    });
    let by: BTreeSet<usize> = lists
        .iter()
        .map(|list| list.operator.get() as usize)
        .collect();
    ensure!(by == BTreeSet::from(LIARS), "lists of {by:?}: {lists:?}");
    // One of each.
    lists.sort_by_key(|list| list.operator);
    lists.dedup_by_key(|list| list.operator);
    Ok(lists)
}

/// Whether a list was certified; then, and only then, it was the draw's doing.
async fn has_two_thirds(network: &Network, victim: u64, epoch: u32) -> Result<bool> {
    let (anyone, health) = (&network.world.owners.l2, network.world.contracts.l2.health);
    let count = anyone.view(health, &IHealth::listsCall { epoch }).await?;
    if count == 0 {
        return Ok(false);
    }
    let call = IHealth::committeeOfCall {
        epoch,
        offerId: victim,
    };
    let seats = anyone.view(health, &call).await?;
    let theirs = seats.iter().filter(|o| LIARS.contains(&(**o as usize)));
    let theirs = theirs.count();
    ensure!(
        3 * theirs > 2 * seats.len(),
        "{count} lists by {theirs} of {} seats",
        seats.len()
    );
    Ok(true)
}

/// Once the epoch is settled all of its seconds are paid.
async fn is_paid(network: &Network, tenant: &Tenant, request: u64, epoch: u32) -> Result<()> {
    let (l2, anyone) = (&network.world.contracts.l2, tenant.account());
    let (from, _) = health::span(&network.world, (epoch, 0))?;
    let (to, _) = health::span(&network.world, (epoch + 1, 0))?;
    let lease = tenant.rented(&[request]).await?;
    let lease = lease.first().context("no lease")?;
    let unpaid = async |from: u64, to: u64| {
        let call = IHealth::unpaidSecondsCall {
            offerId: lease.offer,
            from,
            to,
        };
        anyone.view(l2.health, &call).await
    };
    let (until, counted) = until("pay up to the epoch's end", LONG, async || {
        let call = IEscrow::settleCall { requestId: request };
        anyone.call(l2.escrow, &call).await?;
        let call = IEscrow::paidOfCall { requestId: request };
        let paid = anyone.view(l2.escrow, &call).await?;
        Ok((paid.until >= to).then_some((paid.until, paid.paidSeconds)))
    })
    .await?;
    let (lost, of_all) = (unpaid(from, to).await?, unpaid(lease.start, until).await?);
    ensure!(
        lost == 0 && counted == until - lease.start - of_all,
        "{lost} seconds of epoch {epoch} unpaid; {counted} paid from {} to {until}",
        lease.start
    );
    Ok(())
}

/// The agent has handed in a receipt of each liar for a window of its list of this epoch, of which no list
/// was ever certified.
async fn is_contradicted(network: &Network, lies: &[SignedDowns], epoch: u32) -> Result<()> {
    let log = network.nodes.files().dir.join("aggregator").join("log");
    until("contradictions of both liars", LONG, async || {
        let lines = logs::lines(&log, &["contradicts its list"]);
        let of_epoch = lines
            .iter()
            .filter(|line| health::place(line).is_some_and(|(of, _)| of == epoch));
        let by = of_epoch.filter_map(|line| health::number(line, "operator"));
        let by: BTreeSet<u64> = by.collect();
        let all = lies
            .iter()
            .all(|lie| by.contains(&lie.operator.get().into()));
        Ok(all.then_some(()))
    })
    .await
}

/// Who was slashed, and for nothing else.
async fn slashed(network: &Network) -> Result<BTreeSet<usize>> {
    let mut slashed = BTreeSet::new();
    for event in network.court.events().await? {
        if let Event::Slashed(slash) = event {
            ensure!(slash.offence == "false attestation", "{slash:?}");
            ensure!(slash.moved && slash.taken > U256::ZERO, "{slash:?}");
            slashed.insert(slash.operator);
        }
    }
    Ok(slashed)
}
