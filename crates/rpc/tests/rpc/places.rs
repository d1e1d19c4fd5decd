//! Strangers that hold places, and who gets in all the same.

use std::{net::Ipv4Addr, sync::atomic::Ordering, time::Duration};

use quorate_rpc::ServerLimits;

use crate::{
    frames::{END_HEADERS, END_STREAM, HEADERS, PING, Rude, call},
    host::{Accepting, Host, vote},
};

/// Longer than anything takes here, and shorter than what a client waits.
const PATIENCE: Duration = Duration::from_secs(5);
/// Short, for what must not happen.
const MOMENT: Duration = Duration::from_millis(300);
const PLACES: usize = 8;

fn limits() -> ServerLimits {
    ServerLimits {
        connections: PLACES,
        connections_per_address: PLACES,
        ..ServerLimits::default()
    }
}

/// A stranger's address; clients of [`Host`] come from 127.0.0.1.
fn stranger(number: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 1, u8::try_from(number).unwrap())
}

/// A connection on which a request was answered.
async fn active(host: &Host, from: Ipv4Addr) -> Rude {
    let mut rude = Rude::connect_from(from, host.address).await;
    let flags = END_HEADERS | END_STREAM;
    rude.send(HEADERS, flags, 1, &call()).await.unwrap();
    while rude.next(PATIENCE).await.expect("an answer").stream != 1 {}
    rude
}

/// A vote that is answered within [`PATIENCE`].
async fn votes(host: &Host) -> bool {
    let client = host.client();
    let bytes = vote();
    let vote = tokio::time::timeout(PATIENCE, client.submit_vote(&bytes));
    matches!(vote.await, Ok(Ok(_)))
}

#[tokio::test]
async fn a_stranger_with_all_places_loses_its_oldest_to_a_newcomer() {
    let host = Host::start(Accepting::default(), limits(), None).await;
    let mut held = Vec::new();
    for _ in 0..PLACES {
        held.push(active(&host, stranger(1)).await);
    }
    assert!(votes(&host).await);
    assert!(held.remove(0).is_cut(PATIENCE).await);
    for mut younger in held {
        assert!(!younger.is_cut(Duration::from_millis(20)).await);
    }
}

#[tokio::test]
async fn strangers_of_many_addresses_keep_no_newcomer_out() {
    let host = Host::start(Accepting::default(), limits(), None).await;
    let mut held = Vec::new();
    for number in 1..=3 * PLACES {
        held.push(active(&host, stranger(number)).await);
    }
    // Each of them has a place taken from the one before, and is as busy as a stranger can be.
    for _ in 0..3 {
        assert!(votes(&host).await);
    }
}

#[tokio::test]
async fn a_stranger_takes_no_place_of_others_for_more_than_its_share() {
    let host = Host::start(Accepting::default(), limits(), None).await;
    let client = host.client();
    client.submit_vote(&vote()).await.unwrap();
    let mut others = Vec::new();
    for number in 1..=3 {
        others.push(active(&host, stranger(number)).await);
    }
    let mut flood = Vec::new();
    for _ in 0..4 * PLACES {
        flood.push(active(&host, stranger(100)).await);
    }
    for mut other in others {
        assert!(!other.is_cut(MOMENT).await);
    }
    for mut early in flood.drain(..3 * PLACES) {
        assert!(early.is_cut(PATIENCE).await);
    }
}

#[tokio::test]
async fn a_busy_connection_keeps_its_place_while_strangers_come_and_go() {
    let handler = Accepting {
        pause: Duration::from_secs(1),
        ..Accepting::default()
    };
    let host = Host::start(handler, limits(), None).await;
    let (client, bytes) = (host.client(), vote());
    let vote = client.submit_vote(&bytes);
    let flood = async {
        tokio::time::sleep(MOMENT).await;
        let mut held = Vec::new();
        for number in 1..=5 * PLACES {
            held.push(active(&host, stranger(number)).await);
        }
        assert_eq!(host.handler.votes.load(Ordering::SeqCst), 0, "still busy");
        held
    };
    let (answer, _held) = tokio::join!(vote, flood);
    answer.unwrap();
    assert_eq!(host.handler.votes.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_client_that_lost_its_idle_connection_notices_nothing() {
    let host = Host::start(Accepting::default(), limits(), None).await;
    let client = host.client();
    let mut held = Vec::new();
    for _ in 0..3 {
        client.submit_vote(&vote()).await.unwrap();
        for number in 1..=2 * PLACES {
            held.push(active(&host, stranger(number)).await);
        }
    }
    assert_eq!(host.handler.votes.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn an_address_with_its_whole_share_loses_its_oldest_connection() {
    let limits = ServerLimits {
        connections_per_address: 4,
        ..ServerLimits::default()
    };
    let host = Host::start(Accepting::default(), limits, None).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(active(&host, Ipv4Addr::LOCALHOST).await);
    }
    host.client().submit_vote(&vote()).await.unwrap();
    assert!(held.remove(0).is_cut(PATIENCE).await);
    assert!(!held.remove(0).is_cut(MOMENT).await);
}

#[tokio::test]
async fn a_connection_that_never_asks_is_cut_however_lively_it_is() {
    let limits = ServerLimits {
        first_request: Duration::from_millis(500),
        ..ServerLimits::default()
    };
    let host = Host::start(Accepting::default(), limits, None).await;
    let mut asked = active(&host, stranger(1)).await;
    let mut lively = Rude::connect_from(stranger(2), host.address).await;
    let cut = async {
        while lively.send(PING, 0, 0, &[0; 8]).await.is_ok() && !lively.is_cut(MOMENT / 3).await {}
    };
    tokio::time::timeout(PATIENCE, cut).await.expect("cut");
    assert!(!asked.is_cut(MOMENT).await, "who has asked may be idle");
}

#[tokio::test]
async fn requests_that_never_end_leave_room_for_those_of_others() {
    let limits = ServerLimits {
        requests: PLACES,
        ..ServerLimits::default()
    };
    let host = Host::start(Accepting::default(), limits, None).await;
    // Half-open calls: the message that they announce never comes.
    let mut rude = Rude::connect_from(stranger(1), host.address).await;
    for n in 0..PLACES {
        let stream = u32::try_from(2 * n + 1).unwrap();
        rude.send(HEADERS, END_HEADERS, stream, &call())
            .await
            .unwrap();
    }
    tokio::time::sleep(MOMENT).await;
    host.client().submit_vote(&vote()).await.unwrap();
    assert!(rude.is_cut(PATIENCE).await);
}
