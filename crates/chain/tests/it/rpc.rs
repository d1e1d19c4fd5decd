//! One chain behind endpoints that are wrong, slow, greedy or behind.

use alloy::primitives::{Address, Bytes};
use quorate_canon::Timestamp;
use quorate_chain::{ChainError, Rpc, RpcConfig};
use serde_json::json;

use crate::anvil::{self, Anvil, ask, config, mine, place, signer};
use crate::proxy::{self, Fault, calls};

/// Emits its calldata under topic 1.
const LOGGER: &[u8] = &[0x36, 0x5f, 0x5f, 0x37, 0x60, 0x01, 0x36, 0x5f, 0xa1, 0x00];
const LOGGER_AT: Address = Address::repeat_byte(0x77);

async fn emit(rpc: &Rpc, data: &'static [u8]) {
    let call =
        json!([{ "from": signer().address(), "to": LOGGER_AT, "data": Bytes::from_static(data) }]);
    let hash = ask(rpc, "eth_sendTransaction", call).await;
    // The answer is the hash only: the block comes a moment later.
    while ask(rpc, "eth_getTransactionReceipt", json!([hash]))
        .await
        .is_null()
    {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn an_endpoint_of_another_chain_is_refused_by_name() {
    let chain = Anvil::start(&["--chain-id", "5"]);
    let error = Rpc::connect(config(vec![chain.url.clone()]))
        .await
        .unwrap_err();
    let ChainError::WrongChain {
        got: 5,
        expected: anvil::CHAIN_ID,
        ..
    } = error
    else {
        panic!("{error}");
    };
}

#[tokio::test]
async fn no_endpoint_and_a_dead_endpoint_are_told() {
    let error = Rpc::connect(config(Vec::new())).await.unwrap_err();
    assert!(matches!(error, ChainError::NoEndpoint));
    let dead = vec!["http://127.0.0.1:9".parse().unwrap()];
    let error = Rpc::connect(config(dead)).await.unwrap_err();
    assert!(matches!(error, ChainError::Rpc(_)), "{error}");
}

#[tokio::test]
async fn urls_with_keys_do_not_show_in_errors_and_debug() {
    let endpoint = vec![
        "http://user:hunter2@127.0.0.1:9/v2/hunter2"
            .parse()
            .unwrap(),
    ];
    let config = config(endpoint);
    assert!(!format!("{config:?}").contains("hunter2"));
    let error = Rpc::connect(config).await.unwrap_err();
    assert!(
        !format!("{error} {error:?}").contains("hunter2"),
        "{error:?}"
    );
}

#[tokio::test]
async fn the_precompiles_are_there_on_osaka_and_missed_on_cancun() {
    let chain = Anvil::start(&["--hardfork", "osaka"]);
    chain.rpc().await.check_precompiles().await.unwrap();
    let old = Anvil::start(&["--hardfork", "cancun"]);
    let error = old.rpc().await.check_precompiles().await.unwrap_err();
    assert!(
        matches!(
            error,
            ChainError::NoPrecompile {
                got: 0,
                expected: 128,
                ..
            }
        ),
        "{error}"
    );
    let error = old.rpc().await.check_code(&[LOGGER_AT]).await.unwrap_err();
    assert!(matches!(error, ChainError::NoCode(LOGGER_AT)), "{error}");
}

#[tokio::test]
async fn a_dead_a_greedy_and_a_hanging_endpoint_are_passed_over() {
    let chain = Anvil::start(&[]);
    let greedy = |request: &serde_json::Value| {
        calls(request, "eth_getBlockByNumber").then(|| Fault::Say(vec![b' '; 4096]))
    };
    let hanging =
        |request: &serde_json::Value| calls(request, "eth_getBlockByNumber").then_some(Fault::Hang);
    let endpoints = vec![
        "http://127.0.0.1:9".parse().unwrap(),
        proxy::before(&chain.url, Box::new(greedy)).await,
        proxy::before(&chain.url, Box::new(hanging)).await,
        chain.url.clone(),
    ];
    let rpc = Rpc::connect(RpcConfig {
        max_response: 2048,
        ..config(endpoints)
    })
    .await
    .unwrap();
    assert_eq!(rpc.latest().await.unwrap().number(), 0);
}

#[tokio::test]
async fn an_endpoint_that_is_turned_away_is_asked_last() {
    let chain = Anvil::start(&[]);
    let without = |request: &serde_json::Value| {
        calls(request, "eth_call").then(|| Fault::Say(proxy::result(request, &json!("0x"))))
    };
    // No precompile at the first: a wrong answer, not a failure.
    let first = proxy::before(&chain.url, Box::new(without)).await;
    let rpc = Rpc::connect(config(vec![first, chain.url.clone()]))
        .await
        .unwrap();
    assert_eq!(rpc.endpoints(), 2);
    rpc.check_precompiles().await.unwrap_err();
    rpc.turn();
    rpc.check_precompiles().await.unwrap();
    // And round.
    rpc.turn();
    rpc.check_precompiles().await.unwrap_err();
}

#[tokio::test]
async fn logs_are_found_by_block_and_by_range() {
    let chain = Anvil::start(&[]);
    let rpc = chain.rpc().await;
    place(&rpc, LOGGER_AT, LOGGER).await;
    emit(&rpc, b"one").await;
    mine(&rpc).await;
    emit(&rpc, b"two").await;
    let between = rpc.logs_between(&[LOGGER_AT], 0, 3).await.unwrap();
    let data: Vec<&[u8]> = between.iter().map(|log| log.data().data.as_ref()).collect();
    assert_eq!(data, [b"one", b"two"]);
    let headers = rpc.headers(1, 3).await.unwrap();
    assert_eq!(
        rpc.logs_of(&[LOGGER_AT], &headers[0]).await.unwrap(),
        between[..1]
    );
    assert!(
        rpc.logs_of(&[LOGGER_AT], &headers[1])
            .await
            .unwrap()
            .is_empty()
    );
    assert!(matches!(
        rpc.logs_between(&[LOGGER_AT], 0, 4).await,
        Err(ChainError::NoBlock(4))
    ));
}

/// RPC nodes serve a block before its logs are indexed.
#[tokio::test]
async fn a_block_before_its_logs_is_read_from_its_receipts() {
    let chain = Anvil::start(&[]);
    let honest = chain.rpc().await;
    place(&honest, LOGGER_AT, LOGGER).await;
    emit(&honest, b"one").await;
    let empty = |request: &serde_json::Value| {
        calls(request, "eth_getLogs").then(|| Fault::Say(proxy::result(request, &json!([]))))
    };
    let url = proxy::before(&chain.url, Box::new(empty)).await;
    let rpc = anvil::rpc(vec![url]).await;
    let header = rpc.latest().await.unwrap();
    let logs = rpc.logs_of(&[LOGGER_AT], &header).await.unwrap();
    assert_eq!(logs, honest.logs_of(&[LOGGER_AT], &header).await.unwrap());
    assert_eq!(logs.len(), 1);
}

#[tokio::test]
async fn a_log_that_was_not_asked_for_is_refused() {
    let chain = Anvil::start(&[]);
    let honest = chain.rpc().await;
    place(&honest, LOGGER_AT, LOGGER).await;
    emit(&honest, b"one").await;
    let mut foreign = honest.logs_between(&[LOGGER_AT], 0, 1).await.unwrap();
    foreign[0].inner.address = Address::repeat_byte(0x78);
    let answer = json!(foreign);
    let lie = move |request: &serde_json::Value| {
        calls(request, "eth_getLogs").then(|| Fault::Say(proxy::result(request, &answer)))
    };
    let url = proxy::before(&chain.url, Box::new(lie)).await;
    let rpc = anvil::rpc(vec![url]).await;
    let header = rpc.latest().await.unwrap();
    let error = rpc.logs_of(&[LOGGER_AT], &header).await.unwrap_err();
    assert!(matches!(error, ChainError::BadEvent { .. }), "{error}");
}

#[tokio::test]
async fn the_last_block_before_a_time_is_found_by_bisection() {
    let chain = Anvil::start(&["--timestamp", "1000"]);
    let rpc = chain.rpc().await;
    let times = [1010_u64, 1010, 1013, 1020, 1021];
    for time in times {
        ask(&rpc, "evm_setNextBlockTimestamp", json!([time])).await;
        mine(&rpc).await;
    }
    for (time, expected) in [
        (1000, None),
        (1001, Some(0)),
        (1010, Some(0)),
        (1013, Some(2)),
        (1021, Some(4)),
        (1022, None),
    ] {
        let found = rpc
            .last_block_before(Timestamp::new(time), 0)
            .await
            .unwrap();
        assert_eq!(found.map(|head| head.number), expected, "before {time}");
    }
}
