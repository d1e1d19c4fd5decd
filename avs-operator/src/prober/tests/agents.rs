//! What agents do, and what becomes of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use quorate_canon::{Digest, HealthEpoch};
use quorate_chain::machines::Endpoint;
use quorate_health::WindowTally;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Notify};
use tonic::Status;

use super::kit::{Agent, Behave, DEADLINE, World, honest, key, probe_all, signed, well};
use crate::prober::job::Kind;
use crate::prober::schedule::draw;

/// The tally after one probe that gave no word.
async fn tally_after(world: &World, targets: Vec<String>) -> WindowTally {
    let next = world.prober(targets).run(world.first()).await;
    match next.expect("no word, so another attempt").kind {
        Kind::Probe { tally, .. } => tally,
        other => panic!("{other:?}"),
    }
}

fn one_fail() -> WindowTally {
    let mut tally = WindowTally::default();
    tally.add(&quorate_health::Verdict::Fail(
        quorate_health::Reason::Silent,
    ));
    tally
}

fn bit(window: quorate_health::Window) -> u8 {
    u8::try_from(window.0).unwrap()
}

#[tokio::test]
async fn a_machine_that_is_well_gets_its_receipt() {
    let agent = Agent::start(honest()).await;
    let world = World::new(agent.endpoint());
    assert!(world.prober(vec![]).run(world.first()).await.is_none());
    assert!(world.words().receipts.bit(bit(world.window)));
    let delivered = agent.delivered.lock().unwrap();
    let delivery = quorate_rpc::wire::delivery(&delivered[0]).unwrap();
    assert_eq!(
        delivery.receipt.0,
        world.plan.place(super::kit::MACHINE, world.window)
    );
}

#[tokio::test]
async fn silence_is_down_after_as_many_fails_as_the_policy_says() {
    let behave: Behave = Arc::new(|_| Box::pin(std::future::pending()));
    let agent = Agent::start(behave).await;
    let world = World::new(agent.endpoint());
    let prober = world.prober(vec![]);
    let second = Arc::clone(&prober).run(world.first()).await.unwrap();
    assert!(world.words().downs.is_zero(), "one FAIL is no word");
    assert!(Arc::clone(&prober).run(second).await.is_none());
    assert!(world.words().downs.bit(bit(world.window)));
    assert!(world.words().receipts.is_zero());
}

#[tokio::test]
async fn a_card_that_is_rented_in_mid_check_is_no_fail() {
    let (asked, leased) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (ask, lease) = (Arc::clone(&asked), Arc::clone(&leased));
    // The tenant's program is on the card already when the agent reads it.
    let behave: Behave = Arc::new(move |question| {
        let (ask, lease) = (Arc::clone(&ask), Arc::clone(&lease));
        Box::pin(async move {
            let mut report = well(&question);
            report.gpus[0].processes = 1;
            ask.notify_one();
            lease.notified().await;
            Ok(signed(report, &key()))
        })
    });
    let agent = Agent::start(behave).await;
    let mut world = World::new(agent.endpoint());
    let prober = world.prober(vec![]);
    let probe = tokio::spawn(prober.run(world.first()));
    asked.notified().await;
    world.lease();
    leased.notify_one();
    probe.await.unwrap();
    assert!(world.words().receipts.bit(bit(world.window)));
}

#[tokio::test]
async fn a_lease_that_this_node_learns_of_a_block_later_excuses_too() {
    let behave: Behave = Arc::new(|question| {
        let mut report = well(&question);
        report.gpus[0].processes = 1;
        Box::pin(async move { Ok(signed(report, &key())) })
    });
    let agent = Agent::start(behave).await;
    let mut world = World::new(agent.endpoint());
    let probe = tokio::spawn(world.prober(vec![]).run(world.first()));
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    world.lease();
    probe.await.unwrap();
    assert!(world.words().receipts.bit(bit(world.window)));
}

#[tokio::test]
async fn a_card_that_somebody_holds_without_a_lease_is_a_fail() {
    let behave: Behave = Arc::new(|question| {
        let mut report = well(&question);
        report.gpus[0].processes = 1;
        Box::pin(async move { Ok(signed(report, &key())) })
    });
    let agent = Agent::start(behave).await;
    let mut world = World::new(agent.endpoint());
    let prober = world.prober(vec![]);
    let probe = tokio::spawn(prober.run(world.first()));
    // Further blocks come, none with a lease.
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(700)).await;
        world.put_up();
    }
    let next = probe.await.unwrap().expect("no word, so another attempt");
    assert!(matches!(next.kind, Kind::Probe { tally, .. } if tally == one_fail()));
}

#[tokio::test]
async fn an_operator_that_is_cut_off_judges_nobody() {
    let closed = Endpoint::new("https://127.0.0.1:1", Digest([0; 32]));
    let world = World::new(closed);
    let cut = tally_after(&world, vec!["127.0.0.1:1".to_owned()]).await;
    assert_eq!(cut, WindowTally::default(), "UNKNOWN");
    // The same silence with a network that works.
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let there = vec![target.local_addr().unwrap().to_string()];
    assert_eq!(tally_after(&world, there).await, one_fail());
}

#[tokio::test]
async fn an_operator_whose_chain_stands_still_judges_nobody() {
    let world = World::new(Endpoint::new("https://127.0.0.1:1", Digest([0; 32])));
    let mut prober = Arc::into_inner(world.prober(vec![])).unwrap();
    prober.stale_seconds = 0;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let next = Arc::new(prober).run(world.first()).await.unwrap();
    assert!(matches!(next.kind, Kind::Probe { tally, .. } if tally == WindowTally::default()));
}

