//! The agent follows the chain, and reads it again.

use std::sync::Arc;

use provider_agent::chain::{Action, ChainTrouble, Event, LeaseEnd};
use provider_agent::config::DutiesSection;
use provider_agent::follow::{Again, Follower};
use quorate_canon::{HealthEpoch, RequestId, Timestamp};
use quorate_rpc::AgentHandler as _;
use quorate_service::Readiness;

use crate::appeals::list;
use crate::world::{OFFER, Rig, receipt, rules};

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
        depth: 64,
        first_block: 0,
        again: Again::default(),
        condition: Readiness::new().require("l2"),
        observed: None,
        settled: None,
    }
}

const EPOCH: HealthEpoch = HealthEpoch::new(3);

/// The chain at some second after the end of epoch 3, one block a second. Lists are taken for an hour,
/// receipts for eight more.
fn at(rig: &Rig, second: u64) {
    let end = rules().epochs.end(EPOCH).unwrap();
    let mut ledger = rig.world.ledger();
    ledger.times = Some((3_600, 8 * 3_600));
    ledger.head = Some((100_000 + second, Timestamp::new(end.get() + second)));
}

/// Ranges that were asked since the last time.
fn ranges(rig: &Rig) -> Vec<(u64, u64)> {
    std::mem::take(&mut rig.world.ledger().ranges)
}

fn quiet() -> DutiesSection {
    DutiesSection::default()
}

#[tokio::test]
async fn logs_that_an_endpoint_has_minutes_late_are_seen() {
    let rig = Rig::new();
    at(&rig, 600);
    let mut follower = follower(&rig, quiet());
    follower.step().await.unwrap();
    for event in list(EPOCH, 0, 0b111, 1) {
        // Eight minutes ago, 450 blocks below the deepest that may still be replaced.
        rig.world.ledger().logs.push((100_090, event));
    }
    assert!(rig.store.downs().unwrap().is_empty());
    for second in [615, 630, 645, 660] {
        at(&rig, second + 300);
        follower.step().await.unwrap();
    }
    assert!(
        rig.store.downs().unwrap().is_empty(),
        "fourteen minutes ago"
    );
    rig.world
        .ledger()
        .logs
        .iter_mut()
        .for_each(|log| log.0 = 100_700);
    at(&rig, 1_230);
    follower.step().await.unwrap();
    assert_eq!(rig.store.downs().unwrap().len(), 1, "eight minutes ago");
}

#[tokio::test]
async fn minutes_before_the_last_stop_are_read_again_too() {
    let rig = Rig::new();
    at(&rig, 600);
    follower(&rig, quiet()).step().await.unwrap();
    for event in list(EPOCH, 0, 0b111, 1) {
        rig.world.ledger().logs.push((100_400, event));
    }
    at(&rig, 3_600);
    follower(&rig, quiet()).step().await.unwrap();
    assert_eq!(rig.store.downs().unwrap().len(), 1);
}

#[tokio::test]
async fn the_last_minutes_are_read_again_twice_and_not_at_every_look() {
    let rig = Rig::new();
    at(&rig, 0);
    let mut follower = follower(&rig, quiet());
    follower.step().await.unwrap();
    ranges(&rig);
    let mut blocks = 0;
    let looks = 3_600 / 15;
    for look in 1..=looks {
        at(&rig, look * 15);
        follower.step().await.unwrap();
        blocks += ranges(&rig)
            .iter()
            .map(|(from, to)| to - from + 1)
            .sum::<u64>();
    }
    // New, at each look while among the last 64, and once or twice in the last minutes.
    let (fresh, near) = (3_600, 64 * looks);
    assert!(
        blocks > fresh + near + 3_600 && blocks < fresh + near + 3 * 3_600,
        "{blocks}"
    );
}

#[tokio::test]
async fn a_narrow_range_of_logs_makes_no_bursts() {
    let rig = Rig::new();
    let mut follower = follower(&rig, quiet());
    at(&rig, 3 * 3_600 - 30);
    follower.step().await.unwrap();
    (follower.log_range, follower.depth) = (10, 16);
    // The last minutes, and the first look back, are read again by ten blocks a request.
    for second in (3 * 3_600..3 * 3_600 + 900).step_by(15) {
        at(&rig, second);
        ranges(&rig);
        follower.step().await.unwrap();
        let ranges = ranges(&rig);
        assert!(ranges.iter().all(|(from, to)| to - from < 10));
        assert!(ranges.len() <= 20, "{} requests at {second}", ranges.len());
    }
}

