//! Writes one module for each Solidity interface: `sol!` over one file that holds the interface and
//! all that it imports, since `sol!` follows no import and takes no path but a literal one.
//! And lists the artefacts.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Module and interface.
const INTERFACES: [(&str, &str); 17] = [
    ("attendance", "IAttendance"),
    ("bridge", "IBridge"),
    ("disputes", "IDisputes"),
    ("escrow", "IEscrow"),
    ("health", "IHealth"),
    ("machines", "IMachines"),
    ("market", "IMarket"),
    ("providers", "IProviders"),
    ("rewards", "IRewards"),
    ("rounds", "IRounds"),
    ("service_manager", "IServiceManager"),
    ("slasher", "ISlasher"),
    ("stake_table", "IStakeTable"),
    ("strikes", "IStrikes"),
    ("tally", "ITally"),
    ("uptime_rewards", "IUptimeRewards"),
    ("verifier", "IVerifier"),
];

fn main() -> io::Result<()> {
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    let folder = Path::new("../../contracts/src/interfaces");
    let mut modules = String::new();
    for (module, name) in INTERFACES {
        let mut source = String::new();
        let path = folder.join(format!("{name}.sol"));
        inline(&path, &mut BTreeSet::new(), &mut source)?;
        let whole = out.join(format!("{name}.sol"));
        fs::write(&whole, source)?;
        modules += &format!(
            "pub mod {module} {{ alloy::sol! {{ #[sol(rpc)] {:?} }} }}\n",
            whole.display().to_string()
        );
    }
    fs::write(out.join("ours.rs"), modules)?;
    fs::write(
        out.join("artifacts.rs"),
        list_artifacts(Path::new("artifacts"))?,
    )
}

/// A table of file stems and contents.
fn list_artifacts(folder: &Path) -> io::Result<String> {
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()?;
    paths.sort();
    let mut table = "const FILES: &[(&str, &str)] = &[\n".to_owned();
    for path in paths {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let whole = path.canonicalize()?.display().to_string();
        table += &format!("    ({stem:?}, include_str!({whole:?})),\n");
    }
    Ok(table + "];\n")
}

/// Appends a file without its imports, after the files that it imports, each once.
fn inline(path: &Path, seen: &mut BTreeSet<PathBuf>, out: &mut String) -> io::Result<()> {
    let path = path
        .canonicalize()
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
    if !seen.insert(path.clone()) {
        return Ok(());
    }
    println!("cargo:rerun-if-changed={}", path.display());
    let mut own = String::new();
    for line in fs::read_to_string(&path)?.lines() {
        match imported(line) {
            Some(import) => inline(&path.with_file_name(import), seen, out)?,
            None => own = own + line + "\n",
        }
    }
    out.push_str(&own);
    Ok(())
}

/// The relative path that a line imports, if it imports one.
fn imported(line: &str) -> Option<&str> {
    let path = line
        .trim_start()
        .strip_prefix("import ")?
        .split('"')
        .nth(1)?;
    path.starts_with('.').then_some(path)
}
