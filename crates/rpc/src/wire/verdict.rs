//! The answer to what is handed in: a vote, a list, receipts, a contradiction.

use std::marker::PhantomData;

use quorate_proto::v1;

use super::{WireError, cut};
use crate::reason::{
    ContradictionRejection, ListRejection, Reason, ReceiptRejection, VoteRejection,
};

/// What became of what was handed in; `R` is the table of reasons that it can be rejected for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict<R> {
    /// Stored durably; it counts, or will.
    Accepted,
    /// Stored before.
    Duplicate,
    /// Not stored.
    Rejected {
        /// Code of a row of the table; a newer peer may know more codes than we.
        code: u32,
        /// The same in words.
        detail: String,
        /// The table.
        of: PhantomData<R>,
    },
}

/// What became of a vote.
pub type VoteVerdict = Verdict<VoteRejection>;
/// What became of a list of windows DOWN.
pub type DownsVerdict = Verdict<ListRejection>;
/// What became of receipts of sampled probes.
pub type ReceiptsVerdict = Verdict<ReceiptRejection>;
/// What became of a receipt that contradicts a list.
pub type ContradictionVerdict = Verdict<ContradictionRejection>;

impl<R: Reason> Verdict<R> {
    /// A rejection for `reason`, explained.
    pub fn rejected(reason: R, detail: impl Into<String>) -> Self {
        Self::Rejected {
            code: reason.code(),
            detail: detail.into(),
            of: PhantomData,
        }
    }

    /// Why it was rejected, if it was and the code is known here.
    pub fn rejection(&self) -> Option<R> {
        match self {
            Self::Rejected { code, .. } => R::from_code(*code),
            _ => None,
        }
    }

    /// The answer's fields: status, code, words.
    pub(super) fn into_fields(self) -> (i32, u32, String) {
        let (status, reason, detail) = match self {
            Self::Accepted => (v1::VoteStatus::Accepted, 0, String::new()),
            Self::Duplicate => (v1::VoteStatus::Duplicate, 0, String::new()),
            Self::Rejected { code, detail, .. } => (v1::VoteStatus::Rejected, code, detail),
        };
        (status.into(), reason, cut(detail))
    }

    /// Reads the answer's fields.
    pub(super) fn of_fields(status: i32, reason: u32, detail: String) -> Result<Self, WireError> {
        match v1::VoteStatus::try_from(status) {
            Ok(v1::VoteStatus::Accepted) => Ok(Self::Accepted),
            Ok(v1::VoteStatus::Duplicate) => Ok(Self::Duplicate),
            Ok(v1::VoteStatus::Rejected) => Ok(Self::Rejected {
                code: reason,
                detail: cut(detail),
                of: PhantomData,
            }),
            _ => Err(WireError::Unknown {
                field: "status",
                got: status.into(),
            }),
        }
    }
}

impl<R: Reason> From<Verdict<R>> for v1::HandInReply {
    fn from(verdict: Verdict<R>) -> Self {
        let (status, reason, detail) = verdict.into_fields();
        Self {
            status,
            reason,
            detail,
        }
    }
}

impl<R: Reason> TryFrom<v1::HandInReply> for Verdict<R> {
    type Error = WireError;

    fn try_from(reply: v1::HandInReply) -> Result<Self, WireError> {
        Self::of_fields(reply.status, reply.reason, reply.detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_survive_the_wire() {
        for verdict in [
            DownsVerdict::Accepted,
            DownsVerdict::Duplicate,
            DownsVerdict::rejected(ListRejection::NoStake, "operator 3"),
        ] {
            let wire: v1::HandInReply = verdict.clone().into();
            assert_eq!(DownsVerdict::try_from(wire), Ok(verdict));
        }
    }

    #[test]
    fn a_missing_status_is_an_error() {
        assert!(DownsVerdict::try_from(v1::HandInReply::default()).is_err());
    }

    #[test]
    fn codes_of_newer_versions_are_kept_and_mean_nothing_here() {
        let reply = v1::HandInReply {
            status: v1::VoteStatus::Rejected.into(),
            reason: 4_000_000_000,
            detail: String::new(),
        };
        let verdict = ReceiptsVerdict::try_from(reply).unwrap();
        assert_eq!(verdict.rejection(), None);
        assert!(matches!(
            verdict,
            Verdict::Rejected {
                code: 4_000_000_000,
                ..
            }
        ));
    }
}
