//! The client among relays that lie, lag, hang and babble.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use quorate_beacon::{Beacon, BeaconError, ChainInfo, Client, Limits, RelayError};
use quorate_canon::Timestamp;

use crate::relay::{Manner, Relay, v1_body};
use crate::vectors::real;

fn limits() -> Limits {
    Limits {
        timeout: Duration::from_millis(400),
        hedge: Duration::from_millis(80),
        poll: Duration::from_millis(20),
        ..Limits::default()
    }
}

fn client(relays: &[&Relay]) -> Client {
    let urls = relays.iter().map(|relay| relay.url.clone()).collect();
    Client::new(urls, ChainInfo::quicknet(), limits()).unwrap()
}

/// Asks one relay of this manner for the real round.
async fn ask(manner: Manner) -> Result<Beacon, BeaconError> {
    client(&[&Relay::start(manner).await])
        .get(real().round)
        .await
}

/// What a relay of this manner is blamed for.
async fn blame(manner: Manner) -> RelayError {
    match ask(manner).await.unwrap_err() {
        BeaconError::NoAnswer { error, .. } => error,
        other => panic!("{other}"),
    }
}

fn in_seconds(seconds: u64) -> Timestamp {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    Timestamp::new(now + seconds)
}

#[tokio::test]
async fn an_honest_relay_of_either_version_gives_the_round() {
    assert_eq!(ask(Manner::Honest(real())).await.unwrap(), real());
    assert_eq!(ask(Manner::OnlyV1(real())).await.unwrap(), real());
}

#[tokio::test]
async fn a_relay_without_version_2_is_not_asked_for_it_again() {
    let relay = Relay::start(Manner::OnlyV1(real())).await;
    let client = client(&[&relay]);
    for _ in 0..3 {
        client.get(real().round).await.unwrap();
    }
    assert_eq!(relay.asked(), 4);
}

#[tokio::test]
async fn a_forged_signature_is_a_lie() {
    let mut forged = real();
    forged.signature[47] ^= 1;
    assert!(blame(Manner::Honest(forged)).await.is_lie());
    let other = Beacon {
        signature: crate::vectors::beacons(&crate::vectors::file()["vectors"])[1]
            .0
            .signature,
        ..real()
    };
    assert!(matches!(
        blame(Manner::Honest(other)).await,
        RelayError::Forged(_)
    ));
}

#[tokio::test]
async fn randomness_that_is_not_the_signatures_hash_is_a_lie() {
    let error = blame(Manner::Says(v1_body(&real(), &"00".repeat(32)))).await;
    assert!(
        matches!(error, RelayError::Randomness(round) if round == real().round),
        "{error}"
    );
    assert!(matches!(
        blame(Manner::Says(v1_body(&real(), "no hex"))).await,
        RelayError::Randomness(_)
    ));
}

#[tokio::test]
async fn another_round_than_asked_for_is_a_lie() {
    let other = Beacon {
        round: real().round + 1,
        ..real()
    };
    let error = blame(Manner::Says(v1_body(
        &other,
        &hex::encode(other.randomness().0),
    )))
    .await;
    assert!(
        matches!(error, RelayError::WrongRound { got, expected } if got == expected + 1),
        "{error}"
    );
}

#[tokio::test]
async fn garbage_and_huge_bodies_are_refused() {
    for body in [
        &b"<html>"[..],
        b"{}",
        b"{\"round\":2,\"signature\":\"zz\"}",
        b"",
    ] {
        let error = blame(Manner::Says(body.to_vec())).await;
        assert!(matches!(error, RelayError::Format(_)), "{error}");
    }
    let error = blame(Manner::Says(vec![b'{'; 1 << 20])).await;
    assert!(
        matches!(error, RelayError::TooLarge { limit: 4096 }),
        "{error}"
    );
}

#[tokio::test]
async fn a_relay_that_hangs_is_timed_out() {
    let started = Instant::now();
    let error = blame(Manner::Hangs).await;
    assert!(matches!(error, RelayError::Http(_)), "{error}");
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let honest = Relay::start(Manner::Honest(real())).await;
    let error = blame(Manner::Redirects(honest.url.clone())).await;
    assert!(matches!(error, RelayError::Status(307)), "{error}");
    assert_eq!(honest.asked(), 0);
}

