//! The agent asks aggregators who accuses its machine, and hands in what says otherwise.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use alloy::primitives::U256;
use provider_agent::Config;
use provider_agent::chain::{Action, Event};
use provider_agent::config::DutiesSection;
use provider_agent::contradict::{Contradictor, Parts, Said};
use provider_agent::doctor::{self, DoctorArgs};
use provider_agent::init::{Choices, example};
use provider_agent::observe::Observe;
use provider_agent::store::{Contradicted, StoredReceipt};
use quorate_canon::{Digest, HealthEpoch, Mask256, OperatorIndex, Timestamp};
use quorate_chain::Head;
use quorate_health::Window;
use quorate_rpc::wire::ContradictionVerdict;
use quorate_rpc::{
    Accuser, Accusers, ClientLimits, ClientTls, Contradiction, ContradictionRejection,
};
use quorate_service::doctor::Outcome;
use quorate_service::{Metrics, Shutdown};
use tokio::net::TcpListener;
use url::Url;

use crate::aggregator::{Aggregator, stalling};
use crate::appeals::appealer;
use crate::following::follower;
use crate::world::{OFFER, Rig, receipt, rules};

const EPOCH: HealthEpoch = HealthEpoch::new(3);

/// A chain whose newest block is so many seconds after the last in which lists of epoch 3 are taken.
fn after_lists(rig: &Rig, seconds: u64) {
    let rules = rules();
    let closed = rules.epochs.certifiable_until(EPOCH, &rules.health);
    at(rig, closed.unwrap().get() + seconds);
}

fn at(rig: &Rig, time: u64) {
    rig.shared.known().head = Some(Head {
        number: 100,
        hash: Digest([1; 32]),
        timestamp: Timestamp::new(time),
    });
}

/// The agent holds receipts of these operators for these windows of epoch 3.
fn hold(rig: &Rig, held: &[(u32, u16)]) {
    for (operator, window) in held {
        let receipt = StoredReceipt {
            epoch: EPOCH,
            window: Window(*window),
            operator: OperatorIndex::new(*operator),
            signature: receipt(*operator, 3, *window).signature,
            at: Timestamp::new(0),
        };
        rig.store.keep_receipt(&receipt).unwrap();
    }
}

/// These operators called these windows DOWN.
fn accused(by: &[(u32, &[u8])], closed: bool) -> Accusers {
    let of = |(operator, windows): &(u32, &[u8])| Accuser {
        operator: OperatorIndex::new(*operator),
        windows: Mask256::of(windows),
    };
    Accusers {
        accusers: by.iter().map(of).collect(),
        closed,
    }
}

fn parts(rig: &Rig) -> Parts {
    Parts {
        offer: OFFER,
        shared: rig.shared.clone(),
        store: rig.store.clone(),
        chain: Arc::new(rig.world.clone()),
        observe: rig.observe.clone(),
        said: Said::default(),
        // No pauses: what is not done is due at the next turn.
        poll: Duration::ZERO,
    }
}

/// One that asks the aggregator at an address, which may take so long.
fn patient(parts: &Parts, address: SocketAddr, patience: Duration) -> Contradictor {
    let url: Url = format!("http://{address}").parse().unwrap();
    let limits = ClientLimits {
        call_timeout: patience,
        ..ClientLimits::default()
    };
    let all = Contradictor::all(parts, &[url], &ClientTls::default(), &limits);
    all.unwrap().pop().unwrap()
}

fn contradictor(parts: &Parts, address: SocketAddr) -> Contradictor {
    patient(parts, address, Duration::from_secs(10))
}

/// What is handed in against an operator for a window of epoch 3.
fn contradiction(operator: u32, window: u16) -> Contradiction {
    Contradiction {
        epoch: EPOCH,
        machine: OFFER,
        window: Window(window),
        operator: OperatorIndex::new(operator),
        receipt: receipt(operator, 3, window).signature,
    }
}

fn contradicted(operator: u32, window: u16) -> Contradicted {
    Contradicted {
        epoch: EPOCH,
        operator: OperatorIndex::new(operator),
        window: Window(window),
    }
}

