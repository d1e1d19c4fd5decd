//! Liars.

use quorate_canon::OperatorIndex;
use quorate_protocol::{Verdict, Word};
use quorate_rpc::wire::Phase;
use quorate_rpc::{RoundFailure, VoteRejection};

use super::{Host, eventually, stage};
use crate::chain::{Fault, OnChain, Standing};
use crate::courts::Stage;

#[tokio::test]
async fn two_votes_of_one_operator_in_one_batch_are_one_vote_and_evidence() {
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain, folder.path());
    let (a, b) = tokio::join!(host.vote(&world, 3, 0), host.vote(&world, 3, 1));
    let verdicts = [a.verdict.rejection(), b.verdict.rejection()];
    assert!(
        verdicts.contains(&None) && verdicts.contains(&Some(VoteRejection::Equivocation)),
        "{verdicts:?}"
    );
    eventually(async || {
        host.chain
            .world()
            .punished
            .contains_key(&(OperatorIndex::new(3), world.round()))
            .then_some(())
    })
    .await;
    host.stop().await;
}

#[tokio::test]
async fn evidence_survives_a_restart_and_is_used() {
    let (world, chain, folder) = stage();
    chain.world().faults.insert(
        "prove_equivocation",
        vec![Fault::Unreachable("down".into()); 1_000],
    );
    let host = Host::start(&world, chain.clone(), folder.path());
    host.vote(&world, 3, 0).await;
    host.vote(&world, 3, 1).await;
    host.stop().await;
    assert!(chain.world().punished.is_empty());
    chain.world().faults.clear();

    let host = Host::start(&world, chain, folder.path());
    eventually(async || {
        host.chain
            .world()
            .punished
            .contains_key(&(OperatorIndex::new(3), world.round()))
            .then_some(())
    })
    .await;
    eventually(async || (host.store.cases().unwrap()[0].stage == Stage::Punished).then_some(()))
        .await;
    host.stop().await;
}

#[tokio::test]
async fn a_divergence_is_charged_at_once_and_punished_by_l2s_word() {
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain, folder.path());
    host.vote(&world, 3, 1).await;
    for operator in 0..3 {
        host.vote(&world, operator, 0).await;
    }
    eventually(async || (host.chain.world().charges.len() == 1).then_some(())).await;
    assert!(
        host.chain.world().punished.is_empty(),
        "without a word nobody is punished"
    );
    host.chain.world().finals.insert(world.round());
    eventually(async || {
        host.chain
            .world()
            .punished
            .contains_key(&(OperatorIndex::new(3), world.round()))
            .then_some(())
    })
    .await;
    let mined = host.chain.world().mined.clone();
    assert!(
        mined.ends_with(&["charge_divergence", "report", "execute"]),
        "{mined:?}"
    );
    assert_eq!(host.chain.world().punished.len(), 1);
    host.stop().await;
}

#[tokio::test]
async fn a_divergence_that_comes_after_the_certificate_is_charged_too() {
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain, folder.path());
    for operator in 0..3 {
        host.vote(&world, operator, 0).await;
    }
    host.until(&world, Phase::Certified).await;
    host.vote(&world, 3, 1).await;
    eventually(async || (host.chain.world().charges.len() == 1).then_some(())).await;
    host.stop().await;
}

#[tokio::test]
async fn another_word_lets_the_charge_lapse() {
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain, folder.path());
    for operator in 0..3 {
        host.vote(&world, operator, 0).await;
    }
    host.vote(&world, 3, 1).await;
    eventually(async || (host.chain.world().charges.len() == 1).then_some(())).await;
    let digest = world.header(world.round(), 0).digest();
    let word = Word {
        round: world.round(),
        digest,
        verdict: Verdict::WrongOutcome,
    };
    host.chain.world().words.insert(world.round(), word);
    eventually(async || (host.store.cases().unwrap()[0].stage == Stage::Lapsed).then_some(()))
        .await;
    assert!(host.chain.world().punished.is_empty());
    host.stop().await;
}

#[tokio::test]
async fn a_divergence_from_a_header_that_is_seen_late_is_charged() {
    let (world, chain, folder) = stage();
    let digest = world.header(world.round(), 0).digest();
    let settled = OnChain {
        standing: Standing::Settled,
        digest,
        posted: 1,
        proposed: false,
    };
    chain.world().rounds.insert(world.round(), settled);
    let host = Host::start(&world, chain, folder.path());
    host.vote(&world, 3, 1).await;
    host.until(&world, Phase::Settled).await;
    assert!(
        host.chain.world().charges.is_empty(),
        "the certified header is not known here"
    );
    host.vote(&world, 0, 0).await;
    eventually(async || (host.chain.world().charges.len() == 1).then_some(())).await;
    host.stop().await;
}

#[tokio::test]
async fn the_second_of_two_certificates_is_shown_to_l2() {
    let (world, chain, folder) = stage();
    let digest = world.header(world.round(), 7).digest();
    chain.world().rounds.insert(
        world.round(),
        OnChain {
            standing: Standing::None,
            digest,
            posted: 0,
            proposed: false,
        },
    );
    let host = Host::start(&world, chain, folder.path());
    for operator in 0..4 {
        host.vote(&world, operator, 0).await;
    }
    host.chain
        .world()
        .rounds
        .get_mut(&world.round())
        .unwrap()
        .standing = Standing::Certified;
    let report = host.until(&world, Phase::Failed).await;
    assert_eq!(report.reason(), Some(RoundFailure::Superseded));
    assert!(host.attempts("settle") >= 1);
    host.stop().await;
}

#[tokio::test]
async fn evidence_that_can_cost_nothing_any_more_is_not_paid_for() {
    let (world, chain, folder) = stage();
    chain.world().spent.insert(OperatorIndex::new(3));
    let host = Host::start(&world, chain, folder.path());
    host.vote(&world, 3, 0).await;
    host.vote(&world, 3, 1).await;
    eventually(async || (host.store.cases().unwrap()[0].stage == Stage::Lapsed).then_some(()))
        .await;
    assert_eq!(host.attempts("prove_equivocation"), 0);
    host.stop().await;
}

#[tokio::test]
async fn a_charge_is_not_executed_once_its_operator_has_nothing_left_to_lose() {
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain, folder.path());
    host.vote(&world, 3, 1).await;
    for operator in 0..3 {
        host.vote(&world, operator, 0).await;
    }
    eventually(async || (host.chain.world().charges.len() == 1).then_some(())).await;
    host.chain.world().spent.insert(OperatorIndex::new(3));
    host.chain.world().finals.insert(world.round());
    eventually(async || (host.store.cases().unwrap()[0].stage == Stage::Lapsed).then_some(()))
        .await;
    assert_eq!(host.attempts("execute"), 0);
    host.stop().await;
}
