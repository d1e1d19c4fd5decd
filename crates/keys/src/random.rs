//! Randomness of the operating system.

use crate::{KeyError, Result};

/// Fresh random bytes, for salts, counters and keys.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(KeyError::Randomness)?;
    Ok(bytes)
}
