//! Errors of contract calls in our words.

use alloy::contract::Error;

use crate::ChainError;

/// Sorts the error of a view function: a failed connection may pass, a revert or nonsense does not.
pub(super) fn contract_error(what: &'static str) -> impl FnOnce(Error) -> ChainError {
    move |error| match error {
        Error::TransportError(error) if error.as_error_resp().is_none() => ChainError::Rpc(error),
        other => ChainError::Contract {
            what,
            detail: revert_text(&other),
        },
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
