//! Two kinds of lies, what each costs, and what it takes to convict (DESIGN section 7); and how a
//! slash reaches the stake table (section 2).

use alloy::{
    primitives::{B256, U256},
    providers::Provider as _,
    rpc::types::Filter,
    sol_types::SolEvent as _,
};
use anyhow::{Result, ensure};
use devnet::{Error, chains::Account, liars::Lie, relayer::Way};
use quorate_bindings::{IRounds::WordSent, ISlasher};
use quorate_canon::{Epoch, OperatorIndex, Round};

use crate::kit::{Event, Network, Plan, Slash, short_epochs};

/// Operator 0 signs two headers: slashed at once. Operator 1 signs another outcome: charged, and
/// slashed only when L2's word has come. Operator 2 does the same and L2's word is kept back: the
/// charge lapses, its stake stays. Meanwhile stake epochs change, and the tables with them.
#[tokio::test(flavor = "multi_thread")]
async fn each_liar_pays_what_is_proven() -> Result<()> {
    let mut network = Plan::new("liars").clock(short_epochs).start().await?;
    network.world.relayer.hold(Way::Up, true);
    network.nodes.start_aggregator()?;
    network
        .nodes
        .start_liar(0, Lie::Equivocate, Round::new(0))?;
    // Not both in one round: the vote of the equivocator that comes first counts, and without
    // either of them no header has a quorum that the other could diverge from.
    network.nodes.start_liar(1, Lie::Diverge, Round::new(4))?;
    network.nodes.start_operator(2)?;
    network.nodes.start_operator(3)?;
    let before = shares(&network).await?;

    let slash = slash_of(&mut network, 0).await?;
    ensure!(slash.offence == "equivocation" && slash.moved, "{slash:?}");
    require_taken(&network, &slash, before[0], 5).await?;
    ensure!(
        network.recorder.contradictions().len() == 1,
        "0 did not lie"
    );

    let (_, round) = charge_of(&mut network, 1).await?;
    word_leaves(&mut network, round).await?;
    ensure!(
        shares(&network).await?[1] == before[1],
        "1 was slashed without L2's word"
    );
    network.world.relayer.hold(Way::Up, false);
    let slash = slash_of(&mut network, 1).await?;
    network.world.relayer.hold(Way::Up, true);
    ensure!(slash.offence == "divergence" && slash.moved, "{slash:?}");
    require_taken(&network, &slash, before[1], 100).await?;

    the_table_follows(&mut network).await?;
    a_charge_lapses_in_silence(&mut network, before[2]).await?;
    ensure!(
        shares(&network).await?[3] == before[3],
        "the honest operator lost stake"
    );
    network.all_is_well(&[0, 1, 2]).await
}

/// A table that was fixed after the slashes has less stake, and rounds are certified under it.
async fn the_table_follows(network: &mut Network) -> Result<()> {
    let (liar, first) = (
        OperatorIndex::new(0),
        network.view.table(Epoch::new(0)).await?,
    );
    let now = u128::try_from(shares(network).await?[0])?;
    let epoch = network
        .until("a table with the slashed stake", async |n: &mut Network| {
            for epoch in (1..100).map(Epoch::new) {
                match n.view.table(epoch).await {
                    Ok(table) if table.stake(liar) < first.stake(liar) => return Ok(Some(epoch)),
                    Ok(_) => {}
                    Err(_) => break,
                }
            }
            Ok(None)
        })
        .await?;
    let table = network.view.table(epoch).await?;
    ensure!(
        table.stake(liar).map(|s| s.get()) == Some(now),
        "{:?}",
        table.stakes()
    );
    let mut round = None;
    loop {
        let settled = network.settled_after(round).await?;
        if network.view.schedule().epoch_of(settled)? >= epoch {
            // Its certificate verifies under the new table and under no other.
            let signers = network.view.signers(settled).await?;
            ensure!(signers.contains(&3), "{signers:?}");
            return Ok(());
        }
        round = Some(settled);
    }
}

