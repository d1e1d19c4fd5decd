//! The driver over a chain of two blocks, where something beside it fails.

use std::sync::Arc;

use alloy::primitives::{Address as EthAddress, B256, Bloom, U64};
use axum::{Json, Router, extract::State, routing::post};
use quorate_canon::{Digest, Timestamp};
use quorate_chain::{Contracts, ReaderConfig, Rpc, RpcConfig};
use quorate_matching::OutcomeList;
use quorate_protocol::{Unverified, Vote, rules::SnapshotId};
use quorate_rpc::ClientTls;
use quorate_service::{Metrics, Network};
use quorate_signer::SignerError;
use quorate_store::StoreError;
use serde_json::{Value, json};

use super::*;
use crate::{
    Config,
    compute::{Computed, Prepared},
    post::tests::{Desk, vote},
    self_check::market,
};

/// Blocks 0 and 1 without logs; the second is stamped now.
fn block(number: u64) -> Value {
    let hash = |number: u64| B256::left_padding_from(&(number + 1).to_be_bytes());
    let time = if number == 0 { 0 } else { now().get() };
    json!({
        "hash": hash(number),
        "parentHash": if number == 0 { B256::ZERO } else { hash(number - 1) },
        "number": U64::from(number),
        "timestamp": U64::from(time),
        "logsBloom": Bloom::default(),
    })
}

fn result(request: &Value) -> Value {
    let result = match request["method"].as_str() {
        Some("eth_chainId") => json!("0x5"),
        Some("eth_getBlockByNumber") if request["params"][0] == "0x0" => block(0),
        Some("eth_getBlockByNumber") => block(1),
        other => panic!("nobody asks for {other:?}"),
    };
    json!({ "jsonrpc": "2.0", "id": request["id"], "result": result })
}

async fn answer(State(()): State<()>, Json(request): Json<Value>) -> Json<Value> {
    Json(match &request {
        Value::Array(batch) => batch.iter().map(result).collect(),
        one => result(one),
    })
}

async fn chain() -> Rpc {
    let router = Router::new().route("/", post(answer)).with_state(());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let config = RpcConfig::new(vec![url.parse().unwrap()], 5);
    Rpc::connect(config).await.unwrap()
}

/// A disk that is full, or gone.
#[derive(Debug)]
struct Broken;

impl Broken {
    fn error<T>() -> Result<T, StoreError> {
        Err(StoreError::Io {
            path: "store.data".into(),
            source: std::io::ErrorKind::StorageFull.into(),
        })
    }
}

impl Keep for Broken {
    fn put(&self, _: Round, _: &OutcomeList) -> Result<(), StoreError> {
        Self::error()
    }

    fn get(&self, _: Round, _: Digest) -> Result<Option<OutcomeList>, StoreError> {
        Self::error()
    }

    fn put_image(&self, _: &[u8]) -> Result<(), StoreError> {
        Self::error()
    }
}

/// Has signed this round before, and signs what it is asked to.
#[derive(Debug)]
struct Signed(Option<Round>);

impl Voter for Signed {
    fn fix_snapshot(&mut self, _: Round, _: SnapshotId, _: Timestamp) -> Result<(), SignerError> {
        Ok(())
    }

    fn vote(&mut self, prepared: &Prepared, _: &Computed) -> Result<Vec<Ballot>, SignerError> {
        let vote = vote(prepared.round);
        Ok(vec![Ballot { vote, list: None }])
    }

    fn stored(&mut self, round: Round) -> Result<Option<Vote<Unverified>>, SignerError> {
        Ok((self.0 == Some(round)).then(|| vote(round)))
    }
}

/// Round 4 has closed just now.
fn schedule() -> Schedule {
    Schedule {
        genesis: Timestamp::new(now().get() - 4 * 60),
        period: 60,
        settle_timeout: 120,
        delay: 20,
        depth: 1,
        stake_epoch: 600,
        health_epoch: 600,
        challenge_window: 10,
        reveal_window: 5,
        beacon_genesis: Timestamp::new(0),
        beacon_period: 3,
        beacon_chain_hash: Digest([7; 32]),
    }
}

/// A driver whose store of derived data is broken, and the aggregator that it votes at.
async fn driver(signed: Option<Round>) -> (Driver, Desk) {
    let rpc = chain().await;
    let mut config: Config = toml::from_str(include_str!("../../operator.example.toml")).unwrap();
    config.network = Network::Devnet;
    let contracts = Contracts {
        market: EthAddress::repeat_byte(1),
        providers: EthAddress::repeat_byte(2),
        rounds: EthAddress::repeat_byte(3),
    };
    let desk = Desk::default();
    let observe = Observe::new(&Metrics::new());
    let (_, computed) = market::round(1, 1, 1);
    let urls = [desk.serve().await];
    let post = Post::new(
        &urls,
        &ClientTls::default(),
        observe.clone(),
        Shutdown::new(),
    );
    let parts = Parts {
        reader: Reader::open(rpc.clone(), ReaderConfig::new(contracts, 1))
            .await
            .unwrap(),
        domain: computed.header.domain,
        schedule: schedule(),
        beacon: config.beacon.client(Network::Devnet).unwrap(),
        self_check: SelfCheck {
            rpc,
            verifier: EthAddress::ZERO,
            pairs: 1,
            reports: "unused".into(),
            observe: observe.clone(),
        },
        voter: Box::new(Signed(signed)),
        archive: Box::new(Broken),
        post: post.unwrap(),
        observe,
        poll: Duration::from_millis(20),
        feed: None,
    };
    (Driver::new(parts), desk)
}

/// Waits until a vote has come.
async fn first_of(desk: &Desk) -> Vec<u8> {
    let look = async {
        loop {
            if let Some(vote) = desk.came().pop() {
                return vote;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), look)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_list_that_cannot_be_kept_costs_no_vote() {
    let (mut driver, desk) = driver(None).await;
    let (mut prepared, computed) = market::round(3, 5, 1);
    let head = driver.parts.reader.head();
    prepared.snapshot = SnapshotId {
        number: head.number,
        hash: head.hash,
    };
    let ready = Ready {
        prepared: Arc::new(prepared),
        computed,
        objection: None,
        arrived: Instant::now(),
    };
    assert!(driver.vote(&ready).unwrap().is_ok());
    assert_eq!(first_of(&desk).await, vote(Round::new(4)).to_bytes());
}

#[tokio::test]
async fn a_vote_from_before_the_restart_is_sent_though_its_list_is_lost() {
    let (driver, desk) = driver(Some(Round::new(4))).await;
    let shutdown = Shutdown::new();
    let running = tokio::spawn(driver.run(shutdown.clone()));
    assert_eq!(first_of(&desk).await, vote(Round::new(4)).to_bytes());
    // The image of the index cannot be kept either: no reason to end badly.
    shutdown.ask();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_block_from_the_future_closes_no_round_that_is_far_off() {
    let (mut driver, _) = driver(None).await;
    let head = driver.parts.reader.head();
    driver.look_for_close(head).unwrap();
    let before = driver.seen.unwrap();
    let later = Timestamp::new(now().get() + 365 * 86_400);
    let head = Head {
        timestamp: later,
        ..head
    };
    driver.look_for_close(head).unwrap();
    let most = before.get() + AHEAD / 60 + 1;
    assert!(
        driver.seen.unwrap().get() <= most,
        "{:?} {most}",
        driver.seen
    );
}
