//! What an endpoint's answer says, beside its result.

use alloy::primitives::U64;
use alloy::rpc::json_rpc::{Response, ResponsePacket, ResponsePayload, RpcError};
use alloy::transports::{TransportError, TransportErrorKind};

/// Whether any part of an answer says "ask somebody else": overload, or a node that is behind.
pub(super) fn refuses(packet: &ResponsePacket) -> bool {
    let refusal = |response: &Response| match &response.payload {
        ResponsePayload::Success(_) => false,
        ResponsePayload::Failure(error) => {
            let message = error.message.to_ascii_lowercase();
            error.is_retry_err()
                || [
                    "header not found",
                    "unknown block",
                    "block not found",
                    "missing trie node",
                ]
                .iter()
                .any(|text| message.contains(text))
        }
    };
    match packet {
        ResponsePacket::Single(response) => refusal(response),
        ResponsePacket::Batch(responses) => responses.iter().any(refusal),
    }
}

pub(super) fn chain_id_of(packet: &ResponsePacket) -> Result<u64, TransportError> {
    let ResponsePacket::Single(response) = packet else {
        return Err(TransportErrorKind::custom_str(
            "batch answer to a single request",
        ));
    };
    match &response.payload {
        ResponsePayload::Success(value) => serde_json::from_str::<U64>(value.get())
            .map(|id| id.to::<u64>())
            .map_err(|error| TransportError::deser_err(error, value.get())),
        ResponsePayload::Failure(error) => Err(RpcError::ErrorResp(error.clone())),
    }
}

/// The beginning of a body, for an error message.
pub(super) fn excerpt(body: &[u8]) -> String {
    const LIMIT: usize = 200;
    let part = body.get(..LIMIT).unwrap_or(body);
    String::from_utf8_lossy(part).into_owned()
}
