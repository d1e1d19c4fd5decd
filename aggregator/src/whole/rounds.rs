//! A round's way, and what callers meet.

use std::sync::Arc;
use std::time::Duration;

use quorate_canon::Epoch;
use quorate_rpc::VoteRejection;
use quorate_rpc::handler::{Handler as _, ListRefusal};
use quorate_rpc::wire::{Phase, VoteVerdict};
use tokio::time::Instant;

use super::{Host, eventually, stage};
use crate::testing::list;

#[tokio::test]
async fn a_round_is_certified_settled_and_posted() {
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain, folder.path());
    let first = host.vote(&world, 0, 0).await;
    assert_eq!(first.verdict, VoteVerdict::Accepted);
    assert!(
        first.outcome_wanted,
        "the first operator is asked for the list"
    );
    assert!(
        !host.vote(&world, 1, 0).await.outcome_wanted,
        "the second one is not"
    );
    assert!(host.send_list(&world).await.unwrap());
    host.vote(&world, 2, 0).await;
    let report = host.until(&world, Phase::Settled).await;
    assert_eq!((report.signers, report.headers, report.chunks), (3, 1, 1));
    assert_eq!(host.chain.world().mined, ["settle", "post_chunk"]);
    host.stop().await;
}

#[tokio::test]
async fn votes_are_answered_with_what_became_of_them() {
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain, folder.path());
    host.vote(&world, 0, 0).await;
    assert_eq!(
        host.vote(&world, 0, 0).await.verdict,
        VoteVerdict::Duplicate
    );
    let forged = world.forged(1, 0, world.header(world.round(), 0));
    let receipt = host.running.service.vote(forged, None).await;
    assert_eq!(
        receipt.verdict.rejection(),
        Some(VoteRejection::BadSignature)
    );
    let page = host.metrics.encode().unwrap();
    assert!(
        page.contains("quorate_aggregator_votes_rejected_total{reason=\"bad_signature\"} 1"),
        "{page}"
    );
    host.stop().await;
}

#[tokio::test]
async fn callers_that_hang_up_kill_nothing() {
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain, folder.path());
    for operator in 0..3 {
        let vote = world.vote(operator, world.header(world.round(), 0));
        // Polled once, so that the vote is in the mailbox, then dropped.
        let call = host.running.service.vote(vote, None);
        drop(tokio::time::timeout(Duration::ZERO, call).await);
        for _ in 0..20 {
            let garbage = world.forged(operator, 3, world.header(world.round(), 1));
            drop(
                tokio::time::timeout(Duration::ZERO, host.running.service.vote(garbage, None))
                    .await,
            );
        }
    }
    host.send_list_when_known(&world).await;
    host.until(&world, Phase::Settled).await;
    host.stop().await;
}

#[tokio::test]
async fn a_list_that_does_not_fit_is_refused_and_the_next_operator_is_asked() {
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain, folder.path());
    host.vote(&world, 0, 0).await;
    let digest = world.header(world.round(), 0).digest();
    let place = host
        .running
        .service
        .admit(digest, None)
        .await
        .unwrap()
        .unwrap();
    let refused = host.running.service.list(digest, list(3, 9), place).await;
    assert!(matches!(refused, Err(ListRefusal::WrongRoot { .. })));
    let unknown = host
        .running
        .service
        .admit(world.header(world.round(), 1).digest(), None)
        .await;
    assert!(matches!(unknown, Err(ListRefusal::UnknownHeader)));
    eventually(async || {
        host.report(world.round())
            .await
            .filter(|report| report.outcome_wanted)
    })
    .await;
    assert!(host.vote(&world, 1, 0).await.outcome_wanted);
    host.stop().await;
}

#[tokio::test]
async fn votes_that_came_before_the_table_are_told_to_come_again() {
    let (world, chain, folder) = stage();
    let table = chain.world().tables.remove(&Epoch::new(0)).unwrap();
    let host = Host::start(&world, chain, folder.path());
    let receipt = host.vote(&world, 0, 0).await;
    assert_eq!(
        receipt.verdict.rejection(),
        Some(VoteRejection::NoStakeTable)
    );
    host.chain.world().tables.insert(Epoch::new(0), table);
    assert_eq!(host.vote(&world, 0, 0).await.verdict, VoteVerdict::Accepted);
    host.stop().await;
}

#[tokio::test]
async fn a_flood_in_one_operators_name_keeps_nobody_waiting() {
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain, folder.path());
    let flood = {
        let (service, garbage) = (
            Arc::clone(&host.running.service),
            world.forged(3, 0, world.header(world.round(), 2)),
        );
        let liar = Some("192.0.2.66".parse().unwrap());
        tokio::spawn(async move {
            let mut reasons = std::collections::BTreeMap::new();
            for _ in 0..3_000 {
                let receipt = service.vote(garbage, liar).await;
                *reasons.entry(receipt.verdict.rejection()).or_insert(0) += 1;
            }
            reasons
        })
    };
    let begin = Instant::now();
    for operator in 0..4 {
        let receipt = host.vote(&world, operator, 0).await;
        assert_eq!(
            receipt.verdict,
            VoteVerdict::Accepted,
            "operator {operator}"
        );
    }
    assert!(begin.elapsed() < Duration::from_secs(2));
    let reasons = flood.await.unwrap();
    assert_eq!(
        reasons.get(&Some(VoteRejection::BadSignature)),
        Some(&16),
        "{reasons:?}"
    );
    host.stop().await;
}

#[tokio::test]
async fn operators_are_served_over_the_wire() {
    use quorate_rpc::{Client, ClientLimits, ClientTls, Server, ServerLimits, WireLimits};
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain, folder.path());
    let server = Server::bind(
        "127.0.0.1:0".parse().unwrap(),
        ServerLimits::default(),
        None,
    )
    .await
    .unwrap();
    let url = format!("http://{}", server.address()).parse().unwrap();
    let (service, ended) = (Arc::clone(&host.running.service), host.shutdown.asked());
    let served = tokio::spawn(server.run(service, WireLimits::default(), |_| {}, ended));
    let client = Client::new(&url, &ClientTls::default(), ClientLimits::default()).unwrap();

    let header = world.header(world.round(), 0);
    let mut wanted = false;
    for operator in 0..3 {
        let receipt = client
            .submit_vote(&world.vote(operator, header).to_bytes())
            .await
            .unwrap();
        assert_eq!(receipt.verdict, VoteVerdict::Accepted);
        wanted |= receipt.outcome_wanted;
    }
    assert!(wanted);
    assert!(
        client
            .submit_outcome(header.digest(), &list(3, 0))
            .await
            .unwrap()
    );
    assert!(
        !client
            .submit_outcome(header.digest(), &list(3, 0))
            .await
            .unwrap(),
        "it is here already"
    );
    eventually(async || {
        let report = client.round(world.round()).await.unwrap();
        report.filter(|report| report.phase == Phase::Settled)
    })
    .await;
    host.shutdown.ask();
    served.await.unwrap().unwrap();
    host.stop().await;
}
