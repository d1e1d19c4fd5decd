//! What is sent, and what comes back.

use std::time::Duration;

use alloy::primitives::{Address, B256, Bytes, TxKind, U64, U128, U256};
use alloy::rpc::types::{Log, TransactionRequest};
use alloy::sol_types::SolCall;
use quorate_canon::Timestamp;
use serde::Deserialize;

/// How a manager sends.
#[derive(Debug, Clone, Copy)]
pub struct SenderConfig {
    /// Wait between two looks at the chain.
    pub poll: Duration,
    /// A transaction not mined for this long is sent again with higher fees.
    pub resubmit: Duration,
    /// A call that is not mined for this long is given up; its nonce is filled.
    pub patience: Duration,
    /// A nonce that the chain has used without any of our hashes for this long is lost.
    pub lost: Duration,
    /// Priority fee, wei per gas.
    pub tip: u128,
    /// Most that is paid, wei per gas, priority fee included.
    pub fee_cap: u128,
    /// Gas added to the estimate, percent.
    pub gas_margin: u64,
    /// Blocks on top of a receipt's block before it counts.
    pub confirmations: u64,
    /// Most transactions at once.
    pub in_flight: usize,
}

impl Default for SenderConfig {
    fn default() -> Self {
        Self {
            poll: Duration::from_millis(200),
            resubmit: Duration::from_secs(4),
            patience: Duration::from_secs(180),
            lost: Duration::from_secs(8),
            tip: 100_000_000,
            fee_cap: 500_000_000_000,
            gas_margin: 25,
            confirmations: 0,
            in_flight: 16,
        }
    }
}

/// A call, or the creation of a contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The contract; `None` creates one.
    pub to: Option<Address>,
    /// Calldata, or creation code with arguments.
    pub input: Bytes,
    /// Wei that go along.
    pub value: U256,
    /// Gas limit; estimated where it is not given.
    pub gas_limit: Option<u64>,
    /// Most that is paid for it, wei per gas, priority fee included, where that is less than the
    /// manager's own cap. It makes gas limit times cap a ceiling of what the call's nonce costs,
    /// however it ends: it is given up instead of sent for more, and filling its nonce costs no
    /// more either.
    pub fee_cap: Option<u128>,
    /// The call is given up when a block with this timestamp exists and it is not mined.
    pub deadline: Option<Timestamp>,
    /// Names what the call is for (`settle/17`): the same key is sent only once.
    pub key: Option<String>,
}

impl Call {
    /// A call of a function of ours.
    #[must_use]
    pub fn new<C: SolCall>(to: Address, call: &C) -> Self {
        Self::raw(to, call.abi_encode().into())
    }

    /// A call with encoded data.
    #[must_use]
    pub const fn raw(to: Address, input: Bytes) -> Self {
        let (value, to) = (U256::ZERO, Some(to));
        Self {
            to,
            input,
            value,
            gas_limit: None,
            fee_cap: None,
            deadline: None,
            key: None,
        }
    }

    /// The creation of a contract.
    #[must_use]
    pub fn create(code: Bytes) -> Self {
        Self {
            to: None,
            ..Self::raw(Address::ZERO, code)
        }
    }

    /// With wei.
    #[must_use]
    pub fn value(self, value: U256) -> Self {
        Self { value, ..self }
    }

    /// With a gas limit.
    #[must_use]
    pub fn gas_limit(self, gas: u64) -> Self {
        Self {
            gas_limit: Some(gas),
            ..self
        }
    }

    /// With a cap on wei per gas.
    #[must_use]
    pub fn fee_cap(self, cap: u128) -> Self {
        Self {
            fee_cap: Some(cap),
            ..self
        }
    }

    /// With a deadline in the chain's time.
    #[must_use]
    pub fn deadline(self, deadline: Timestamp) -> Self {
        Self {
            deadline: Some(deadline),
            ..self
        }
    }

    /// With a key.
    #[must_use]
    pub fn key(self, key: impl Into<String>) -> Self {
        Self {
            key: Some(key.into()),
            ..self
        }
    }

    pub(super) fn kind(&self) -> TxKind {
        self.to.map_or(TxKind::Create, TxKind::Call)
    }

    pub(super) fn request(&self, from: Address) -> TransactionRequest {
        TransactionRequest {
            from: Some(from),
            to: Some(self.kind()),
            gas: self.gas_limit,
            value: Some(self.value),
            input: self.input.clone().into(),
            ..TransactionRequest::default()
        }
    }
}

/// A mined transaction.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// Transaction hash.
    #[serde(rename = "transactionHash")]
    pub hash: B256,
    /// Hash of its block.
    pub block_hash: B256,
    block_number: U64,
    gas_used: U64,
    #[serde(default)]
    effective_gas_price: U128,
    status: U64,
    /// The contract that it created.
    pub contract_address: Option<Address>,
    /// Its events.
    pub logs: Vec<Log>,
}

impl Receipt {
    /// Number of its block.
    #[must_use]
    pub fn block(&self) -> u64 {
        self.block_number.to()
    }

    /// Gas that it used.
    #[must_use]
    pub fn gas_used(&self) -> u64 {
        self.gas_used.to()
    }

    /// Wei paid for one unit of gas.
    #[must_use]
    pub fn gas_price(&self) -> u128 {
        self.effective_gas_price.to()
    }

    /// Whether it did not revert.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.status == U64::from(1)
    }
}
