//! The answer to a vote.

use quorate_proto::v1;

use super::{VoteVerdict, WireError};
use crate::VoteRejection;

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
        let (status, reason, detail) = receipt.verdict.into_fields();
        Self {
            status,
            reason,
            detail,
            outcome_wanted: receipt.outcome_wanted,
        }
    }
}

impl TryFrom<v1::SubmitVoteReply> for VoteReceipt {
    type Error = WireError;

    fn try_from(reply: v1::SubmitVoteReply) -> Result<Self, WireError> {
        let verdict = VoteVerdict::of_fields(reply.status, reply.reason, reply.detail)?;
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
