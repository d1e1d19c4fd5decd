//! Why a round could not be checked. What a check *finds* is in [`crate::Finding`].

use quorate_beacon::BeaconError;
use quorate_canon::Round;
use quorate_chain::{ChainError, sender::SendError};
use quorate_matching::ListError;
use quorate_protocol::ProtocolError;
use quorate_service::ConfigError;
use quorate_store::StoreError;

/// The auditor could not check.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// No relay has the beacon.
    #[error("beacon: {0}")]
    Beacon(#[from] BeaconError),
    /// A number beyond the schedule's range.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// The round has no certificate.
    #[error("round {0} is not certified: nothing to replay")]
    NotCertified(Round),
    /// Something that must be on chain for this round is not readable.
    #[error("round {round}: {what}")]
    Missing {
        /// The round.
        round: Round,
        /// What is missing.
        what: String,
    },
    /// The round's list is longer than a root can count.
    #[error(transparent)]
    List(#[from] ListError),
    /// The docket.
    #[error("docket: {0}")]
    Store(#[from] StoreError),
    /// The account's transactions.
    #[error("transactions: {0}")]
    Send(#[from] SendError),
    /// Something that was asked for was never on chain.
    #[error("{0}")]
    Unknown(String),
    /// The system.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// The system's word.
        source: std::io::Error,
    },
}

impl AuditError {
    /// Something is not readable that must be.
    pub(crate) fn missing(round: Round, what: impl ToString) -> Self {
        Self::Missing {
            round,
            what: what.to_string(),
        }
    }

    /// Whether the same may succeed later, or at another endpoint, without anybody's doing.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Chain(ChainError::Absent(_)) | Self::Missing { .. } => true,
            Self::Chain(error) => error.is_retryable(),
            _ => false,
        }
    }
}
