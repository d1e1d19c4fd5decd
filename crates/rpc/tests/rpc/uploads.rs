//! Lists on their way: senders that stall, and those whose places are needed.

use std::{sync::atomic::Ordering, time::Duration};

use futures::{StreamExt as _, stream};
use quorate_canon::Digest;
use quorate_proto::{
    ENTRY_BYTES, PART_ENTRIES,
    v1::{OutcomePart, aggregator_client::AggregatorClient},
};
use quorate_rpc::ServerLimits;
use tonic::{Code, Status};

use crate::host::{Accepting, Host};

/// The first parts of a list of three.
fn parts(count: u32) -> Vec<OutcomePart> {
    let part = |index| OutcomePart {
        header_digest: Digest([1; 32]).0.to_vec(),
        index,
        count: u32::try_from(3 * PART_ENTRIES).unwrap(),
        lowest: 0,
        entries: vec![0; PART_ENTRIES * ENTRY_BYTES],
    };
    (0..count).map(part).collect()
}

/// Sends so many parts and then nothing.
async fn stall_after(host: &Host, count: u32) -> Status {
    let url = format!("http://{}", host.address);
    let mut client = AggregatorClient::connect(url).await.unwrap();
    let sent = stream::iter(parts(count)).chain(stream::pending());
    client.submit_outcome(sent).await.unwrap_err()
}

#[tokio::test]
async fn a_sender_that_stalls_loses_its_turn_long_before_the_request_is_over() {
    let limits = ServerLimits {
        part_timeout: Duration::from_millis(200),
        ..ServerLimits::default()
    };
    let host = Host::start(Accepting::default(), limits, None).await;
    for count in 0..3 {
        let limit = Duration::from_secs(10);
        let refused = tokio::time::timeout(limit, stall_after(&host, count)).await;
        let status = refused.expect("the stalled call is ended");
        assert_eq!(status.code(), Code::DeadlineExceeded, "{count}: {status}");
    }
    assert_eq!(host.handler.lists.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_sender_whose_place_is_needed_is_told_with_its_next_part() {
    let accepting = Accepting {
        displaced: true,
        ..Accepting::default()
    };
    let host = Host::start(accepting, ServerLimits::default(), None).await;
    let status = stall_after(&host, 2).await;
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
}
