//! The agent follows the chain, and shows its receipts.

use std::sync::Arc;

use alloy::primitives::U256;
use provider_agent::chain::{Action, ChainTrouble, Event};
use provider_agent::config::DutiesSection;
use provider_agent::follow::Follower;
use quorate_canon::{HealthEpoch, OperatorIndex, RequestId, Timestamp};
use quorate_health::Window;
use quorate_rpc::AgentHandler as _;
use quorate_service::Readiness;

use crate::world::{OFFER, Rig, receipt};

const EPOCH: HealthEpoch = HealthEpoch::new(3);

pub(crate) fn follower(rig: &Rig, duties: DutiesSection) -> Follower {
    Follower {
        offer: OFFER,
        shared: rig.shared.clone(),
        store: rig.store.clone(),
        chain: Arc::new(rig.world.clone()),
        hand: Arc::new(rig.world.clone()),
        observe: rig.observe.clone(),
        duties,
        log_range: 1_000,
        first_block: 0,
        condition: Readiness::new().require("l2"),
        observed: None,
        settled: None,
    }
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
    ledger.events = vec![
        Event::ListCertified {
            epoch: EPOCH,
            number: 0,
            signers: vec![0b0111],
        },
        Event::Down {
            epoch: EPOCH,
            number: 0,
            windows: U256::from(0b1100),
            seats: 6,
        },
    ];
}

fn appealed(rig: &Rig) -> Vec<(u16, u32)> {
    let sent = rig.world.sent();
    let appeals = sent.iter().filter_map(|action| match action {
        Action::Appeal(appeal) => Some((appeal.window.0, appeal.operator.get())),
        _ => None,
    });
    appeals.collect()
}

#[tokio::test]
async fn receipts_are_shown_by_seats_until_the_window_falls_and_then_no_more() {
    let rig = Rig::new();
    // 3 did not sign the list: its receipt contradicts nothing.
    certified(&rig, &[1, 2, 0, 3]).await;
    let mut follower = follower(&rig, DutiesSection::default());
    for _ in 0..3 {
        follower.step().await.unwrap();
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
    let mut follower = follower(&rig, DutiesSection::default());
    for _ in 0..3 {
        follower.step().await.unwrap();
    }
    assert_eq!(appealed(&rig), [(2, 2)], "once");
}

#[tokio::test]
async fn an_appeal_that_the_chain_did_not_take_is_sent_again_and_a_refused_one_is_not() {
    let rig = Rig::new();
    certified(&rig, &[2]).await;
    let mut follower = follower(&rig, DutiesSection::default());
    let silent = ChainTrouble::Silent("unplugged".to_owned());
    rig.world.ledger().troubles.push(silent);
    assert!(follower.step().await.is_err());
    let refused = ChainTrouble::Refused("Struck()".to_owned());
    rig.world.ledger().troubles.push(refused);
    follower.step().await.unwrap();
    follower.step().await.unwrap();
    assert!(appealed(&rig).is_empty());
    assert!(rig.world.ledger().troubles.is_empty(), "it was tried");
}

#[tokio::test]
async fn whoever_wants_no_appeals_has_none() {
    let rig = Rig::new();
    certified(&rig, &[0]).await;
    let duties = DutiesSection {
        appeal: false,
        ..DutiesSection::default()
    };
    follower(&rig, duties).step().await.unwrap();
    assert!(rig.world.sent().is_empty());
}

#[tokio::test]
async fn leases_are_settled_until_their_money_has_left() {
    let rig = Rig::new();
    rig.world.ledger().events = vec![
        Event::LeaseOpened {
            request: RequestId::new(5),
            time: Timestamp::new(50),
        },
        Event::LeaseClosed {
            request: RequestId::new(5),
            time: Timestamp::new(60),
            reason: provider_agent::chain::LeaseEnd(3),
        },
    ];
    let duties = DutiesSection {
        settle_seconds: 3_600,
        observe_seconds: 3_600,
        ..DutiesSection::default()
    };
    let mut follower = follower(&rig, duties);
    follower.step().await.unwrap();
    // Later blocks; these lie too far back to be read again.
    rig.world.ledger().events.clear();
    follower.step().await.unwrap();
    let observe = Action::Observe {
        offer: OFFER,
        most: 32,
    };
    let settle = Action::Settle {
        request: RequestId::new(5),
    };
    assert_eq!(rig.world.sent(), [observe, settle]);
    assert!(rig.store.leases().unwrap().is_empty());
}

#[tokio::test]
async fn receipts_of_settled_epochs_are_forgotten() {
    let rig = Rig::new();
    rig.shared.known().unsettled = Some(HealthEpoch::new(0));
    let answerer = rig.answerer(8, 100);
    assert!(answerer.deliver(receipt(1, 0, 2), None).await.unwrap());
    assert!(answerer.deliver(receipt(1, 3, 2), None).await.unwrap());
    follower(&rig, DutiesSection::default())
        .step()
        .await
        .unwrap();
    assert_eq!(rig.store.receipts(), 1);
}
