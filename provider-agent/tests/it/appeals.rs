//! The agent shows its receipts, as long as they may be taken.

use std::sync::Arc;
use std::time::Duration;

use alloy::primitives::{U256, keccak256};
use provider_agent::appeal::{Appealer, Parts};
use provider_agent::chain::{Action, ChainTrouble, Event};
use provider_agent::config::DutiesSection;
use provider_agent::follow::Follower;
use quorate_bindings::reverts::describe;
use quorate_canon::{HealthEpoch, OperatorIndex};
use quorate_health::Window;
use quorate_rpc::AgentHandler as _;
use tokio::time::advance;

use crate::following::follower;
use crate::world::{OFFER, Rig, receipt};

const EPOCH: HealthEpoch = HealthEpoch::new(3);

fn parts(rig: &Rig) -> Parts {
    Parts {
        offer: OFFER,
        shared: rig.shared.clone(),
        store: rig.store.clone(),
        chain: Arc::new(rig.world.clone()),
        hand: Arc::new(rig.world.clone()),
        observe: rig.observe.clone(),
    }
}

pub(crate) fn appealer(rig: &Rig) -> Appealer {
    Appealer::new(parts(rig), &DutiesSection::default()).unwrap()
}

/// Both parts, one after the other.
async fn turn(follower: &mut Follower, appealer: &mut Appealer) {
    follower.step().await.unwrap();
    appealer.turn().await.unwrap();
}

/// A list of three of four operators calls windows 2 and 3 DOWN. Operator 0 has most seats.
async fn certified(rig: &Rig, receipts: &[u32]) {
    let answerer = rig.answerer(8, 100);
    for operator in receipts {
        assert!(
            answerer
                .deliver(receipt(*operator, 3, 2), None)
                .await
                .unwrap()
        );
    }
    let mut ledger = rig.world.ledger();
    ledger.seats = [0, 0, 0, 1, 1, 2, 3].map(OperatorIndex::new).to_vec();
    ledger.struck = vec![OperatorIndex::new(3)];
    ledger.events = list(EPOCH, 0, 0b0111, 0b1100).to_vec();
}

pub(crate) fn list(epoch: HealthEpoch, number: u32, signers: u8, windows: u8) -> [Event; 2] {
    let signers = vec![signers];
    let down = Event::Down {
        epoch,
        number,
        windows: U256::from(windows),
        seats: 6,
    };
    let list = Event::ListCertified {
        epoch,
        number,
        signers,
    };
    [list, down]
}

fn appealed(rig: &Rig) -> Vec<(u16, u32)> {
    let sent = rig.world.sent();
    let appeals = sent.iter().filter_map(|action| match action {
        Action::Appeal(appeal) => Some((appeal.window.0, appeal.operator.get())),
        _ => None,
    });
    appeals.collect()
}

/// What an endpoint answers whose newest block is older than the list.
fn behind() -> ChainTrouble {
    refused("NoSuchList(uint32,uint32)")
}

fn refused(signature: &str) -> ChainTrouble {
    let arguments = signature.matches("uint").count();
    let mut data = keccak256(signature)[..4].to_vec();
    data.resize(4 + 32 * arguments, 0);
    ChainTrouble::Refused(describe(&data))
}

#[tokio::test]
async fn receipts_are_shown_by_seats_until_the_window_falls_and_then_no_more() {
    let rig = Rig::new();
    // 3 did not sign the list: its receipt contradicts nothing.
    certified(&rig, &[1, 2, 0, 3]).await;
    let (mut follower, mut appealer) = (follower(&rig, DutiesSection::default()), appealer(&rig));
    for _ in 0..3 {
        turn(&mut follower, &mut appealer).await;
    }
    // Six seats of seven stood; without the three of operator 0 the window falls.
    assert_eq!(appealed(&rig), [(2, 0)]);
    assert_eq!(
        rig.store.struck(EPOCH, 0, Window(2)).unwrap(),
        (vec![OperatorIndex::new(0)], true)
    );
}

#[tokio::test]
async fn what_receipts_there_are_are_shown_though_they_are_too_few() {
    let rig = Rig::new();
    certified(&rig, &[2]).await;
    let (mut follower, mut appealer) = (follower(&rig, DutiesSection::default()), appealer(&rig));
    for _ in 0..3 {
        turn(&mut follower, &mut appealer).await;
    }
    assert_eq!(appealed(&rig), [(2, 2)], "once");
}

