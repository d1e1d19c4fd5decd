//! An agent that crashes: every receipt that it took is there when it is back.

use anyhow::{Result, ensure};
use devnet::agents::Agent;
use provider_agent::store::StoredReceipt;

use crate::kit::{LONG, Network, until};

/// Kills the agent right after it took receipts and starts it again; gives what was on its disk when it
/// was dead. Done once more, so that a start that clears something is seen.
pub(super) async fn play(network: &Network, agent: &mut Agent) -> Result<Vec<StoredReceipt>> {
    let mut kept = Vec::new();
    for _ in 0..2 {
        let place = network.receipted(agent).await?;
        let held = agent.page().await?;
        let took = held.probes.iter();
        let took = took.filter(|p| (p.epoch, p.window) == place && p.receipt.is_some());
        let took: Vec<u32> = took.map(|probe| probe.operator).collect();
        agent.kill()?;

        let found = agent.receipts(0..place.0 + 1)?;
        for operator in took {
            let there = found.iter().any(|receipt| {
                (receipt.epoch.get(), receipt.window.0) == place
                    && receipt.operator.get() == operator
            });
            ensure!(
                there,
                "the receipt of operator {operator} for {place:?} is gone"
            );
        }
        agent.start()?;
        let page = until("the agent's page", LONG, async || {
            Ok(agent
                .page()
                .await
                .ok()
                .filter(|page| page.machine.is_some()))
        })
        .await?;
        ensure!(
            page.receipts >= found.len(),
            "{} receipts before, {} after",
            found.len(),
            page.receipts
        );
        kept = found;
    }
    Ok(kept)
}

/// What was on its disk then is there now.
pub(super) fn judge(agent: &Agent, kept: &[StoredReceipt]) -> Result<()> {
    let last = kept.iter().map(|receipt| receipt.epoch.get()).max();
    let last = last.unwrap_or_default();
    let now = agent.receipts(0..last + 1)?;
    let of_last = kept.iter().filter(|receipt| receipt.epoch.get() == last);
    for receipt in of_last {
        ensure!(now.contains(receipt), "{receipt:?} is gone");
    }
    Ok(())
}
