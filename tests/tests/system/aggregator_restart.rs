//! The aggregator comes last, crashes with votes in hand, and goes on (RELIABILITY, aggregator: "each
//! starts in any order", "nothing persisted").

use anyhow::{Context as _, Result, ensure};
use quorate_canon::Round;
use serde_json::Value;

use crate::kit::{LONG, Network, Plan, patient, status, until};

/// Operators run without an aggregator; then it is killed while it holds half of the votes, and the
/// round is certified with them all the same: they were on disk before they were acknowledged.
#[tokio::test(flavor = "multi_thread")]
async fn accepted_votes_survive_a_kill() -> Result<()> {
    let mut network = Plan::new("aggregator_restart")
        .clock(patient)
        .start()
        .await?;
    for number in 0..4 {
        network.nodes.start_operator(number)?;
    }
    until("votes without an aggregator", LONG, async || {
        Ok((!network.recorder.rounds(0).is_empty()).then_some(()))
    })
    .await?;
    network.nodes.start_aggregator()?;
    let first = network.settled_after(None).await?;

    let round = network
        .logged_after(0, &["snapshot fixed"], Some(first))
        .await?;
    for number in [0, 1] {
        network.nodes.operators[number]
            .as_ref()
            .context("down")?
            .freeze();
    }
    let before = report(&network, round, 2).await?;
    ensure!(before["phase"] == "collecting", "{before}");
    network.kill_aggregator()?;
    network.nodes.start_aggregator()?;
    let after = report(&network, round, 2).await?;
    ensure!(after["phase"] == "collecting", "{after}");
    for number in [0, 1] {
        network.nodes.operators[number]
            .as_ref()
            .context("down")?
            .thaw();
    }

    let settled = network.settled_after(Some(first)).await?;
    ensure!(settled == round, "{settled} was settled, not {round}");
    let signers = network.view.signers(round).await?;
    ensure!(signers.is_superset(&[2, 3].into()), "{signers:?}");
    network.all_is_well(&[]).await
}

/// The aggregator's word on a round as soon as so many have signed.
async fn report(network: &Network, round: Round, signers: u64) -> Result<Value> {
    let port = network.nodes.files().aggregator_http;
    until("votes at the aggregator", LONG, async || {
        let Ok(page) = status(port).await else {
            return Ok(None);
        };
        let rounds = page["rounds"].as_array().cloned().unwrap_or_default();
        let found = rounds.into_iter().find(|r| r["round"] == round.get());
        Ok(found.filter(|r| r["signers"] == signers))
    })
    .await
}