#[tokio::test(start_paused = true)]
async fn an_appeal_that_was_not_taken_is_sent_again_whatever_an_endpoint_says() {
    let rig = Rig::new();
    certified(&rig, &[2]).await;
    let (mut follower, mut appealer) = (follower(&rig, DutiesSection::default()), appealer(&rig));
    for trouble in [
        ChainTrouble::Silent("unplugged".to_owned()),
        behind(),
        refused("OutOfTime(uint256,uint256,uint256)"),
        ChainTrouble::Reverted("reverted without a reason".to_owned()),
        ChainTrouble::Own("not mined by deadline 5, 0 transactions sent".to_owned()),
    ] {
        rig.world.ledger().troubles.push(trouble.clone());
        turn(&mut follower, &mut appealer).await;
        assert!(rig.world.ledger().troubles.is_empty(), "it was tried");
        turn(&mut follower, &mut appealer).await;
        assert_eq!(appealed(&rig), [], "not at once: {trouble}");
        // Appeals are taken for another 1,000 seconds.
        advance(Duration::from_secs(250)).await;
    }
    turn(&mut follower, &mut appealer).await;
    assert_eq!(appealed(&rig), [(2, 2)]);
}

#[tokio::test(start_paused = true)]
async fn an_appeal_that_the_contract_refuses_for_ever_is_not_sent_again_and_no_strike_is_noted() {
    let rig = Rig::new();
    certified(&rig, &[2]).await;
    let (mut follower, mut first) = (follower(&rig, DutiesSection::default()), appealer(&rig));
    let last = refused("AlreadyStruck(uint32)");
    rig.world.ledger().troubles.push(last);
    for _ in 0..3 {
        turn(&mut follower, &mut first).await;
        advance(Duration::from_secs(3_600)).await;
    }
    assert_eq!(appealed(&rig), []);
    assert!(rig.world.ledger().troubles.is_empty(), "it was tried");
    // What an endpoint said is not kept on disk: another process asks once more.
    let (struck, fell) = rig.store.struck(EPOCH, 0, Window(2)).unwrap();
    assert!(struck.is_empty() && !fell);
    appealer(&rig).turn().await.unwrap();
    assert_eq!(appealed(&rig), [(2, 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_strike_whose_event_does_not_come_is_looked_for_again() {
    let rig = Rig::new();
    certified(&rig, &[1, 2, 0]).await;
    let (mut follower, mut appealer) = (follower(&rig, DutiesSection::default()), appealer(&rig));
    for _ in 0..2 {
        turn(&mut follower, &mut appealer).await;
        // A reorganisation took it away.
        rig.world.ledger().events.truncate(2);
    }
    assert_eq!(appealed(&rig), [(2, 0)]);
    advance(Duration::from_secs(300)).await;
    turn(&mut follower, &mut appealer).await;
    assert_eq!(
        appealed(&rig),
        [(2, 0), (2, 0)],
        "and no other: the window fell"
    );
}

#[tokio::test]
async fn trouble_with_one_list_keeps_no_other_back() {
    let rig = Rig::new();
    certified(&rig, &[0]).await;
    {
        let answerer = rig.answerer(8, 100);
        for (epoch, operator) in [(3, 1), (4, 2)] {
            let given = receipt(operator, epoch, 0);
            assert!(answerer.deliver(given, None).await.unwrap());
        }
        let mut ledger = rig.world.ledger();
        for (epoch, number, signers) in [(EPOCH, 1, 0b0010), (HealthEpoch::new(4), 0, 0b0100)] {
            ledger.events.extend(list(epoch, number, signers, 1));
        }
        // Nothing of the first list is mined before its deadline.
        ledger.stuck = vec![OperatorIndex::new(0)];
    }
    let (mut follower, mut appealer) = (follower(&rig, DutiesSection::default()), appealer(&rig));
    turn(&mut follower, &mut appealer).await;
    assert_eq!(appealed(&rig), [(0, 1), (0, 2)]);
}

#[tokio::test]
async fn a_list_that_an_endpoint_does_not_have_costs_a_few_calls_a_look() {
    let rig = Rig::new();
    certified(&rig, &[0, 1, 2]).await;
    let answerer = rig.answerer(8, 100);
    for operator in 0..3 {
        let given = receipt(operator, 3, 3);
        assert!(answerer.deliver(given, None).await.unwrap());
    }
    rig.world.ledger().troubles = vec![behind(); 6];
    let (mut follower, mut appealer) = (follower(&rig, DutiesSection::default()), appealer(&rig));
    turn(&mut follower, &mut appealer).await;
    assert_eq!(rig.world.ledger().troubles.len(), 2);
}

#[tokio::test]
async fn whoever_wants_no_appeals_has_none() {
    let rig = Rig::new();
    let duties = DutiesSection {
        appeal: false,
        ..DutiesSection::default()
    };
    assert!(Appealer::new(parts(&rig), &duties).is_none());
}