#[tokio::test]
async fn a_round_to_come_is_not_there_yet() {
    for status in [404, 425] {
        let error = ask(Manner::Status(status)).await.unwrap_err();
        assert!(
            matches!(error, BeaconError::NotYet(_)) && error.is_retryable(),
            "{error}"
        );
    }
    assert!(matches!(
        blame(Manner::Status(500)).await,
        RelayError::Status(500)
    ));
}

#[tokio::test]
async fn one_honest_relay_among_liars_is_enough() {
    let mut forged = real();
    forged.signature[20] ^= 1;
    let relays = [
        Relay::start(Manner::Honest(forged)).await,
        Relay::start(Manner::Says(b"?".to_vec())).await,
        Relay::start(Manner::Status(425)).await,
        Relay::start(Manner::Hangs).await,
        Relay::start(Manner::Honest(real())).await,
    ];
    let client = client(&relays.each_ref());
    assert_eq!(client.get(real().round).await.unwrap(), real());
}

#[tokio::test]
async fn a_slow_relay_is_hedged_at_once_and_asked_later_from_then_on() {
    let (slow, quick) = (
        Relay::start(Manner::Hangs).await,
        Relay::start(Manner::Honest(real())).await,
    );
    let client = client(&[&slow, &quick]);
    let started = Instant::now();
    client.get(real().round).await.unwrap();
    assert!(
        started.elapsed() < limits().timeout,
        "{:?}",
        started.elapsed()
    );
    for _ in 0..5 {
        client.get(real().round).await.unwrap();
    }
    assert_eq!((slow.asked(), quick.asked()), (1, 6));
}

#[tokio::test]
async fn a_liar_is_asked_last_from_then_on() {
    let mut forged = real();
    forged.signature[20] ^= 1;
    let (liar, honest) = (
        Relay::start(Manner::Honest(forged)).await,
        Relay::start(Manner::Honest(real())).await,
    );
    let client = client(&[&liar, &honest]);
    for _ in 0..4 {
        client.get(real().round).await.unwrap();
    }
    assert_eq!((liar.asked(), honest.asked()), (1, 4));
}

#[tokio::test]
async fn a_late_beacon_is_waited_for() {
    let relay = Relay::start(Manner::Late(6, real())).await;
    let client = client(&[&relay]);
    assert_eq!(
        client.wait_for(real().round, in_seconds(10)).await.unwrap(),
        real()
    );
    assert!(relay.asked() >= 7);
}

#[tokio::test]
async fn waiting_ends_at_its_deadline_with_what_was_met() {
    let relay = Relay::start(Manner::Status(425)).await;
    let error = client(&[&relay])
        .wait_for(real().round, in_seconds(1))
        .await
        .unwrap_err();
    let BeaconError::Late { last, .. } = error else {
        panic!("{error}")
    };
    assert!(matches!(*last, BeaconError::NotYet(_)), "{last}");
}

#[tokio::test]
async fn no_relay_is_asked_before_the_rounds_time() {
    let relay = Relay::start(Manner::Status(425)).await;
    let far = u64::MAX;
    let error = client(&[&relay])
        .wait_for(far, in_seconds(1))
        .await
        .unwrap_err();
    assert!(matches!(error, BeaconError::Late { .. }), "{error}");
    assert!(relay.asked() <= 2, "asked {} times", relay.asked());
}

#[test]
fn a_client_without_relays_or_with_a_broken_chain_is_not_made() {
    let none = Client::new(Vec::new(), ChainInfo::quicknet(), limits());
    assert!(matches!(none, Err(BeaconError::NoRelay)));
    let broken = ChainInfo {
        period: 0,
        ..ChainInfo::quicknet()
    };
    let relay = vec!["http://127.0.0.1:9".parse().unwrap()];
    assert!(matches!(
        Client::new(relay, broken, limits()),
        Err(BeaconError::Info(_))
    ));
}
