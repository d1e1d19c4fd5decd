//! Why the agent could not start, or stopped.

use std::path::PathBuf;

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
    /// Output could not be written.
    #[error("cannot write the output: {0}")]
    Output(#[from] std::io::Error),
    /// Output could not be put into JSON.
    #[error("cannot write the output as json: {0}")]
    Json(#[from] serde_json::Error),
}
