//! A stranger floods the aggregator (RELIABILITY, aggregator and gRPC; R6 and R7 at whole-system size,
//! without their figures).

use std::{
    io::Write as _,
    net::{IpAddr, TcpStream},
    sync::Arc,
    time::Duration,
};

use anyhow::{Result, ensure};
use quorate_bls::{Domain, SecretKey};
use quorate_canon::{ChainId, Digest, OperatorIndex, Round};
use quorate_proto::v1::{SubmitVoteRequest, aggregator_client::AggregatorClient};
use quorate_protocol::{Header, Unverified, Vote};
use tokio::task::JoinSet;
use tonic::transport::{Channel, Endpoint};

use crate::kit::{Network, Plan, count, metrics};

/// Reasons that the flood must have been refused for, or it was none.
const REFUSALS: [&str; 5] = [
    "malformed",
    "wrong_domain",
    "unknown_operator",
    "bad_signature",
    "too_many_failures",
];
/// Between two waves: the flood shares two cores with all the others.
const PAUSE: Duration = Duration::from_millis(50);
const CALLS_PER_WAVE: usize = 16;

/// Garbage, strangers' votes, forged and repeated ones, callers that hang up: rounds are certified
/// with all signatures, and no honest vote is refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_costs_no_honest_operator_its_vote() -> Result<()> {
    let mut network = Plan::new("garbage_votes").start_all().await?;
    let first = network.settled_after(None).await?;
    let vote = network.recorder.vote(0, first).await?;

    let port = network.nodes.files().aggregator_port;
    let mut flood = JoinSet::new();
    for (source, what) in [(2, What::Bytes), (3, What::Strangers), (4, What::Repeated)] {
        flood.spawn(waves(port, source, what, vote));
    }
    flood.spawn_blocking(move || broken_connections(port));
    let mut last = first;
    for _ in 0..2 {
        // Forgeries name the round that is open now; those of earlier rounds are only late.
        let open = network
            .logged_after(1, &["round signed"], Some(last))
            .await?;
        let vote = network.recorder.vote(1, open).await?;
        flood.spawn(waves(port, 5, What::Forged, vote));
        last = network.settled_after(Some(last)).await?;
        let signers = network.view.signers(last).await?;
        ensure!(signers.len() == 4, "{last}: {signers:?}");
    }
    the_flood_was_refused(&network).await?;
    flood.shutdown().await;

    for port in &network.nodes.files().operator_http {
        let refused = count(
            &metrics(*port).await?,
            "operator_votes_sent_total",
            "refused",
        );
        ensure!(refused == 0.0, "{refused} honest votes were refused");
    }
    network.settled_after(Some(last)).await?;
    network.all_is_well(&[]).await
}

async fn the_flood_was_refused(network: &Network) -> Result<()> {
    let page = metrics(network.nodes.files().aggregator_http).await?;
    for reason in REFUSALS {
        let label = format!("\"{reason}\"");
        let refused = count(&page, "aggregator_votes_rejected_total", &label);
        ensure!(refused > 0.0, "nothing was refused as {reason}");
    }
    ensure!(
        count(&page, "aggregator_votes_again_total", "") > 0.0,
        "no vote came twice"
    );
    Ok(())
}

/// What a source sends.
#[derive(Clone, Copy, Debug)]
enum What {
    /// No votes at all.
    Bytes,
    /// Votes of operators and networks that do not exist.
    Strangers,
    /// An honest vote, again and again; half of the callers hang up.
    Repeated,
    /// In an honest operator's name, by another key.
    Forged,
}

/// Sends from an address of its own, as a stranger would: 127.0.0.`source`.
async fn waves(port: u16, source: u8, what: What, vote: Vote<Unverified>) {
    let Ok(endpoint) = Endpoint::from_shared(format!("http://127.0.0.1:{port}")) else {
        return;
    };
    let address = IpAddr::from([127, 0, 0, source]);
    let client = AggregatorClient::new(endpoint.local_address(Some(address)).connect_lazy());
    let messages = Arc::new(what.messages(&vote));
    for wave in 0_usize.. {
        let calls = (0..CALLS_PER_WAVE).map(|call| {
            let message = messages[(wave + call) % messages.len()].clone();
            send(client.clone(), message, call % 2 == 0)
        });
        calls.collect::<JoinSet<_>>().join_all().await;
        tokio::time::sleep(PAUSE).await;
    }
}

/// One call; whoever hangs up does so at once.
async fn send(mut client: AggregatorClient<Channel>, vote: Vec<u8>, patient: bool) {
    let call = client.submit_vote(SubmitVoteRequest { vote });
    let limit = Duration::from_millis(if patient { 5_000 } else { 1 });
    // Every answer is right, and none.
    let _ = tokio::time::timeout(limit, call).await;
}

impl What {
    fn messages(self, vote: &Vote<Unverified>) -> Vec<Vec<u8>> {
        let (header, honest) = (*vote.header(), vote.operator());
        match self {
            Self::Bytes => {
                let mut cut = vote.to_bytes();
                cut.pop();
                let sizes = [0, 1, 371, 372, 373, 20_000, 200_000];
                let mut all: Vec<_> = sizes.iter().map(|size| vec![0xa5; *size]).collect();
                all.push(cut);
                all
            }
            Self::Strangers => {
                let mut elsewhere = header;
                elsewhere.domain.l2_chain = ChainId::new(1);
                let later = Header {
                    round: Round::new(u64::MAX),
                    ..header
                };
                vec![
                    forged(header, OperatorIndex::new(99)),
                    forged(header, OperatorIndex::new(u32::MAX)),
                    forged(elsewhere, honest),
                    forged(later, honest),
                ]
            }
            Self::Repeated => vec![vote.to_bytes()],
            Self::Forged => {
                let other = |n: u8| Header {
                    outcome_root: Digest([n; 32]),
                    ..header
                };
                (0..8).map(|n| forged(other(n), honest)).collect()
            }
        }
    }
}

/// A vote that is well formed and signed by nobody's key.
fn forged(header: Header, operator: OperatorIndex) -> Vec<u8> {
    let key = SecretKey::from_seed(&[7; 32]).expect("a seed of 32 bytes gives a key");
    let signature = key.sign(Domain::Vote, &header.digest().get());
    Vote::new(header, operator, signature).to_bytes()
}

/// Connections that say something else than HTTP/2, or nothing, and go away.
fn broken_connections(port: u16) {
    for turn in 0..300_u32 {
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) {
            let words: &[u8] = match turn % 3 {
                0 => b"GET / HTTP/1.1\r\n\r\n",
                1 => b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff",
                _ => b"",
            };
            let _ = stream.write_all(words);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
