//! The committed artefacts are those of the sources in the tree.

use std::fs;
use std::path::{Path, PathBuf};

use alloy::primitives::hex;
use alloy::sol_types::SolError;
use quorate_bindings::{IMarket, artifacts, reverts};
use sha2::{Digest, Sha256};

fn contracts_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts")
}

/// Paths of all Solidity files below `folder`, relative to `root`.
fn solidity_files(root: &Path, folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            solidity_files(root, &path, found);
        } else if path.extension().is_some_and(|extension| extension == "sol") {
            found.push(
                path.strip_prefix(root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned(),
            );
        }
    }
}

/// As `contracts/artifacts.js` computes it.
fn hash_of_the_tree() -> String {
    let root = contracts_folder();
    let mut files = Vec::new();
    solidity_files(&root, &root.join("src"), &mut files);
    files.sort();
    files.extend(["foundry.toml", "package-lock.json"].map(str::to_owned));
    let mut hash = Sha256::new();
    for file in files {
        let bytes = fs::read(root.join(&file)).unwrap();
        hash.update(format!("{file}\0{}\0", bytes.len()));
        hash.update(bytes);
    }
    hex::encode(hash.finalize())
}

#[test]
fn artifacts_are_as_new_as_the_sources() {
    assert_eq!(
        artifacts::sources_hash(),
        Some(hash_of_the_tree()),
        "the artefacts are stale: run `make artifacts` and commit crates/bindings/artifacts"
    );
}

#[test]
fn every_contract_that_is_deployed_has_its_code() {
    let deployed = [
        "CompensationVault",
        "DevnetStrategy",
        "DevnetToken",
        "Market",
        "PlainBridge",
        "Providers",
        "Rounds",
        "ServiceManager",
        "Slasher",
        "StakeTable",
    ];
    for contract in deployed {
        let code = artifacts::creation_code(contract).unwrap_or_default();
        assert!(code.len() > 100, "{contract}: {} bytes", code.len());
        assert!(artifacts::contracts().any(|name| name == contract));
    }
    assert_eq!(artifacts::creation_code("Nothing"), None);
}

#[test]
fn an_error_of_ours_is_described_by_its_name() {
    let error = IMarket::Refuted {
        code: 9,
        position: 4,
    };
    let text = reverts::describe(&error.abi_encode());
    assert!(text.starts_with("Refuted(uint8,uint32) 0x"), "{text}");
}