#[tokio::test]
async fn who_lied_is_contradicted_once_and_nobody_else_is() {
    let (rig, metrics) = (Rig::new(), Metrics::new());
    after_lists(&rig, 2);
    // 3 gave a receipt and accuses nobody, 2 gave none, and the epoch has windows 0 to 9.
    hold(&rig, &[(1, 4), (1, 5), (1, 12), (3, 4)]);
    let aggregator = Aggregator::start().await;
    aggregator.say(accused(&[(1, &[2, 4, 5, 12]), (2, &[4])], true));
    let mut parts = parts(&rig);
    parts.observe = Observe::new(&metrics);
    let mut contradictor = contradictor(&parts, aggregator.address);
    for _ in 0..3 {
        contradictor.turn().await.unwrap();
    }
    assert_eq!(aggregator.handed(), [contradiction(1, 4)]);
    assert_eq!(aggregator.asked(), [(EPOCH, OFFER)], "it was closed");
    assert_eq!(rig.store.contradicted().unwrap(), [contradicted(1, 4)]);
    let page = metrics.encode().unwrap();
    let line = "quorate_agent_contradictions_total{result=\"accepted\"} 1";
    assert!(page.contains(line), "{page}");
}

#[tokio::test]
async fn an_epoch_has_the_windows_of_its_own_policy() {
    let rig = Rig::new();
    after_lists(&rig, 2);
    hold(&rig, &[(1, 12)]);
    rig.world.ledger().windows_before = Some(20);
    let aggregator = Aggregator::start().await;
    aggregator.say(accused(&[(1, &[12])], true));
    let mut contradictor = contradictor(&parts(&rig), aggregator.address);
    contradictor.turn().await.unwrap();
    assert_eq!(aggregator.handed(), [contradiction(1, 12)]);
}

#[tokio::test]
async fn nobody_is_asked_before_lists_are_closed_nor_after_appeals_are() {
    let rig = Rig::new();
    let aggregator = Aggregator::start().await;
    aggregator.say(accused(&[], false));
    let mut contradictor = contradictor(&parts(&rig), aggregator.address);
    contradictor.turn().await.unwrap();
    let rules = rules();
    let appeals = rules.epochs.appealable_until(EPOCH, &rules.health).unwrap();
    for (time, asked) in [
        (rules.epochs.end(EPOCH).unwrap().get(), 0),
        (appeals.get() - u64::from(rules.health.appeal_seconds), 0),
        (appeals.get(), 1),
        (appeals.get() + 1, 1),
    ] {
        at(&rig, time);
        contradictor.turn().await.unwrap();
        let of_epoch = |asked: &&(HealthEpoch, _)| asked.0 == EPOCH;
        let times = aggregator.asked().iter().filter(of_epoch).count();
        assert_eq!(times, asked, "at {time}");
    }
}

#[tokio::test]
async fn settled_epochs_are_not_asked_about() {
    let rig = Rig::new();
    after_lists(&rig, 2);
    rig.shared.known().unsettled = Some(HealthEpoch::new(4));
    let aggregator = Aggregator::start().await;
    let mut contradictor = contradictor(&parts(&rig), aggregator.address);
    contradictor.turn().await.unwrap();
    assert!(!aggregator.asked().contains(&(EPOCH, OFFER)));
}

#[tokio::test]
async fn an_aggregator_that_still_takes_lists_is_asked_again_and_only_for_news() {
    let rig = Rig::new();
    after_lists(&rig, 2);
    hold(&rig, &[(1, 4), (2, 4)]);
    let aggregator = Aggregator::start().await;
    let mut contradictor = contradictor(&parts(&rig), aggregator.address);
    for (answer, handed) in [
        (accused(&[(1, &[4])], false), 1),
        (accused(&[(1, &[4]), (2, &[4])], false), 2),
        (accused(&[(1, &[4]), (2, &[4])], true), 2),
        (accused(&[(1, &[4]), (2, &[4])], true), 2),
    ] {
        aggregator.say(answer);
        contradictor.turn().await.unwrap();
        assert_eq!(aggregator.handed().len(), handed);
    }
    let both = [contradiction(1, 4), contradiction(2, 4)];
    assert_eq!(aggregator.handed(), both);
    assert_eq!(aggregator.asked().len(), 3, "until it was closed");
}

