//! Fixed-width hex in configuration files.

use std::{fmt::Display, str::FromStr};

use serde::{Deserialize, Deserializer, de::Error};

/// Reads text through `FromStr`, as 0x-prefixed hex is written.
pub(crate) fn parse<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
    T::Err: Display,
{
    let text = String::deserialize(deserializer)?;
    text.parse()
        .map_err(|error| D::Error::custom(format!("{text}: {error}")))
}

/// Reads exactly `N` bytes of hex, with or without 0x.
pub(crate) fn bytes<'de, D, const N: usize>(deserializer: D) -> Result<[u8; N], D::Error>
where
    D: Deserializer<'de>,
{
    let text = String::deserialize(deserializer)?;
    let digits = text.strip_prefix("0x").unwrap_or(&text);
    let bytes = ::hex::decode(digits).map_err(D::Error::custom)?;
    let got = bytes.len();
    bytes
        .try_into()
        .map_err(|_| D::Error::custom(format!("{got} bytes of hex, expected {N}")))
}
