//! L2 is reorganised (RELIABILITY, chain following; R12 at whole-system size).

use anyhow::{Context as _, Result, ensure};
use quorate_canon::{Digest, Round};

use crate::{
    kit::{Network, Plan, logs},
    quiet_chain,
};

/// Shallow ones around a close: at worst the round is lost, nobody signs twice, and what is settled
/// replays equal. One that replaces a fixed snapshot: all abstain, say why, and the next round comes.
/// Then the chain stands still.
#[tokio::test(flavor = "multi_thread")]
async fn forks_and_stillness_cost_rounds_and_nothing_else() -> Result<()> {
    let mut network = Plan::new("reorg").start_all().await?;
    let mut last = network.settled_after(None).await?;
    for depth in [1, 2] {
        let round = next_close(&mut network).await?;
        reorganise(&mut network, depth).await?;
        last = network.settled_after(Some(last.max(round))).await?;
    }
    a_replaced_snapshot_is_not_signed(&mut network, last).await?;
    quiet_chain::a_late_snapshot_is_not_signed_and_a_tick_closes_a_round(&mut network).await?;
    network.all_is_well(&[]).await
}

async fn a_replaced_snapshot_is_not_signed(network: &mut Network, last: Round) -> Result<()> {
    let round = network
        .logged_after(0, &["snapshot fixed"], Some(last))
        .await?;
    // All of them, or else one is only late.
    let before = Round::new(round.get() - 1);
    for operator in 1..4 {
        let fixed = network
            .logged_after(operator, &["snapshot fixed"], Some(before))
            .await?;
        ensure!(fixed == round, "{operator} fixed {fixed}");
    }
    network.view.advance().await?;
    let reader = network.view.reader();
    let close = network.view.schedule().close(round)?;
    let depth = network.view.schedule().depth;
    let snapshot = reader
        .snapshot_block(close, depth)
        .context("not deep enough")?;
    let depth = reader.head().number - snapshot.number + 1;
    reorganise(network, depth).await?;
    for operator in 0..4 {
        let log = network.log(operator);
        let abstained = network
            .logged_after(operator, &["abstained"], Some(before))
            .await?;
        ensure!(abstained == round, "{operator} abstained in {abstained}");
        let why = logs::lines(&log, &["abstained", "snapshot_replaced"]);
        ensure!(
            !why.is_empty(),
            "{operator}: {:?}",
            logs::lines(&log, &["abstained"])
        );
        ensure!(
            network.recorder.votes(operator, round).is_empty(),
            "{operator} signed {round}"
        );
    }
    network.settled_after(Some(round)).await?;
    ensure!(network.view.round(round).is_none(), "{round} was certified");
    Ok(())
}

/// Waits for the first block at or after the next close; gives the round.
async fn next_close(network: &mut Network) -> Result<Round> {
    network.view.advance().await?;
    let schedule = *network.view.schedule();
    let head = network.view.reader().head().timestamp;
    let since = head.get() - schedule.genesis.get();
    let round = Round::new(since / u64::from(schedule.period) + 1);
    let close = schedule.close(round)?;
    network
        .until("a close", async |n: &mut Network| {
            Ok((n.view.reader().head().timestamp >= close).then_some(()))
        })
        .await?;
    Ok(round)
}

/// Replaces the last blocks, and makes sure that they are others now.
async fn reorganise(network: &mut Network, depth: u64) -> Result<()> {
    let head = network.view.reader().head();
    let number = head.number - depth + 1;
    let before: Digest = network
        .view
        .reader()
        .block(number)
        .context("no block")?
        .hash;
    network.world.chains.l2.reorg(depth).await?;
    network
        .until("the reorganisation", async |n: &mut Network| {
            let now = n.view.reader().block(number);
            Ok(now.filter(|now| now.hash != before).map(|_| ()))
        })
        .await
}
