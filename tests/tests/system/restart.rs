//! An operator crashes, restarts, and is given an old ledger (RELIABILITY, signing).

use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use quorate_canon::Round;
use quorate_signer::{Identity, SigningLedger};

use crate::kit::{LONG, Network, Plan, logs, run_to_end, until};

/// R2 at whole-system size, the row "ledger recreated empty", and DESIGN 3.5: "so even an old backup
/// is safe". What each operator ever sent is judged by a listener that no operator can tell from an
/// aggregator.
#[tokio::test(flavor = "multi_thread")]
async fn no_operator_signs_a_second_digest() -> Result<()> {
    let mut network = Plan::new("restart").start_all().await?;
    let first = network.settled_after(None).await?;
    killed_in_mid_round(&mut network, first).await?;
    old_backup_on_another_fork(&mut network).await?;
    lost_ledger(&mut network).await?;
    network.all_is_well(&[]).await
}

/// One is killed between fixing the snapshot and the beacon, another as soon as it has signed.
async fn killed_in_mid_round(network: &mut Network, after: Round) -> Result<()> {
    let round = network
        .logged_after(0, &["snapshot fixed"], Some(after))
        .await?;
    network.kill_operator(0)?;
    ensure!(
        network.recorder.votes(0, round).is_empty(),
        "0 was killed too late"
    );
    let signed = network
        .logged_after(1, &["round signed"], Some(after))
        .await?;
    network.kill_operator(1)?;
    ensure!(
        signed == round,
        "1 signed {signed}, 0 was killed in {round}"
    );
    network.nodes.start_operator(0)?;
    network.nodes.start_operator(1)?;

    network.signed_after(0, round).await?;
    network.signed_after(1, round).await?;
    // Its close lies before the start: another run of this key may have signed it.
    ensure!(
        network.recorder.votes(0, round).is_empty(),
        "0 signed {round} after its restart"
    );
    ensure!(
        network.recorder.votes(1, round).len() <= 1,
        "1 signed {round} twice"
    );
    Ok(())
}

/// The worst that a backup can do: it has forgotten the vote of a round that is still open, and the
/// chain has replaced that round's snapshot, so that a new vote would be another one.
async fn old_backup_on_another_fork(network: &mut Network) -> Result<()> {
    let home = network.nodes.files().dir.join("operator-0");
    let (ledger, backup) = (home.join("ledger"), home.join("backup"));
    network.stop_operator(0)?;
    copy(&ledger, &backup)?;
    network.nodes.start_operator(0)?;
    let last = network.view.settled().last().copied().unwrap_or_default();
    let newer = network.signed_after(0, last).await?;

    // Nothing is certified meanwhile: the aggregator is frozen.
    let round = network
        .logged_after(0, &["snapshot fixed"], Some(newer))
        .await?;
    network.nodes.aggregator.as_ref().context("none")?.freeze();
    let vote = until("a vote", LONG, async || {
        Ok(network.recorder.votes(0, round).pop())
    })
    .await?;
    network.kill_operator(0)?;
    fs::remove_dir_all(&ledger)?;
    copy(&backup, &ledger)?;
    require_forgotten(network, &ledger, &[newer, round])?;
    let fixed = vote.header().snapshot_number;
    replace_block(network, fixed).await?;
    network.nodes.start_operator(0)?;

    let deadline = network.view.schedule().deadline(round)?;
    network
        .until("the deadline", async |n: &mut Network| {
            Ok((n.view.reader().head().timestamp > deadline).then_some(()))
        })
        .await?;
    network.nodes.aggregator.as_ref().context("none")?.thaw();
    let log = network.log(0);
    let starts = logs::lines(&log, &["ready to sign rounds"]).len();
    ensure!(starts == 4, "{starts} starts in {}", log.display());
    let votes = network.recorder.votes(0, round);
    ensure!(votes.len() == 1, "{} votes of {round}", votes.len());
    network.signed_after(0, round).await?;
    Ok(())
}

/// The ledger is gone while the chain shows this key's votes: the node does not start.
async fn lost_ledger(network: &mut Network) -> Result<()> {
    let home = network.nodes.files().dir.join("operator-0");
    let (ledger, away) = (home.join("ledger"), home.join("away"));
    network.stop_operator(0)?;
    fs::rename(&ledger, &away)?;
    let config = network.nodes.files().operator(0);
    let ended = run_to_end("avs-operator", &["run"], &config).await?;
    ensure!(ended.code == Some(2), "{ended:?}");
    for words in [
        "this key signed round",
        "restore the ledger",
        "--init-ledger",
    ] {
        ensure!(
            ended.err.contains(words),
            "{words:?} is not in {}",
            ended.err
        );
    }
    ensure!(
        !ledger.exists(),
        "a ledger was made without being asked for"
    );
    fs::rename(&away, &ledger)?;
    Ok(())
}

/// Proves the fault: the restored ledger knows nothing of votes that were sent.
fn require_forgotten(network: &Network, ledger: &Path, rounds: &[Round]) -> Result<()> {
    let identity = Identity {
        key: network.world.operators[0].bls().public_key(),
        domain: network.world.domain(),
    };
    let ledger = SigningLedger::open(&ledger.join("ledger.sqlite"), &identity)?;
    for round in rounds {
        ensure!(ledger.vote(*round)?.is_none(), "{round} is in the backup");
        ensure!(
            !network.recorder.votes(0, *round).is_empty(),
            "{round} was never sent"
        );
    }
    Ok(())
}

/// Reorganises L2 so that this block is another one.
async fn replace_block(network: &mut Network, number: u64) -> Result<()> {
    network.view.advance().await?;
    let reader = network.view.reader();
    let (head, before) = (
        reader.head().number,
        reader.block(number).context("no block")?,
    );
    network.world.chains.l2.reorg(head - number + 1).await?;
    network
        .until("another block", async |n: &mut Network| {
            let now = n.view.reader().block(number);
            Ok(now.filter(|now| now.hash != before.hash).map(|_| ()))
        })
        .await
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}
