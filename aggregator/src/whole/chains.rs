//! Chains that err, refuse, change, or were faster.

use std::time::Duration;

use quorate_canon::{Epoch, Round};
use quorate_rpc::RoundFailure;
use quorate_rpc::handler::Handler as _;
use quorate_rpc::wire::Phase;
use tokio::time::sleep;

use super::{Host, eventually, stage};
use crate::chain::{Fault, OnChain, Pages, Standing};
use crate::testing::list;

#[tokio::test]
async fn chunks_that_others_posted_are_left_out() {
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain, folder.path());
    let big = list(600, 0);
    let header = world.header_of(world.round(), &big);
    for operator in 0..3 {
        host.running
            .service
            .vote(world.vote(operator, header), None)
            .await;
    }
    host.until(&world, Phase::Certified).await;
    {
        let mut chain = host.chain.world();
        chain.chunks.entry(world.round()).or_default().insert(1);
        chain.rounds.get_mut(&world.round()).unwrap().posted = 1;
    }
    let place = host
        .running
        .service
        .admit(header.digest(), None)
        .await
        .unwrap()
        .unwrap();
    host.running
        .service
        .list(header.digest(), big, place)
        .await
        .unwrap();
    let report = host.until(&world, Phase::Settled).await;
    assert_eq!((report.chunks_posted, report.chunks), (3, 3));
    assert_eq!(
        host.chain.world().mined,
        ["settle", "post_chunk", "post_chunk"]
    );
    host.stop().await;
}

#[tokio::test]
async fn a_chain_that_errs_delays_and_does_not_lose_the_round() {
    let (world, chain, folder) = stage();
    chain
        .world()
        .faults
        .insert("settle", vec![Fault::Unreachable("timeout".into()); 2]);
    chain
        .world()
        .faults
        .insert("post_chunk", vec![Fault::Unreachable("timeout".into()); 2]);
    let host = Host::start(&world, chain, folder.path());
    for operator in 0..3 {
        host.vote(&world, operator, 0).await;
    }
    host.send_list(&world).await.unwrap();
    host.until(&world, Phase::Settled).await;
    host.stop().await;
}

#[tokio::test]
async fn a_refused_certificate_fails_its_round_with_the_contracts_reason() {
    let (world, chain, folder) = stage();
    chain
        .world()
        .faults
        .insert("settle", vec![Fault::Refused("WrongPolicy()".into()); 100]);
    let host = Host::start(&world, chain, folder.path());
    for operator in 0..3 {
        host.vote(&world, operator, 0).await;
    }
    let report = host.until(&world, Phase::Failed).await;
    assert_eq!(report.reason(), Some(RoundFailure::CertificateRefused));
    assert!(report.failure.unwrap().1.contains("WrongPolicy"));
    assert!(host.attempts("settle") <= 5);
    host.stop().await;
}

#[tokio::test]
async fn a_header_with_another_seed_is_never_sent() {
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain, folder.path());
    let mut header = world.header(world.round(), 0);
    header.seed = world.header(Round::new(99), 0).seed;
    for operator in 0..3 {
        host.running
            .service
            .vote(world.vote(operator, header), None)
            .await;
    }
    let report = host.until(&world, Phase::Failed).await;
    assert_eq!(report.reason(), Some(RoundFailure::WrongSeed));
    assert_eq!(host.attempts("settle"), 0);
    host.stop().await;
}

#[tokio::test]
async fn a_round_that_others_certified_is_posted_from_our_list() {
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain, folder.path());
    host.vote(&world, 0, 0).await;
    host.send_list(&world).await.unwrap();
    let digest = world.header(world.round(), 0).digest();
    host.chain.world().rounds.insert(
        world.round(),
        OnChain {
            standing: Standing::Certified,
            digest,
            posted: 0,
            proposed: false,
        },
    );
    host.until(&world, Phase::Settled).await;
    assert_eq!(host.chain.world().mined, ["post_chunk"]);
    host.stop().await;
}

#[tokio::test]
async fn tables_are_fixed_and_their_pages_posted_once() {
    let (world, chain, folder) = stage();
    let pages = Pages {
        commitment: world.table.commitment(),
        stakes: world.table.stakes_page(),
        keys: world.table.key_pages().collect(),
    };
    chain.world().coming.insert(Epoch::new(1), pages);
    let host = Host::start(&world, chain, folder.path());
    eventually(async || {
        host.chain
            .world()
            .fixed
            .contains_key(&Epoch::new(1))
            .then_some(())
    })
    .await;
    sleep(Duration::from_millis(150)).await;
    assert!(
        host.chain.world().pages.is_empty(),
        "the commitment has not arrived"
    );
    host.chain.world().arrived.insert(Epoch::new(1));
    eventually(async || (host.chain.world().pages.len() == 2).then_some(())).await;
    sleep(Duration::from_millis(150)).await;
    let posted = |name| {
        host.chain
            .world()
            .mined
            .iter()
            .filter(|mined| **mined == name)
            .count()
    };
    assert_eq!(
        (
            posted("fix_table"),
            posted("post_keys"),
            posted("post_stakes")
        ),
        (1, 1, 1)
    );
    host.stop().await;
}

#[tokio::test]
async fn a_certificate_that_a_reorganisation_took_back_is_sent_again() {
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain, folder.path());
    for operator in 0..4 {
        host.vote(&world, operator, 0).await;
    }
    host.until(&world, Phase::Certified).await;
    host.chain.world().rounds.clear();
    host.until(&world, Phase::Certified).await;
    eventually(async || (host.attempts("settle") == 2).then_some(())).await;
    host.send_list(&world).await.unwrap();
    host.until(&world, Phase::Settled).await;
    host.stop().await;
}
