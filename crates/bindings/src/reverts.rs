//! Names for what a contract says when it reverts.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use alloy::primitives::hex;
use alloy::sol_types::{Panic, Revert, SolError};

/// Signature of the custom error with this selector, of any contract of ours.
#[must_use]
pub fn error_signature(selector: [u8; 4]) -> Option<&'static str> {
    errors().get(&selector).map(String::as_str)
}

/// The name of the custom error of ours that a text of [`describe`] tells of: one of a bounded set,
/// whatever an endpoint makes up.
#[must_use]
pub fn error_name(described: &str) -> Option<&'static str> {
    let is_it = |signature: &&String| {
        let rest = described.strip_prefix(signature.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    };
    let signature = errors().values().find(is_it)?;
    signature.split('(').next()
}

fn errors() -> &'static BTreeMap<[u8; 4], String> {
    static ERRORS: OnceLock<BTreeMap<[u8; 4], String>> = OnceLock::new();
    ERRORS.get_or_init(crate::artifacts::errors)
}

/// What revert data says, for a person: the reason of `require`, the kind of a panic, or the name
/// of a custom error of ours with its arguments in hex.
#[must_use]
pub fn describe(data: &[u8]) -> String {
    if data.is_empty() {
        return "reverted without a reason".to_owned();
    }
    if let Ok(revert) = Revert::abi_decode(data) {
        return revert.reason;
    }
    if let Ok(panic) = Panic::abi_decode(data) {
        return panic.to_string();
    }
    let Some((selector, arguments)) = data.split_first_chunk::<4>() else {
        return hex::encode_prefixed(data);
    };
    match (error_signature(*selector), arguments) {
        (Some(signature), []) => signature.to_owned(),
        (Some(signature), arguments) => format!("{signature} {}", hex::encode_prefixed(arguments)),
        (None, _) => format!("custom error {}", hex::encode_prefixed(data)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_panics_and_unknown_errors_are_told_apart() {
        assert_eq!(describe(&[]), "reverted without a reason");
        assert_eq!(describe(&Revert::from("too late").abi_encode()), "too late");
        let panic = Panic {
            code: alloy::primitives::U256::from(0x11),
        };
        assert!(describe(&panic.abi_encode()).contains("overflow"));
        assert_eq!(describe(&[0xff; 5]), "custom error 0xffffffffff");
    }

    #[test]
    fn an_error_of_ours_is_named_and_nothing_else_is() {
        let (selector, signature) = errors().first_key_value().unwrap();
        let name = signature.split('(').next().unwrap();
        let mut data = selector.to_vec();
        assert_eq!(error_name(&describe(&data)), Some(name));
        data.extend([0; 32]);
        assert_eq!(error_name(&describe(&data)), Some(name));
        for other in ["", "too late", "NoSuchError(uint256) 0x00", "custom error 0xff"] {
            assert_eq!(error_name(other), None);
        }
        assert_eq!(error_name(&format!("{signature}y")), None);
    }
}
