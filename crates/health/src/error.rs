//! What the rules of health refuse.

use quorate_canon::{Address, ChainId, CodecError, HealthEpoch, Mask256};
use thiserror::Error;

use crate::Subject;

/// Why there is no committee, window, moment or list.
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
    /// Bytes that are not what they should be.
    #[error(transparent)]
    Bytes(#[from] CodecError),
    /// A list with too few or too many entries.
    #[error("entries of a list: got {got}, expected 1 to {most}")]
    Entries {
        /// How many there are.
        got: usize,
        /// How many there may be.
        most: usize,
    },
    /// The entries of a list do not stand by subject, strictly ascending.
    #[error("entry {at} of a list: its subject is not above that of the entry before")]
    Unsorted {
        /// Position of the entry, from 0.
        at: usize,
    },
    /// An entry without a window, or with one that its health epoch does not have.
    #[error("windows of {subject:?}: got {got}, expected some, all below {windows}")]
    Windows {
        /// Whose entry it is.
        subject: Subject,
        /// Its windows, as a mask.
        got: Mask256,
        /// How many the epoch has.
        windows: u16,
    },
    /// A list of another network. Chain and contract are named; other fields may be what differs.
    #[error(
        "network of the list: got Rounds {got} on chain {got_chain}, expected {expected} on {chain}"
    )]
    OtherNetwork {
        /// The list's `Rounds`.
        got: Address,
        /// The list's L2.
        got_chain: ChainId,
        /// The `Rounds` asked about.
        expected: Address,
        /// The L2 asked about.
        chain: ChainId,
    },
    /// A list of another health epoch.
    #[error("health epoch of the list: got {got}, expected {expected}")]
    OtherEpoch {
        /// The list's.
        got: HealthEpoch,
        /// The one asked about.
        expected: HealthEpoch,
    },
    /// The committee of an entry's subject is not known.
    #[error("{subject:?} has no known committee")]
    NoCommittee {
        /// The subject.
        subject: Subject,
    },
    /// An entry says what its member has not said.
    #[error("windows DOWN of {subject:?}: the list has {got}, own words have {own}")]
    NotOurWord {
        /// Whose entry it is.
        subject: Subject,
        /// The entry's windows.
        got: Mask256,
        /// The windows that the member calls DOWN.
        own: Mask256,
    },
}
