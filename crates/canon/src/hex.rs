//! Hexadecimal text of byte strings, with `0x` on the way out and with or without it on the way in.

use std::fmt;

use thiserror::Error;

/// Why text is not the hexadecimal form of a byte string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HexError {
    /// The text has the wrong length, `0x` not counted.
    #[error("wrong length: got {got} digits, expected {expected}")]
    Length {
        /// Digits that were given.
        got: usize,
        /// Digits that the value takes.
        expected: usize,
    },
    /// A character is no hexadecimal digit.
    #[error("no hexadecimal digit at {at}")]
    Digit {
        /// Position of the character, `0x` not counted.
        at: usize,
    },
}

pub(crate) fn write(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    f.write_str("0x")?;
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

pub(crate) fn parse<const N: usize>(text: &str) -> Result<[u8; N], HexError> {
    let digits = text.strip_prefix("0x").unwrap_or(text).as_bytes();
    let expected = N.saturating_mul(2);
    if digits.len() != expected {
        return Err(HexError::Length {
            got: digits.len(),
            expected,
        });
    }
    let mut bytes = [0; N];
    for (i, (byte, pair)) in bytes.iter_mut().zip(digits.chunks_exact(2)).enumerate() {
        for (j, digit) in pair.iter().enumerate() {
            let at = i.saturating_mul(2).saturating_add(j);
            *byte = (*byte << 4) | value(*digit).ok_or(HexError::Digit { at })?;
        }
    }
    Ok(bytes)
}

fn value(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}
