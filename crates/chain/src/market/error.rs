//! Why an event is refused.

use quorate_canon::Round;

/// An event that cannot follow those before it. The contracts emit none such: logs were lost, or
/// they are not those of our contracts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// Ids are not in sequence.
    #[error("{what} id: got {got}, expected {expected}")]
    Sequence {
        /// Offer or request.
        what: &'static str,
        /// Id in the event.
        got: u64,
        /// The next id.
        expected: u64,
    },
    /// A version is not the next one.
    #[error("version of offer {id}: got {got}, expected {expected}")]
    Version {
        /// The offer.
        id: u64,
        /// Version in the event.
        got: u32,
        /// The next version.
        expected: u32,
    },
    /// An event about an order that was never posted.
    #[error("{what} {id} is not known")]
    Unknown {
        /// Offer or request.
        what: &'static str,
        /// Its id.
        id: u64,
    },
    /// An offer that is closed already was closed.
    #[error("offer {0} is closed already")]
    ClosedTwice(u64),
    /// A request was matched a second time.
    #[error(
        "request {request}: got a lease of round {got}, expected that of round {expected} to be the only one"
    )]
    LeasedTwice {
        /// The request.
        request: u64,
        /// Round of the second lease.
        got: Round,
        /// Round of the first.
        expected: Round,
    },
    /// Leases hold more than a capacity can say.
    #[error("what is used of offer {0} does not fit its fields")]
    Overflow(u64),
    /// Times of one value fall.
    #[error("time of {what} {id}: got {time}, expected none before the last")]
    Time {
        /// Whose value.
        what: &'static str,
        /// Its id.
        id: u64,
        /// Time in the event.
        time: u64,
    },
}

pub(super) const fn unknown(what: &'static str, id: u64) -> FoldError {
    FoldError::Unknown { what, id }
}

pub(super) fn require_sequence(
    what: &'static str,
    got: u64,
    expected: u64,
) -> Result<(), FoldError> {
    if got == expected {
        Ok(())
    } else {
        Err(FoldError::Sequence {
            what,
            got,
            expected,
        })
    }
}

pub(super) fn require_version(id: u64, got: u32, expected: u32) -> Result<(), FoldError> {
    if got == expected {
        Ok(())
    } else {
        Err(FoldError::Version { id, got, expected })
    }
}

pub(super) fn require_time(
    ok: bool,
    what: &'static str,
    id: u64,
    time: u64,
) -> Result<(), FoldError> {
    if ok {
        Ok(())
    } else {
        Err(FoldError::Time { what, id, time })
    }
}
