//! A machine that passes at the beginning of a window and dies before its end: the receipts stand, and
//! whoever gave one calls the next windows DOWN and not this one.

use std::ops::Range;

use anyhow::{Result, ensure};
use devnet::{agents::Agent, unix_now};

use crate::kit::{
    Network,
    health::{self, Place},
};

/// Kills the agent once its receipts of a window are there, before the window ends; gives the window.
pub(super) async fn play(network: &Network, agent: &mut Agent) -> Result<Place> {
    let place = network.receipted(agent).await?;
    agent.kill()?;
    let (_, until) = health::span(&network.world, place)?;
    ensure!(
        unix_now().as_secs() < until,
        "it was killed after its window {place:?}"
    );
    Ok(place)
}

pub(super) async fn judge(
    network: &Network,
    agent: &Agent,
    died: Place,
    epochs: &Range<u32>,
) -> Result<()> {
    let receipts = agent.receipts(died.0..died.0 + 1)?;
    let given = receipts.iter().filter(|r| r.window.0 == died.1).count();
    ensure!(given >= 3, "{given} receipts of {died:?}");
    for operator in 0..network.world.operators.len() {
        let fails = network.fails(operator, agent.offer);
        let silent = fails.iter().any(|f| f.place > died && f.code == 1);
        ensure!(silent, "operator {operator} found nobody dead: {fails:?}");
    }

    let down = network.downs_by_words(agent.offer, epochs.clone()).await?;
    ensure!(
        !down.is_empty() && down.iter().all(|place| *place > died),
        "died in {died:?}, DOWN in {down:?}"
    );
    Ok(())
}
