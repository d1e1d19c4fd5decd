//! Names for what a contract says when it reverts.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use alloy::primitives::{Address, I256, U256, hex};
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

/// The same with the arguments of a custom error of ours in words, where all of them are numbers,
/// addresses, flags or fixed bytes: `StakeTooSmall(5, 100)`.
#[must_use]
pub fn spoken(data: &[u8]) -> String {
    let words = || {
        let (selector, arguments) = data.split_first_chunk::<4>()?;
        let signature = error_signature(*selector)?;
        let (name, types) = signature.strip_suffix(')')?.split_once('(')?;
        let types: Vec<&str> = types.split(',').filter(|kind| !kind.is_empty()).collect();
        if arguments.len() != types.len().checked_mul(32)? {
            return None;
        }
        let spoken: Option<Vec<String>> = types
            .iter()
            .zip(arguments.chunks_exact(32))
            .map(|(kind, word)| argument(kind, word))
            .collect();
        Some(format!("{name}({})", spoken?.join(", ")))
    };
    words().unwrap_or_else(|| describe(data))
}

/// One argument of a type that takes one word.
fn argument(kind: &str, word: &[u8]) -> Option<String> {
    let number = || U256::from_be_slice(word);
    if kind.ends_with(']') {
        return None;
    }
    Some(match kind {
        "address" => Address::from_slice(word.get(12..)?).to_string(),
        "bool" => (!number().is_zero()).to_string(),
        _ if kind.starts_with("uint") => number().to_string(),
        _ if kind.starts_with("int") => I256::from_raw(number()).to_string(),
        _ => {
            let bytes: usize = kind.strip_prefix("bytes")?.parse().ok()?;
            hex::encode_prefixed(word.get(..bytes)?)
        }
    })
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
        for other in [
            "",
            "too late",
            "NoSuchError(uint256) 0x00",
            "custom error 0xff",
        ] {
            assert_eq!(error_name(other), None);
        }
        assert_eq!(error_name(&format!("{signature}y")), None);
    }

    #[test]
    fn arguments_of_one_word_are_spoken() {
        let data = |signature: &str, words: &[U256]| {
            let selector = alloy::primitives::keccak256(signature);
            let words = words.iter().flat_map(|word| word.to_be_bytes::<32>());
            [selector[..4].to_vec(), words.collect()].concat()
        };
        let numbers = [U256::from(5), U256::from(100)];
        let small = data("StakeTooSmall(uint256,uint256)", &numbers);
        assert_eq!(spoken(&small), "StakeTooSmall(5, 100)");
        let party = data("NotParty(address)", &[U256::from(0xff)]);
        let expected = "NotParty(0x00000000000000000000000000000000000000ff)";
        assert_eq!(spoken(&party), expected);
        let bytes = data(
            "BadEndpoint(uint256,bytes1)",
            &[U256::from(3), U256::from(0x20) << 248],
        );
        assert_eq!(spoken(&bytes), "BadEndpoint(3, 0x20)");
        // Not what the signature says: as it is.
        assert_eq!(spoken(&small[..40]), describe(&small[..40]));
        assert_eq!(spoken(&[0xff; 5]), "custom error 0xffffffffff");
    }
}
