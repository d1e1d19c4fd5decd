//! What a relay says: its terms, what it carried, and why it does not.

use alloy::primitives::{Address, B256};
use serde::{Deserialize, Serialize};

/// What a relay carries, and how much of it (`GET /relay`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The chain.
    pub chain_id: u64,
    /// The forwarder that requests are signed for.
    pub forwarder: Address,
    /// The contracts that may be called.
    pub targets: Vec<Target>,
    /// What is too much.
    pub limits: Limits,
    /// Whether today's budget is used up.
    pub exhausted: bool,
}

/// A contract that may be called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Its name: `Market`.
    pub name: String,
    /// Where it lies.
    pub address: Address,
    /// Its functions that may be called, with the types of their arguments.
    pub functions: Vec<String>,
}

/// What is too much for a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The most bytes of `data`.
    pub data_bytes: usize,
    /// The most `gas`.
    pub gas: u64,
    /// How many seconds ahead a deadline may be.
    pub deadline_seconds: u64,
    /// Calls of one account in a minute.
    pub account_minute: u32,
    /// Calls from one network address in a minute.
    pub address_minute: u32,
}

/// How far a call has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It is mined, and succeeded.
    Carried,
    /// It is sent and not mined yet; `GET /relay/{request}` tells more.
    Underway,
}

/// A call that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    /// The digest that was signed.
    pub request: B256,
    /// How far it has come.
    pub outcome: Outcome,
    /// The transaction that carried it.
    pub transaction: Option<B256>,
    /// Its block.
    pub block: Option<u64>,
    /// What it took, which the relay has paid.
    pub gas_used: Option<u64>,
}

/// A call that was not taken, or came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Names the reason; docs/aggregators.md has them all.
    pub code: String,
    /// What is wrong.
    pub error: String,
    /// What to do.
    pub remedy: String,
    /// Seconds after which the same may be taken, where waiting helps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// The transaction that was mined and reverted, or that carried this very call before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<B256>,
}
