//! Health epochs and their beacons.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::*;
use crate::duties::Opener;
use crate::settle::Beacons;
use crate::testing::BEACON;

/// A beacon that can be silent, and counts who asks.
#[derive(Default)]
struct Beacon {
    silent: bool,
    asked: AtomicUsize,
}

impl Beacons for Beacon {
    async fn signature(&self, _: u64, _: Timestamp) -> Result<[u8; 48], String> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        match self.silent {
            true => Err("no relay answers".into()),
            false => Ok(BEACON),
        }
    }
}

impl Stage {
    fn opener(&self, beacon: &Arc<Beacon>) -> Opener<SimulatedChain, Beacon> {
        let schedule = self.world.facts.schedule;
        Opener::new(
            self.handle(),
            Arc::clone(beacon),
            self.observe.clone(),
            schedule,
            Duration::ZERO,
        )
    }

    fn open(&self) -> Vec<u32> {
        let world = self.chain.world();
        world.health.open.iter().map(|epoch| epoch.get()).collect()
    }
}

#[tokio::test]
async fn every_epoch_that_is_not_settled_is_opened_once() {
    let (stage, beacon) = (Stage::new(), Arc::new(Beacon::default()));
    let mut opener = stage.opener(&beacon);
    stage.settle(8);
    for _ in 0..3 {
        opener.work_off(stage.time(10, 500)).await;
    }
    assert_eq!(stage.open(), [8, 9, 10]);
    assert_eq!(stage.attempts("open_epoch"), 3);
    assert!(stage.counts("quorate_aggregator_epochs_opened_total 3"));
    opener.work_off(stage.time(11, 1)).await;
    assert_eq!(stage.open(), [8, 9, 10, 11]);
}

#[tokio::test]
async fn an_epoch_that_is_open_costs_no_beacon_and_no_transaction() {
    let (stage, beacon) = (Stage::new(), Arc::new(Beacon::default()));
    stage.settle(10);
    stage.chain.world().health.open.insert(epoch(10));
    stage.opener(&beacon).work_off(stage.time(10, 500)).await;
    assert_eq!(beacon.asked.load(Ordering::Relaxed), 0);
    assert_eq!(stage.attempts("open_epoch"), 0);
}

#[tokio::test]
async fn the_beacon_is_not_asked_before_its_time() {
    let (mut stage, beacon) = (Stage::new(), Arc::new(Beacon::default()));
    // Rounds every 7 s: the first that does not close before epoch 10 begins closes 3 s later.
    stage.world.facts.schedule.period = 7;
    stage.settle(10);
    let mut opener = stage.opener(&beacon);
    opener.work_off(stage.time(10, 2)).await;
    assert_eq!(beacon.asked.load(Ordering::Relaxed), 0);
    opener.work_off(stage.time(10, 3)).await;
    assert_eq!(stage.open(), [10]);
}

#[tokio::test]
async fn who_was_faster_is_no_failure() {
    for why in ["AlreadyOpen(uint32) 0x0a", "AlreadySettled(uint32) 0x0a"] {
        let (stage, beacon) = (Stage::new(), Arc::new(Beacon::default()));
        stage.settle(10);
        stage.fail("open_epoch", &[refused(why)]);
        let mut opener = stage.opener(&beacon);
        for _ in 0..3 {
            opener.work_off(stage.time(10, 500)).await;
        }
        assert!(stage.met("open_epoch"));
        assert_eq!(stage.attempts("open_epoch"), 1, "{why}");
    }
}

#[tokio::test]
async fn one_epoch_that_fails_keeps_no_other_back() {
    let (stage, beacon) = (Stage::new(), Arc::new(Beacon::default()));
    stage.settle(9);
    stage.fail("open_epoch", &[outage()]);
    let mut opener = stage.opener(&beacon);
    opener.work_off(stage.time(10, 500)).await;
    assert_eq!(stage.open(), [10]);
    opener.work_off(stage.time(10, 500)).await;
    assert_eq!(stage.open(), [9, 10]);
}

#[tokio::test]
async fn a_silent_beacon_opens_nothing_and_is_asked_again() {
    let stage = Stage::new();
    let silent = Arc::new(Beacon {
        silent: true,
        ..Beacon::default()
    });
    stage.settle(10);
    let mut opener = stage.opener(&silent);
    opener.work_off(stage.time(10, 500)).await;
    opener.work_off(stage.time(10, 500)).await;
    assert_eq!(silent.asked.load(Ordering::Relaxed), 2);
    assert_eq!(stage.attempts("open_epoch"), 0);
}

#[tokio::test]
async fn before_genesis_nothing_is_opened() {
    let (stage, beacon) = (Stage::new(), Arc::new(Beacon::default()));
    let genesis = stage.world.facts.schedule.genesis.get();
    let mut opener = stage.opener(&beacon);
    opener.work_off(Timestamp::new(genesis - 1)).await;
    assert_eq!(stage.attempts("open_epoch"), 0);
    stage.settle(0);
    opener.work_off(Timestamp::new(genesis)).await;
    assert_eq!(stage.open(), [0]);
}
