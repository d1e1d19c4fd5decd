//! Why bytes or values break the protocol.

use quorate_bls::BlsError;
use quorate_canon::{Address, CodecError, Digest, OperatorIndex, Timestamp};

/// Why bytes or values break the protocol. None is worth a retry: the same values fail again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// Bytes are not the record they should be.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// Bytes are not the point they should be.
    #[error(transparent)]
    Point(#[from] BlsError),
    /// A header belongs to another chain, contract or operator set.
    #[error("header names another {field}: got {got}, expected {expected}")]
    Domain {
        /// Which part of the domain.
        field: &'static str,
        /// The header's.
        got: String,
        /// Ours.
        expected: String,
    },
    /// A time or number of the schedule does not fit its type.
    #[error("{what} is out of range")]
    OutOfRange {
        /// Which one.
        what: &'static str,
    },
    /// A schedule breaks a rule that its contract's constructor checks.
    #[error("schedule: {rule}: got {got}, expected {expected}")]
    Schedule {
        /// The rule.
        rule: &'static str,
        /// The value.
        got: u64,
        /// Its bound.
        expected: u64,
    },
    /// The time lies before the schedule's genesis.
    #[error("time {got} lies before genesis {expected}")]
    BeforeGenesis {
        /// The time.
        got: Timestamp,
        /// Genesis.
        expected: Timestamp,
    },
    /// An operator index is not in the table.
    #[error("operator {got} is not in the table of {count}")]
    UnknownOperator {
        /// The index.
        got: OperatorIndex,
        /// Indices in the table.
        count: u32,
    },
    /// An operator of the table has no stake in this epoch.
    #[error("operator {0} has no stake")]
    NoStake(OperatorIndex),
    /// An operator's signature is not its key's over this header.
    #[error("signature is not operator {0}'s")]
    BadSignature(OperatorIndex),
    /// The sum of the signatures is not the sum of the keys' over this header.
    #[error("aggregate signature does not verify")]
    BadAggregate,
    /// Keys or signatures cancel to infinity, which is no key and no signature.
    #[error("{what} cancel to infinity")]
    Cancelled {
        /// Keys or signatures.
        what: &'static str,
    },
    /// A vote is for another header than the certificate.
    #[error("vote is for header {got}, expected {expected}")]
    OtherHeader {
        /// The vote's.
        got: Digest,
        /// The certificate's.
        expected: Digest,
    },
    /// An operator's vote was counted before.
    #[error("operator {0} is counted already")]
    Duplicate(OperatorIndex),
    /// The signers' stake is below the quorum.
    #[error("signed stake {signed} of {total} is below the quorum of 67 %")]
    NoQuorum {
        /// Stake of the signers.
        signed: u128,
        /// Stake of the table.
        total: u128,
    },
    /// A bitmap has another length than its table.
    #[error("bitmap is {got} bytes, expected {expected}")]
    BitmapLength {
        /// Bytes given.
        got: usize,
        /// Bytes of the table.
        expected: usize,
    },
    /// A bitmap has a bit beyond the table.
    #[error("bitmap has bits beyond {count} operators")]
    BitmapTail {
        /// Indices in the table.
        count: u32,
    },
    /// A table is empty, or nobody in it has stake.
    #[error("table holds no stake")]
    EmptyTable,
    /// A table's lists differ in length, or from its commitment.
    #[error("{what}: got {got}, expected {expected}")]
    TableSize {
        /// Which list.
        what: &'static str,
        /// Its length.
        got: usize,
        /// What it should be.
        expected: usize,
    },
    /// A page is not the one that the commitment names.
    #[error("{page} hashes to {got}, expected {expected}")]
    PageHash {
        /// Which page.
        page: String,
        /// Its hash.
        got: Digest,
        /// The commitment's.
        expected: Digest,
    },
    /// A commitment's sums are not those of its pages.
    #[error("commitment's {what} is not that of its pages")]
    CommitmentSum {
        /// Total or aggregate key.
        what: &'static str,
    },
}

impl ProtocolError {
    /// A mismatch of addresses in a header.
    pub(crate) fn address(field: &'static str, got: Address, expected: Address) -> Self {
        Self::Domain {
            field,
            got: got.to_string(),
            expected: expected.to_string(),
        }
    }

    /// A mismatch of numbers in a header.
    pub(crate) fn number(field: &'static str, got: u64, expected: u64) -> Self {
        Self::Domain {
            field,
            got: got.to_string(),
            expected: expected.to_string(),
        }
    }
}
