//! The vectors that Rust and Solidity share are those that this code writes.

mod vectors;

#[test]
fn the_vectors_in_the_tree_are_current() {
    for (name, text) in vectors::files() {
        let stored = std::fs::read_to_string(vectors::folder().join(name)).unwrap();
        assert!(
            parse(&stored) == parse(&text),
            "{name} is stale: run `cargo run -p quorate-health --example vectors`"
        );
    }
}

/// As values: the order of names in the text depends on how `serde_json` was built.
fn parse(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}
