//! Errors of contract calls in our words.

use alloy::contract::Error;
use alloy::sol_types::SolError;

use crate::ChainError;

alloy::sol! {
    /// Less gas is left than the next step needs: said by our contracts wherever want of gas could
    /// be taken for an answer.
    error TooLittleGas();
}

/// Sorts the error of a view function. A contract's own word, or nonsense, stays what it is however
/// often it is asked; an endpoint that cannot be reached, that lacks a block or grants too little
/// gas may answer later, or another one instead.
pub(super) fn contract_error(what: &'static str) -> impl FnOnce(Error) -> ChainError {
    move |error| match error {
        Error::TransportError(error) if !is_word(&error) => ChainError::Rpc(error),
        other => ChainError::Contract {
            what,
            detail: revert_text(&other),
        },
    }
}

/// Whether the error is what the contract said, and not why it was not asked.
fn is_word(error: &alloy::transports::TransportError) -> bool {
    let Some(answer) = error.as_error_resp() else {
        return false;
    };
    match answer.as_revert_data() {
        Some(data) => !data.starts_with(&TooLittleGas::SELECTOR),
        None => answer.message.to_ascii_lowercase().contains("revert"),
    }
}

fn revert_text(error: &Error) -> String {
    error.as_revert_data().map_or_else(
        || error.to_string(),
        |data| quorate_bindings::reverts::describe(&data),
    )
}

/// The error for a value that cannot be what the chain says it is.
pub(super) fn mismatch(what: &'static str, detail: impl std::fmt::Display) -> ChainError {
    ChainError::Commitment {
        what,
        detail: detail.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use alloy::rpc::json_rpc::ErrorPayload;
    use alloy::transports::{RpcError, TransportErrorKind};

    use super::*;

    fn answered(message: &'static str, data: Option<&str>) -> ChainError {
        let payload = serde_json::json!({ "code": 3, "message": message, "data": data });
        let payload: ErrorPayload = serde_json::from_value(payload).unwrap();
        contract_error("f")(Error::TransportError(RpcError::ErrorResp(payload)))
    }

    #[test]
    fn a_revert_is_the_contracts_word() {
        for error in [
            answered("execution reverted", None),
            answered("execution reverted", Some("0x01020304")),
            answered("execution reverted", Some("0x")),
        ] {
            assert!(!error.is_retryable(), "{error}");
        }
    }

    #[test]
    fn want_of_gas_a_missing_block_and_a_broken_line_may_pass() {
        let little = alloy::primitives::hex::encode_prefixed(TooLittleGas::SELECTOR);
        let gone = Error::TransportError(TransportErrorKind::backend_gone());
        for error in [
            answered("execution reverted", Some(&little)),
            answered("out of gas", None),
            answered("unknown block", None),
            contract_error("f")(gone),
        ] {
            assert!(error.is_retryable(), "{error}");
        }
    }
}
