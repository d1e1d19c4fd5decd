//! Refuted rounds: everyone who signed pays, once, and nobody else.

use std::time::Duration;

use quorate_canon::{OperatorIndex, Round};
use quorate_protocol::{CertificateBuilder, Offence, Signers};
use quorate_rpc::wire::Phase;
use tokio::time::sleep;

use super::{Host, eventually, stage};
use crate::chain::simulated::SimulatedChain;
use crate::chain::{Fault, OnChain, Standing};
use crate::courts::TrialStage;
use crate::testing::World;

/// The code of a blocking pair, and of a wrong seed.
const BLOCKING: u8 = 14;
const WRONG_SEED: u8 = 15;

/// Operators 0 to 2 certify a header, 3 does not; then it is refuted.
async fn refuted(world: &World, chain: SimulatedChain, folder: &std::path::Path, code: u8) -> Host {
    let host = Host::start(world, chain, folder);
    for operator in 0..3 {
        host.vote(world, operator, 0).await;
    }
    host.until(world, Phase::Certified).await;
    host.chain.world().refute(world.round(), code);
    host
}

fn paid(host: &Host, operator: u32, round: Round) -> Option<Offence> {
    let world = host.chain.world();
    world
        .punished
        .get(&(OperatorIndex::new(operator), round))
        .copied()
}

async fn all_paid(host: &Host, round: Round, offence: Offence) {
    eventually(async || {
        (0..3)
            .all(|operator| paid(host, operator, round) == Some(offence))
            .then_some(())
    })
    .await;
}

async fn ended(host: &Host, stage: TrialStage) {
    eventually(async || {
        let trials = host.store.trials().unwrap();
        trials
            .iter()
            .all(|trial| trial.stage == stage)
            .then_some(())
            .filter(|()| !trials.is_empty())
    })
    .await;
}

/// A round that operators 0 to 2 have certified and that was settled.
fn settled(world: &World, chain: &SimulatedChain, round: Round) {
    let mut builder = CertificateBuilder::new(world.header(round, 0), world.table.as_ref());
    for operator in 0..3 {
        let vote = world.verified(operator, world.header(round, 0));
        builder.add(&vote).unwrap();
    }
    let certificate = builder.build().unwrap();
    let signers = Signers::from_bytes(&certificate.to_bytes()).unwrap();
    let mut chain = chain.world();
    let stands = OnChain {
        standing: Standing::Settled,
        digest: certificate.digest(),
        posted: 1,
        proposed: false,
    };
    chain.rounds.insert(round, stands);
    chain.certificates.insert(certificate.digest(), signers);
}

fn outage() -> Vec<Fault> {
    vec![Fault::Unreachable("down".into()); 10_000]
}

#[tokio::test]
async fn every_signer_of_a_refuted_round_is_struck_and_punished_once() {
    let (world, chain, folder) = stage();
    let host = refuted(&world, chain, folder.path(), BLOCKING).await;
    all_paid(&host, world.round(), Offence::WrongOutcome).await;
    ended(&host, TrialStage::Ended).await;
    assert_eq!(paid(&host, 3, world.round()), None, "it signed nothing");
    let once = |action| {
        let chain = host.chain.world();
        chain.mined.iter().filter(|mined| **mined == action).count()
    };
    for action in ["strike", "report", "prove_signers"] {
        assert_eq!(once(action), 1, "{action}");
    }
    assert_eq!(once("execute_verdict"), 3);
    let struck: Vec<u32> = host
        .chain
        .world()
        .struck
        .iter()
        .map(|operator| operator.get())
        .collect();
    assert_eq!(struck, [0, 1, 2]);
    host.stop().await;
}

