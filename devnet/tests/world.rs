//! The whole world, without its nodes.

use std::time::{Duration, Instant};

use alloy::providers::Provider;
use devnet::{World, WorldConfig};

#[tokio::test(flavor = "multi_thread")]
async fn world_starts() {
    let dir = tempfile::tempdir().expect("dir");
    let start = Instant::now();
    let mut world = World::start(WorldConfig::new(dir.path())).await.expect("world");
    println!("world in {:?}", start.elapsed());
    println!("l1 {} l2 {}", world.chains.l1.provider().get_block_number().await.unwrap(), world.chains.l2.provider().get_block_number().await.unwrap());
    let feeder = world.take_feeder().unwrap();
    let progress = feeder.progress();
    let stop = tokio_util::sync::CancellationToken::new();
    let play = tokio::spawn(feeder.play(stop.clone()));
    for _ in 0..8 {
        tokio::time::sleep(Duration::from_secs(5)).await;
        println!("{:?}", progress.lock().unwrap());
    }
    stop.cancel();
    println!("{:?}", play.await.unwrap());
}
