//! Processes that end in the middle.

use std::time::Duration;

use quorate_rpc::wire::Phase;
use tokio::time::sleep;

use super::{Host, stage};

#[tokio::test]
async fn a_restart_in_mid_aggregation_completes_the_round() {
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain.clone(), folder.path());
    host.vote(&world, 0, 0).await;
    host.vote(&world, 1, 0).await;
    host.send_list(&world).await.unwrap();
    host.stop().await;
    assert!(chain.world().mined.is_empty());

    let host = Host::start(&world, chain, folder.path());
    host.vote(&world, 2, 0).await;
    let report = host.until(&world, Phase::Settled).await;
    assert_eq!(report.signers, 3);
    host.stop().await;
}

#[tokio::test]
async fn a_restart_between_certificate_and_chunks_completes_the_round() {
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain.clone(), folder.path());
    for operator in 0..3 {
        host.vote(&world, operator, 0).await;
    }
    host.until(&world, Phase::Certified).await;
    host.stop().await;

    let host = Host::start(&world, chain, folder.path());
    host.send_list_when_known(&world).await;
    host.until(&world, Phase::Settled).await;
    assert_eq!(host.chain.world().mined, ["settle", "post_chunk"]);
    host.stop().await;
}

#[tokio::test]
async fn stored_votes_wait_for_a_chain_that_is_down_at_start() {
    let (world, chain, folder) = stage();
    let host = Host::start(&world, chain.clone(), folder.path());
    for operator in 0..3 {
        host.vote(&world, operator, 0).await;
    }
    host.stop().await;
    chain.world().dark = true;
    chain.world().rounds.clear();
    chain.world().mined.clear();
    let host = Host::start(&world, chain, folder.path());
    sleep(Duration::from_millis(200)).await;
    assert!(host.report(world.round()).await.is_none());
    host.chain.world().dark = false;
    host.until(&world, Phase::Certified).await;
    host.stop().await;
}
