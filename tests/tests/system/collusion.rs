//! A quorum of liars (DESIGN section 7): what they sign is certified, and it costs all of them.

use anyhow::{Context as _, Result, ensure};
use devnet::liars::{Lie, Wrong};
use quorate_canon::Round;
use quorate_protocol::Header;

use crate::kit::{Event, Network, Plan, Slash};

/// All four operators sign the same wrong outcome, which lacks a match. The contracts take
/// certificate and list, since nothing in them shows what is missing; one transaction of a stranger
/// does, and L1 has every signer pay.
#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_refutes_what_all_operators_signed() -> Result<()> {
    let (mut network, header) = Box::pin(all_collude("collusion", Wrong::DropMatch)).await?;
    let round = header.round;
    network
        .until("the wrong list in full", async |n: &mut Network| {
            Ok(n.view.settled().contains(&round).then_some(()))
        })
        .await?;
    let before = network.court.shares(3).await?;

    let accusation = network.accuse(header).await?;
    let stranger = network.stranger().await?;
    network.challenge(&stranger, &accusation).await?;
    refuted(&mut network, round, Wrong::DropMatch).await?;
    all_pay(&mut network, round).await?;
    ensure!(network.court.shares(3).await? < before, "3 lost nothing");
    Ok(())
}

/// Two offers have changed places in the list that all operators signed: posting it refutes it, and
/// nobody has to challenge anything.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_shows_its_own_fault_is_refuted_by_posting_it() -> Result<()> {
    let (mut network, header) =
        Box::pin(all_collude("collusion_posted", Wrong::OrderOfOffers)).await?;
    refuted(&mut network, header.round, Wrong::OrderOfOffers).await?;
    all_pay(&mut network, header.round).await
}

/// Three operators sign a wrong outcome and give its list to nobody. The fourth signs the right one
/// and is charged with having signed another than the certified header; nothing comes of that.
#[tokio::test(flavor = "multi_thread")]
async fn liars_who_withhold_their_list_cost_the_honest_nothing() -> Result<()> {
    let mut network = Plan::new("withheld").start().await?;
    network.nodes.start_aggregator()?;
    network.nodes.start_operator(0)?;
    for liar in 1..4 {
        let lie = Lie::Withhold(Wrong::DropMatch);
        network.nodes.start_liar(liar, lie, Round::new(3))?;
    }
    let before = network.court.shares(0).await?;
    let round = network.logged_after(1, &["lying"], None).await?;
    let honest = vote_of(&mut network, 0, round).await?;
    let lied = vote_of(&mut network, 1, round).await?;
    ensure!(honest != lied, "the liars signed the right header");
    network
        .until("its certificate", async |n: &mut Network| {
            let found = n.view.round(round);
            Ok(found
                .map(|c| c.digest == lied.digest())
                .filter(|same| *same))
        })
        .await?;
    ensure!(
        network.recorder.list(lied.digest()).is_none(),
        "somebody gave the list away"
    );
    // Not posted by its deadline: the round is void, and the next one is settled.
    network.settled_after(Some(round)).await?;
    ensure!(
        !network.view.settled().contains(&round),
        "{round} was posted"
    );
    ensure!(network.court.shares(0).await? == before, "0 lost stake");
    Ok(())
}

/// A network whose operators all lie once, and the header that they have certified.
async fn all_collude(name: &'static str, wrong: Wrong) -> Result<(Network, Header)> {
    let mut network = Plan::new(name).start().await?;
    network.nodes.start_aggregator()?;
    for liar in 0..network.world.operators.len() {
        let when = Round::new(3);
        network.nodes.start_liar(liar, Lie::Collude(wrong), when)?;
    }
    let round = network.logged_after(0, &["lying"], None).await?;
    let header = vote_of(&mut network, 0, round).await?;
    for liar in 1..4 {
        let other = vote_of(&mut network, liar, round).await?;
        ensure!(other == header, "0 and {liar} told different lies");
    }
    network
        .until("its certificate", async |n: &mut Network| {
            Ok(n.view.round(round).map(|_| ()))
        })
        .await?;
    let certified = network.view.round(round).context("no certificate")?;
    ensure!(certified.digest == header.digest(), "another header");
    Ok((network, header))
}

/// The only header that an operator has signed in a round.
pub(crate) async fn vote_of(
    network: &mut Network,
    operator: usize,
    round: Round,
) -> Result<Header> {
    let what = format!("the vote of {operator} in {round}");
    let votes = network
        .until(&what, async |n: &mut Network| {
            let votes = n.recorder.votes(operator, round);
            Ok((!votes.is_empty()).then_some(votes))
        })
        .await?;
    ensure!(
        votes.len() == 1,
        "{operator} signed {} headers",
        votes.len()
    );
    Ok(*votes[0].header())
}

/// Waits until the round is refuted, by a code that goes with the lie.
pub(crate) async fn refuted(network: &mut Network, round: Round, wrong: Wrong) -> Result<()> {
    let code = network
        .until("the refutation", async |n: &mut Network| {
            let found = n.view.round(round).and_then(|c| c.refuted);
            Ok(found.map(|refuted| refuted.code))
        })
        .await?;
    let expected = wrong.codes();
    ensure!(
        expected.iter().any(|c| c.code() == code),
        "refuted by {code}, expected one of {expected:?}"
    );
    Ok(())
}

/// Waits until L1 has taken stake of all four for what L2 has judged.
async fn all_pay(network: &mut Network, round: Round) -> Result<()> {
    network
        .until("four slashes", async |n: &mut Network| {
            let events = n.court.events().await?;
            let paid = |event: &&Event| matches!(event, Event::Slashed(slash) if has_paid(slash));
            Ok((events.iter().filter(paid).count() == 4).then_some(()))
        })
        .await?;
    let heard = |e: &Event| matches!(e, Event::Word { round: r, verdict: 2 } if *r == round);
    let events = network.court.events().await?;
    ensure!(events.iter().any(heard), "no word on {round}: {events:?}");
    Ok(())
}

fn has_paid(slash: &Slash) -> bool {
    slash.offence == "wrong outcome" && slash.moved
}
