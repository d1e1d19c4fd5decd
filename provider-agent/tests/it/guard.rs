//! The agent watches its own machine.

use std::sync::Arc;

use provider_agent::chain::{Action, ChainTrouble};
use provider_agent::guard::Guard;
use provider_agent::watch::Watch;

use crate::world::{OFFER, Rig};

const GONE: &str = "[[event]]\ncard = 1\nwhat = \"gone\"\n";
const RENTED: &str = "[[event]]\nwhat = \"rented\"\nheld_mib = 9000\nprocesses = 1\n";

fn guard(rig: &Rig, resume_after: u64) -> Guard {
    Guard {
        cards: rig.cards.clone(),
        shared: rig.shared.clone(),
        store: rig.store.clone(),
        chain: Arc::new(rig.world.clone()),
        hand: Arc::new(rig.world.clone()),
        observe: rig.observe.clone(),
        watch: Watch::new(rig.store.pauses().unwrap(), resume_after),
        hold: rig.folder.path().join("paused"),
        before: None,
    }
}

fn pause(paused: bool) -> Action {
    Action::Pause {
        offer: OFFER,
        paused,
    }
}

#[tokio::test]
async fn a_lost_card_pauses_the_machine_once() {
    let rig = Rig::new();
    let mut guard = guard(&rig, 600);
    guard.look().await.unwrap();
    assert!(rig.world.sent().is_empty(), "it was well");
    rig.play(GONE);
    for _ in 0..3 {
        guard.look().await.unwrap();
    }
    assert_eq!(rig.world.sent(), [pause(true)]);
    assert_eq!(rig.shared.known().faults[0].code(), 5);
}

#[tokio::test]
async fn a_pause_that_could_not_be_sent_is_sent_at_the_next_look() {
    let rig = Rig::new();
    let mut guard = guard(&rig, 600);
    let silent = ChainTrouble::Silent("unplugged".to_owned());
    rig.world.ledger().troubles.push(silent);
    rig.play(GONE);
    guard.look().await.unwrap();
    assert!(rig.world.sent().is_empty());
    guard.look().await.unwrap();
    assert_eq!(rig.world.sent(), [pause(true)]);
}

#[tokio::test]
async fn a_machine_that_is_well_again_is_resumed_by_the_agent_that_paused_it() {
    let rig = Rig::new();
    rig.play(GONE);
    guard(&rig, 600).look().await.unwrap();
    rig.play("");
    // Another process: what was paused by the agent stands on disk.
    guard(&rig, 0).look().await.unwrap();
    assert_eq!(rig.world.sent(), [pause(true), pause(false)]);
}

#[tokio::test]
async fn a_machine_that_a_person_paused_is_left_alone() {
    let rig = Rig::new();
    let mut guard = guard(&rig, 0);
    let hold = rig.folder.path().join("paused");
    std::fs::write(&hold, "").unwrap();
    guard.look().await.unwrap();
    guard.look().await.unwrap();
    assert_eq!(rig.world.sent(), [pause(true)]);
    std::fs::remove_file(&hold).unwrap();
    guard.look().await.unwrap();
    assert_eq!(rig.world.sent(), [pause(true), pause(false)]);
}

#[tokio::test]
async fn a_tenant_that_came_since_the_chain_was_read_is_no_fault() {
    let rig = Rig::new();
    rig.play(RENTED);
    // The agent has not seen the lease yet; the chain has it.
    rig.world.ledger().machine.as_mut().unwrap().in_use = true;
    guard(&rig, 600).look().await.unwrap();
    assert!(rig.world.sent().is_empty());
    assert!(rig.shared.known().faults.is_empty());
}

#[tokio::test]
async fn somebody_on_the_cards_without_a_lease_pauses_the_machine() {
    let rig = Rig::new();
    rig.play(RENTED);
    guard(&rig, 600).look().await.unwrap();
    assert_eq!(rig.world.sent(), [pause(true)]);
    assert_eq!(rig.shared.known().faults[0].code(), 20);
}

#[tokio::test]
async fn maintenance_needs_no_pause() {
    let rig = Rig::new();
    rig.shared.known().machine.as_mut().unwrap().flags = 2;
    rig.play(GONE);
    guard(&rig, 600).look().await.unwrap();
    assert!(rig.world.sent().is_empty());
    assert!(!rig.shared.known().faults.is_empty(), "the fault is there");
}
