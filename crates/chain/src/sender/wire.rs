//! The few calls that sending needs.

use alloy::primitives::{Address, B256, Bytes, U64, U256};
use alloy::rpc::json_rpc::RpcError;
use alloy::rpc::types::{BlockNumberOrTag, TransactionRequest};
use alloy::transports::TransportError;
use serde::Deserialize;

use super::{Receipt, Revert, SendError};
use crate::Rpc;

/// The newest block, as far as sending cares.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Newest {
    number: U64,
    timestamp: U64,
    base_fee_per_gas: Option<U256>,
}

/// One look at the chain, all from one endpoint.
#[derive(Debug)]
pub(super) struct Look {
    pub number: u64,
    pub timestamp: u64,
    pub base_fee: u128,
    /// Mined transactions of the key.
    pub count: u64,
    /// The receipt of the first hash that has one.
    pub receipt: Option<Receipt>,
}

/// What an endpoint said to a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reception {
    /// It has it.
    Accepted,
    /// It wants more for it.
    Underpriced,
    /// The nonce is used: perhaps by this very transaction.
    NonceUsed,
    /// It will never take it.
    Refused(String),
    /// Anything may have happened.
    Unclear(String),
}

impl Rpc {
    /// The receipt of a transaction, if it is mined.
    pub(super) async fn receipt(&self, hash: B256) -> Result<Option<Receipt>, TransportError> {
        self.client()
            .request("eth_getTransactionReceipt", (hash,))
            .await
    }

    /// Block, count and receipts in one batch.
    pub(super) async fn look(
        &self,
        address: Address,
        hashes: &[B256],
    ) -> Result<Look, TransportError> {
        let mut batch = self.client().new_batch();
        let count = batch.add_call("eth_getTransactionCount", &(address, "latest"))?;
        let mut receipts = Vec::with_capacity(hashes.len());
        for hash in hashes {
            receipts.push(batch.add_call("eth_getTransactionReceipt", &(hash,))?);
        }
        let block = batch.add_call("eth_getBlockByNumber", &("latest", false))?;
        batch.send().await?;
        let count: U64 = count.await?;
        let mut receipt = None;
        for answer in receipts {
            let answer: Option<Receipt> = answer.await?;
            receipt = receipt.or(answer);
        }
        let block: Newest = block.await?;
        Ok(Look {
            number: block.number.to(),
            timestamp: block.timestamp.to(),
            base_fee: block.base_fee_per_gas.unwrap_or_default().saturating_to(),
            count: count.to(),
            receipt,
        })
    }

    /// Runs a call without sending it, on the state of `block` or the newest.
    ///
    /// # Errors
    /// [`SendError::Revert`] if it would revert.
    pub(super) async fn simulate(
        &self,
        request: &TransactionRequest,
        block: Option<u64>,
    ) -> Result<Bytes, SendError> {
        let block = block.map_or(BlockNumberOrTag::Latest, BlockNumberOrTag::Number);
        let answer = self.client().request("eth_call", (request, block)).await;
        answer.map_err(as_revert)
    }

    /// Gas that a call needs.
    ///
    /// # Errors
    /// [`SendError::Revert`] if it would revert.
    pub(super) async fn estimate(&self, request: &TransactionRequest) -> Result<u64, SendError> {
        let answer = self.client().request("eth_estimateGas", (request,)).await;
        answer.map(|gas: U64| gas.to()).map_err(as_revert)
    }

    /// Hands a signed transaction over.
    pub(super) async fn broadcast(&self, raw: &Bytes) -> Reception {
        let answer: Result<B256, TransportError> = self
            .client()
            .request("eth_sendRawTransaction", (raw,))
            .await;
        match answer {
            Ok(_) => Reception::Accepted,
            Err(RpcError::ErrorResp(error)) => classify(&error.message),
            Err(error) => Reception::Unclear(error.to_string()),
        }
    }
}

/// Sorts an endpoint's answer by its text, which is all that the standard leaves.
fn classify(message: &str) -> Reception {
    let text = message.to_ascii_lowercase();
    let says = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
    if says(&[
        "already known",
        "already imported",
        "alreadyknown",
        "known transaction",
    ]) {
        Reception::Accepted
    } else if says(&["nonce too low", "nonce is too low"]) {
        Reception::NonceUsed
    } else if says(&[
        "underpriced",
        "less than block base fee",
        "fee too low",
        "feetoolow",
    ]) {
        Reception::Underpriced
    } else if says(&[
        "insufficient funds",
        "intrinsic gas",
        "exceeds block gas limit",
        "gas limit too high",
        "gas limit exceeded",
        "oversized data",
        "max initcode size",
        "invalid sender",
        "invalid chain id",
    ]) {
        Reception::Refused(message.to_owned())
    } else {
        Reception::Unclear(message.to_owned())
    }
}

/// A revert out of an error response; anything else stays what it is.
fn as_revert(error: TransportError) -> SendError {
    let Some(payload) = error.as_error_resp() else {
        return error.into();
    };
    if let Some(data) = payload.as_revert_data() {
        return SendError::Revert(Revert::new(data));
    }
    let message = payload.message.to_ascii_lowercase();
    let halted = [
        "revert",
        "out of gas",
        "invalid opcode",
        "invalid jump",
        "stack underflow",
    ];
    if payload.code == 3 || halted.iter().any(|part| message.contains(part)) {
        return SendError::Revert(Revert::text(payload.message.to_string()));
    }
    if let Reception::Refused(text) = classify(&message) {
        return SendError::Refused(text);
    }
    error.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts of geth, reth, nitro and anvil.
    #[test]
    fn the_texts_of_the_usual_nodes_are_understood() {
        let refused = |text: &str| Reception::Refused(text.to_owned());
        for (text, expected) in [
            ("already known", Reception::Accepted),
            ("transaction already imported", Reception::Accepted),
            (
                "nonce too low: next nonce 3, tx nonce 1",
                Reception::NonceUsed,
            ),
            (
                "replacement transaction underpriced",
                Reception::Underpriced,
            ),
            (
                "max fee per gas less than block base fee: address 0x..",
                Reception::Underpriced,
            ),
            (
                "insufficient funds for gas * price + value",
                refused("insufficient funds for gas * price + value"),
            ),
            ("intrinsic gas too low", refused("intrinsic gas too low")),
            (
                "upstream went away",
                Reception::Unclear("upstream went away".to_owned()),
            ),
        ] {
            assert_eq!(classify(text), expected, "{text}");
        }
    }
}
