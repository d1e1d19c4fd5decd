//! Signed calls against OpenZeppelin's forwarder itself, as its package ships it compiled, and our
//! contracts behind it.

use std::path::Path;

use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::{SolCall, SolValue as _};
use quorate_bindings::erc20::IERC20;
use quorate_bindings::forwarder::IForwarder::{
    ERC2771ForwarderExpiredRequest, ERC2771ForwarderInvalidSigner, FailedCall,
};
use quorate_bindings::{IProviders, artifacts};
use quorate_chain::Rpc;
use quorate_chain::forward::permit::{Permit, sign_permit};
use quorate_chain::forward::{Forwarder, Request, SignedCall};
use quorate_chain::sender::{Call, Receipt, Revert, SendError, SenderConfig, TxSender, try_call};
use quorate_chain::views;
use serde_json::{Value, json};

use crate::anvil::{Anvil, CHAIN_ID, ask, config, signer};

alloy::sol! {
    function mint(address to, uint256 amount) external;
}

/// 5 tokens.
const AMOUNT: u64 = 5_000_000_000_000_000_000;
/// Later than any block of these tests.
const DEADLINE: u64 = 1 << 40;

struct Stage {
    _anvil: Anvil,
    rpc: Rpc,
    /// Pays for gas.
    relayer: TxSender,
    forwarder: Forwarder,
    providers: Address,
    token: Address,
    /// A provider that never has ether.
    key: PrivateKeySigner,
}

/// What the package of OpenZeppelin ships.
fn forwarder_code() -> Bytes {
    let path = "../../contracts/node_modules/@openzeppelin/contracts/build/contracts/ERC2771Forwarder.json";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let code: Bytes = file["bytecode"].as_str().unwrap().parse().unwrap();
    [code.to_vec(), ("Quorate forwarder",).abi_encode_params()]
        .concat()
        .into()
}

impl Stage {
    async fn start() -> Self {
        let anvil = Anvil::start(&["--hardfork", "osaka"]);
        let rpc = Rpc::connect(config(vec![anvil.url.clone()])).await.unwrap();
        let sending = SenderConfig {
            poll: std::time::Duration::from_millis(10),
            ..SenderConfig::default()
        };
        let relayer = TxSender::open(rpc.clone(), signer(), sending, None).unwrap();
        let create = async |code: Bytes| {
            let receipt = relayer.send(Call::create(code)).await.unwrap();
            receipt.contract_address.unwrap()
        };
        let ours = |contract: &str, arguments: Vec<u8>| -> Bytes {
            let code = artifacts::creation_code(contract).unwrap();
            [code.to_vec(), arguments].concat().into()
        };
        let at = create(forwarder_code()).await;
        let arguments = ("Devnet Token", "DEV", 18_u64).abi_encode_params();
        let token = create(ours("DevnetToken", arguments)).await;
        let arguments = (token, 1_u32, relayer.address(), at).abi_encode_params();
        let providers = create(ours("Providers", arguments)).await;
        let key = PrivateKeySigner::from_bytes(&B256::repeat_byte(7)).unwrap();
        let (to, amount) = (key.address(), U256::from(AMOUNT));
        let mint = Call::new(token, &mintCall { to, amount });
        relayer.send(mint).await.unwrap();
        let forwarder = views::forwarder(&rpc, providers).await.unwrap().unwrap();
        assert_eq!(forwarder.address(), at);
        Self {
            _anvil: anvil,
            rpc,
            relayer,
            forwarder,
            providers,
            token,
            key,
        }
    }

    /// A call that the provider signs, with its nonce of now.
    async fn sign(&self, data: Vec<u8>, gas: u64, deadline: u64) -> SignedCall {
        let (at, from) = (self.forwarder.address(), self.key.address());
        let nonce = views::forward_nonce(&self.rpc, at, from).await.unwrap();
        let request = Request {
            from,
            to: self.providers,
            value: U256::ZERO,
            gas,
            nonce,
            deadline,
            data: data.into(),
        };
        self.forwarder.sign(request, &self.key).unwrap()
    }

    /// The same with the gas that is recommended.
    async fn sign_well(&self, data: Vec<u8>) -> SignedCall {
        let from = self.key.address();
        let gas = self.forwarder.gas(&self.rpc, from, self.providers, &data);
        let gas = gas.await.unwrap();
        self.sign(data, gas, DEADLINE).await
    }

    async fn carry(&self, call: &SignedCall) -> Result<Receipt, SendError> {
        self.relayer.send(self.forwarder.execute(call)).await
    }

    /// The contract's word about a call that it refuses.
    async fn refusal(&self, call: &SignedCall) -> Revert {
        let execute = self.forwarder.execute(call);
        let tried = try_call(&self.rpc, self.relayer.address(), &execute).await;
        tried.unwrap_err().revert().unwrap().clone()
    }