#[tokio::test]
async fn without_l2s_word_nobody_is_punished() {
    let (world, chain, folder) = stage();
    chain.world().faults.insert("report", outage());
    let host = refuted(&world, chain, folder.path(), BLOCKING).await;
    ended(&host, TrialStage::Proven).await;
    eventually(async || (host.attempts("report") > 2).then_some(())).await;
    assert!(host.chain.world().punished.is_empty());
    assert_eq!(host.attempts("execute_verdict"), 0);
    host.chain.world().faults.clear();
    all_paid(&host, world.round(), Offence::WrongOutcome).await;
    host.stop().await;
}

#[tokio::test]
async fn a_wrong_seed_is_judged_by_l1_without_a_word() {
    let (world, chain, folder) = stage();
    chain.world().faults.insert("report", outage());
    let host = refuted(&world, chain, folder.path(), WRONG_SEED).await;
    all_paid(&host, world.round(), Offence::WrongSeed).await;
    assert!(host.chain.world().words.is_empty());
    host.stop().await;
}

#[tokio::test]
async fn a_trial_goes_on_after_a_restart_where_it_was() {
    let (world, chain, folder) = stage();
    chain.world().faults.insert("execute_verdict", outage());
    let host = refuted(&world, chain.clone(), folder.path(), BLOCKING).await;
    eventually(async || (host.attempts("execute_verdict") >= 3).then_some(())).await;
    host.stop().await;
    assert!(chain.world().punished.is_empty());
    chain.world().faults.clear();
    chain.world().mined.clear();

    let host = Host::start(&world, chain, folder.path());
    all_paid(&host, world.round(), Offence::WrongOutcome).await;
    ended(&host, TrialStage::Ended).await;
    let mined = host.chain.world().mined.clone();
    assert!(
        mined.iter().all(|action| *action == "execute_verdict"),
        "{mined:?}"
    );
    assert_eq!(mined.len(), 3);
    host.stop().await;
}

#[tokio::test]
async fn one_transaction_that_fails_keeps_no_other_back() {
    let (world, chain, folder) = stage();
    let down = Fault::Unreachable("down".into());
    chain
        .world()
        .faults
        .insert("execute_verdict", vec![down.clone()]);
    chain.world().faults.insert("strike", vec![down; 4]);
    let host = refuted(&world, chain, folder.path(), BLOCKING).await;
    all_paid(&host, world.round(), Offence::WrongOutcome).await;
    ended(&host, TrialStage::Ended).await;
    assert_eq!(host.attempts("execute_verdict"), 4);
    host.stop().await;
}

#[tokio::test]
async fn who_has_paid_more_is_left_out_and_who_has_paid_less_pays_the_difference() {
    let (world, chain, folder) = stage();
    {
        let mut chain = chain.world();
        let mut paid = |operator, offence| {
            let key = (OperatorIndex::new(operator), world.round());
            chain.punished.insert(key, offence);
        };
        paid(0, Offence::Equivocation);
        paid(1, Offence::Divergence);
    }
    let host = refuted(&world, chain, folder.path(), BLOCKING).await;
    ended(&host, TrialStage::Ended).await;
    let round = world.round();
    assert_eq!(paid(&host, 0, round), Some(Offence::Equivocation));
    assert_eq!(paid(&host, 1, round), Some(Offence::WrongOutcome));
    assert_eq!(host.attempts("execute_verdict"), 2);
    host.stop().await;
}

#[tokio::test]
async fn an_equivocation_is_brought_also_after_a_verdict() {
    let (world, chain, folder) = stage();
    let host = refuted(&world, chain, folder.path(), BLOCKING).await;
    all_paid(&host, world.round(), Offence::WrongOutcome).await;
    host.vote(&world, 2, 1).await;
    eventually(async || {
        (paid(&host, 2, world.round()) == Some(Offence::Equivocation)).then_some(())
    })
    .await;
    host.stop().await;
}

