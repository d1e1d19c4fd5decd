//! The vectors that Rust and Solidity share are those that this code writes.

mod support;

#[test]
fn the_vectors_in_the_tree_are_current() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/vectors/protocol.json"
    );
    let stored = parse(&std::fs::read_to_string(path).unwrap());
    let current = parse(&support::vectors::document());
    assert!(
        stored == current,
        "stale: run `cargo run -p quorate-protocol --example vectors`"
    );
}

/// As values: the order of names in the text depends on how `serde_json` was built.
fn parse(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}
