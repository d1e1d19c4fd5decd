//! The duties about machines and money, as an aggregator runs them.

use quorate_canon::{HealthEpoch, OfferId, Round};

use super::*;
use crate::chain::Machine;

/// Work for every duty: a pair of epochs to slash for, an epoch to open, a machine to observe and to
/// let out, pay to claim.
fn work(world: &World, chain: &SimulatedChain) {
    let (machine, epoch) = (OfferId::new(5), HealthEpoch::new);
    let genesis = world.facts.schedule.genesis;
    let mut world = chain.world();
    world.duty.settled = (2, genesis.get() + 2_000);
    for number in [0, 1] {
        world.duty.events.push((machine, epoch(number)));
        world.duty.down.insert((machine, epoch(number)), 9);
    }
    let jailed = Machine {
        jailed: Some(genesis),
        ..Machine::default()
    };
    world.duty.machines.push((machine, jailed));
    world.duty.earned.insert(Round::new(0), 2_000_000);
    (world.duty.pot, world.duty.debt) = (9_000_000, 3_000_000);
}

/// Epochs 0 and 1 are over, and epoch 2 has begun.
fn stage_with_work() -> (World, SimulatedChain, tempfile::TempDir) {
    let world = World::at(&[25; 4], crate::clock::now().get() - 2_500);
    let (_, chain, folder) = stage();
    work(&world, &chain);
    (world, chain, folder)
}

const ACTIONS: [&str; 6] = [
    "slash_machine",
    "open_epoch",
    "observe_machine",
    "release_machine",
    "reward_settler",
    "collect_debt",
];

#[tokio::test]
async fn every_duty_is_done_once_and_not_again_after_a_restart() {
    let (world, chain, folder) = stage_with_work();
    let host = Host::start_with(&world, chain.clone(), folder.path(), Duties::default());
    eventually(async || {
        let mined = host.chain.world().mined.clone();
        ACTIONS
            .iter()
            .all(|name| mined.contains(name))
            .then_some(())
    })
    .await;
    host.stop().await;

    let host = Host::start_with(&world, chain.clone(), folder.path(), Duties::default());
    eventually(async || (host.attempts("slash_machine") > 1).then_some(())).await;
    sleep(Duration::from_millis(300)).await;
    let mined = host.chain.world().mined.clone();
    for name in ACTIONS {
        let times = mined.iter().filter(|known| **known == name).count();
        assert_eq!(times, 1, "{name}");
    }
    host.stop().await;
}

#[tokio::test]
async fn duties_that_are_off_do_nothing() {
    let (world, chain, folder) = stage_with_work();
    let host = Host::start_with(&world, chain, folder.path(), quiet());
    sleep(Duration::from_millis(400)).await;
    for name in ACTIONS {
        assert_eq!(host.attempts(name), 0, "{name}");
    }
    host.stop().await;
}

#[tokio::test]
async fn an_epoch_that_was_opened_meanwhile_is_certified_all_the_same() {
    use crate::chain::Fault;
    let (world, chain, folder) = stage();
    chain.world().health.policy.certify_seconds = 16;
    let opened = Fault::Refused("AlreadyOpen(uint32) 0x00".into());
    chain.world().faults.insert("open_epoch", vec![opened]);
    let host = Host::start(&world, chain, folder.path());
    super::downs::hand_in_all(&host, &world).await;
    eventually(async || (host.attempts("open_epoch") == 1).then_some(())).await;
    // The fake refuses lists of an epoch that is not open: as the fault says, it is by now.
    let epoch = HealthEpoch::new(0);
    host.chain.world().health.open.insert(epoch);
    eventually(async || (!host.chain.world().health.lists.is_empty()).then_some(())).await;
    assert_eq!(host.attempts("open_epoch"), 1);
    host.stop().await;
}

#[tokio::test]
async fn certifying_that_fails_is_counted_by_its_reason_and_tried_again() {
    use crate::chain::Fault;
    let (world, chain, folder) = stage();
    chain.world().health.policy.certify_seconds = 16;
    let refusal = Fault::Refused("BadEntry(uint256) 0x00".into());
    chain
        .world()
        .faults
        .insert("certify_downs", vec![refusal; 2]);
    let host = Host::start(&world, chain, folder.path());
    super::downs::hand_in_all(&host, &world).await;
    eventually(async || (!host.chain.world().health.lists.is_empty()).then_some(())).await;
    assert!(host.chain.world().faults["certify_downs"].is_empty());
    let page = host.metrics.encode().unwrap();
    let line = "quorate_aggregator_certify_failed_total{reason=\"BadEntry\"} 2";
    assert!(page.contains(line), "{page}");
    host.stop().await;
}
