//! Why a round could not be checked. What a check *finds* is in [`crate::Finding`].

use quorate_beacon::BeaconError;
use quorate_canon::Round;
use quorate_chain::ChainError;
use quorate_protocol::ProtocolError;
use quorate_service::ConfigError;

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
    /// The system.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// The system's word.
        source: std::io::Error,
    },
}
