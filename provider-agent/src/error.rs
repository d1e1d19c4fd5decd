//! Why the agent could not start, or stopped.

use std::path::{Path, PathBuf};

use quorate_chain::ChainError;
use quorate_rpc::RpcError;
use quorate_service::ConfigError;
use quorate_store::StoreError;

use crate::chain::ChainTrouble;
use crate::reader::ReaderError;

/// What keeps the agent from working. A card that fails is none of this: it is a reading.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The cards cannot be read at all.
    #[error(transparent)]
    Reader(#[from] ReaderError),
    /// A scenario file cannot be used.
    #[error("scenario {path}: {detail}")]
    Scenario {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and where.
        detail: String,
    },
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The chain does not answer, or not as hoped for.
    #[error(transparent)]
    Chain(#[from] ChainTrouble),
    /// The store of receipts.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The server.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// A certificate cannot be made or read.
    #[error("certificate {what}: {detail}")]
    Certificate {
        /// The file, or the host that it is for.
        what: String,
        /// What is wrong with it.
        detail: String,
    },
    /// `init` writes nothing over.
    #[error("{path} exists already; move it away, or choose other places with --out and --data")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Chain and configuration do not belong together, or a step was left out.
    #[error("{what}: got {got}, expected {expected}; {remedy}")]
    Mismatch {
        /// What differs.
        what: &'static str,
        /// What was found.
        got: String,
        /// What was expected.
        expected: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The agent ran, and a part of it ended that must not end.
    #[error("{0}")]
    Ended(String),
    /// A file.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
    /// Output could not be written, or the system refused something else.
    #[error("the system: {0}")]
    Output(#[from] std::io::Error),
    /// Output could not be put into JSON.
    #[error("cannot write the output as json: {0}")]
    Json(#[from] serde_json::Error),
}

impl AgentError {
    /// A file that could not be used.
    pub(crate) fn file(path: &Path, source: std::io::Error) -> Self {
        Self::File {
            path: path.to_owned(),
            source,
        }
    }

    /// Two things that do not fit.
    pub(crate) fn mismatch(
        what: &'static str,
        got: impl ToString,
        expected: impl ToString,
        remedy: &'static str,
    ) -> Self {
        Self::Mismatch {
            what,
            got: got.to_string(),
            expected: expected.to_string(),
            remedy,
        }
    }
}

impl From<ChainError> for AgentError {
    fn from(error: ChainError) -> Self {
        Self::Chain(error.into())
    }
}
