//! An auditor's process that holds no operator's key, against operators that lie together (DESIGN
//! sections 3.9 and 7).

use alloy::primitives::U256;
use anyhow::{Context as _, Result, ensure};
use devnet::{
    chains::Account,
    liars::{Lie, Wrong},
};
use quorate_bindings::ISlasher;
use quorate_canon::Round;

use crate::{
    collusion::{refuted, vote_of},
    kit::{Event, Network, Plan},
};

/// One entry that is no pair, one number that is wrong, a round that stopped too early: with the missing
/// match of the next test one of each family of faults that only a challenge shows. (A lowest entry that
/// is named wrongly may stand beyond the list; then no chunk of it can be posted and the round is void.)
const DISPUTED: [(&str, Wrong); 3] = [
    ("watched_ineligible", Wrong::IneligiblePair),
    ("watched_score", Wrong::Score),
    ("watched_cut", Wrong::CutEarly),
];

/// All four operators sign a wrong outcome. The round is refuted by the auditor and void, and L1 takes
/// stake of every signer. Each kind has a network of its own, since who signed it counts no more.
#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_refutes_what_all_operators_signed_and_all_pay() -> Result<()> {
    for (name, wrong) in DISPUTED {
        let mut network = Plan::new(name).start().await?;
        network.nodes.start_aggregator()?;
        network.nodes.start_watcher()?;
        let round = lie_together(&mut network, wrong).await?;
        refuted(&mut network, round, wrong).await?;
        let voided = network.view.round(round).context("no header")?;
        ensure!(voided.settled.is_some(), "{wrong:?} was refuted by posting");
        slashed(&mut network, 4).await?;
        let said = actions(&network, "challenge");
        ensure!(
            said.len() == 1 && said[0]["round"] == round.get(),
            "somebody else challenged: {said:?}"
        );
    }
    Ok(())
}

/// Three of four sign a wrong outcome and give its list away. The fourth signs the right one: it is
/// charged with having signed another than the certified header, the charge lapses with L2's verdict,
/// and it keeps its stake. Struck, the three certify nothing more; rounds go on by proposal.
#[tokio::test(flavor = "multi_thread")]
async fn the_honest_minority_keeps_its_stake_and_liars_count_no_more() -> Result<()> {
    let mut network = Plan::new("minority").proposing().start().await?;
    network.nodes.start_aggregator()?;
    network.nodes.start_watcher()?;
    network.nodes.start_operator(0)?;
    for liar in 1..4 {
        let lie = Lie::Collude(Wrong::DropMatch);
        network.nodes.start_liar(liar, lie, Round::new(3))?;
    }
    let before = network.court.shares(0).await?;
    let round = network.logged_after(1, &["lying"], None).await?;
    let honest = vote_of(&mut network, 0, round).await?;
    let lied = vote_of(&mut network, 1, round).await?;
    ensure!(
        honest.same_inputs(&lied) && honest != lied,
        "the honest one has nothing to be charged with"
    );
    refuted(&mut network, round, Wrong::DropMatch).await?;
    let digest = network.view.round(round).context("no header")?.digest;
    ensure!(digest == lied.digest(), "the right header was refuted");
    slashed(&mut network, 3).await?;
    let charge = network
        .until("the charge against 0", async |n: &mut Network| {
            let events = n.court.events().await?;
            Ok(events.into_iter().find_map(|event| match event {
                Event::Charged {
                    id, operator: 0, ..
                } => Some(id),
                _ => None,
            }))
        })
        .await?;
    // L2's verdict has come, since the liars were slashed by it: whoever executes the charge ends it.
    let execute = ISlasher::executeCall { chargeId: charge };
    let stranger = Account::named(&network.world.chains.l1, "stranger")?;
    let wei = U256::from(10_u128.pow(20));
    network
        .world
        .chains
        .l1
        .fund(stranger.address(), wei)
        .await?;
    stranger
        .call(network.world.contracts.l1.slasher, &execute)
        .await?;
    let events = network.court.events().await?;
    let lapsed = |e: &Event| matches!(e, Event::Lapsed { id } if *id == charge);
    ensure!(events.iter().any(lapsed), "it did not lapse: {events:?}");
    ensure!(network.court.shares(0).await? == before, "0 lost stake");

    network
        .until("the strike", async |n: &mut Network| {
            Ok((!actions(n, "strike").is_empty()).then_some(()))
        })
        .await?;
    // A round that closed after the strike: of the stake that counts only a quarter is left.
    let first = network.settled_after(Some(round)).await?;
    let proposed = network
        .until("a settled proposal", async |n: &mut Network| {
            let found = n.view.settled().into_iter().find(|settled| {
                let of = n.view.round(*settled);
                *settled >= first && of.is_some_and(|round| round.proposer.is_some())
            });
            Ok(found)
        })
        .await?;
    ensure!(proposed > round, "{proposed} came before the refutation");
    Ok(())
}

/// Has all four lie once; the round in which they did.
async fn lie_together(network: &mut Network, wrong: Wrong) -> Result<Round> {
    for liar in 0..4 {
        let lie = Lie::Collude(wrong);
        network.nodes.start_liar(liar, lie, Round::new(3))?;
    }
    let round = network.logged_after(0, &["lying"], None).await?;
    let header = vote_of(network, 0, round).await?;
    for liar in 1..4 {
        let other = vote_of(network, liar, round).await?;
        ensure!(other == header, "0 and {liar} told different lies");
    }
    Ok(round)
}

/// Waits until stake was taken so many times for wrong outcomes.
async fn slashed(network: &mut Network, times: usize) -> Result<()> {
    let what = format!("{times} slashes");
    network
        .until(&what, async |n: &mut Network| {
            let events = n.court.events().await?;
            let paid = |event: &&Event| match event {
                Event::Slashed(slash) => slash.offence == "wrong outcome" && slash.moved,
                _ => false,
            };
            Ok((events.iter().filter(paid).count() == times).then_some(()))
        })
        .await
}

/// What the watcher says that it has sent and that was taken.
fn actions(network: &Network, action: &str) -> Vec<serde_json::Value> {
    let log = network.nodes.files().dir.join("watcher").join("log");
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    lines
        .filter(|line: &serde_json::Value| line["action"] == action && line["fate"] == "done")
        .collect()
}
