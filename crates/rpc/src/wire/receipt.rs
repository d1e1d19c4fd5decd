//! The answer to a vote.

use quorate_proto::v1;

use super::{WireError, cut};
use crate::VoteRejection;

/// What became of a vote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VoteVerdict {
    /// Stored durably; it counts, or will.
    Accepted,
    /// Stored before.
    Duplicate,
    /// Not stored.
    Rejected {
        /// Code of [`VoteRejection`]; a newer peer may know more codes than we.
        code: u32,
        /// The same in words.
        detail: String,
    },
}

impl VoteVerdict {
    /// A rejection for `reason`, explained.
    pub fn rejected(reason: VoteRejection, detail: impl Into<String>) -> Self {
        Self::Rejected {
            code: reason.code(),
            detail: detail.into(),
        }
    }

    /// Why the vote was rejected, if it was and the code is known here.
    pub fn rejection(&self) -> Option<VoteRejection> {
        match self {
            Self::Rejected { code, .. } => VoteRejection::from_code(*code),
            _ => None,
        }
    }
}

/// The answer to a vote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoteReceipt {
    /// What became of it.
    pub verdict: VoteVerdict,
    /// The list behind the vote's header is asked of the sender.
    pub outcome_wanted: bool,
}

impl VoteReceipt {
    /// A receipt for a vote that was not taken.
    pub fn rejected(reason: VoteRejection, detail: impl Into<String>) -> Self {
        Self {
            verdict: VoteVerdict::rejected(reason, detail),
            outcome_wanted: false,
        }
    }
}

impl From<VoteReceipt> for v1::SubmitVoteReply {
    fn from(receipt: VoteReceipt) -> Self {
        let (status, reason, detail) = match receipt.verdict {
            VoteVerdict::Accepted => (v1::VoteStatus::Accepted, 0, String::new()),
            VoteVerdict::Duplicate => (v1::VoteStatus::Duplicate, 0, String::new()),
            VoteVerdict::Rejected { code, detail } => (v1::VoteStatus::Rejected, code, detail),
        };
        Self {
            status: status.into(),
            reason,
            detail: cut(detail),
            outcome_wanted: receipt.outcome_wanted,
        }
    }
}

impl TryFrom<v1::SubmitVoteReply> for VoteReceipt {
    type Error = WireError;

    fn try_from(reply: v1::SubmitVoteReply) -> Result<Self, WireError> {
        let verdict = match v1::VoteStatus::try_from(reply.status) {
            Ok(v1::VoteStatus::Accepted) => VoteVerdict::Accepted,
            Ok(v1::VoteStatus::Duplicate) => VoteVerdict::Duplicate,
            Ok(v1::VoteStatus::Rejected) => VoteVerdict::Rejected {
                code: reply.reason,
                detail: cut(reply.detail),
            },
            _ => {
                return Err(WireError::Unknown {
                    field: "status",
                    got: reply.status.into(),
                });
            }
        };
        Ok(Self {
            verdict,
            outcome_wanted: reply.outcome_wanted,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_survive_the_wire() {
        let rejected = VoteReceipt::rejected(VoteRejection::NoStake, "operator 3 has no stake");
        for receipt in [
            VoteReceipt {
                verdict: VoteVerdict::Accepted,
                outcome_wanted: true,
            },
            rejected,
        ] {
            let wire: v1::SubmitVoteReply = receipt.clone().into();
            assert_eq!(VoteReceipt::try_from(wire), Ok(receipt));
        }
    }

    #[test]
    fn a_missing_status_is_an_error() {
        assert!(VoteReceipt::try_from(v1::SubmitVoteReply::default()).is_err());
    }
}
