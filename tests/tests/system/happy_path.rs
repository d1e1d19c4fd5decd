//! Nobody lies and nothing fails.

use anyhow::{Result, ensure};

use crate::{
    binding, conservation,
    kit::{Plan, patient},
    snapshot_equality,
};

/// The whole of DESIGN section 3, and with it: orders bind (3.2), inputs are what the contracts say
/// (4), money is conserved (9), and the auditor finds every round equal.
#[tokio::test(flavor = "multi_thread")]
async fn rounds_are_settled_and_replay_equal() -> Result<()> {
    let mut network = Plan::new("happy_path").clock(patient).start_all().await?;
    let first = network.settled_after(None).await?;
    let round = network.settled_after(Some(first)).await?;
    let signers = network.view.signers(round).await?;
    ensure!(signers.len() == 4, "{signers:?}");

    snapshot_equality::holds_for(&mut network, round).await?;
    binding::a_cancel_after_the_close_changes_nothing(&mut network).await?;
    conservation::everybody_gets_what_is_theirs(&mut network).await?;
    network.all_is_well(&[]).await
}