#[tokio::test]
async fn what_may_pass_is_handed_in_again_and_a_final_refusal_is_not() {
    let rig = Rig::new();
    after_lists(&rig, 2);
    hold(&rig, &[(1, 4), (2, 4), (3, 4)]);
    let aggregator = Aggregator::start().await;
    aggregator.say(accused(&[(1, &[4]), (2, &[4]), (3, &[4])], true));
    let refused = |reason| ContradictionVerdict::rejected(reason, "no");
    aggregator.judge([
        refused(ContradictionRejection::BadSignature),
        refused(ContradictionRejection::NotReady),
        ContradictionVerdict::Accepted,
        refused(ContradictionRejection::Overloaded),
        ContradictionVerdict::Duplicate,
    ]);
    let mut contradictor = contradictor(&parts(&rig), aggregator.address);
    for _ in 0..5 {
        contradictor.turn().await.unwrap();
    }
    let handed = [1, 2, 3, 2, 2].map(|operator| contradiction(operator, 4));
    assert_eq!(aggregator.handed(), handed);
    let kept = [contradicted(2, 4), contradicted(3, 4)];
    assert_eq!(rig.store.contradicted().unwrap(), kept);
}

#[tokio::test]
async fn an_aggregator_that_judges_nobody_is_left_alone_and_another_is_not() {
    let rig = Rig::new();
    after_lists(&rig, 2);
    hold(&rig, &[(1, 4), (2, 4)]);
    let (idle, judging) = (Aggregator::start().await, Aggregator::start().await);
    let not_judging = ContradictionRejection::NotJudging;
    idle.judge([ContradictionVerdict::rejected(not_judging, "")]);
    for (aggregator, handed) in [(&idle, 1), (&judging, 2)] {
        aggregator.say(accused(&[(1, &[4]), (2, &[4])], false));
        let mut contradictor = contradictor(&parts(&rig), aggregator.address);
        for _ in 0..2 {
            contradictor.turn().await.unwrap();
        }
        assert_eq!(aggregator.handed().len(), handed);
    }
    assert_eq!((idle.asked().len(), judging.asked().len()), (1, 2));
}

#[tokio::test]
async fn an_aggregator_that_was_down_is_asked_when_it_is_back() {
    let rig = Rig::new();
    after_lists(&rig, 2);
    hold(&rig, &[(1, 4)]);
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    drop(taken);
    let mut contradictor = contradictor(&parts(&rig), address);
    contradictor.turn().await.unwrap();
    let aggregator = Aggregator::at(address).await;
    aggregator.say(accused(&[(1, &[4])], true));
    // The client connects anew in its own time.
    while aggregator.asked().is_empty() {
        contradictor.turn().await.unwrap();
    }
    assert_eq!(aggregator.handed(), [contradiction(1, 4)]);
}

