//! The relay over a chain in memory: every refusal, and that nothing is paid for it.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use alloy::primitives::{Address, B256, U256};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::{Eip712Domain, SolCall as _};
use quorate_bindings::IMarket;
use quorate_chain::forward::{Forwarder, Limits, MAX_DATA, Outcome, Request, SignedCall, Terms};
use quorate_service::Metrics;
use tokio::sync::Notify;

use super::budget::Budget;
use super::carrier::{Carrier, Ceiling, Look, Loss, Paid};
use super::desk::{Desk, Plan, now};
use super::functions::Targets;
use super::observe::Observe;
use super::page::Page;
use super::refusal::Refusal;
use crate::chain::Fault;

mod http;

const CHAIN: u64 = 31_337;
const MARKET: Address = Address::repeat_byte(1);
/// What a call costs, wei.
const COST: u64 = 60;
/// What is set aside for it: the gas limit at twice the price.
const ASIDE: u64 = 200;

/// What the chain in memory does.
#[derive(Debug, Default)]
struct Script {
    nonce: u64,
    /// Seconds by which its time is ahead of the clock.
    ahead: u64,
    silent: bool,
    refuses: Option<&'static str>,
    little_gas: bool,
    loses: Option<Loss>,
    /// Who carries waits here.
    gate: Option<Arc<Notify>>,
    carried: Vec<SignedCall>,
    /// What the last one might have cost.
    ceiling: Option<Ceiling>,
}

/// A chain in memory.
#[derive(Clone, Debug, Default)]
struct Chain(Arc<Mutex<Script>>);

impl Chain {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap()
    }
}

impl Carrier for Chain {
    async fn look(&self, _: Address) -> Result<Look, Fault> {
        let script = self.script();
        if script.silent {
            return Err(Fault::Unreachable("no endpoint".to_owned()));
        }
        Ok(Look {
            time: now() + script.ahead,
            nonce: U256::from(script.nonce),
            gas_price: U256::from(1),
        })
    }

    async fn try_call(&self, _: &SignedCall) -> Result<(), Fault> {
        match self.script().refuses {
            Some(why) => Err(Fault::Refused(why.to_owned())),
            None => Ok(()),
        }
    }

    async fn measure(&self, _: &SignedCall) -> Result<u64, Fault> {
        if self.script().little_gas {
            return Err(Fault::Refused("FailedCall()".to_owned()));
        }
        Ok(ASIDE / 2)
    }

    async fn carry(&self, call: &SignedCall, _: B256, ceiling: Ceiling) -> Result<Paid, Loss> {
        let gate = self.script().gate.clone();
        if let Some(gate) = gate {
            gate.notified().await;
        }
        let mut script = self.script();
        if let Some(loss) = script.loses.take() {
            return Err(loss);
        }
        script.nonce += 1;
        script.carried.push(call.clone());
        script.ceiling = Some(ceiling);
        Ok(Paid {
            transaction: B256::repeat_byte(9),
            block: 17,
            gas: ceiling.gas,
            wei: U256::from(COST),
        })
    }
}

/// A relay over such a chain.
struct Rig {
    chain: Chain,
    desk: Arc<Desk<Chain>>,
    _folder: tempfile::TempDir,
}

impl Rig {
    fn new() -> Self {
        Self::of(|_| {}, 10_000)
    }

    fn of(change: impl FnOnce(&mut Plan), budget: u64) -> Self {
        let (folder, chain) = (tempfile::tempdir().unwrap(), Chain::default());
        let desk = desk(&folder, chain.clone(), change, budget);
        Self {
            chain,
            desk: Arc::new(desk),
            _folder: folder,
        }
    }

    /// What is refused is not sent, and nothing stays set aside for it.
    async fn refused(&self, call: SignedCall) -> Refusal {
        let sent = self.chain.script().carried.len();
        let spent = self.desk.budget.spent(now());
        let refusal = self.desk.take(call).await.unwrap_err();
        assert_eq!(self.chain.script().carried.len(), sent, "{refusal}");
        assert_eq!(self.desk.budget.spent(now()), spent, "{refusal}");
        refusal
    }
}

fn desk(
    folder: &tempfile::TempDir,
    chain: Chain,
    change: impl FnOnce(&mut Plan),
    budget: u64,
) -> Desk<Chain> {
    let mut plan = Plan {
        chain_id: CHAIN,
        forwarder: forwarder(CHAIN),
        targets: Targets {
            market: MARKET,
            escrow: Address::repeat_byte(2),
            providers: Address::repeat_byte(3),
            machines: None,
        },
        limits: Limits {
            data_bytes: MAX_DATA,
            gas: 1_000_000,
            deadline_seconds: 3_600,
            account_minute: 4,
            address_minute: 5,
        },
        wait: Duration::from_secs(20),
    };
    change(&mut plan);
    let file = folder.path().join("relay.json");
    let budget = Budget::open(&file, U256::from(budget)).unwrap();
    Desk::new(plan, chain, budget, Observe::new(&Metrics::new()))
}

