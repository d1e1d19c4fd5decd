//! L2 stands still around a close (DESIGN section 3.2).

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use quorate_bindings::IRounds;
use quorate_canon::Round;

use crate::kit::{LONG, Network, logs, until};

/// A snapshot that becomes known only after the beacon is signed by nobody: a sequencer that stamps
/// blocks late could have added orders knowing the seed. And a chain that nobody uses is closed by
/// anyone's `tick`.
pub(crate) async fn a_late_snapshot_is_not_signed_and_a_tick_closes_a_round(
    network: &mut Network,
) -> Result<()> {
    let last = network.view.settled().last().copied().unwrap_or_default();
    let void = late_snapshot(network, last).await?;
    let next = network.settled_after(Some(void)).await?;
    ensure!(network.view.round(void).is_none(), "{void} was certified");
    closed_by_ticks(network, next).await
}

/// The chain stops before the close and goes on after the beacon's time.
async fn late_snapshot(network: &mut Network, settled: Round) -> Result<Round> {
    network.world.chains.l2.pause().await?;
    let round = next_live(network, settled).await?;
    let schedule = *network.view.schedule();
    let due = schedule.beacon_time(schedule.beacon_round(round)?)?;
    wait_for(due.get() + 1).await?;
    network.world.chains.l2.every(1).await?;
    for operator in 0..4 {
        let words = ["abstained", "snapshot_late"];
        let abstained = network
            .logged_after(operator, &words, Some(settled))
            .await?;
        ensure!(
            abstained == round,
            "{operator} abstained in {abstained}, not {round}"
        );
        ensure!(
            network.recorder.votes(operator, round).is_empty(),
            "{operator} signed {round}"
        );
    }
    Ok(round)
}

/// Nobody sends anything and no block comes; a stranger's ticks are the blocks that close the round.
async fn closed_by_ticks(network: &mut Network, settled: Round) -> Result<()> {
    network.stop_feeding().await?;
    network.world.chains.l2.pause().await?;
    let round = next_live(network, settled).await?;
    let schedule = *network.view.schedule();
    wait_for(schedule.close(round)?.get()).await?;
    ensure!(
        logs::rounds(&network.log(0), &["snapshot fixed"])
            .iter()
            .all(|n| *n < round),
        "{round} was closed by itself"
    );
    let stranger = network.stranger().await?;
    network.world.chains.l2.at_once().await?;
    let rounds = network.world.contracts.l2.rounds;
    for _ in 0..=schedule.depth {
        stranger.call(rounds, &IRounds::tickCall {}).await?;
    }
    let next = network.settled_after(Some(settled)).await?;
    ensure!(next == round, "{next} was settled, not {round}");
    network.world.chains.l2.every(1).await?;
    Ok(())
}

/// The round that is live after a settled one; its close must lie ahead of L2's head.
async fn next_live(network: &mut Network, settled: Round) -> Result<Round> {
    network.view.advance().await?;
    let (schedule, rounds) = (
        network.view.schedule(),
        &network.view.reader().state().rounds,
    );
    let ahead = schedule.live_after(network.view.reader().head().timestamp)?;
    let live = (ahead.get()..)
        .map(Round::new)
        .take(100)
        .find(|n| *n > settled && rounds.is_live(schedule, *n).unwrap_or(false));
    live.ok_or_else(|| anyhow::anyhow!("no live round after {settled}"))
}

/// Waits until the wall clock shows this time.
async fn wait_for(time: u64) -> Result<()> {
    until("a time of day", LONG, async || {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        Ok((now >= time).then_some(()))
    })
    .await
}
