//! Rounds that nobody certifies go on by proposal (DESIGN section 3.7).

use alloy::{providers::Provider as _, rpc::types::Filter, sol_types::SolEvent as _};
use anyhow::{Context as _, Result, ensure};
use quorate_bindings::IDisputes::{BondHeld, BondReturned};

use crate::kit::{Network, Plan};

/// Two of four operators are silent, more than a third of the stake. The aggregator posts the bond and
/// settles what the other two have signed; the outcome stands, the auditor finds it right, and the
/// bond comes back. When the two return, rounds are certified again.
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_third_does_not_stop_the_market() -> Result<()> {
    let mut network = Plan::new("proposals").proposing().start().await?;
    network.nodes.start_aggregator()?;
    network.nodes.start_operator(0)?;
    network.nodes.start_operator(1)?;

    let mut last = None;
    for _ in 0..2 {
        let round = network.settled_after(last).await?;
        let settled = network.view.round(round).context("no header")?;
        ensure!(settled.proposer.is_some(), "{round} was certified by half");
        last = Some(round);
    }
    ensure!(
        !bonds(&network, BondHeld::SIGNATURE_HASH).await?.is_empty(),
        "no bond was held"
    );
    network
        .until("a bond that came back", async |n: &mut Network| {
            let returned = bonds(n, BondReturned::SIGNATURE_HASH).await?;
            Ok((!returned.is_empty()).then_some(()))
        })
        .await?;

    network.nodes.start_operator(2)?;
    network.nodes.start_operator(3)?;
    network
        .until("a certified round", async |n: &mut Network| {
            let found = n.view.settled().into_iter().find(|round| {
                let of = n.view.round(*round);
                Some(*round) > last && of.is_some_and(|round| round.proposer.is_none())
            });
            Ok(found)
        })
        .await?;
    network.all_is_well(&[]).await
}

/// Logs of `Disputes` with this signature.
async fn bonds(
    network: &Network,
    signature: alloy::primitives::B256,
) -> Result<Vec<alloy::rpc::types::Log>> {
    let l2 = &network.world.chains.l2;
    let filter = Filter::new()
        .address(network.world.contracts.l2.disputes)
        .event_signature(signature)
        .from_block(0);
    Ok(l2.provider().get_logs(&filter).await?)
}
