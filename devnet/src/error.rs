//! What can go wrong while the network is built or fed.

use std::path::PathBuf;

use alloy::{
    primitives::{Address, B256},
    transports::{RpcError, TransportErrorKind},
};

/// Any failure of the devnet.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file does not hold what it must.
    #[error("{path}: {reason}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Creation code that is not the one this version was written for.
    #[error("creation code of {contract}: got keccak {got}, expected {expected}")]
    CodeMismatch {
        /// The contract.
        contract: &'static str,
        /// Hash of what was found.
        got: B256,
        /// Hash of what the devnet was written for.
        expected: B256,
    },
    /// A program that the devnet needs is missing or failed.
    #[error("{program}: {reason}")]
    Program {
        /// The program.
        program: String,
        /// What happened.
        reason: String,
    },
    /// A chain answered with an error.
    #[error("rpc: {0}")]
    Rpc(#[from] RpcError<TransportErrorKind>),
    /// A transaction was mined and reverted.
    #[error("transaction {hash} of {from} ({what}) reverted")]
    Reverted {
        /// What the transaction was for.
        what: String,
        /// Its sender.
        from: Address,
        /// Its hash.
        hash: B256,
    },
    /// A transaction would revert, so it was not sent.
    #[error("{what} would revert: {reason}")]
    WouldRevert {
        /// What the transaction is for.
        what: String,
        /// The node's answer, with the revert data.
        reason: String,
    },
    /// Something did not happen in time.
    #[error("{what}: nothing after {seconds} s")]
    TimedOut {
        /// What was waited for.
        what: String,
        /// How long.
        seconds: u64,
    },
    /// A contract's answer that cannot be right.
    #[error("{what}: got {got}, expected {expected}")]
    Unexpected {
        /// What was looked at.
        what: String,
        /// What it is.
        got: String,
        /// What it must be.
        expected: String,
    },
    /// A key could not be made or kept.
    #[error("key: {0}")]
    Key(String),
}

impl Error {
    /// Whether trying the same again can help.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Rpc(_) | Self::TimedOut { .. })
    }

    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    pub(crate) fn content(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Self::Content {
            path: path.into(),
            reason: reason.into(),
        }
    }

    pub(crate) fn program(program: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Program {
            program: program.into(),
            reason: reason.into(),
        }
    }
}
