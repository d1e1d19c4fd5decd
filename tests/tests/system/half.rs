//! Half of the seats call a machine DOWN that passes all their probes: nothing stands on L2, the provider
//! keeps its pay, and each liar pays on L1 by its own two words.

use std::collections::BTreeSet;

use alloy::primitives::{Bytes, U256};
use anyhow::{Context as _, Result, ensure};
use devnet::{
    agents::{Agents, Tenant},
    chains::Account,
    liars::{Lie, When},
};
use provider_agent::store::StoredReceipt;
use quorate_bindings::{IEscrow, IHealth, ISlasher};
use quorate_bls::Signature;
use quorate_canon::{HealthEpoch, OfferId, Round};
use quorate_health::Subject;
use quorate_protocol::Bitmap;
use quorate_rpc::SignedDowns;

use crate::kit::{Event, LONG, Network, Plan, health, until};

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
    let dir = network.dir().join("agents");
    let mut agents = Agents::start(&network.world, &dir, 1).await?;
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

    agents.all[0].kill()?;
    let receipts = agents.all[0].receipts(epoch..epoch + 1)?;
    for lie in &lies {
        let mut own = receipts.iter().filter(|r| r.operator == lie.operator);
        let receipt = own.next().context("a liar gave no receipt")?;
        convict(&network, lie, victim, receipt).await?;
    }
    let mut slashed = BTreeSet::new();
    for event in network.court.events().await? {
        if let Event::Slashed(slash) = event {
            ensure!(slash.offence == "false attestation", "{slash:?}");
            ensure!(slash.moved && slash.taken > U256::ZERO, "{slash:?}");
            slashed.insert(slash.operator);
        }
    }
    ensure!(slashed == BTreeSet::from(LIARS), "slashed: {slashed:?}");
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

/// Whoever has seen the list and holds a receipt takes both to L1.
async fn convict(
    network: &Network,
    lie: &SignedDowns,
    victim: u64,
    receipt: &StoredReceipt,
) -> Result<()> {
    let l1 = &network.world.chains.l1;
    let accuser = Account::named(l1, "accuser")?;
    l1.fund(accuser.address(), U256::from(10_u128.pow(21)))
        .await?;
    let slasher = network.world.contracts.l1.slasher;
    let mut signer = Bitmap::empty(u32::try_from(network.world.operators.len())?);
    signer.insert(lie.operator)?;
    let list = Bytes::from(lie.list.to_bytes());
    let call = ISlasher::proveAttestersCall {
        list: list.clone(),
        bitmap: signer.to_bytes().into(),
        aggregate: eip2537(&lie.signature)?,
    };
    accuser.call(slasher, &call).await?;

    let subject = Subject::Machine(OfferId::new(victim));
    let mut entries = lie.list.entries().iter();
    let entry = entries.position(|entry| entry.subject == subject);
    let call = ISlasher::proveFalseAttestationCall {
        operatorIndex: lie.operator.get(),
        list,
        entry: u16::try_from(entry.context("no such entry")?)?,
        window: receipt.window.0,
        receiptSignature: eip2537(&receipt.signature)?,
    };
    accuser.call(slasher, &call).await?;
    Ok(())
}

/// A signature as L1 takes it.
fn eip2537(signature: &[u8; 96]) -> Result<Bytes> {
    Ok(Signature::from_bytes96(signature)?.to_eip2537().into())
}
