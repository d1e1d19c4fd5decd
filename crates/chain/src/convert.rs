//! Our words and alloy's for the same bytes.

use alloy::primitives as eth;
use quorate_canon as canon;

/// alloy's address as ours.
#[must_use]
pub fn to_address(address: eth::Address) -> canon::Address {
    canon::Address(address.into_array())
}

/// Our address as alloy's.
#[must_use]
pub const fn to_alloy_address(address: canon::Address) -> eth::Address {
    eth::Address::new(address.0)
}

pub(crate) const fn digest(word: eth::B256) -> canon::Digest {
    canon::Digest(word.0)
}