#[tokio::test]
async fn an_agent_with_another_certificate_is_not_the_agent() {
    let agent = Agent::start(honest()).await;
    let mut endpoint = agent.endpoint();
    endpoint.certificate.0[0] ^= 1;
    let world = World::new(endpoint);
    assert_eq!(tally_after(&world, vec![]).await, one_fail());
    assert!(agent.delivered.lock().unwrap().is_empty());
}

/// Runs a window with an agent that does wrong: DOWN it is.
async fn is_down(behave: Behave) -> bool {
    let agent = Agent::start(behave).await;
    let world = World::new(agent.endpoint());
    probe_all(&world.prober(vec![]), world.first()).await;
    world.words().downs.bit(bit(world.window)) && world.words().receipts.is_zero()
}

#[tokio::test]
async fn a_report_of_an_earlier_probe_does_not_count() {
    let kept: Arc<Mutex<Option<Vec<u8>>>> = Arc::default();
    let behave: Behave = Arc::new(move |question| {
        let kept = Arc::clone(&kept);
        Box::pin(async move {
            let mut kept = kept.lock().await;
            // The first answer is an old one too: with the nonce of no probe.
            let mut earlier = question;
            earlier.nonce.0[0] ^= 1;
            let report = kept.get_or_insert_with(|| signed(well(&earlier), &key()));
            Ok(report.clone())
        })
    });
    assert!(is_down(behave).await);
}

#[tokio::test]
async fn a_report_for_another_window_or_epoch_does_not_count() {
    let turn = AtomicUsize::new(0);
    let behave: Behave = Arc::new(move |question| {
        let mut report = well(&question);
        match turn.fetch_add(1, Ordering::SeqCst) {
            0 => report.window.0 += 1,
            _ => report.epoch = HealthEpoch::new(question.epoch.get() + 1),
        }
        Box::pin(async move { Ok(signed(report, &key())) })
    });
    assert!(is_down(behave).await);
}

#[tokio::test]
async fn a_report_by_another_key_does_not_count() {
    let behave: Behave = Arc::new(|question| {
        let stranger = alloy::signers::local::PrivateKeySigner::random();
        Box::pin(async move { Ok(signed(well(&question), &stranger)) })
    });
    assert!(is_down(behave).await);
}

#[tokio::test]
async fn the_other_spelling_of_a_signature_does_not_count() {
    use alloy::primitives::{Signature, U256, uint};
    const ORDER: U256 =
        uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);
    let behave: Behave = Arc::new(|question| {
        let mut bytes = signed(well(&question), &key());
        let at = bytes.len() - 65;
        let one = Signature::from_raw(&bytes[at..]).unwrap();
        let other = Signature::new(one.r(), ORDER - one.s(), !one.v());
        bytes[at..].copy_from_slice(&other.as_bytes());
        Box::pin(async move { Ok(bytes) })
    });
    assert!(is_down(behave).await);
}

#[tokio::test]
async fn a_report_that_comes_late_does_not_count() {
    let behave: Behave = Arc::new(|question| {
        Box::pin(async move {
            tokio::time::sleep(DEADLINE + Duration::from_millis(200)).await;
            Ok(signed(well(&question), &key()))
        })
    });
    assert!(is_down(behave).await);
}

#[tokio::test]
async fn an_answer_without_end_is_cut_and_does_not_count() {
    let behave: Behave = Arc::new(|_| Box::pin(async { Ok(vec![0; 8 << 20]) }));
    assert!(is_down(behave).await);
}

#[tokio::test]
async fn a_refusal_does_not_count() {
    let behave: Behave = Arc::new(|_| Box::pin(async { Err(Status::resource_exhausted("busy")) }));
    assert!(is_down(behave).await);
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_silence() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    let endpoint = Endpoint::new(&format!("https://{address}"), Digest([0; 32]));
    let world = World::new(endpoint);
    assert_eq!(tally_after(&world, vec![]).await, one_fail());
}

#[tokio::test]
async fn after_a_restart_in_mid_window_there_is_no_second_word() {
    let agent = Agent::start(honest()).await;
    let world = World::new(agent.endpoint());
    probe_all(&world.prober(vec![]), world.first()).await;
    assert!(world.words().receipts.bit(bit(world.window)));

    // The machine dies, and the operator is started anew in the same window.
    let dead = Endpoint::new("https://127.0.0.1:1", Digest([0; 32]));
    let world = world.restarted(dead).await;
    let prober = world.prober(vec![]);
    let now = crate::prober::probe::now_ms();
    let started = quorate_canon::Timestamp::new(now / 1_000);
    let jobs = draw(&world.plan, world.window, &world.roster(), started, now);
    assert!(matches!(
        jobs[..],
        [crate::prober::job::Job {
            kind: Kind::Resume,
            ..
        }]
    ));
    for job in jobs {
        // The receipt is offered again, later, as its agent does not answer.
        let next = Arc::clone(&prober).run(job).await.unwrap();
        assert!(matches!(next.kind, Kind::Deliver { .. }));
    }
    // And if it were probed all the same, the ledger would stand by its first word.
    probe_all(&prober, world.first()).await;
    assert!(world.words().downs.is_zero());
}

#[tokio::test]
async fn a_receipt_is_offered_again_until_its_agent_takes_it() {
    let agent = Agent::start(honest()).await;
    let world = World::new(agent.endpoint());
    probe_all(&world.prober(vec![]), world.first()).await;
    agent.delivered.lock().unwrap().clear();
    // As after a restart: the ledger has the word, nobody knows whether the agent has it.
    let world = world.restarted(agent.endpoint()).await;
    let done = world.prober(vec![]).run(world.job(Kind::Resume)).await;
    assert!(done.is_none());
    assert_eq!(agent.delivered.lock().unwrap().len(), 1);
}
