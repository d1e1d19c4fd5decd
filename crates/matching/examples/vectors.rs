//! Writes the vectors that Rust, Solidity and strangers share into `tests/vectors/`.

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "../tests/generator/mod.rs"]
mod generator;

fn main() -> std::io::Result<()> {
    let folder = generator::folder();
    std::fs::create_dir_all(&folder)?;
    for (name, text) in generator::files() {
        std::fs::write(folder.join(name), text)?;
    }
    Ok(())
}
