//! What can go wrong when instances are made, written and read.

use std::path::{Path, PathBuf};

use quorate_matching::SnapshotError;
use thiserror::Error;

/// Why there is no instance.
#[derive(Debug, Error)]
pub enum Error {
    /// The trace is not as published.
    #[error(transparent)]
    Trace(#[from] devnet::Error),
    /// The orders are no snapshot.
    #[error(transparent)]
    Orders(#[from] SnapshotError),
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file holds something else.
    #[error("{field}: got {got}, expected {expected}")]
    Content {
        /// Which part of the file.
        field: &'static str,
        /// What it is.
        got: u64,
        /// What it may be.
        expected: String,
    },
}

impl Error {
    /// An error of the system about this file.
    pub fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        |source| Self::File {
            path: path.to_path_buf(),
            source,
        }
    }
}
