//! Uptime, levels and jail of all machines.

use std::time::Duration;

use super::*;
use crate::chain::Machine;
use crate::duties::{Roll, Switches};

/// All is done, as soon as an epoch is settled.
const ALL: Switches = Switches {
    observe: Some(1),
    release: true,
    sync: true,
};

impl Stage {
    fn roll(&self, switches: Switches) -> Roll<SimulatedChain> {
        let schedule = self.world.facts.schedule;
        Roll::new(
            self.handle(),
            self.observe.clone(),
            schedule,
            Duration::ZERO,
            switches,
        )
    }

    fn register(&self, id: u64, state: Machine) {
        self.chain.world().duty.machines.push((machine(id), state));
    }

    /// The first epoch of each machine that is not observed.
    fn next(&self) -> Vec<u32> {
        let world = self.chain.world();
        let machines = world.duty.machines.iter();
        machines.map(|(_, machine)| machine.next.get()).collect()
    }

    fn jailed(&self, id: u64) -> bool {
        let world = self.chain.world();
        let mut machines = world.duty.machines.iter();
        machines.any(|(known, state)| *known == machine(id) && state.jailed.is_some())
    }
}

fn from(number: u32) -> Machine {
    Machine {
        next: epoch(number),
        ..Machine::default()
    }
}

fn jailed_until(until: Timestamp) -> Machine {
    Machine {
        jailed: Some(until),
        ..Machine::default()
    }
}

#[tokio::test]
async fn all_machines_are_observed_whenever_an_epoch_is_settled() {
    let stage = Stage::new();
    for (id, next) in [(5, 7), (6, 4), (7, 8)] {
        stage.register(id, from(next));
    }
    stage.settle(8);
    let mut roll = stage.roll(ALL);
    for _ in 0..3 {
        roll.work_off(now()).await;
    }
    assert_eq!(stage.next(), [8, 8, 8]);
    assert_eq!(stage.attempts("observe_machine"), 2);
    stage.settle(9);
    roll.work_off(now()).await;
    assert_eq!(stage.next(), [9, 9, 9]);
    assert!(stage.counts("quorate_aggregator_machines_waiting 0"));
}

#[tokio::test]
async fn machines_whose_stake_or_offer_has_gone_leave_the_list_of_those_for_hire() {
    let stage = Stage::new();
    let misplaced = Machine {
        misplaced: true,
        ..from(8)
    };
    stage.register(5, from(8));
    stage.register(6, misplaced);
    stage.settle(8);
    let off = Switches { sync: false, ..ALL };
    stage.roll(off).work_off(now()).await;
    assert_eq!(stage.attempts("sync_for_hire"), 0);

    let mut roll = stage.roll(ALL);
    for _ in 0..3 {
        roll.work_off(now()).await;
    }
    assert_eq!(stage.attempts("sync_for_hire"), 1);
    assert!(!stage.chain.world().duty.machines[1].1.misplaced);

    // Once more in a later epoch, under another key.
    stage.chain.world().duty.machines[1].1.misplaced = true;
    stage.settle(9);
    roll.work_off(now()).await;
    assert_eq!(stage.attempts("sync_for_hire"), 2);
}

#[tokio::test]
async fn a_machine_that_was_registered_meanwhile_is_observed_too() {
    let stage = Stage::new();
    stage.settle(8);
    let mut roll = stage.roll(ALL);
    roll.work_off(now()).await;
    stage.register(5, from(8));
    stage.settle(9);
    roll.work_off(now()).await;
    assert_eq!(stage.next(), [9]);
}

#[tokio::test]
async fn machines_wait_until_enough_epochs_are_settled() {
    let stage = Stage::new();
    stage.register(5, from(4));
    let mut roll = stage.roll(Switches {
        observe: Some(3),
        ..ALL
    });
    for settled in [5, 6] {
        stage.settle(settled);
        roll.work_off(now()).await;
    }
    assert_eq!(stage.attempts("observe_machine"), 0);
    stage.settle(7);
    roll.work_off(now()).await;
    assert_eq!(stage.next(), [7]);
}

#[tokio::test]
async fn a_machine_far_behind_is_carried_on_in_parts() {
    let stage = Stage::new();
    stage.register(5, from(0));
    stage.settle(150);
    let mut roll = stage.roll(ALL);
    for expected in [64, 128, 150, 150] {
        roll.work_off(now()).await;
        assert_eq!(stage.next(), [expected]);
    }
    assert_eq!(stage.attempts("observe_machine"), 3);
}

