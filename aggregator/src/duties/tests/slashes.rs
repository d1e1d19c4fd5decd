//! Machines that were DOWN in two epochs in a row.

use std::time::Duration;

use super::*;
use crate::duties::Slashes;

/// A week.
const KEPT: u64 = 7 * 86_400;

impl Stage {
    /// A stage on which two epochs need three windows.
    fn of_slashes() -> Self {
        let stage = Self::new();
        stage.chain.world().duty.slash_windows = 3;
        stage
    }

    fn slashes(&self, kept: u64) -> Slashes<SimulatedChain> {
        let schedule = self.world.facts.schedule;
        Slashes::new(
            self.handle(),
            self.observe.clone(),
            schedule,
            Duration::ZERO,
            kept,
        )
    }

    /// So many windows of a machine are called DOWN in an epoch.
    fn down(&self, id: u64, number: u32, windows: u32) {
        let mut world = self.chain.world();
        let key = (machine(id), epoch(number));
        world.duty.events.push(key);
        world.duty.down.insert(key, windows);
    }

    fn slashed(&self) -> Vec<(OfferId, HealthEpoch)> {
        self.chain.world().duty.slashed.clone()
    }
}

#[tokio::test]
async fn two_epochs_in_a_row_are_slashed_once_both_are_settled() {
    let stage = Stage::of_slashes();
    let mut slashes = stage.slashes(KEPT);
    stage.down(5, 2, 1);
    stage.down(5, 3, 2);
    stage.settle(3);
    slashes.work_off(now()).await;
    assert_eq!(stage.attempts("slash_machine"), 0);
    stage.settle(4);
    for _ in 0..3 {
        slashes.work_off(now()).await;
    }
    assert_eq!(stage.slashed(), [(machine(5), epoch(2))]);
    assert_eq!(stage.attempts("slash_machine"), 1);
    assert!(stage.counts("quorate_aggregator_machines_slashed_total 1"));
}

#[tokio::test]
async fn one_epoch_alone_and_two_with_a_gap_are_not_tried() {
    let stage = Stage::of_slashes();
    let mut slashes = stage.slashes(KEPT);
    stage.settle(9);
    stage.down(5, 2, 9);
    stage.down(5, 4, 9);
    stage.down(6, 3, 9);
    slashes.work_off(now()).await;
    assert_eq!(stage.attempts("slash_machine"), 0);
}

#[tokio::test]
async fn a_pair_with_too_little_is_asked_about_once_and_leaves_the_next_its_turn() {
    let stage = Stage::of_slashes();
    let mut slashes = stage.slashes(KEPT);
    for (number, windows) in [(2, 1), (3, 1), (4, 2)] {
        stage.down(5, number, windows);
    }
    stage.settle(9);
    for _ in 0..3 {
        slashes.work_off(now()).await;
    }
    assert_eq!(stage.slashed(), [(machine(5), epoch(3))]);
    assert_eq!(stage.attempts("slash_machine"), 2);
}

#[tokio::test]
async fn an_epoch_counts_towards_one_slash() {
    let stage = Stage::of_slashes();
    let mut slashes = stage.slashes(KEPT);
    for number in 2..6 {
        stage.down(5, number, 9);
    }
    stage.settle(9);
    slashes.work_off(now()).await;
    let both = [(machine(5), epoch(2)), (machine(5), epoch(4))];
    assert_eq!(stage.slashed(), both);
}

#[tokio::test]
async fn who_was_faster_ends_the_matter() {
    let stage = Stage::of_slashes();
    let mut slashes = stage.slashes(KEPT);
    stage.down(5, 2, 9);
    stage.down(5, 3, 9);
    stage.settle(4);
    stage.fail("slash_machine", &[refused("AlreadyCounted(uint256) 0x02")]);
    for _ in 0..3 {
        slashes.work_off(now()).await;
    }
    assert!(stage.met("slash_machine"));
    assert_eq!(stage.attempts("slash_machine"), 1);
    assert!(stage.counts("quorate_aggregator_machines_slashed_total 0"));
}

#[tokio::test]
async fn what_fails_is_tried_again_and_keeps_no_other_back() {
    let stage = Stage::of_slashes();
    let mut slashes = stage.slashes(KEPT);
    for id in [5, 6] {
        stage.down(id, 2, 9);
        stage.down(id, 3, 9);
    }
    stage.settle(4);
    stage.fail("slash_machine", &[outage()]);
    slashes.work_off(now()).await;
    assert!(stage.met("slash_machine"));
    assert_eq!(stage.slashed(), [(machine(6), epoch(2))]);
    slashes.work_off(now()).await;
    assert_eq!(stage.slashed().len(), 2);
}

#[tokio::test]
async fn a_restart_finds_on_chain_what_is_left_to_slash() {
    let stage = Stage::of_slashes();
    stage.settle(4);
    for id in [5, 6] {
        stage.down(id, 2, 9);
        stage.down(id, 3, 9);
    }
    stage.fail("slash_machine", &[outage()]);
    stage.slashes(KEPT).work_off(now()).await;
    assert_eq!(stage.slashed().len(), 1);

    stage.slashes(KEPT).work_off(now()).await;
    assert_eq!(stage.slashed().len(), 2);
}

#[tokio::test]
async fn what_lies_too_far_back_is_left() {
    let stage = Stage::of_slashes();
    stage.settle(9);
    for number in [1, 2, 7, 8] {
        stage.down(5, number, 9);
    }
    // It is second 500 of epoch 10: what began 5,000 seconds ago is remembered.
    stage.slashes(5_000).work_off(stage.time(10, 500)).await;
    assert_eq!(stage.slashed(), [(machine(5), epoch(7))]);
}
