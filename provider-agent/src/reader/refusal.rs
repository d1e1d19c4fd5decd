//! Why cards cannot be read at all, and what can be done.

use std::fmt;
use std::path::PathBuf;

/// A library that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// Its name or path.
    pub library: PathBuf,
    /// What the system said.
    pub why: String,
}

impl Tried {
    /// The system's words, without the name that they often begin with.
    fn words(&self) -> &str {
        let name = self.library.display().to_string();
        self.why
            .strip_prefix(&name)
            .map_or(&self.why, |rest| rest.trim_start_matches([':', ' ']))
    }
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.library.display(), self.words())
    }
}

/// Why there is no reader.
#[derive(Debug, thiserror::Error)]
pub enum ReaderError {
    /// The driver's library is not there.
    #[error(
        "no NVIDIA driver library; tried {}; install NVIDIA's driver (`nvidia-smi` must work), or, in a \
         container, run it with `--gpus all` and the `utility` capability; for a library elsewhere give \
         `--library FILE`, and for a machine without a GPU `--scenario FILE` (devnet only)",
        list(.tried)
    )]
    NoLibrary {
        /// Everything that was tried.
        tried: Vec<Tried>,
    },
    /// The library is there, the driver does not answer.
    #[error("{}: {why}; {remedy}", .library.display())]
    NoDriver {
        /// The library.
        library: PathBuf,
        /// What the driver said.
        why: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The driver works and has no card that can be read.
    #[error(
        "the driver (library {}) lists {listed} cards and none can be read; look into the kernel's log \
         for `NVRM: Xid`, and at `nvidia-smi`",
        .library.display()
    )]
    NoCards {
        /// The library.
        library: PathBuf,
        /// How many cards the driver lists.
        listed: u32,
    },
}

/// What was tried, with the system's words once where they are the same for all.
fn list(tried: &[Tried]) -> String {
    let names: Vec<_> = tried
        .iter()
        .map(|one| one.library.display().to_string())
        .collect();
    let words: Vec<_> = tried.iter().map(Tried::words).collect();
    match words.first() {
        Some(first) if words.iter().all(|word| word == first) => {
            format!("{} ({first})", names.join(", "))
        }
        _ => {
            let each: Vec<_> = tried.iter().map(ToString::to_string).collect();
            each.join(" | ")
        }
    }
}
