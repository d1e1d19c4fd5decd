//! Makes the vectors that Rust, Solidity and strangers share: `docs/formats.md` in examples.
//!
//! Every file is one object of flat arrays. Entry i of all arrays of a file belongs to case i, and an
//! array with more values has them case by case. Numbers are hexadecimal strings, byte strings too.
#![allow(unreachable_pub, reason = "a module of tests has no outside")]
#![allow(
    clippy::cast_possible_truncation,
    reason = "test data is cut to size on purpose"
)]

mod json;
pub mod many;
mod numbers;
mod pairs;
mod rounds;
mod trees;
mod witnesses;

use std::path::PathBuf;

/// Where the vectors lie, from the top of the repository.
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors")
}

/// All files, by name.
pub fn files() -> Vec<(&'static str, String)> {
    vec![
        ("log2q.json", numbers::log2q_file()),
        ("keys.json", numbers::keys_file()),
        ("score.json", pairs::score_file()),
        ("pairs.json", many::pairs_file()),
        ("witness.json", witnesses::witness_file()),
        ("tree.json", trees::tree_file()),
        ("list.json", trees::list_file()),
        ("round.json", rounds::round_file()),
    ]
}
