//! Where things lie in the repository. The devnet runs from a checkout: it reads the
//! contracts' tools and artefacts from it and writes only below `target/`.

use std::path::{Path, PathBuf};

/// The repository's root.
#[must_use]
pub fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// Cargo's target directory (`CARGO_TARGET_DIR`, else `target/` in the root).
#[must_use]
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// What `npm ci` installed for the contracts.
#[must_use]
pub fn node_modules() -> PathBuf {
    root().join("contracts").join("node_modules")
}

/// The trace and the tables that the market is fed from.
#[must_use]
pub fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data")
}
