//! The one error type of this crate.

use std::path::PathBuf;

use quorate_canon::Round;
use quorate_protocol::{ProtocolError, rules};
use quorate_store::StoreError;

/// Shorthand for results of this crate.
pub type Result<T, E = SignerError> = std::result::Result<T, E>;

/// Why nothing was signed, or the ledger cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignerError {
    /// A rule of the protocol forbids it: another header or snapshot of the round, none fixed,
    /// too late, or a round from before this process.
    #[error(transparent)]
    Rule(#[from] rules::Refusal),

    /// The round is not above the watermark: this ledger, or one imported into it, has signed a
    /// later one, or this very one.
    #[error("round {round} is not above the watermark {watermark}")]
    BelowWatermark {
        /// The round asked for.
        round: Round,
        /// The last round that may have been signed.
        watermark: Round,
    },

    /// An import holds another header of the round, or one that cannot be told to be signed.
    /// Nothing of the round is signed or sent again.
    #[error("round {0} is withheld: an imported ledger holds another or an unsigned header of it")]
    Withheld(Round),

    /// The header, or a ledger, belongs to another network.
    #[error("other network: {0}")]
    OtherNetwork(ProtocolError),

    /// There is no ledger. One is created only on explicit demand.
    #[error("no signing ledger at {}: create one with --init-ledger only if this key has never signed", path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },

    /// There is no ledger, though the chain shows votes of this key: it was lost, or its volume
    /// is not mounted.
    #[error(
        "no signing ledger at {}, but the chain shows that this key signed round {last}: \
         restore the ledger or mount its volume; with --init-ledger instead, make sure first \
         that no other process has this key",
        path.display()
    )]
    MissingButSigned {
        /// Where it should be.
        path: PathBuf,
        /// The last round that the chain shows as signed by the key.
        last: Round,
    },

    /// The ledger belongs to another key.
    #[error("ledger {} belongs to key {got}, expected {expected}", path.display())]
    OtherKey {
        /// The ledger, or what was imported.
        path: PathBuf,
        /// The key that it names.
        got: String,
        /// The key that should use it.
        expected: String,
    },

    /// Records that pass their checksums contradict each other or cannot be decoded.
    #[error("ledger is damaged: {0}")]
    Damaged(String),

    /// An interchange file is not what this version reads.
    #[error("interchange: {0}")]
    Interchange(String),

    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SignerError {
    /// Whether the same call may succeed later: only want of resources passes. No refusal ever
    /// turns into a permission for the same round.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_retryable())
    }

    /// Whether a rule forbids it (the operator abstains), as against a fault of this machine.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Rule(_) | Self::BelowWatermark { .. } | Self::Withheld(_) | Self::OtherNetwork(_)
        )
    }

    /// Adds what the chain shows to a missing ledger: the last round that this key has signed,
    /// if any. Other errors stay as they are.
    #[must_use]
    pub fn with_history(self, last: Option<Round>) -> Self {
        match (self, last) {
            (Self::Missing { path }, Some(last)) => Self::MissingButSigned { path, last },
            (error, _) => error,
        }
    }
}
