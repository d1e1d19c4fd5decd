//! Why the node could not start, or stopped.

use quorate_canon::Round;
use quorate_chain::{ChainError, sender::SendError};
use quorate_protocol::ProtocolError;
use quorate_rpc::RpcError;
use quorate_service::ConfigError;
use quorate_signer::SignerError;
use quorate_store::StoreError;

/// What ends the node, or keeps it from starting. Everything that others control (an endpoint, an
/// aggregator, a relay) fails only its own call and is not here.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A chain is another one, lacks a precompile, or changed below what is final.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The signing ledger.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// The store of derived data.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A transaction.
    #[error(transparent)]
    Send(#[from] SendError),
    /// An aggregator's address.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// A number beyond the schedule's range.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// Two parts of the configuration, or a chain and the configuration, do not belong together.
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
    /// The matching of a round failed in a way that only a bug explains.
    #[error("round {round}: {detail}; this is a bug, please report it with the round's number")]
    Bug {
        /// The round.
        round: Round,
        /// What happened.
        detail: String,
    },
    /// The system.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// The system's word.
        source: std::io::Error,
    },
}
