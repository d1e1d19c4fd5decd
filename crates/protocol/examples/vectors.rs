//! Writes `tests/vectors/protocol.json` anew: `cargo run -p quorate-protocol --example vectors`. The
//! diff is for review: the vectors are frozen, and the contracts' tests read them too.
#![allow(clippy::unwrap_used, reason = "as a test: what fails here is the code")]

#[path = "../tests/support/mod.rs"]
mod support;

fn main() -> std::io::Result<()> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/vectors/protocol.json"
    );
    std::fs::write(path, support::vectors::document())
}