#[tokio::test]
async fn a_retired_machine_is_observed_up_to_its_end() {
    let stage = Stage::new();
    let retired = Machine {
        retired: Some(stage.time(6, 400)),
        ..from(6)
    };
    stage.register(5, retired);
    stage.settle(7);
    let mut roll = stage.roll(ALL);
    roll.work_off(now()).await;
    stage.settle(8);
    roll.work_off(now()).await;
    assert_eq!(stage.next(), [7]);
    assert_eq!(stage.attempts("observe_machine"), 1);
}

#[tokio::test]
async fn an_observation_that_fails_is_tried_again_and_keeps_no_other_back() {
    let stage = Stage::new();
    stage.register(5, from(7));
    stage.register(6, from(7));
    stage.settle(8);
    stage.fail("observe_machine", &[outage()]);
    let mut roll = stage.roll(ALL);
    roll.work_off(now()).await;
    assert!(stage.met("observe_machine"));
    assert_eq!(stage.next().iter().sum::<u32>(), 15);
    assert!(stage.counts("quorate_aggregator_machines_waiting 1"));
    roll.work_off(now()).await;
    assert_eq!(stage.next(), [8, 8]);
}

#[tokio::test]
async fn who_observed_before_us_is_no_failure() {
    let stage = Stage::new();
    stage.register(5, from(7));
    stage.settle(8);
    stage.fail(
        "observe_machine",
        &[refused("NothingToObserve(uint256) 0x08")],
    );
    let mut roll = stage.roll(ALL);
    for _ in 0..3 {
        roll.work_off(now()).await;
    }
    assert!(stage.met("observe_machine"));
    assert_eq!(stage.attempts("observe_machine"), 1);
}

#[tokio::test]
async fn a_machine_is_let_out_when_its_time_is_over() {
    let stage = Stage::new();
    stage.register(5, jailed_until(stage.time(9, 0)));
    let mut roll = stage.roll(ALL);
    roll.work_off(stage.time(8, 999)).await;
    assert_eq!(stage.attempts("release_machine"), 0);
    assert!(stage.counts("quorate_aggregator_machines_jailed 1"));
    roll.work_off(stage.time(9, 0)).await;
    roll.work_off(stage.time(9, 1)).await;
    assert!(!stage.jailed(5));
    assert_eq!(stage.attempts("release_machine"), 1);
    assert!(stage.counts("quorate_aggregator_machines_jailed 0"));
}

#[tokio::test]
async fn a_machine_without_the_stake_stays_in_jail_until_it_is_there() {
    let stage = Stage::new();
    stage.register(5, jailed_until(stage.time(9, 0)));
    stage.chain.world().duty.bare.insert(machine(5));
    let mut roll = stage.roll(ALL);
    roll.work_off(stage.time(9, 0)).await;
    assert!(stage.jailed(5));
    stage.chain.world().duty.bare.clear();
    roll.work_off(stage.time(9, 1)).await;
    assert!(!stage.jailed(5));
    assert_eq!(stage.attempts("release_machine"), 2);
}

#[tokio::test]
async fn a_machine_that_was_slashed_again_waits_for_its_new_time() {
    let stage = Stage::new();
    stage.register(5, jailed_until(stage.time(9, 0)));
    let mut roll = stage.roll(ALL);
    roll.work_off(stage.time(8, 0)).await;
    let later = now().get() + 1_000;
    stage.chain.world().duty.machines[0].1.jailed = Some(Timestamp::new(later));
    for _ in 0..3 {
        roll.work_off(now()).await;
    }
    assert_eq!(stage.attempts("release_machine"), 1);
    assert!(stage.jailed(5));
}

#[tokio::test]
async fn what_is_switched_off_is_not_done() {
    let stage = Stage::new();
    stage.register(5, jailed_until(stage.time(9, 0)));
    stage.settle(8);
    let observing = Switches {
        release: false,
        ..ALL
    };
    stage.roll(observing).work_off(now()).await;
    assert_eq!(stage.chain.world().attempts, ["observe_machine"]);
    stage.settle(9);
    stage.chain.world().attempts.clear();
    let releasing = Switches {
        observe: None,
        ..ALL
    };
    stage.roll(releasing).work_off(now()).await;
    assert_eq!(stage.chain.world().attempts, ["release_machine"]);
}
