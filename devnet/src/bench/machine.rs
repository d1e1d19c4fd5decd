//! The machine on which figures were measured: they mean little without it.

use std::{fs, process::Command};

use serde::Serialize;

use crate::paths;

/// A machine in words.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Machine {
    /// The processor's name.
    pub cpu: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// Memory, MB (10^6 bytes).
    pub memory_mb: u64,
    /// Version of the kernel.
    pub kernel: String,
    /// Version of the compiler.
    pub rustc: String,
    /// Cargo profile of this binary.
    pub profile: &'static str,
}

impl Machine {
    /// This machine. What it does not tell is "unknown".
    #[must_use]
    pub fn here() -> Self {
        let memory = after_colon("/proc/meminfo", "MemTotal");
        let kib = memory.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").ok();
        Self {
            cpu: after_colon("/proc/cpuinfo", "model name").unwrap_or_else(unknown),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_mb: kib.unwrap_or(0) * 1_024 / 1_000_000,
            kernel: kernel.map_or_else(unknown, |text| text.trim().to_owned()),
            rustc: rustc().unwrap_or_else(unknown),
            profile: if cfg!(debug_assertions) {
                "dev"
            } else {
                "release"
            },
        }
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}, {} cores, {} MB, Linux {}, {}, {} profile",
            self.cpu, self.cores, self.memory_mb, self.kernel, self.rustc, self.profile
        )
    }
}

fn unknown() -> String {
    "unknown".into()
}

fn after_colon(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// What compiles in this repository.
fn rustc() -> Option<String> {
    let mut command = Command::new("rustc");
    let output = command
        .arg("--version")
        .current_dir(paths::root())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(
        text.split_whitespace()
            .take(2)
            .collect::<Vec<_>>()
            .join(" "),
    )
}
