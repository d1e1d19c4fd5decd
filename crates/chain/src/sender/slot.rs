//! One nonce, from its first broadcast until something is mined at it.

use alloy::primitives::{B256, Bytes};
use quorate_canon::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::info;

use super::broadcast::Payload;
use super::fees::Fees;
use super::wire::Reception;
use super::{Call, Outcome, Receipt, SendError, answer};

/// A nonce in use.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    /// Under which the journal keeps it.
    pub key: String,
    pub deadline: Option<Timestamp>,
    pub nonce: u64,
    pub payload: Payload,
    /// Every transaction that was signed for the call.
    pub hashes: Vec<B256>,
    /// Every transaction that was signed to fill the nonce after the call was given up.
    pub fillers: Vec<B256>,
    /// The newest transaction of all.
    pub raw: Bytes,
    pub fees: Fees,
    /// Why the call was given up, once it was.
    pub given_up: Option<SendError>,
    pub since: Instant,
    pub last_broadcast: Instant,
    pub reception: Reception,
    /// How often in a row a simulation said that the call would revert by now.
    pub reverts: u32,
    /// Since when the chain contradicts this nonce.
    pub contradicted: Option<Instant>,
}

/// How a nonce ended.
#[derive(Debug)]
pub(super) enum Ending {
    /// The call's transaction was mined.
    Mined(Receipt),
    /// The call was given up and its nonce filled.
    GivenUp(SendError),
    /// The nonce was another's, or not the next: the call has to be begun anew.
    Lost,
}

impl Slot {
    pub(super) fn new(
        key: String,
        deadline: Option<Timestamp>,
        since: Instant,
        nonce: u64,
        payload: Payload,
        fees: Fees,
    ) -> Self {
        Self {
            key,
            deadline,
            nonce,
            payload,
            hashes: Vec::new(),
            fillers: Vec::new(),
            raw: Bytes::new(),
            fees,
            given_up: None,
            since,
            last_broadcast: since,
            reception: Reception::Unclear("not broadcast yet".to_owned()),
            reverts: 0,
            contradicted: None,
        }
    }

    /// Notes a transaction that was signed for this nonce.
    pub(super) fn signed(&mut self, hash: B256, raw: Bytes, fees: Fees) {
        let list = if self.given_up.is_some() {
            &mut self.fillers
        } else {
            &mut self.hashes
        };
        list.push(hash);
        self.raw = raw;
        self.fees = fees;
    }

    /// The call that the nonce is for.
    pub(super) fn call(&self) -> Call {
        Call {
            to: self.payload.to.to().copied(),
            input: self.payload.input.clone(),
            value: self.payload.value,
            gas_limit: Some(self.payload.gas),
            fee_cap: self.payload.fee_cap,
            deadline: self.deadline,
            key: super::journal::callers_key(&self.key),
        }
    }

    /// Answers the caller; from now on the nonce only has to be filled.
    pub(super) fn give_up(&mut self, error: SendError, report: &watch::Sender<Option<Outcome>>) {
        info!(key = %self.key, nonce = self.nonce, %error, "call given up, filling its nonce");
        self.given_up = Some(error.clone());
        answer(report, Err(error));
    }

    /// Whether the call was given up and nothing was signed to fill its nonce yet.
    pub(super) const fn wants_filler(&self) -> bool {
        self.given_up.is_some() && self.fillers.is_empty()
    }
}
