//! A round's way, and what callers meet.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use quorate_canon::Epoch;
use quorate_rpc::VoteRejection;
use quorate_rpc::handler::{Handler as _, ListRefusal};
use quorate_rpc::wire::{Phase, VoteReceipt, VoteVerdict};
use tokio::time::Instant;

use super::{Host, eventually, stage};
use crate::collector::Source;
use crate::testing::{World, list};

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

/// Sends an operator's vote from an address.
async fn vote_from(host: &Host, world: &World, operator: u32, from: Source) -> VoteReceipt {
    let vote = world.vote(operator, world.header(world.round(), 0));
    host.running.service.vote(vote, from).await
}

fn address(last: u8) -> Source {
    Some(IpAddr::from([192, 0, 2, last]))
}

#[tokio::test]
async fn strangers_that_hold_all_places_keep_no_list_out() {
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain, folder.path());
    let digest = world.header(world.round(), 0).digest();
    vote_from(&host, &world, 0, address(1)).await;
    let service = &host.running.service;
    let mut held = Vec::new();
    for stranger in 10..20 {
        if let Ok(place) = service.admit(digest, address(stranger)).await {
            held.push(place.unwrap());
        }
    }
    assert!(!held.is_empty());
    assert!(held.iter().all(|place| service.stands(place)));
    assert!(matches!(
        service.admit(digest, address(20)).await,
        Err(ListRefusal::Busy)
    ));
    // The first operator was asked and does not send: the next one is asked, and its list is taken.
    eventually(async || {
        host.report(world.round())
            .await
            .filter(|report| report.outcome_wanted)
    })
    .await;
    let receipt = vote_from(&host, &world, 1, address(2)).await;
    assert!(receipt.outcome_wanted);
    let place = service.admit(digest, address(2)).await.unwrap().unwrap();
    assert_eq!(
        held.iter().filter(|place| !service.stands(place)).count(),
        1
    );
    assert!(service.list(digest, list(3, 0), place).await.unwrap());
    vote_from(&host, &world, 2, address(3)).await;
    host.until(&world, Phase::Settled).await;
    host.stop().await;
}

#[tokio::test]
async fn whoever_repeats_others_votes_keeps_nobody_from_being_asked_for_the_list() {
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain, folder.path());
    vote_from(&host, &world, 0, address(1)).await;
    let wanted = async || {
        let report = host.report(world.round()).await;
        report.is_some_and(|report| report.outcome_wanted)
    };
    let end = Instant::now() + Duration::from_secs(10);
    while !wanted().await {
        assert!(Instant::now() < end, "nobody else is asked");
        for repeater in [1, 9] {
            vote_from(&host, &world, 0, address(repeater)).await;
        }
    }
    vote_from(&host, &world, 0, address(9)).await;
    assert!(wanted().await);
    host.stop().await;
}
