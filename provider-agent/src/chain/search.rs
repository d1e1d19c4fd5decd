//! Finds on chain what a relay has carried, without asking the relay.

use alloy::primitives::{B256, Bytes};
use alloy::sol_types::SolEvent as _;
use quorate_bindings::forwarder::IForwarder::ExecutedForwardRequest;
use quorate_chain::forward::Forwarder;
use quorate_chain::sender::Receipt;
use serde::Deserialize;

use super::ChainTrouble;
use super::l2::Connected;
use super::promise::Promise;

/// A transaction, as far as this goes.
#[derive(Debug, Deserialize)]
struct Transaction {
    input: Bytes,
}

/// The receipt of the transaction that carried a call, whoever sent it; `None` if none did up to now.
/// Another call with the same nonce is another's: the transaction must bear this signature.
pub(super) async fn carried_by(
    on: &Connected,
    forwarder: &Forwarder,
    promise: &Promise,
) -> Result<Option<Receipt>, ChainTrouble> {
    let head = on.rpc.latest().await?.head().number;
    let mut from = promise.block;
    while from <= head {
        let to = from.saturating_add(on.log_range).min(head);
        let events = [ExecutedForwardRequest::SIGNATURE_HASH];
        let logs = on
            .rpc
            .logs_of_events(&[forwarder.address()], &events, from, to)
            .await?;
        let request = &promise.call.request;
        let one = logs
            .iter()
            .find(|log| forwarder.executed(std::slice::from_ref(log), request.from, request.nonce));
        if let Some(hash) = one.and_then(|log| log.transaction_hash) {
            let ours = bears(on, hash, &promise.call.signature).await?;
            return if ours {
                receipt_of(on, hash).await
            } else {
                Ok(None)
            };
        }
        from = to.saturating_add(1);
    }
    Ok(None)
}

/// A transaction's receipt, if it is mined.
pub(super) async fn receipt_of(
    on: &Connected,
    hash: B256,
) -> Result<Option<Receipt>, ChainTrouble> {
    let answer = on
        .rpc
        .client()
        .request("eth_getTransactionReceipt", (hash,));
    answer.await.map_err(silent)
}

/// Whether a transaction's data holds a signature.
async fn bears(on: &Connected, hash: B256, signature: &[u8; 65]) -> Result<bool, ChainTrouble> {
    let answer = on.rpc.client().request("eth_getTransactionByHash", (hash,));
    let found: Option<Transaction> = answer.await.map_err(silent)?;
    Ok(found.is_some_and(|transaction| {
        transaction
            .input
            .windows(signature.len())
            .any(|window| window == signature)
    }))
}

fn silent(error: alloy::transports::TransportError) -> ChainTrouble {
    ChainTrouble::Silent(error.to_string())
}
