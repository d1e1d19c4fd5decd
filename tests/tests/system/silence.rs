//! Operators are absent (DESIGN sections 3.6 and 3.8).

use anyhow::{Result, ensure};
use quorate_canon::Round;

use crate::kit::{Network, logs};

/// Below a third of the stake: rounds go on, the absent one's bit is missing. Above: nothing is
/// certified, and the market stands still until they are back.
pub(crate) async fn a_third_can_stop_the_market_and_less_cannot(
    network: &mut Network,
) -> Result<()> {
    let last = network.view.settled().last().copied();
    let first = network.settled_after(last).await?;
    ensure!(
        network.view.signers(first).await?.contains(&3),
        "3 was absent before"
    );

    network.kill_operator(3)?;
    let seen = network
        .logged_after(0, &["snapshot fixed"], Some(first))
        .await?;
    let second = network.settled_after(Some(seen)).await?;
    ensure!(
        network.view.signers(second).await? == [0, 1, 2].into(),
        "{second}"
    );

    network.kill_operator(0)?;
    let stuck = stuck_round(network, second).await?;
    ensure!(
        network.view.round(stuck).is_none(),
        "{stuck} was certified below the quorum"
    );
    let log = network.nodes.files().dir.join("aggregator").join("log");
    let said = logs::rounds(&log, &["round failed", "no_quorum"]);
    ensure!(said.contains(&stuck), "the aggregator reported {said:?}");

    network.nodes.start_operator(0)?;
    network.nodes.start_operator(3)?;
    network.signed_after(0, stuck).await?;
    network.signed_after(3, stuck).await?;
    Ok(())
}

/// Waits until the deadline of a round has passed in which the two that are left have voted.
async fn stuck_round(network: &mut Network, after: Round) -> Result<Round> {
    let round = network
        .logged_after(1, &["round signed"], Some(after))
        .await?;
    // It may still have had the vote of the one that was killed just now.
    let round = if network.recorder.votes(0, round).is_empty() {
        round
    } else {
        network
            .logged_after(1, &["round signed"], Some(round))
            .await?
    };
    let deadline = network.view.schedule().deadline(round)?;
    let log = network.nodes.files().dir.join("aggregator").join("log");
    network
        .until("the deadline", async |n: &mut Network| {
            let over = n.view.reader().head().timestamp > deadline;
            let said = logs::rounds(&log, &["round failed"]).contains(&round);
            Ok((over && said).then_some(()))
        })
        .await?;
    Ok(round)
}