    /// The provider's approval, signed.
    async fn approval(&self) -> Vec<u8> {
        let owner = self.key.address();
        let domain = views::permit_domain(&self.rpc, self.token).await.unwrap();
        let permit = Permit {
            owner,
            spender: self.providers,
            value: U256::from(AMOUNT),
            nonce: views::permit_nonce(&self.rpc, self.token, owner)
                .await
                .unwrap(),
            deadline: U256::from(DEADLINE),
        };
        let signed = sign_permit(&domain.unwrap(), &permit, &self.key).unwrap();
        let call = IProviders::permitCall {
            owner,
            value: permit.value,
            deadline: permit.deadline,
            v: signed.v,
            r: signed.r,
            s: signed.s,
        };
        call.abi_encode()
    }

    async fn staked(&self) -> u64 {
        let contract = IProviders::new(self.providers, self.rpc.provider());
        let found = contract
            .providerAt(self.key.address(), u64::MAX)
            .call()
            .await;
        found.unwrap().stake_
    }

    async fn ether(&self) -> Value {
        ask(
            &self.rpc,
            "eth_getBalance",
            json!([self.key.address(), "latest"]),
        )
        .await
    }
}

fn stake() -> Vec<u8> {
    let amount = U256::from(AMOUNT);
    IProviders::stakeCall { amount }.abi_encode()
}

#[tokio::test]
async fn somebody_without_ether_approves_and_stakes() {
    let stage = Stage::start().await;
    for data in [stage.approval().await, stake()] {
        let call = stage.sign_well(data).await;
        stage.forwarder.verify(&call).unwrap();
        let receipt = stage.carry(&call).await.unwrap();
        let (from, nonce) = (call.request.from, call.request.nonce);
        assert!(stage.forwarder.executed(&receipt.logs, from, nonce));
        assert!(
            !stage
                .forwarder
                .executed(&receipt.logs, from, nonce + U256::from(1))
        );
    }
    assert_eq!(stage.staked().await, 5_000_000);
    assert_eq!(stage.ether().await, "0x0");
    let left = IERC20::new(stage.token, stage.rpc.provider());
    let left = left.balanceOf(stage.key.address()).call().await.unwrap();
    assert_eq!(left, U256::ZERO);
}

#[tokio::test]
async fn what_is_altered_or_carried_before_is_refused_by_both() {
    let stage = Stage::start().await;
    let call = stage.sign_well(stage.approval().await).await;
    let changes: [fn(&mut Request); 4] = [
        |request| request.gas += 1,
        |request| request.deadline += 1,
        |request| request.data = stake().into(),
        |request| request.from = Address::repeat_byte(1),
    ];
    for change in changes {
        let mut altered = call.clone();
        change(&mut altered.request);
        assert!(stage.forwarder.verify(&altered).is_err());
        assert!(
            stage
                .refusal(&altered)
                .await
                .is::<ERC2771ForwarderInvalidSigner>()
        );
    }
    stage.carry(&call).await.unwrap();
    assert!(
        stage
            .refusal(&call)
            .await
            .is::<ERC2771ForwarderInvalidSigner>()
    );
}

#[tokio::test]
async fn a_deadline_that_is_over_is_refused() {
    let stage = Stage::start().await;
    let call = stage.sign(stage.approval().await, 1_000_000, 1).await;
    stage.forwarder.verify(&call).unwrap();
    assert!(
        stage
            .refusal(&call)
            .await
            .is::<ERC2771ForwarderExpiredRequest>()
    );
}

#[tokio::test]
async fn a_call_that_fails_takes_no_nonce_and_tells_why_when_it_is_tried() {
    let stage = Stage::start().await;
    let (from, to) = (stage.key.address(), stage.providers);
    let error = stage.forwarder.gas(&stage.rpc, from, to, &stake()).await;
    let why = error.unwrap_err().to_string();
    assert!(why.contains("ERC20InsufficientAllowance"), "{why}");
    let call = stage.sign(stake(), 1_000_000, DEADLINE).await;
    assert!(stage.refusal(&call).await.is::<FailedCall>());
    let at = stage.forwarder.address();
    let nonce = views::forward_nonce(&stage.rpc, at, from).await.unwrap();
    assert_eq!(nonce, U256::ZERO);
}

#[tokio::test]
async fn contracts_and_tokens_without_it_are_told_apart() {
    let stage = Stage::start().await;
    let rpc = &stage.rpc;
    assert_eq!(rpc.chain_id(), CHAIN_ID);
    let forwarder = stage.forwarder.address();
    assert!(
        views::trusts(rpc, stage.providers, forwarder)
            .await
            .unwrap()
    );
    assert!(
        !views::trusts(rpc, stage.providers, stage.token)
            .await
            .unwrap()
    );
    // The forwarder has a domain and no approvals.
    assert_eq!(views::permit_domain(rpc, forwarder).await.unwrap(), None);
}