#[tokio::test]
async fn a_dead_aggregator_stops_neither_another_nor_appeals_nor_the_end() {
    let rig = Rig::new();
    after_lists(&rig, 2);
    hold(&rig, &[(1, 4)]);
    // It takes the connection and never says a word.
    let dead = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (parts, shutdown) = (parts(&rig), Shutdown::new());
    let hanging = contradictor(&parts, dead.local_addr().unwrap()).run(shutdown.clone());
    let hanging = tokio::spawn(hanging);
    let (_connection, _) = dead.accept().await.unwrap();

    let aggregator = Aggregator::start().await;
    aggregator.say(accused(&[(1, &[4])], true));
    let mut other = contradictor(&parts, aggregator.address);
    other.turn().await.unwrap();
    assert_eq!(aggregator.handed(), [contradiction(1, 4)]);

    {
        let mut ledger = rig.world.ledger();
        ledger.seats = vec![OperatorIndex::new(1); 3];
        ledger.events = vec![
            Event::ListCertified {
                epoch: EPOCH,
                number: 0,
                signers: vec![0b10],
            },
            Event::Down {
                epoch: EPOCH,
                number: 0,
                windows: U256::from(1 << 4),
                seats: 3,
            },
        ];
    }
    let mut follower = follower(&rig, DutiesSection::default());
    follower.step().await.unwrap();
    appealer(&rig).turn().await.unwrap();
    let appealed = |action: &Action| matches!(action, Action::Appeal(_));
    assert!(rig.world.sent().iter().any(appealed));

    assert!(!hanging.is_finished(), "a part that ends ends the agent");
    shutdown.ask();
    hanging.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_answer_that_begins_and_never_ends_is_given_up() {
    let rig = Rig::new();
    after_lists(&rig, 2);
    let (address, calls) = stalling().await;
    let patience = Duration::from_millis(300);
    let mut contradictor = patient(&parts(&rig), address, patience);
    for turn in 1..=2 {
        contradictor.turn().await.unwrap();
        assert_eq!(calls.load(std::sync::atomic::Ordering::SeqCst), turn);
    }
}

#[tokio::test]
async fn an_answer_that_breaks_the_protocol_hands_nothing_in() {
    let rig = Rig::new();
    after_lists(&rig, 2);
    hold(&rig, &[(1, 4), (2, 4)]);
    let aggregator = Aggregator::start().await;
    aggregator.say(accused(&[(2, &[4]), (1, &[4])], true));
    let mut contradictor = contradictor(&parts(&rig), aggregator.address);
    contradictor.turn().await.unwrap();
    assert!(aggregator.handed().is_empty());
    aggregator.say(accused(&[(1, &[4]), (2, &[4])], true));
    contradictor.turn().await.unwrap();
    assert_eq!(aggregator.handed().len(), 2, "it was asked again");
}

#[tokio::test]
async fn an_epoch_whose_rules_cannot_be_read_waits() {
    let rig = Rig::new();
    after_lists(&rig, 2);
    hold(&rig, &[(1, 4)]);
    let aggregator = Aggregator::start().await;
    aggregator.say(accused(&[(1, &[4])], true));
    let mut contradictor = contradictor(&parts(&rig), aggregator.address);
    rig.world.ledger().down = true;
    contradictor.turn().await.unwrap();
    assert!(aggregator.asked().is_empty());
    rig.world.ledger().down = false;
    contradictor.turn().await.unwrap();
    assert_eq!(aggregator.handed(), [contradiction(1, 4)]);
}

#[tokio::test]
async fn an_agent_that_starts_again_hands_in_again_and_keeps_the_first() {
    let rig = Rig::new();
    after_lists(&rig, 2);
    hold(&rig, &[(1, 4), (1, 5)]);
    let aggregator = Aggregator::start().await;
    aggregator.say(accused(&[(1, &[4])], true));
    let mut before = contradictor(&parts(&rig), aggregator.address);
    before.turn().await.unwrap();
    drop(before);
    aggregator.judge([ContradictionVerdict::Duplicate]);
    aggregator.say(accused(&[(1, &[5])], true));
    let mut after = contradictor(&parts(&rig), aggregator.address);
    after.turn().await.unwrap();
    let handed = [contradiction(1, 4), contradiction(1, 5)];
    assert_eq!(aggregator.handed(), handed);
    assert_eq!(rig.store.contradicted().unwrap(), [contradicted(1, 4)]);
}

#[tokio::test]
async fn the_doctor_sees_an_aggregator_that_answers() {
    let rig = Rig::new();
    let aggregator = Aggregator::start().await;
    let text = example(&Choices::default());
    let mut config: Config = toml::from_str(&text).unwrap();
    config.aggregators = vec![format!("http://{}", aggregator.address).parse().unwrap()];
    config.l2.urls.0 = vec!["http://127.0.0.1:1".parse().unwrap()];
    config.cards.scenario = Some(rig.folder.path().join("scenario.toml"));
    let args = DoctorArgs {
        library: None,
        scenario: None,
        json: false,
    };
    let checks = doctor::run(&args, Some(&config)).await.unwrap().checks;
    let found = checks
        .iter()
        .find(|found| found.check == "aggregator 127.0.0.1");
    let seen = "answers".to_owned();
    assert_eq!(found.unwrap().result, Outcome::Ok { seen });
    assert_eq!(aggregator.asked().len(), 1);
}