fn forwarder(chain_id: u64) -> Forwarder {
    let address = Address::repeat_byte(0xf0);
    let domain = Eip712Domain {
        name: Some("Quorate forwarder".into()),
        version: Some("1".into()),
        chain_id: Some(U256::from(chain_id)),
        verifying_contract: Some(address),
        salt: None,
    };
    Forwarder::new(address, domain)
}

fn key(number: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(number)).unwrap()
}

/// A good call of an account, changed before it is signed.
fn signed_by(number: u8, change: impl FnOnce(&mut Request)) -> SignedCall {
    let mut request = Request {
        from: key(number).address(),
        to: MARKET,
        value: U256::ZERO,
        gas: 300_000,
        nonce: U256::ZERO,
        deadline: now() + 600,
        data: IMarket::cancelRequestCall { id: 7 }.abi_encode().into(),
    };
    change(&mut request);
    forwarder(CHAIN).sign(request, &key(number)).unwrap()
}

fn signed(change: impl FnOnce(&mut Request)) -> SignedCall {
    signed_by(1, change)
}

#[tokio::test]
async fn a_good_call_is_carried_and_paid_for() {
    let rig = Rig::new();
    let call = signed(|_| {});
    let carried = rig.desk.take(call.clone()).await.unwrap();
    assert_eq!(carried.outcome, Outcome::Carried);
    assert_eq!(carried.transaction, Some(B256::repeat_byte(9)));
    assert_eq!(carried.request, forwarder(CHAIN).digest(&call.request));
    assert_eq!(rig.chain.script().carried, [call]);
    assert_eq!(rig.desk.budget.spent(now()), U256::from(COST));
    assert_eq!(rig.desk.outcome(carried.request), Ok(carried));
}

#[tokio::test]
async fn what_can_be_seen_of_a_call_alone_is_refused_without_asking_the_chain() {
    let rig = Rig::new();
    rig.chain.script().silent = true;
    let strange = Address::repeat_byte(0x77);
    for (call, code) in [
        (signed(|r| r.to = strange), "wrong_target"),
        (
            signed(|r| r.data = vec![1, 2, 3, 4].into()),
            "wrong_function",
        ),
        (signed(|r| r.data = vec![].into()), "wrong_function"),
        (signed(|r| r.value = U256::from(1)), "value"),
        (signed(|r| r.gas = 1_000_001), "too_much_gas"),
    ] {
        assert_eq!(rig.refused(call).await.code(), code);
    }
    let refusal = rig.refused(signed(|_| {})).await;
    assert_eq!(refusal.code(), "chain", "a good one reaches the chain");
}

#[tokio::test]
async fn an_altered_call_and_one_for_another_chain_are_refused() {
    let rig = Rig::new();
    let mut altered = signed(|_| {});
    altered.request.data = IMarket::cancelRequestCall { id: 8 }.abi_encode().into();
    assert_eq!(rig.refused(altered).await.code(), "bad_signature");
    let mut stolen = signed(|_| {});
    stolen.request.from = key(2).address();
    assert_eq!(rig.refused(stolen).await.code(), "bad_signature");
    let request = signed(|_| {}).request;
    let elsewhere = forwarder(1).sign(request, &key(1)).unwrap();
    assert_eq!(rig.refused(elsewhere).await.code(), "bad_signature");
}

#[tokio::test]
async fn what_was_carried_is_not_carried_again_and_says_where_it_was() {
    let rig = Rig::new();
    let call = signed(|_| {});
    rig.desk.take(call.clone()).await.unwrap();
    let refusal = rig.refused(call).await;
    let shown = refusal.shown();
    assert_eq!(shown.code, "wrong_nonce");
    assert_eq!(shown.transaction, Some(B256::repeat_byte(9)));
    let ahead = rig.refused(signed(|r| r.nonce = U256::from(2))).await;
    assert_eq!(ahead.to_string(), "nonce: got 2, expected 1");
    assert_eq!(ahead.shown().transaction, None);
}

