//! The whole check against an endpoint that fails, agrees or does not.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use alloy::{
    primitives::Bytes,
    sol_types::{SolCall, SolValue},
};
use axum::{Json, Router, extract::State, routing::post};
use quorate_bindings::IVerifier;
use quorate_chain::RpcConfig;
use quorate_service::Metrics;
use serde_json::{Value, json};

use super::{market::round, *};

/// An L2 whose contracts agree, but for what a test breaks.
#[derive(Clone, Default)]
struct Chain {
    /// Calls that are still answered by an overloaded endpoint.
    refusals: Arc<AtomicUsize>,
    /// The code of every judgement.
    code: u8,
    pairs: Arc<Vec<IVerifier::Pair>>,
}

async fn answer(State(chain): State<Chain>, Json(request): Json<Value>) -> Json<Value> {
    let result = match request["method"].as_str() {
        Some("eth_chainId") => json!("0x5"),
        _ if chain.is_refusing() => {
            let error = json!({ "code": -32005, "message": "limit exceeded" });
            return Json(json!({ "jsonrpc": "2.0", "id": request["id"], "error": error }));
        }
        _ => json!(Bytes::from(chain.called(&request["params"][0]))),
    };
    Json(json!({ "jsonrpc": "2.0", "id": request["id"], "result": result }))
}

impl Chain {
    fn is_refusing(&self) -> bool {
        let less = |left: usize| left.checked_sub(1);
        let (set, fetch) = (Ordering::SeqCst, Ordering::SeqCst);
        self.refusals.fetch_update(set, fetch, less).is_ok()
    }

    fn called(&self, call: &Value) -> Vec<u8> {
        let data = call["input"].as_str().or(call["data"].as_str()).unwrap();
        let data = hex::decode(data.trim_start_matches("0x")).unwrap();
        match data[..4].try_into().unwrap() {
            IVerifier::judgeCall::SELECTOR => (u64::from(self.code), u32::MAX).abi_encode_params(),
            IVerifier::pairsCall::SELECTOR => self.pairs.as_ref().abi_encode(),
            IVerifier::checkChunkCall::SELECTOR => Vec::new(),
            other => panic!("nobody asks for {other:?}"),
        }
    }

    /// Checks a round's outcome against this chain.
    async fn check(self, limit: Duration) -> (Result<(), Objection>, tempfile::TempDir) {
        let (prepared, computed) = round(12, 40, 1);
        let questions = Questions::draw(8, &prepared, &computed);
        let pair = |claim: &pairs::Claim| IVerifier::Pair {
            ineligible: claim.ours.ineligible,
            score: claim.ours.score,
            tie: claim.ours.tie,
        };
        let pairs = Arc::new(questions.claims.iter().map(pair).collect());
        let router = Router::new()
            .route("/", post(answer))
            .with_state(Self { pairs, ..self });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });

        let config = RpcConfig::new(vec![url.parse().unwrap()], 5);
        let folder = tempfile::tempdir().unwrap();
        let check = SelfCheck {
            rpc: Rpc::connect(config).await.unwrap(),
            verifier: Address::repeat_byte(9),
            pairs: 8,
            reports: folder.path().join("disagreements"),
            observe: Observe::new(&Metrics::new()),
        };
        (check.run(&prepared, &computed, limit).await, folder)
    }
}

const LONG: Duration = Duration::from_secs(30);

#[tokio::test]
async fn contracts_that_agree_let_the_node_sign() {
    let (checked, folder) = Chain::default().check(LONG).await;
    assert_eq!(checked, Ok(()));
    assert!(!folder.path().join("disagreements").exists());
}

#[tokio::test]
async fn an_endpoint_that_is_overloaded_is_asked_again() {
    let chain = Chain {
        refusals: Arc::new(AtomicUsize::new(9)),
        ..Chain::default()
    };
    let refusals = Arc::clone(&chain.refusals);
    let (checked, _folder) = chain.check(LONG).await;
    assert_eq!(checked, Ok(()));
    assert_eq!(refusals.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn silence_is_no_consent() {
    let chain = Chain {
        refusals: Arc::new(AtomicUsize::new(usize::MAX)),
        ..Chain::default()
    };
    let (checked, _folder) = chain.check(Duration::from_millis(1_500)).await;
    let Err(Objection::Unanswered(why)) = checked else {
        panic!("{checked:?}")
    };
    assert!(why.contains("limit exceeded"), "{why}");
}

#[tokio::test]
async fn contracts_that_see_a_fault_stop_the_node_and_both_sides_are_written_down() {
    let chain = Chain {
        code: 11,
        ..Chain::default()
    };
    let (checked, folder) = chain.check(LONG).await;
    let Err(Objection::Disagrees(why)) = checked else {
        panic!("{checked:?}")
    };
    let path = folder.path().join("disagreements/self-check-4.json");
    assert!(
        why.contains("fault 11") && why.contains(path.to_str().unwrap()),
        "{why}"
    );
    let report: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(report["witnesses"][0]["code"], 11);
    assert_eq!(report["pairs"].as_array().unwrap().len(), 8);
    assert!(path.with_extension("list").exists());
}
