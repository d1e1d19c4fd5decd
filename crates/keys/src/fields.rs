//! Reading a keystore's fields, none of which is trusted.

use serde_json::{Map, Value};

use crate::{KeyError, Result};

/// A field of hexadecimal digits, with or without `0x`.
pub(crate) fn bytes(field: &'static str, text: &str) -> Result<Vec<u8>> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    hex::decode(digits).map_err(|_| KeyError::NotHex { field })
}

/// A field of exactly `N` bytes.
pub(crate) fn array<const N: usize>(field: &'static str, text: &str) -> Result<[u8; N]> {
    let bytes = bytes(field, text)?;
    bytes.as_slice().try_into().map_err(|_| KeyError::Length {
        field,
        got: bytes.len(),
        expected: match N {
            16 => "16",
            20 => "20",
            _ => "32",
        },
    })
}

/// A parameter that is a string.
pub(crate) fn text(params: &Map<String, Value>, name: &'static str) -> Result<String> {
    let text = params.get(name).and_then(Value::as_str);
    text.map(str::to_owned)
        .ok_or_else(|| missing(name, "a string"))
}

/// A parameter that is a number of at most 32 bits.
pub(crate) fn number(params: &Map<String, Value>, name: &'static str) -> Result<u32> {
    params
        .get(name)
        .and_then(Value::as_u64)
        .and_then(|number| u32::try_from(number).ok())
        .ok_or_else(|| missing(name, "a number below 2^32"))
}

/// Requires the one algorithm that the standard knows.
pub(crate) fn known(what: &'static str, got: &str, expected: &'static str) -> Result<()> {
    if got == expected {
        return Ok(());
    }
    Err(KeyError::Unknown {
        what,
        got: got.to_owned(),
        expected,
    })
}

fn missing(parameter: &'static str, expected: &'static str) -> KeyError {
    KeyError::Parameter {
        parameter,
        expected,
    }
}
