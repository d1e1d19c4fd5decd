//! Creation code of our contracts, and of those of OpenZeppelin's that stand as published.

use std::fs;

use alloy::primitives::Bytes;
use quorate_bindings::artifacts;
use serde::Deserialize;

use crate::{Error, paths};

/// Creation code with its encoded constructor arguments.
///
/// # Errors
/// When the bindings carry no such artefact.
pub(super) fn ours(contract: &str, arguments: &[u8]) -> Result<Bytes, Error> {
    let code = artifacts::creation_code(contract)
        .ok_or_else(|| Error::content("crates/bindings/artifacts", format!("no {contract}")))?;
    Ok([code.as_ref(), arguments].concat().into())
}

#[derive(Deserialize)]
struct BuildFile {
    bytecode: Bytes,
}

/// A contract of OpenZeppelin's, as its npm package ships it compiled.
///
/// # Errors
/// When the package is not installed, or has no such contract.
pub(super) fn published(contract: &str, arguments: &[u8]) -> Result<Bytes, Error> {
    let path = paths::node_modules()
        .join("@openzeppelin/contracts/build/contracts")
        .join(format!("{contract}.json"));
    let text = fs::read_to_string(&path).map_err(Error::file(&path))?;
    let file: BuildFile =
        serde_json::from_str(&text).map_err(|e| Error::content(path, e.to_string()))?;
    Ok([file.bytecode.as_ref(), arguments].concat().into())
}