#[tokio::test]
async fn a_refuted_proposal_has_no_signers_to_try() {
    let (world, chain, folder) = stage();
    {
        let mut chain = chain.world();
        let proposed = OnChain {
            standing: Standing::Certified,
            digest: world.header(world.round(), 0).digest(),
            posted: 0,
            proposed: false,
        };
        chain.rounds.insert(world.round(), proposed);
        chain.refute(world.round(), BLOCKING);
    }
    let host = Host::start(&world, chain, folder.path());
    eventually(async || host.store.refutations_from().unwrap()).await;
    sleep(Duration::from_millis(200)).await;
    assert!(host.store.trials().unwrap().is_empty());
    host.stop().await;
}

#[tokio::test]
async fn what_cannot_be_punished_any_more_lapses() {
    let (_, chain, folder) = stage();
    let fortnight = 14 * 86_400;
    let world = World::at(&[25; 4], crate::clock::now().get() - fortnight - 1_000);
    settled(&world, &chain, world.round());
    chain.world().refute(world.round(), BLOCKING);
    let host = Host::start(&world, chain, folder.path());
    ended(&host, TrialStage::Lapsed).await;
    for action in ["strike", "prove_signers", "execute_verdict"] {
        assert_eq!(host.attempts(action), 0, "{action}");
    }
    host.stop().await;
}

#[tokio::test]
async fn a_refuted_round_that_cannot_be_read_waits_and_keeps_no_other_back() {
    let (world, chain, folder) = stage();
    let unread = Round::new(99);
    for round in [unread, world.round()] {
        settled(&world, &chain, round);
        chain.world().refute(round, BLOCKING);
    }
    chain.world().unread.insert(unread);
    let host = Host::start(&world, chain.clone(), folder.path());
    all_paid(&host, world.round(), Offence::WrongOutcome).await;
    assert_eq!(host.store.refutations().unwrap(), [(unread, BLOCKING)]);
    host.stop().await;

    // Whatever comes later on L2, it is not looked for again, and not forgotten.
    chain.world().block += 1_000;
    chain.world().unread.clear();
    let host = Host::start(&world, chain, folder.path());
    all_paid(&host, unread, Offence::WrongOutcome).await;
    ended(&host, TrialStage::Ended).await;
    assert!(host.store.refutations().unwrap().is_empty());
    host.stop().await;
}

#[tokio::test]
async fn an_endpoint_that_still_shows_the_proposal_acquits_nobody() {
    let (world, chain, folder) = stage();
    settled(&world, &chain, world.round());
    {
        // The logs have the refutation, the state is older than the certificate.
        let mut chain = chain.world();
        chain.refute(world.round(), BLOCKING);
        chain.certificates.clear();
        let stale = chain.rounds.get_mut(&world.round()).unwrap();
        (stale.standing, stale.proposed) = (Standing::Certified, true);
    }
    let host = Host::start(&world, chain.clone(), folder.path());
    eventually(async || (!host.store.refutations().unwrap().is_empty()).then_some(())).await;
    sleep(Duration::from_millis(200)).await;
    chain.world().block += 1_000;
    sleep(Duration::from_millis(200)).await;
    settled(&world, &chain, world.round());
    chain
        .world()
        .rounds
        .get_mut(&world.round())
        .unwrap()
        .standing = Standing::Refuted;
    all_paid(&host, world.round(), Offence::WrongOutcome).await;
    host.stop().await;
}

#[tokio::test]
async fn a_signer_with_nothing_left_to_lose_is_not_paid_for() {
    let (world, chain, folder) = stage();
    chain.world().spent.insert(OperatorIndex::new(1));
    let host = refuted(&world, chain, folder.path(), BLOCKING).await;
    ended(&host, TrialStage::Ended).await;
    let round = world.round();
    for operator in [0, 2] {
        let paid = paid(&host, operator, round);
        assert_eq!(paid, Some(Offence::WrongOutcome), "operator {operator}");
    }
    assert_eq!(paid(&host, 1, round), None);
    assert_eq!(host.attempts("execute_verdict"), 2);
    host.stop().await;
}
