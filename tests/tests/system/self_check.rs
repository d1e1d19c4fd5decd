//! The worst fault is a difference between Rust and Solidity (DESIGN section 3.5): a node that sees
//! one signs nothing.

use alloy::providers::Provider as _;
use anyhow::{Context as _, Result, ensure};
use quorate_canon::Round;
use serde_json::Value;

use crate::kit::{Network, Plan, count, metrics};

/// Runtime code that answers every call with (11, 0): every witness shows a wrong score.
const SEES_FAULTS: &str = "0x600b5f5260405ff3";

/// The judge on L2 is replaced by one that calls every entry wrong: nobody signs, each node writes
/// down both sides and goes on, and signs again when the judge is the old one.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_signs_what_the_contracts_see_otherwise() -> Result<()> {
    let mut network = Plan::new("self_check").start_all().await?;
    let first = network.settled_after(None).await?;
    let verifier = network.world.contracts.l2.verifier;
    let right = network
        .world
        .chains
        .l2
        .provider()
        .get_code_at(verifier)
        .await?;

    set_code(&network, SEES_FAULTS).await?;
    let words = ["abstained", "contract_disagrees"];
    let round = network.logged_after(0, &words, Some(first)).await?;
    for operator in 1..4 {
        network.logged_after(operator, &words, Some(first)).await?;
    }
    ensure!(
        network.recorder.votes(0, round).is_empty(),
        "0 signed {round}"
    );
    written_down(&network, 0, round)?;
    let page = metrics(network.nodes.files().operator_http[0]).await?;
    let disagreed = count(&page, "operator_self_checks_total", "disagreed");
    ensure!(disagreed >= 1.0, "{page}");

    set_code(&network, &right.to_string()).await?;
    network.signed_after(0, round).await?;
    network.all_is_well(&[]).await
}

async fn set_code(network: &Network, code: &str) -> Result<()> {
    let verifier = network.world.contracts.l2.verifier;
    let l2 = network.world.chains.l2.provider();
    let set = l2.raw_request::<_, Value>("anvil_setCode".into(), (verifier, code));
    set.await?;
    Ok(())
}

/// What the contracts say and what this node says lie side by side in its folder.
fn written_down(network: &Network, operator: usize, round: Round) -> Result<()> {
    let home = network
        .nodes
        .files()
        .dir
        .join(format!("operator-{operator}"));
    let folder = home.join("data").join("disagreements");
    let path = folder.join(format!("self-check-{round}.json"));
    let text = std::fs::read(&path).with_context(|| path.display().to_string())?;
    let report: Value = serde_json::from_slice(&text)?;
    let witnesses = report["witnesses"].as_array().context("no witnesses")?;
    ensure!(!witnesses.is_empty() && witnesses.iter().all(|w| w["code"] == 11));
    ensure!(folder.join(format!("self-check-{round}.list")).exists());
    Ok(())
}
