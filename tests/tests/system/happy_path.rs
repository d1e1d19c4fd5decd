//! Nobody lies and nothing fails.

use anyhow::{Result, ensure};

use crate::kit::Plan;

#[tokio::test(flavor = "multi_thread")]
async fn rounds_are_settled_and_replay_equal() -> Result<()> {
    let mut network = Plan::new("happy_path").start_all().await?;
    let mut round = None;
    for _ in 0..3 {
        round = Some(network.settled_after(round).await?);
    }
    let signers = network.view.signers(round.unwrap_or_default()).await?;
    ensure!(signers.len() == 4, "{signers:?}");
    network.all_is_well(&[]).await
}
