//! What the rules of health refuse.

use thiserror::Error;

/// Why there is no committee, window or moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HealthError {
    /// No operator has stake: nobody can be drawn.
    #[error("total stake: got 0, expected at least 1")]
    NoStake,
    /// The stakes sum to more than 128 bits.
    #[error("total stake: the sum at operator {at} does not fit in 128 bits")]
    StakeOverflow {
        /// Index of the operator at whom it stops fitting.
        at: u32,
    },
    /// A schedule or policy divides time by zero.
    #[error("{what}: got 0, expected at least 1")]
    Zero {
        /// The parameter.
        what: &'static str,
    },
    /// A window that its health epoch does not have.
    #[error("window: got {got}, expected below {windows}")]
    NoSuchWindow {
        /// The window that was named.
        got: u16,
        /// How many the epoch has.
        windows: u16,
    },
    /// A probe of a window that the policy does not foresee.
    #[error("attempt: got {got}, expected below {attempts}")]
    NoSuchAttempt {
        /// The attempt that was named.
        got: u8,
        /// How many a window has.
        attempts: u8,
    },
    /// A time or number beyond what the formats can say.
    #[error("{what} does not fit in its field")]
    TooLarge {
        /// What it is.
        what: &'static str,
    },
}
