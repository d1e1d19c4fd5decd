//! What the chains say of the schedule at the start, where some of them lie.

use std::sync::Arc;

use alloy::primitives::{Address as EthAddress, B256, Bytes, U64, U256};
use alloy::sol_types::{SolCall, SolValue};
use axum::{Json, Router, extract::State, routing::post};
use quorate_bindings::{IRounds, IServiceManager, links};
use quorate_canon::ChainId;
use quorate_service::Network as Kind;
use serde_json::{Value, json};

use super::on_l1::{Avs, Seeds};
use super::*;

const L1: u64 = 5;
const L2: u64 = 6;
const SLASHER: EthAddress = EthAddress::repeat_byte(0x55);

fn config() -> Config {
    let mut config: Config = toml::from_str(include_str!("../../operator.example.toml")).unwrap();
    config.network = Kind::Devnet;
    (config.l1.chain_id, config.l2.chain_id) = (L1, L2);
    config
}

/// A schedule over the beacon that the example configuration pins.
fn schedule() -> Schedule {
    let pinned = config().beacon.info(Kind::Devnet).unwrap();
    Schedule {
        genesis: Timestamp::new(now().get() - 10_000),
        period: 2,
        settle_timeout: 60,
        delay: 20,
        depth: 3,
        stake_epoch: 600,
        health_epoch: 600,
        challenge_window: 100,
        reveal_window: 50,
        beacon_genesis: pinned.genesis,
        beacon_period: pinned.period,
        beacon_chain_hash: pinned.chain_hash,
    }
}

/// An endpoint of either chain that has its own idea of the schedule and of the newest block.
#[derive(Clone)]
struct Node {
    chain: u64,
    schedule: Schedule,
    head: u64,
}

impl Node {
    fn l1(schedule: Schedule) -> Self {
        let (chain, head) = (L1, 0);
        Self {
            chain,
            schedule,
            head,
        }
    }

    fn l2(schedule: Schedule) -> Self {
        let (chain, head) = (L2, 0);
        Self {
            chain,
            schedule,
            head,
        }
    }

    fn called(&self, call: &Value) -> Vec<u8> {
        let data = call["input"].as_str().or(call["data"].as_str()).unwrap();
        let data = hex::decode(data.trim_start_matches("0x")).unwrap();
        let s = &self.schedule;
        match data[..4].try_into().unwrap() {
            IRounds::scheduleCall::SELECTOR => IRounds::Schedule {
                genesis: s.genesis.get(),
                period: s.period,
                settleTimeout: s.settle_timeout,
                delay: s.delay,
                depth: s.depth,
                stakeEpoch: s.stake_epoch,
                healthEpoch: s.health_epoch,
                challengeWindow: s.challenge_window,
                revealWindow: s.reveal_window,
                beaconGenesis: s.beacon_genesis.get(),
                beaconPeriod: s.beacon_period,
                beaconChainHash: B256::new(s.beacon_chain_hash.0),
            }
            .abi_encode(),
            IRounds::domainCall::SELECTOR => {
                let avs = to_alloy_address(config().contracts.service_manager);
                (L1, avs, 0_u32).abi_encode_params()
            }
            links::RoundsLinks::marketCall::SELECTOR
            | links::MarketLinks::providersCall::SELECTOR => SLASHER.abi_encode(),
            // Times of contracts/src/l1/Times.sol, in its order.
            IServiceManager::timesCall::SELECTOR => {
                let (lead, window, bridge, execution, block) = (1_u32, 1_u32, 1_u32, 1_u32, 1_u32);
                let waits = (s.settle_timeout, s.challenge_window, s.reveal_window);
                let times = (
                    (s.genesis.get(), s.period, s.stake_epoch, lead, window),
                    waits,
                    (bridge, execution, block),
                );
                times.abi_encode()
            }
            Avs::slasherCall::SELECTOR => SLASHER.abi_encode(),
            Seeds::beaconChainHashCall::SELECTOR => s.beacon_chain_hash.0.to_vec(),
            Seeds::healthEpochCall::SELECTOR => s.health_epoch.abi_encode(),
            Seeds::beaconRoundCall::SELECTOR => {
                let call = Seeds::beaconRoundCall::abi_decode(&data).unwrap();
                let round = s.beacon_round(Round::new(call.n)).unwrap();
                U256::from(round).abi_encode()
            }
            other => panic!("nobody asks for {other:?}"),
        }
    }

    async fn serve(self) -> url::Url {
        let router = Router::new()
            .route("/", post(answer))
            .with_state(Arc::new(self));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url.parse().unwrap()
    }
}

async fn answer(State(node): State<Arc<Node>>, Json(request): Json<Value>) -> Json<Value> {
    let result = match request["method"].as_str() {
        Some("eth_chainId") => json!(U64::from(node.chain)),
        Some("eth_getBlockByNumber") => json!({
            "hash": B256::ZERO,
            "parentHash": B256::ZERO,
            "number": "0x1",
            "timestamp": U64::from(node.head),
            "logsBloom": alloy::primitives::Bloom::default(),
        }),
        _ => json!(Bytes::from(node.called(&request["params"][0]))),
    };
    Json(json!({ "jsonrpc": "2.0", "id": request["id"], "result": result }))
}

/// Starts against these endpoints; a dead one stands before those of L2.
async fn start(l1: Node, l2: Vec<Node>) -> Result<Network, OperatorError> {
    let mut config = config();
    config.l1.urls.0 = vec![l1.serve().await];
    config.l2.urls.0 = vec!["http://127.0.0.1:9".parse().unwrap()];
    for node in l2 {
        config.l2.urls.0.push(node.serve().await);
    }
    start_with(&config).await
}

