//! Creation bytecode of our contracts, compiled by Foundry and committed under `artifacts/`.
//!
//! `node contracts/artifacts.js` makes them anew; a test fails while they are older than the
//! Solidity sources.

use std::collections::BTreeMap;

use alloy::primitives::Bytes;

/// The creation bytecode of a contract, without constructor arguments; `None` for an unknown name.
#[must_use]
pub fn creation_code(_contract: &str) -> Option<Bytes> {
    None
}

/// Selectors and signatures of the custom errors of all contracts.
pub(crate) fn errors() -> BTreeMap<[u8; 4], String> {
    BTreeMap::new()
}
