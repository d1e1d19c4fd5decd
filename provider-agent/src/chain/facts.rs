//! Errors of contract calls in our words.

use alloy::contract::Error;

use super::ChainTrouble;

/// Sorts the error of a view function: the contract's own word, or an endpoint that did not ask it.
pub(super) fn trouble(what: &'static str) -> impl FnOnce(Error) -> ChainTrouble {
    move |error| match error.as_revert_data() {
        Some(data) => {
            let detail = quorate_bindings::reverts::describe(&data);
            ChainTrouble::Refused(format!("{what}: {detail}"))
        }
        None => match error {
            Error::TransportError(error) => ChainTrouble::Silent(format!("{what}: {error}")),
            other => ChainTrouble::Own(format!(
                "{what}: {other}: is the address in [contracts] that of the right contract?"
            )),
        },
    }
}
