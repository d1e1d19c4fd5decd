//! What strangers try. Each flood is a small sample; the server has to cut it and stay useful.

use std::{sync::atomic::Ordering, time::Duration};

use quorate_rpc::ServerLimits;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    frames::{CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, RST_STREAM, Rude, call, frame},
    host::{Accepting, Host, vote},
};

const PATIENCE: Duration = Duration::from_secs(10);

/// Resident memory of this process, server and flood together, in MiB.
fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap_or("0 kB");
    line.trim()
        .trim_end_matches(" kB")
        .parse::<u64>()
        .unwrap_or(0)
        / 1024
}

#[tokio::test]
async fn half_open_streams_beyond_the_limit_are_refused() {
    let host = Host::plain().await;
    let mut rude = Rude::connect(host.address).await;
    let before = resident_mib();
    let block = call();
    let mut burst = Vec::new();
    for n in 0..20_000u32 {
        burst.extend(frame(HEADERS, END_HEADERS, 2 * n + 1, &block));
    }
    let (mut reader, mut writer) = rude.socket.split();
    // The server stops reading and hangs up, so writing all of it must fail or be in vain.
    let flood = async {
        let _ = writer.write_all(&burst).await;
        std::future::pending::<()>().await;
    };
    let answers = async {
        let mut bytes = Vec::new();
        let _ = reader.read_to_end(&mut bytes).await;
        bytes
    };
    let answered = tokio::select! { () = flood => None, bytes = answers => Some(bytes) };
    let bytes = answered.expect("the server hangs up");
    assert!(bytes.len() < 1 << 20);
    assert!(resident_mib().saturating_sub(before) < 64);
    host.client().submit_vote(&vote()).await.unwrap();
}

#[tokio::test]
async fn streams_within_the_limit_are_served_beside_half_open_ones() {
    let host = Host::plain().await;
    let mut rude = Rude::connect(host.address).await;
    for n in 0..31 {
        rude.send(HEADERS, END_HEADERS, 2 * n + 1, &call())
            .await
            .unwrap();
    }
    assert!(!rude.is_cut(Duration::from_millis(300)).await);
    host.client().submit_vote(&vote()).await.unwrap();
}

#[tokio::test]
async fn the_201st_stream_is_refused() {
    // Without shedding, which would end streams before there are as many.
    let limits = ServerLimits {
        requests_per_connection: 1000,
        requests_per_address: 1000,
        ..ServerLimits::default()
    };
    let host = Host::start(Accepting::default(), limits.clone(), None).await;
    let mut rude = Rude::connect(host.address).await;
    for n in 0..=limits.streams_per_connection {
        rude.send(HEADERS, END_HEADERS, 2 * n + 1, &call())
            .await
            .unwrap();
    }
    let last = 2 * limits.streams_per_connection + 1;
    loop {
        let frame = rude.next(PATIENCE).await.expect("the stream is refused");
        if frame.kind == RST_STREAM && frame.stream == last {
            assert_eq!(frame.payload, 7u32.to_be_bytes(), "REFUSED_STREAM");
            return;
        }
    }
}

#[tokio::test]
async fn rapid_resets_end_the_connection() {
    let host = Host::plain().await;
    let mut rude = Rude::connect(host.address).await;
    let mut burst = Vec::new();
    for n in 0..5_000u32 {
        burst.extend(frame(HEADERS, END_HEADERS, 2 * n + 1, &call()));
        burst.extend(frame(RST_STREAM, 0, 2 * n + 1, &8u32.to_be_bytes()));
    }
    let _ = rude.socket.write_all(&burst).await;
    assert!(rude.is_cut(PATIENCE).await);
    assert_eq!(host.handler.votes.load(Ordering::SeqCst), 0);
    host.client().submit_vote(&vote()).await.unwrap();
}

#[tokio::test]
async fn an_oversized_length_prefix_is_refused_before_it_is_allocated() {
    let host = Host::plain().await;
    let before = resident_mib();
    let mut rude = Rude::connect(host.address).await;
    rude.send(HEADERS, END_HEADERS, 1, &call()).await.unwrap();
    let mut prefix = vec![0];
    prefix.extend(0x7fff_ffffu32.to_be_bytes());
    rude.send(DATA, 0, 1, &prefix).await.unwrap();
    // The answer is a status in trailers, or the stream's end: not silence.
    loop {
        let frame = rude.next(PATIENCE).await.expect("an answer");
        if frame.stream == 1 {
            break;
        }
    }
    assert!(resident_mib().saturating_sub(before) < 64);
    assert_eq!(host.handler.votes.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn endless_continuations_end_the_connection() {
    let host = Host::plain().await;
    let mut rude = Rude::connect(host.address).await;
    let before = resident_mib();
    rude.send(HEADERS, 0, 1, &call()).await.unwrap();
    let mut field = vec![0x00, 1, b'a', 0x7f, 0x81, 0x7e]; // a value of 16 256 bytes
    field.resize(field.len() + 16_256, b'b');
    let mut cut = false;
    for _ in 0..2_000 {
        let piece = field.get(..16_000).unwrap();
        if rude.send(CONTINUATION, 0, 1, piece).await.is_err() {
            cut = true;
            break;
        }
    }
    assert!(cut || rude.is_cut(PATIENCE).await);
    assert!(resident_mib().saturating_sub(before) < 64);
    host.client().submit_vote(&vote()).await.unwrap();
}

#[tokio::test]
async fn a_silent_connection_is_cut() {
    let limits = ServerLimits {
        idle_timeout: Duration::from_millis(200),
        ..ServerLimits::default()
    };
    let host = Host::start(Accepting::default(), limits, None).await;
    let mut silent = TcpStream::connect(host.address).await.unwrap();
    let mut bytes = Vec::new();
    tokio::time::timeout(PATIENCE, silent.read_to_end(&mut bytes))
        .await
        .expect("cut")
        .ok();
}

#[tokio::test]
async fn an_old_connection_is_cut_whatever_it_does() {
    let limits = ServerLimits {
        connection_age: Duration::from_millis(150),
        connection_grace: Duration::from_millis(150),
        ..ServerLimits::default()
    };
    let host = Host::start(Accepting::default(), limits, None).await;
    let mut rude = Rude::connect(host.address).await;
    rude.send(HEADERS, END_HEADERS, 1, &call()).await.unwrap();
    let mut bytes = Vec::new();
    tokio::time::timeout(PATIENCE, rude.socket.read_to_end(&mut bytes))
        .await
        .expect("cut")
        .ok();
}

#[tokio::test]
async fn slow_readers_do_not_keep_others_waiting_nor_fill_memory() {
    let limits = ServerLimits {
        connections_per_address: 400,
        ..ServerLimits::default()
    };
    let host = Host::start(Accepting::default(), limits, None).await;
    let before = resident_mib();
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut rude = Rude::connect(host.address).await;
        for n in 0..8 {
            // A call without a message: answered with trailers that are never read.
            let _ = rude
                .send(HEADERS, END_HEADERS | END_STREAM, 2 * n + 1, &call())
                .await;
        }
        slow.push(rude);
    }
    let begin = std::time::Instant::now();
    host.client().submit_vote(&vote()).await.unwrap();
    assert!(begin.elapsed() < Duration::from_secs(2));
    assert!(resident_mib().saturating_sub(before) < 64);
}