#[tokio::test]
async fn deadlines_are_held_to_the_chain_s_time() {
    let rig = Rig::new();
    rig.chain.script().ahead = 1_000;
    let over = signed(|r| r.deadline = now() + 900);
    assert_eq!(rig.refused(over).await.code(), "expired");
    let far = signed(|r| r.deadline = now() + 1_000 + 3_700);
    assert_eq!(rig.refused(far).await.code(), "deadline_too_far");
    assert!(
        rig.desk
            .take(signed(|r| r.deadline = now() + 2_000))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_call_that_the_contract_refuses_comes_back_with_its_words() {
    let rig = Rig::new();
    rig.chain.script().refuses = Some("NotOwner(0x01, 0x02)");
    let refusal = rig.refused(signed(|_| {})).await;
    assert_eq!(refusal.code(), "refused_by_contract");
    assert!(refusal.to_string().contains("NotOwner"), "{refusal}");
    rig.chain.script().refuses = None;
    rig.chain.script().little_gas = true;
    assert_eq!(
        rig.refused(signed(|_| {})).await,
        Refusal::LittleGas(300_000)
    );
}

#[tokio::test]
async fn an_account_has_its_minute_and_strangers_do_not_use_it_up() {
    let rig = Rig::new();
    for _ in 0..9 {
        let mut forged = signed(|_| {});
        forged.signature[5] ^= 1;
        assert_eq!(rig.refused(forged).await.code(), "bad_signature");
    }
    for nonce in 0..4 {
        let call = signed(|r| r.nonce = U256::from(nonce));
        rig.desk.take(call).await.unwrap();
    }
    let refusal = rig.refused(signed(|r| r.nonce = U256::from(4))).await;
    assert_eq!(refusal.code(), "account_too_often");
    assert!(refusal.retry_after().is_some_and(|s| (1..=60).contains(&s)));
    rig.chain.script().nonce = 0;
    assert!(rig.desk.take(signed_by(2, |_| {})).await.is_ok(), "another");
}

#[tokio::test]
async fn one_call_of_an_account_is_under_way_at_a_time() {
    let rig = Rig::of(|plan| plan.wait = Duration::ZERO, 10_000);
    let gate = Arc::new(Notify::new());
    rig.chain.script().gate = Some(Arc::clone(&gate));
    let first = signed(|_| {});
    let taken = rig.desk.take(first.clone()).await.unwrap();
    assert_eq!(
        (taken.outcome, taken.transaction),
        (Outcome::Underway, None)
    );
    assert_eq!(rig.desk.budget.spent(now()), U256::from(ASIDE), "set aside");
    let second = signed(|r| r.data = IMarket::closeOfferCall { id: 1 }.abi_encode().into());
    assert_eq!(rig.refused(second).await.code(), "pending");
    assert_eq!(rig.refused(first).await.code(), "pending");
    assert_eq!(rig.desk.outcome(taken.request), Ok(taken));
    gate.notify_one();
    // Nobody waits for it any more, and it is carried all the same.
    let carried = loop {
        let now = rig.desk.outcome(taken.request).unwrap();
        if now.outcome == Outcome::Carried {
            break now;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(carried.block, Some(17));
}

#[tokio::test]
async fn what_is_set_aside_for_a_call_is_the_most_that_it_may_cost() {
    let rig = Rig::new();
    rig.desk.take(signed(|_| {})).await.unwrap();
    let ceiling = rig.chain.script().ceiling.unwrap();
    assert_eq!(ceiling, Ceiling { gas: 100, fee: 2 });
    assert_eq!(ceiling.wei(), U256::from(ASIDE));
}

#[tokio::test]
async fn the_day_s_budget_ends_and_says_when_there_is_more() {
    let rig = Rig::of(|_| {}, ASIDE + COST);
    assert!(!rig.desk.terms().exhausted);
    for nonce in 0..2 {
        let call = signed(|r| r.nonce = U256::from(nonce));
        rig.desk.take(call).await.unwrap();
    }
    let refusal = rig.refused(signed(|r| r.nonce = U256::from(2))).await;
    assert_eq!(refusal.code(), "budget");
    let seconds = refusal.retry_after().unwrap();
    assert!((now() + seconds).is_multiple_of(86_400));
}

#[tokio::test]
async fn what_was_lost_is_paid_for_as_far_as_is_known() {
    let rig = Rig::new();
    let lost = |transaction, wei: Option<u64>, fault| Loss {
        fault,
        transaction,
        wei: wei.map(U256::from),
    };
    let refused = || Fault::Refused("Closed()".to_owned());
    let cases = [
        (lost(Some(B256::ZERO), Some(40), refused()), "reverted", 40),
        (lost(None, Some(0), Fault::Expired), "not_mined", 40),
        (lost(None, None, Fault::Expired), "not_mined", 40 + ASIDE),
    ];
    for (loss, code, spent) in cases {
        rig.chain.script().loses = Some(loss);
        let refusal = rig.desk.take(signed(|_| {})).await.unwrap_err();
        assert_eq!(refusal.code(), code);
        assert_eq!(rig.desk.budget.spent(now()), U256::from(spent));
    }
    assert!(
        rig.desk.take(signed(|_| {})).await.is_ok(),
        "nothing stays taken"
    );
}

#[tokio::test]
async fn a_network_address_has_its_minute() {
    let rig = Rig::new();
    let of = |text: &str| -> IpAddr { text.parse().unwrap() };
    for _ in 0..5 {
        rig.desk.admit(of("2001:db8::1")).unwrap();
    }
    let refusal = rig.desk.admit(of("2001:db8::2")).unwrap_err();
    assert_eq!(refusal.code(), "address_too_often");
    rig.desk.admit(of("2001:db8:0:1::1")).unwrap();
}
