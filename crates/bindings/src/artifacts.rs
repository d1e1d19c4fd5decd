//! Creation bytecode of our contracts, compiled by Foundry and committed under `artifacts/`.
//!
//! `make artifacts` makes them anew (`contracts/artifacts.js`); a test fails while they are older
//! than the Solidity sources.

use std::collections::BTreeMap;

use alloy::primitives::{Bytes, hex};
use serde_json::Value;

include!(concat!(env!("OUT_DIR"), "/artifacts.rs"));

/// The creation bytecode of a contract, without constructor arguments; `None` for an unknown name.
#[must_use]
pub fn creation_code(contract: &str) -> Option<Bytes> {
    let artifact = read(contract)?;
    let code = artifact.get("creation")?.as_str()?;
    hex::decode(code).ok().map(Bytes::from)
}

/// SHA-256, in hex, over the sources that the artefacts were made from.
#[must_use]
pub fn sources_hash() -> Option<String> {
    Some(read("sources")?.get("sha256")?.as_str()?.to_owned())
}

/// Names of all contracts that have an artefact.
pub fn contracts() -> impl Iterator<Item = &'static str> {
    FILES
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| name.starts_with(char::is_uppercase))
}

/// Selectors and signatures of the custom errors of all contracts.
pub(crate) fn errors() -> BTreeMap<[u8; 4], String> {
    let errors = read("errors");
    let errors = errors
        .as_ref()
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    let entry = |(selector, signature): (&String, &Value)| {
        let selector: [u8; 4] = hex::decode(selector).ok()?.try_into().ok()?;
        Some((selector, signature.as_str()?.to_owned()))
    };
    errors.filter_map(entry).collect()
}

fn read(name: &str) -> Option<Value> {
    let (_, text) = FILES.iter().find(|(found, _)| *found == name)?;
    serde_json::from_str(text).ok()
}
