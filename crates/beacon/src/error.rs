//! What a client can come back with.

use crate::VerifyError;

/// Why one relay gave no beacon.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RelayError {
    /// The relay does not have the round yet (HTTP 425 or 404).
    #[error("round not there yet")]
    NotYet,
    /// The connection failed or took too long.
    #[error("http: {0}")]
    Http(#[source] reqwest::Error),
    /// Another HTTP status than 200, 404 and 425.
    #[error("http status: got {0}, expected 200")]
    Status(u16),
    /// The body is larger than a beacon can be.
    #[error("response larger than {limit} bytes")]
    TooLarge {
        /// Largest body that is read.
        limit: usize,
    },
    /// The body is no beacon in drand's JSON.
    #[error("response: {0}")]
    Format(String),
    /// The beacon of another round.
    #[error("wrong round: got {got}, expected {expected}")]
    WrongRound {
        /// Round in the answer.
        got: u64,
        /// Round that was asked for.
        expected: u64,
    },
    /// The relay's randomness is not the hash of its signature.
    #[error("randomness of round {0} is not the hash of its signature")]
    Randomness(u64),
    /// The signature is not the chain's.
    #[error(transparent)]
    Forged(#[from] VerifyError),
}

impl RelayError {
    /// Whether the relay said something false, rather than nothing.
    #[must_use]
    pub const fn is_lie(&self) -> bool {
        matches!(
            self,
            Self::WrongRound { .. } | Self::Randomness(_) | Self::Forged(_)
        )
    }
}

/// Why there is no beacon.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BeaconError {
    /// No relay was configured.
    #[error("no relay given")]
    NoRelay,
    /// The HTTP client could not be set up.
    #[error("http client: {0}")]
    Setup(#[source] reqwest::Error),
    /// The pinned parameters cannot be used.
    #[error(transparent)]
    Info(#[from] crate::InfoError),
    /// At least one relay answered, and none has the round yet.
    #[error("beacon round {0} is not there yet")]
    NotYet(u64),
    /// No relay gave the beacon.
    #[error("no relay gave beacon round {round}; the last, {relay}: {error}")]
    NoAnswer {
        /// The round.
        round: u64,
        /// Host of the relay that failed last.
        relay: String,
        /// What it did.
        error: RelayError,
    },
    /// The time that the caller gave has passed.
    #[error("beacon round {round} did not come in time: {last}")]
    Late {
        /// The round.
        round: u64,
        /// What the last attempt met.
        last: Box<BeaconError>,
    },
}

impl BeaconError {
    /// Whether asking again later may help.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::NotYet(_) | Self::NoAnswer { .. } | Self::Late { .. }
        )
    }
}
