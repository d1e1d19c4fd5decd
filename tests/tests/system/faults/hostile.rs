//! An agent that answers with reports that are replayed, forged, late, or of another nonce, window or
//! machine: each is a FAIL with its reason, and no answer buys a word but DOWN. In its first window it is
//! honest, to have something to replay.

use std::{collections::BTreeSet, ops::Range};

use anyhow::{Result, ensure};
use devnet::{agents::Agent, liars::Deceit};
use quorate_canon::HealthEpoch;
use quorate_health::Window;

use crate::kit::{
    Network, count,
    health::{self, Fail, Place, place},
    logs, metrics,
};

/// Lets it answer for two epochs; gives the last of them.
pub(super) async fn play(network: &Network, first: u32) -> Result<u32> {
    health::wait_until(health::span(&network.world, (first + 2, 0))?.0).await;
    Ok(first + 1)
}

pub(super) async fn judge(
    network: &Network,
    agent: &Agent,
    first: u32,
    epochs: &Range<u32>,
) -> Result<()> {
    let lies = logs::lines(&agent.files.log, &["lying: answering a probe"]);
    let (mut told, mut found_in) = (BTreeSet::new(), BTreeSet::new());
    for operator in 0..network.world.operators.len() {
        let fails = network.fails(operator, agent.offer);
        for fail in fails.iter().filter(|fail| fail.place.0 >= first) {
            let deceit = deceit(fail.place);
            if deceit != Deceit::Late && fail.line.contains("detail=\"deadline\"") {
                // A busy machine is late without meaning to.
                continue;
            }
            ensure!(is_found(deceit, fail), "{deceit:?}: {}", fail.line);
            told.insert(deceit);
            found_in.insert(fail.place);
        }
        let page = metrics(network.nodes.files().operator_http[operator]).await?;
        for code in ["1", "2", "3"] {
            let label = format!("verdict=\"fail\",code=\"{code}\"");
            let sum = count(&page, "operator_probe_verdicts_total", &label);
            ensure!(sum >= 1.0, "operator {operator} counts no FAIL {code}");
        }
    }
    ensure!(
        told == BTreeSet::from(Deceit::ALL) && !lies.is_empty(),
        "found {told:?} of {} lies",
        lies.len()
    );

    let taken = logs::lines(&agent.files.log, &["receipt taken"]);
    let honest: BTreeSet<Place> = taken.iter().filter_map(|line| place(line)).collect();
    ensure!(
        honest.len() == 1 && honest.is_disjoint(&found_in),
        "receipts for {honest:?}, FAILs in {found_in:?}"
    );
    let down = network.downs_by_words(agent.offer, epochs.clone()).await?;
    let down: BTreeSet<Deceit> = down.into_iter().map(deceit).collect();
    ensure!(down.len() >= 3, "DOWN only for {down:?}");
    Ok(())
}

fn deceit((epoch, window): Place) -> Deceit {
    Deceit::of(HealthEpoch::new(epoch), Window(window))
}

/// Whether the operator's reason is that of the lie.
fn is_found(deceit: Deceit, fail: &Fail) -> bool {
    let (code, words) = match deceit {
        // Of another window, or of one of the same number in another epoch.
        Deceit::Replayed => (3, "a report of another probe"),
        Deceit::Forged => (2, "no report by the machine key"),
        Deceit::Late => (1, "no answer within the deadline"),
        Deceit::Nonce => (3, "its nonce differs"),
        Deceit::Window => (3, "its window differs"),
        Deceit::Machine => (3, "its subject differs"),
    };
    fail.code == code && fail.line.contains(words)
}
