//! Sending through endpoints that drop, lose and lie, and through processes that die (R13, small).

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use alloy::primitives::{Address, Bytes, U256};
use alloy::sol_types::SolError;
use quorate_bindings::IMarket::Refuted;
use quorate_canon::Timestamp;
use quorate_chain::Rpc;
use quorate_chain::sender::{Call, SendError, SenderConfig, TxSender};
use serde_json::{Value, json};

use crate::anvil::{self, Anvil, ask, mine, nonce, place, signer, slot0};
use crate::proxy::{self, Fault, Rule, calls};
use crate::world::Dice;

/// Adds one to its first slot at each call.
const COUNTER: &[u8] = &[0x60, 0x01, 0x5f, 0x54, 0x01, 0x5f, 0x55, 0x00];
const COUNTER_AT: Address = Address::repeat_byte(0x51);
/// Reverts with its calldata.
const REVERTER: &[u8] = &[0x36, 0x5f, 0x5f, 0x37, 0x36, 0x5f, 0xfd];
const REVERTER_AT: Address = Address::repeat_byte(0x52);
/// Adds one to its first slot if that is zero, else reverts.
const ONCE: &[u8] = &[
    0x5f, 0x54, 0x60, 0x0a, 0x57, 0x60, 0x01, 0x5f, 0x55, 0x00, 0x5b, 0x5f, 0x5f, 0xfd,
];
const ONCE_AT: Address = Address::repeat_byte(0x53);

const GWEI: u128 = 1_000_000_000;

fn config() -> SenderConfig {
    SenderConfig {
        poll: Duration::from_millis(20),
        resubmit: Duration::from_millis(250),
        patience: Duration::from_secs(20),
        lost: Duration::from_millis(500),
        ..SenderConfig::default()
    }
}

fn open(rpc: &Rpc, config: SenderConfig, journal: Option<&Path>) -> TxSender {
    TxSender::open(rpc.clone(), signer(), config, journal).unwrap()
}

fn count() -> Call {
    Call::raw(COUNTER_AT, Bytes::new())
}

/// A chain with the contracts of these tests.
async fn chain(arguments: &[&str]) -> (Anvil, Rpc) {
    let anvil = Anvil::start(arguments);
    let rpc = anvil.rpc().await;
    place(&rpc, COUNTER_AT, COUNTER).await;
    place(&rpc, REVERTER_AT, REVERTER).await;
    place(&rpc, ONCE_AT, ONCE).await;
    (anvil, rpc)
}

/// Mines a block every so often, until it is dropped.
struct Miner(tokio::task::JoinHandle<()>);

impl Miner {
    fn every(rpc: &Rpc, milliseconds: u64) -> Self {
        let rpc = rpc.clone();
        Self(tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                mine(&rpc).await;
            }
        }))
    }
}