#[tokio::test]
async fn an_epoch_is_read_once_more_while_there_is_time_to_appeal() {
    let rig = Rig::new();
    let mut follower = follower(&rig, quiet());
    let mut seen = None;
    // To the end of appeals, at nine hours; a look each two minutes.
    for second in (0..9 * 3_600).step_by(120) {
        at(&rig, second);
        if second == 2 * 3_600 {
            // A list of the first hour; no endpoint had its logs until now.
            let events = list(EPOCH, 0, 0b111, 1).map(|event| (101_000, event));
            rig.world.ledger().logs = events.to_vec();
        }
        follower.step().await.unwrap();
        if seen.is_none() && !rig.store.downs().unwrap().is_empty() {
            seen = Some(second);
        }
    }
    // A quarter of the time for appeals is over at three hours, half of it at five.
    let seen = seen.expect("the list was seen");
    assert!((3 * 3_600..=5 * 3_600).contains(&seen), "{seen}");
}

#[tokio::test]
async fn every_block_of_an_epochs_lists_and_appeals_is_read_again() {
    let rig = Rig::new();
    let mut follower = follower(&rig, quiet());
    at(&rig, 3 * 3_600 - 30);
    follower.step().await.unwrap();
    ranges(&rig);
    let mut seen = vec![0_u32; 9 * 3_600];
    for second in (3 * 3_600..9 * 3_600).step_by(60) {
        at(&rig, second);
        follower.step().await.unwrap();
        for (from, to) in ranges(&rig) {
            for block in from..=to {
                let second = usize::try_from(block.saturating_sub(100_000)).unwrap();
                seen[second] += 1;
            }
        }
    }
    // Up to the last quarter.
    let once = &seen[..3 * 3_600 - 900];
    assert!(once.iter().all(|times| *times == 1), "in the first look");
    let later = &seen[3 * 3_600..7 * 3_600];
    // New, near the head, in the last minutes, and in the second look.
    assert!(
        later.iter().all(|times| *times >= 4),
        "{:?}",
        later.iter().min()
    );
}

#[tokio::test]
async fn what_cannot_be_read_again_keeps_no_duty_back() {
    let rig = Rig::new();
    let duties = DutiesSection {
        observe_seconds: 3_600,
        settle_seconds: 3_600,
        ..quiet()
    };
    rig.world.ledger().events = lease();
    let silent = ChainTrouble::Silent("unplugged".to_owned());
    rig.world.ledger().troubles = vec![silent];
    let mut follower = follower(&rig, duties);
    // The first duty fails, and with it the step; the second is done.
    assert!(follower.step().await.is_err());
    let settle = Action::Settle {
        request: RequestId::new(5),
    };
    assert_eq!(rig.world.sent(), [settle]);
}

fn lease() -> Vec<Event> {
    vec![
        Event::LeaseOpened {
            request: RequestId::new(5),
            time: Timestamp::new(50),
        },
        Event::LeaseClosed {
            request: RequestId::new(5),
            time: Timestamp::new(60),
            reason: LeaseEnd(3),
        },
    ]
}

#[tokio::test]
async fn leases_are_settled_until_their_money_has_left() {
    let rig = Rig::new();
    rig.world.ledger().events = lease();
    let duties = DutiesSection {
        settle_seconds: 3_600,
        observe_seconds: 3_600,
        ..quiet()
    };
    follower(&rig, duties.clone()).step().await.unwrap();
    let observe = Action::Observe {
        offer: OFFER,
        most: 32,
    };
    let settle = Action::Settle {
        request: RequestId::new(5),
    };
    assert_eq!(rig.world.sent(), [observe.clone(), settle.clone()]);
    assert!(rig.store.leases().unwrap().is_empty());
}

#[tokio::test]
async fn a_lease_whose_money_has_left_is_not_settled_again_when_its_blocks_are_read_again() {
    let rig = Rig::new();
    let rules = rules();
    let lately = rules.epochs.start(EPOCH).unwrap();
    rig.world.ledger().events = lease();
    for event in &mut rig.world.ledger().events {
        if let Event::LeaseOpened { time, .. } | Event::LeaseClosed { time, .. } = event {
            *time = lately;
        }
    }
    let duties = DutiesSection {
        settle_seconds: 3_600,
        ..quiet()
    };
    for _ in 0..3 {
        follower(&rig, duties.clone()).step().await.unwrap();
    }
    assert_eq!(rig.world.sent().len(), 1);
    assert!(rig.store.leases().unwrap().is_empty());
}

#[tokio::test]
async fn receipts_of_settled_epochs_are_forgotten() {
    let rig = Rig::new();
    rig.shared.known().unsettled = Some(HealthEpoch::new(0));
    let answerer = rig.answerer(8, 100);
    assert!(answerer.deliver(receipt(1, 0, 2), None).await.unwrap());
    assert!(answerer.deliver(receipt(1, 3, 2), None).await.unwrap());
    follower(&rig, quiet()).step().await.unwrap();
    assert_eq!(rig.store.receipts(), 1);
}