/// L2's word on the round never comes; when its time is over anyone may end the charge.
async fn a_charge_lapses_in_silence(network: &mut Network, before: U256) -> Result<()> {
    let last = network.view.settled().last().copied().unwrap_or_default();
    network.stop_operator(2)?;
    network.nodes.start_liar(2, Lie::Diverge, last)?;
    let (id, round) = charge_of(network, 2).await?;
    word_leaves(network, round).await?;
    let events = network.court.events().await?;
    let heard = |e: &Event| matches!(e, Event::Word { round: r, .. } if *r == round);
    ensure!(!events.iter().any(heard), "L1 has heard of {round}");

    let l1 = &network.world.chains.l1;
    let clock = &network.world.clock;
    let horizon = clock.slashable_seconds();
    l1.provider()
        .raw_request::<_, serde_json::Value>("evm_increaseTime".into(), (horizon,))
        .await?;
    let stranger = Account::named(l1, "stranger")?;
    l1.fund(stranger.address(), U256::from(10_u128.pow(20)))
        .await?;
    let execute = ISlasher::executeCall { chargeId: id };
    match stranger
        .call(network.world.contracts.l1.slasher, &execute)
        .await
    {
        // The aggregator may have been first.
        Ok(_) | Err(Error::WouldRevert { .. } | Error::Reverted { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let lapsed = |e: &Event| matches!(e, Event::Lapsed { id: other } if *other == id);
    network
        .until("the lapse", async |n: &mut Network| {
            Ok(n.court.events().await?.iter().any(lapsed).then_some(()))
        })
        .await?;
    ensure!(
        shares(network).await?[2] == before,
        "a lapsed charge cost stake"
    );
    Ok(())
}

/// Waits until L2 has sent its word on a round.
async fn word_leaves(network: &mut Network, round: Round) -> Result<()> {
    let l2 = network.world.chains.l2.provider().clone();
    let filter = Filter::new()
        .address(network.world.contracts.l2.rounds)
        .event_signature(WordSent::SIGNATURE_HASH)
        .topic1(U256::from(round.get()))
        .from_block(0);
    network
        .until("L2's word", async |_: &mut Network| {
            Ok((!l2.get_logs(&filter).await?.is_empty()).then_some(()))
        })
        .await
}

async fn charge_of(network: &mut Network, liar: usize) -> Result<(B256, Round)> {
    let what = format!("a charge against {liar}");
    network
        .until(&what, async |n: &mut Network| {
            let events = n.court.events().await?;
            Ok(events.into_iter().find_map(|event| match event {
                Event::Charged {
                    id,
                    operator,
                    round,
                } if operator == liar => Some((id, round)),
                _ => None,
            }))
        })
        .await
}

async fn slash_of(network: &mut Network, liar: usize) -> Result<Slash> {
    let what = format!("a slash of {liar}");
    network
        .until(&what, async |n: &mut Network| {
            let events = n.court.events().await?;
            Ok(events.into_iter().find_map(|event| match event {
                Event::Slashed(slash) if slash.operator == liar => Some(slash),
                _ => None,
            }))
        })
        .await
}

/// The core took one part in `parts`, and the operator has so much less.
async fn require_taken(network: &Network, slash: &Slash, before: U256, parts: u64) -> Result<()> {
    let after = network.court.shares(slash.operator).await?;
    ensure!(
        before - after == slash.taken,
        "{before} before, {after} after: {slash:?}"
    );
    ensure!(
        slash.taken == before / U256::from(parts),
        "{before} before: {slash:?}"
    );
    Ok(())
}

async fn shares(network: &Network) -> Result<Vec<U256>> {
    let mut shares = Vec::new();
    for operator in 0..network.world.operators.len() {
        shares.push(network.court.shares(operator).await?);
    }
    Ok(shares)
}