impl Drop for Miner {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[tokio::test]
async fn a_call_is_mined_and_its_receipt_comes_back() {
    let (_anvil, rpc) = chain(&[]).await;
    let sender = open(&rpc, config(), None);
    let receipt = sender.send(count().value(U256::from(5))).await.unwrap();
    assert!(receipt.succeeded());
    assert_eq!(
        (
            slot0(&rpc, COUNTER_AT).await,
            nonce(&rpc, sender.address()).await
        ),
        (1, 1)
    );
    assert!(receipt.gas_used() > 21_000 && receipt.gas_price() > 0);
}

#[tokio::test]
async fn a_contract_is_created() {
    let (_anvil, rpc) = chain(&[]).await;
    // Returns its last eight bytes, the counter's code.
    let mut code = vec![
        0x60, 0x08, 0x60, 0x0c, 0x60, 0x00, 0x39, 0x60, 0x08, 0x60, 0x00, 0xf3,
    ];
    code.extend_from_slice(COUNTER);
    let receipt = open(&rpc, config(), None)
        .send(Call::create(code.into()))
        .await
        .unwrap();
    rpc.check_code(&[receipt.contract_address.unwrap()])
        .await
        .unwrap();
}

#[tokio::test]
async fn what_would_revert_is_not_sent_and_its_reason_is_typed() {
    let (_anvil, rpc) = chain(&[]).await;
    let sender = open(&rpc, config(), None);
    let reason = Refuted {
        code: 7,
        position: 3,
    };
    let call = Call::raw(REVERTER_AT, reason.abi_encode().into());
    let error = sender.send(call).await.unwrap_err();
    let revert = error.revert().unwrap();
    assert_eq!(
        revert
            .decode::<Refuted>()
            .map(|found| (found.code, found.position)),
        Some((7, 3))
    );
    assert!(
        error
            .to_string()
            .starts_with("would revert: Refuted(uint8,uint32)"),
        "{error}"
    );
    assert_eq!(nonce(&rpc, sender.address()).await, 0);
}

#[tokio::test]
async fn an_account_without_funds_is_told_so_and_nothing_waits() {
    let (_anvil, rpc) = chain(&[]).await;
    let sender = open(&rpc, config(), None);
    ask(&rpc, "anvil_setBalance", json!([sender.address(), "0x1"])).await;
    let error = sender.send(count()).await.unwrap_err();
    assert!(matches!(error, SendError::Refused(_)), "{error}");
    ask(
        &rpc,
        "anvil_setBalance",
        json!([sender.address(), "0xde0b6b3a7640000"]),
    )
    .await;
    sender.send(count()).await.unwrap();
    assert_eq!(nonce(&rpc, sender.address()).await, 1);
}

#[tokio::test]
async fn calls_at_once_share_blocks_and_take_each_nonce_once() {
    let (_anvil, rpc) = chain(&["--no-mining"]).await;
    let sender = open(&rpc, config(), None);
    let _miner = Miner::every(&rpc, 100);
    let calls = (0..30).map(|_| sender.send(count()));
    let receipts = futures::future::try_join_all(calls).await.unwrap();
    let blocks: BTreeSet<u64> = receipts.iter().map(|receipt| receipt.block()).collect();
    assert_eq!(
        (
            slot0(&rpc, COUNTER_AT).await,
            nonce(&rpc, sender.address()).await
        ),
        (30, 30)
    );
    assert!(blocks.len() < 20, "{} blocks for 30 calls", blocks.len());
}

/// Drops three calls of ten; of those that send, loses every second answer besides.
fn faulty(seed: u64) -> Rule {
    let mut dice = Dice(seed);
    Box::new(move |request: &Value| {
        if dice.roll(10) < 3 {
            return Some(Fault::Drop);
        }
        (calls(request, "eth_sendRawTransaction") && dice.roll(2) == 0).then_some(Fault::LoseAnswer)
    })
}

#[tokio::test]
async fn with_calls_dropped_and_answers_lost_each_call_is_mined_once() {
    let (anvil, rpc) = chain(&["--no-mining"]).await;
    let _miner = Miner::every(&rpc, 60);
    for seed in 0..3 {
        let before = nonce(&rpc, signer().address()).await;
        let url = proxy::before(&anvil.url, faulty(seed)).await;
        let through = loop {
            if let Ok(rpc) = Rpc::connect(anvil::config(vec![url.clone()])).await {
                break rpc;
            }
        };
        let sender = open(&through, config(), None);
        let calls = (0..15).map(|_| sender.send(count()));
        futures::future::try_join_all(calls).await.unwrap();
        assert_eq!(nonce(&rpc, sender.address()).await, before + 15);
        assert_eq!(slot0(&rpc, COUNTER_AT).await, before + 15);
    }
}

#[tokio::test]
async fn a_base_fee_times_eight_is_followed() {
    let (_anvil, rpc) = chain(&["--no-mining"]).await;
    let sender = open(&rpc, config(), None);
    let sent = tokio::spawn({
        let sender = sender.clone();
        async move { sender.send(count()).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    for _ in 0..20 {
        ask(
            &rpc,
            "anvil_setNextBlockBaseFeePerGas",
            json!([format!("{:#x}", 8 * GWEI)]),
        )
        .await;
        mine(&rpc).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let receipt = sent.await.unwrap().unwrap();
    assert!(receipt.gas_price() >= 8 * GWEI, "{}", receipt.gas_price());
    assert_eq!(
        (
            slot0(&rpc, COUNTER_AT).await,
            nonce(&rpc, sender.address()).await
        ),
        (1, 1)
    );
}

/// The base fee runs away: what the nonce costs in the end, filled, stays below the call's ceiling.
#[tokio::test]
async fn a_call_with_a_cap_is_given_up_instead_of_paid_for_above_it() {
    let (_anvil, rpc) = chain(&["--no-mining"]).await;
    let impatient = SenderConfig {
        patience: Duration::from_secs(1),
        ..config()
    };
    let sender = open(&rpc, impatient, None);
    let (gas, cap) = (210_000, 3 * GWEI);
    let capped = count().gas_limit(gas).fee_cap(cap);
    let sent = tokio::spawn({
        let sender = sender.clone();
        async move { sender.send(capped).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let dear = json!([format!("{:#x}", 8 * GWEI)]);
    for _ in 0..40 {
        ask(&rpc, "anvil_setNextBlockBaseFeePerGas", dear.clone()).await;
        mine(&rpc).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let error = sent.await.unwrap().unwrap_err();
    assert!(matches!(error, SendError::TimedOut { .. }), "{error}");
    assert_eq!(
        slot0(&rpc, COUNTER_AT).await,
        0,
        "not carried above its cap"
    );
    assert_eq!(
        nonce(&rpc, sender.address()).await,
        1,
        "and its nonce is filled"
    );
    let balance = ask(&rpc, "eth_getBalance", json!([sender.address(), "latest"])).await;
    let balance: U256 = balance.as_str().unwrap().parse().unwrap();
    let paid = before(&rpc, sender.address()).await - balance;
    assert!(
        !paid.is_zero() && paid <= U256::from(u128::from(gas) * cap),
        "{paid}"
    );
}

/// What an address had in the first block.
async fn before(rpc: &Rpc, address: Address) -> U256 {
    let balance = ask(rpc, "eth_getBalance", json!([address, "0x0"])).await;
    balance.as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_call_whose_cap_is_below_the_base_fee_is_not_sent() {
    let (_anvil, rpc) = chain(&[]).await;
    let impatient = SenderConfig {
        patience: Duration::from_millis(200),
        ..config()
    };
    let sender = open(&rpc, impatient, None);
    let error = sender.send(count().fee_cap(1)).await.unwrap_err();
    assert!(
        matches!(error, SendError::FeeCap { expected: 1, .. }),
        "{error}"
    );
    assert_eq!(nonce(&rpc, sender.address()).await, 0);
}

#[tokio::test]
async fn a_call_past_its_deadline_is_given_up_and_its_nonce_filled() {
    let (_anvil, rpc) = chain(&["--no-mining"]).await;
    let sender = open(
        &rpc,
        SenderConfig {
            fee_cap: 4 * GWEI,
            ..config()
        },
        None,
    );
    let now = rpc.latest().await.unwrap().head().timestamp.get();
    let deadline = Timestamp::new(now + 1_000);
    let sent = tokio::spawn({
        let sender = sender.clone();
        async move { sender.send(count().deadline(deadline)).await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    // Too dear for the cap, and past the deadline.
    ask(
        &rpc,
        "anvil_setNextBlockBaseFeePerGas",
        json!([format!("{:#x}", 100 * GWEI)]),
    )
    .await;
    ask(&rpc, "evm_setNextBlockTimestamp", json!([now + 1_000])).await;
    mine(&rpc).await;
    let error = sent.await.unwrap().unwrap_err();
    assert!(
        matches!(error, SendError::Deadline { sent: 1.., .. }),
        "{error}"
    );
    // What was sent for it is replaced; nothing after it waits.
    for _ in 0..3 {
        ask(
            &rpc,
            "anvil_setNextBlockBaseFeePerGas",
            json!([format!("{GWEI:#x}")]),
        )
        .await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let _miner = Miner::every(&rpc, 400);
    sender.send(count()).await.unwrap();
    assert_eq!(nonce(&rpc, sender.address()).await, 2);
    assert_eq!(slot0(&rpc, COUNTER_AT).await, 1);
}

#[tokio::test]
async fn a_deadline_that_has_passed_sends_nothing() {
    let (_anvil, rpc) = chain(&[]).await;
    let sender = open(&rpc, config(), None);
    let error = sender
        .send(count().deadline(Timestamp::new(1)))
        .await
        .unwrap_err();
    assert!(
        matches!(error, SendError::Deadline { sent: 0, .. }),
        "{error}"
    );
    assert_eq!(nonce(&rpc, sender.address()).await, 0);
}

/// Somebody else does what the call was for while it waits.
#[tokio::test]
async fn a_call_that_would_revert_by_now_is_given_up_and_never_reverts_on_chain() {
    let (_anvil, rpc) = chain(&["--no-mining"]).await;
    let sender = open(&rpc, config(), None);
    let sent = tokio::spawn({
        let sender = sender.clone();
        async move { sender.send(Call::raw(ONCE_AT, Bytes::new())).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    ask(
        &rpc,
        "anvil_setStorageAt",
        json!([ONCE_AT, U256::ZERO, format!("{:#066x}", 1)]),
    )
    .await;
    let error = sent.await.unwrap().unwrap_err();
    assert!(matches!(error, SendError::Revert(_)), "{error}");
    tokio::time::sleep(Duration::from_millis(300)).await;
    mine(&rpc).await;
    assert_eq!(nonce(&rpc, sender.address()).await, 1);
    let block = ask(&rpc, "eth_getBlockReceipts", json!(["latest"])).await;
    let statuses: Vec<&Value> = block
        .as_array()
        .unwrap()
        .iter()
        .map(|r| &r["status"])
        .collect();
    assert_eq!(statuses, ["0x1"]);
}

#[tokio::test]
async fn a_nonce_taken_by_another_process_costs_time_only() {
    let (_anvil, rpc) = chain(&["--no-mining"]).await;
    let sender = open(
        &rpc,
        SenderConfig {
            resubmit: Duration::from_secs(60),
            ..config()
        },
        None,
    );
    let (ours, theirs) = (sender.clone(), open(&rpc, config(), None));
    let ours = tokio::spawn(async move { ours.send(count()).await });
    tokio::time::sleep(Duration::from_millis(150)).await;
    // The same nonce; the node wants more for it, and gets it.
    let theirs =
        tokio::spawn(async move { theirs.send(Call::raw(COUNTER_AT, Bytes::new())).await });
    tokio::time::sleep(Duration::from_millis(150)).await;
    let _miner = Miner::every(&rpc, 60);
    ours.await.unwrap().unwrap();
    theirs.await.unwrap().unwrap();
    assert_eq!(
        (
            slot0(&rpc, COUNTER_AT).await,
            nonce(&rpc, sender.address()).await
        ),
        (2, 2)
    );
}

#[tokio::test]
async fn a_reorganisation_that_takes_nonces_back_leaves_no_gap() {
    let (_anvil, rpc) = chain(&[]).await;
    // A nonce that does not fit would be waited for until the end.
    let patient = SenderConfig {
        lost: Duration::from_secs(600),
        ..config()
    };
    let sender = open(&rpc, patient, None);
    for _ in 0..3 {
        sender.send(count()).await.unwrap();
    }
    ask(&rpc, "anvil_reorg", json!([2, []])).await;
    assert_eq!(
        nonce(&rpc, sender.address()).await,
        1,
        "nothing was taken back"
    );
    mine(&rpc).await;
    sender.send(count()).await.unwrap();
    assert_eq!(nonce(&rpc, sender.address()).await, 2);
}

#[tokio::test]
async fn the_same_key_is_sent_once_also_by_the_next_process() {
    let (_anvil, rpc) = chain(&[]).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sent.sqlite");
    let sender = open(&rpc, config(), Some(&path));
    let (a, b) = tokio::join!(
        sender.send(count().key("settle/1")),
        sender.send(count().key("settle/1"))
    );
    let first = a.unwrap();
    assert_eq!(first.hash, b.unwrap().hash);
    drop(sender);
    let sender = reopen(&rpc, &path).await;
    assert_eq!(
        sender.send(count().key("settle/1")).await.unwrap().hash,
        first.hash
    );
    assert_eq!(slot0(&rpc, COUNTER_AT).await, 1);
    sender.send(count().key("settle/2")).await.unwrap();
    sender.forget("settle/1").unwrap();
    sender.send(count().key("settle/1")).await.unwrap();
    assert_eq!(slot0(&rpc, COUNTER_AT).await, 3);
}

#[tokio::test]
async fn the_journal_of_another_key_is_refused() {
    let (_anvil, rpc) = chain(&[]).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sent.sqlite");
    drop(open(&rpc, config(), Some(&path)));
    let other = alloy::signers::local::PrivateKeySigner::random();
    let error = TxSender::open(rpc, other, config(), Some(&path)).unwrap_err();
    assert!(matches!(error, SendError::ForeignJournal(_)), "{error}");
}

/// Opens a journal once its last holder has let go of it.
async fn reopen(rpc: &Rpc, path: &Path) -> TxSender {
    for _ in 0..200 {
        if let Ok(sender) = TxSender::open(rpc.clone(), signer(), config(), Some(path)) {
            return sender;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the journal stays locked");
}

/// A process that is stopped dead after so many milliseconds, wherever it is then: before the
/// signature, between journal and broadcast, before the receipt, before the note of it.
fn process_killed_after(url: &url::Url, path: &Path, key: &str, milliseconds: u64) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let (url, path, key) = (url.clone(), path.to_owned(), key.to_owned());
    let work = async move {
        let rpc = anvil::rpc(vec![url]).await;
        let sender = reopen(&rpc, &path).await;
        sender.send(count().key(key)).await
    };
    let _ = runtime.block_on(async move {
        tokio::time::timeout(Duration::from_millis(milliseconds), work).await
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
}

#[test]
fn killed_anywhere_between_signature_and_note_each_call_is_mined_exactly_once() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (anvil, rpc) = runtime.block_on(chain(&["--no-mining"]));
    let _miner = runtime.block_on(async { Miner::every(&rpc, 40) });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sent.sqlite");
    let rounds = if std::env::var_os("QUORATE_SOAK").is_some() {
        300
    } else {
        16
    };
    let mut dice = Dice(99);
    for round in 0..rounds {
        let key = format!("settle/{round}");
        for _ in 0..=dice.roll(2) {
            process_killed_after(&anvil.url, &path, &key, dice.roll(140));
        }
        process_killed_after(&anvil.url, &path, &key, 20_000);
        let mined = runtime.block_on(slot0(&rpc, COUNTER_AT));
        assert_eq!(mined, round + 1, "after {key}");
    }
    assert_eq!(runtime.block_on(nonce(&rpc, signer().address())), rounds);
}
