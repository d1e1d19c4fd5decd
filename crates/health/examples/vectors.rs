//! Writes the vectors of health, standing and work that Rust, Solidity and strangers share into
//! `tests/vectors/`. The diff is for review: a difference is a change of the protocol.
#![allow(clippy::expect_used, reason = "as a test: what fails here is the code")]

#[path = "../tests/vectors/mod.rs"]
mod vectors;

fn main() -> std::io::Result<()> {
    for (name, text) in vectors::files() {
        std::fs::write(vectors::folder().join(name), text)?;
    }
    Ok(())
}
