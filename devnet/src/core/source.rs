//! Finding the two packages' sources and reading creation code out of generated text.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde::Deserialize;

use crate::Error;

/// The packages as cargo unpacked them.
#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
}

fn manifest() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("core-artifacts")
        .join("Cargo.toml")
}

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Directories of the packages named, downloading them if cargo has not yet. Cargo checks
/// the downloads against the checksums of `core-artifacts/Cargo.lock`.
pub(super) fn locate(names: &[&str]) -> Result<Vec<PathBuf>, Error> {
    let metadata = match metadata() {
        Ok(found) => found,
        Err(_) => {
            fetch()?;
            metadata()?
        }
    };
    names
        .iter()
        .map(|name| {
            metadata
                .packages
                .iter()
                .find(|p| p.name == *name)
                .and_then(|p| p.manifest_path.parent().map(Path::to_path_buf))
                .ok_or_else(|| Error::content(manifest(), format!("no package {name} in its lock")))
        })
        .collect()
}

fn metadata() -> Result<Metadata, Error> {
    let output = cargo()
        .args([
            "metadata",
            "--locked",
            "--offline",
            "--all-features",
            "--format-version",
            "1",
        ])
        .args(["--filter-platform", HOST, "--manifest-path"])
        .arg(manifest())
        .output()
        .map_err(Error::file("cargo"))?;
    if !output.status.success() {
        return Err(Error::program(
            "cargo metadata",
            String::from_utf8_lossy(&output.stderr),
        ));
    }
    serde_json::from_slice(&output.stdout)
        .map_err(|e| Error::program("cargo metadata", e.to_string()))
}

fn fetch() -> Result<(), Error> {
    let output = cargo()
        .args(["fetch", "--locked", "--target", HOST, "--manifest-path"])
        .arg(manifest())
        .output()
        .map_err(Error::file("cargo"))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(Error::program(
            "cargo fetch",
            String::from_utf8_lossy(&output.stderr),
        ))
    }
}

/// The platform whose dependencies are asked for: it saves the download of those that only
/// others need. The code that is read out does not depend on it.
const HOST: &str = if cfg!(all(target_os = "macos", target_arch = "aarch64")) {
    "aarch64-apple-darwin"
} else if cfg!(target_os = "macos") {
    "x86_64-apple-darwin"
} else if cfg!(target_arch = "aarch64") {
    "aarch64-unknown-linux-gnu"
} else {
    "x86_64-unknown-linux-gnu"
};

/// Reads the creation code of module `contract` from generated bindings: the hexadecimal
/// text in the doc comment above its `BYTECODE`.
pub(super) fn creation_code(text: &str, contract: &str) -> Option<Vec<u8>> {
    let module = text.find(&format!("\npub mod {contract} {{"))?;
    let body = text.get(module..)?;
    let constant = body.find("pub static BYTECODE:")?;
    let hex = body
        .get(..constant)?
        .lines()
        .rev()
        .find_map(|l| l.trim().strip_prefix("///0x"))?;
    hex::decode(hex).ok()
}

/// Reads the JSON ABI that the generator quotes in the doc comment of module `contract`.
pub(super) fn abi_json<'a>(text: &'a str, contract: &str) -> Option<&'a str> {
    let module = text.find(&format!("\npub mod {contract} {{"))?;
    let before = text.get(..module)?;
    let start = before.rfind("```json")? + "```json".len();
    let quoted = before.get(start..)?;
    quoted.get(..quoted.find("```")?).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "/**\n```json\n[{\"type\":\"function\"}]\n```*/\nuse x;\npub mod A {\n  ///0x6001\n  pub static BYTECODE: B = b\"\";\n  ///0x6002\n  pub static DEPLOYED_BYTECODE: B;\n}\npub mod B {\n  ///0x6003\n  pub static BYTECODE: B;\n}\n";

    #[test]
    fn takes_the_creation_code_of_the_module_asked_for() {
        assert_eq!(creation_code(TEXT, "A"), Some(vec![0x60, 0x01]));
        assert_eq!(creation_code(TEXT, "B"), Some(vec![0x60, 0x03]));
        assert_eq!(creation_code(TEXT, "C"), None);
    }

    #[test]
    fn takes_the_abi_before_the_module() {
        assert_eq!(abi_json(TEXT, "A"), Some("[{\"type\":\"function\"}]"));
    }
}