async fn start_with(config: &Config) -> Result<Network, OperatorError> {
    let l1 = Rpc::connect(config.l1.rpc("l1", config.network)?).await?;
    let l2 = Rpc::connect(config.l2.rpc("l2", config.network)?).await?;
    network(config, l1, l2).await
}

#[track_caller]
fn assert_refused(started: Result<Network, OperatorError>, words: &[&str]) {
    match started {
        Err(error @ OperatorError::Mismatch { .. }) => {
            let text = error.to_string();
            for word in words {
                assert!(text.contains(word), "{word}: {text}");
            }
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_schedule_that_both_chains_and_the_beacon_know_is_taken() {
    let honest = schedule();
    let network = start(Node::l1(honest), vec![Node::l2(honest), Node::l2(honest)])
        .await
        .unwrap();
    assert_eq!(network.schedule, honest);
    assert_eq!(network.domain.l1_chain, ChainId::new(L1));
    // The dead one is none of them.
    assert_eq!(network.each_l2.len(), 2);
}

#[tokio::test]
async fn one_endpoint_that_says_otherwise_than_another_is_refused() {
    let honest = schedule();
    // Nothing on L1 tells of the depth, and the rest of them go through.
    for lied in [
        Schedule { depth: 1, ..honest },
        Schedule {
            delay: 23,
            ..honest
        },
    ] {
        for pair in [[honest, lied], [lied, honest]] {
            let l2 = pair.map(Node::l2).to_vec();
            let started = start(Node::l1(honest), l2).await;
            assert_refused(started, &["endpoints of L2", "127.0.0.1", "l2.urls"]);
        }
    }
}

#[tokio::test]
async fn a_beacon_of_another_rhythm_than_the_pinned_one_is_refused() {
    let honest = schedule();
    let late = Timestamp::new(honest.beacon_genesis.get() + 3);
    for lied in [
        Schedule {
            beacon_genesis: late,
            ..honest
        },
        Schedule {
            beacon_period: 4,
            ..honest
        },
    ] {
        // Even L1 says so: what is pinned here stands above both.
        let started = start(Node::l1(lied), vec![Node::l2(lied)]).await;
        assert_refused(started, &["beacon genesis and period"]);
    }
}

/// Each lie by itself, told by every endpoint of L2.
#[tokio::test]
async fn a_schedule_that_l1_does_not_go_by_is_refused() {
    let honest = schedule();
    let lies = [
        (
            "genesis",
            Schedule {
                genesis: Timestamp::new(honest.genesis.get() + 1),
                ..honest
            },
        ),
        (
            "period",
            Schedule {
                period: 3,
                ..honest
            },
        ),
        (
            "settle time-out",
            Schedule {
                settle_timeout: 61,
                ..honest
            },
        ),
        (
            "stake epoch",
            Schedule {
                stake_epoch: 601,
                ..honest
            },
        ),
        (
            "health epoch",
            Schedule {
                health_epoch: 601,
                ..honest
            },
        ),
        (
            "challenge window",
            Schedule {
                challenge_window: 101,
                ..honest
            },
        ),
        (
            "reveal window",
            Schedule {
                reveal_window: 51,
                ..honest
            },
        ),
    ];
    for (what, lied) in lies {
        let started = start(Node::l1(honest), vec![Node::l2(lied); 2]).await;
        assert_refused(started, &[what, "L1"]);
    }
}

/// The beacon has a round every 3 seconds: a second more moves some beacon rounds and leaves others.
#[tokio::test]
async fn a_delay_that_moves_a_beacon_round_is_refused() {
    let honest = schedule();
    for delay in (10..30).filter(|delay| *delay != honest.delay) {
        let lied = Schedule { delay, ..honest };
        let started = start(Node::l1(honest), vec![Node::l2(lied)]).await;
        assert_refused(started, &["beacon round of round", "Slasher.beaconRound"]);
    }
}

#[tokio::test]
async fn a_slasher_that_is_not_the_avs_own_is_refused() {
    let honest = schedule();
    let mut config = config();
    config.l1.urls.0 = vec![Node::l1(honest).serve().await];
    config.l2.urls.0 = vec![Node::l2(honest).serve().await];
    config.contracts.slasher = Some(Address(SLASHER.0.0));
    start_with(&config).await.unwrap();
    config.contracts.slasher = Some(Address([1; 20]));
    assert_refused(start_with(&config).await, &["contracts.slasher"]);
}

#[tokio::test]
async fn the_floor_is_the_latest_time_that_can_be_true() {
    let honest = schedule();
    let floor_of = async |heads: &[u64], followed: u64| {
        let nodes = heads.iter().map(|head| Node {
            head: *head,
            ..Node::l2(honest)
        });
        let network = start(Node::l1(honest), nodes.collect()).await.unwrap();
        floor(&network.each_l2, Timestamp::new(followed)).await
    };
    let clock = now().get();
    // No endpoint that lags lowers it below the clock.
    assert!(floor_of(&[clock - 900, clock - 500], clock - 1_000).await >= Timestamp::new(clock));
    // Another than the first is ahead of the clock a little, and is believed.
    let ahead = Timestamp::new(clock + 200);
    assert_eq!(
        floor_of(&[clock - 900, clock + 200], clock - 1_000).await,
        ahead
    );
    assert_eq!(floor_of(&[clock - 900], clock + 200).await, ahead);
    // One that is ahead by an hour would keep the node silent for that long, and is not.
    let floor = floor_of(&[clock + 3_600, clock - 500], clock - 1_000).await;
    assert!(floor < ahead, "{floor}");
}
