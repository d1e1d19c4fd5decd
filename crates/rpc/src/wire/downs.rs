//! Lists of windows DOWN, between an operator and an aggregator (docs/formats.md, section 14).

use quorate_canon::OperatorIndex;
use quorate_health::DownList;
use quorate_proto::v1;

use super::{VoteVerdict, WireError, cut, fixed};
use crate::{ListRejection, attestations::SignedDowns};

/// What became of a list: the same three answers as for a vote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DownsVerdict(pub VoteVerdict);

impl DownsVerdict {
    /// A rejection for `reason`, explained.
    pub fn rejected(reason: ListRejection, detail: impl Into<String>) -> Self {
        Self(VoteVerdict::Rejected {
            code: reason.code(),
            detail: detail.into(),
        })
    }

    /// Why the list was rejected, if it was and the code is known here.
    pub fn rejection(&self) -> Option<ListRejection> {
        match &self.0 {
            VoteVerdict::Rejected { code, .. } => ListRejection::from_code(*code),
            _ => None,
        }
    }
}

impl From<DownsVerdict> for v1::SubmitDownsReply {
    fn from(verdict: DownsVerdict) -> Self {
        let (status, reason, detail) = match verdict.0 {
            VoteVerdict::Accepted => (v1::VoteStatus::Accepted, 0, String::new()),
            VoteVerdict::Duplicate => (v1::VoteStatus::Duplicate, 0, String::new()),
            VoteVerdict::Rejected { code, detail } => (v1::VoteStatus::Rejected, code, detail),
        };
        Self {
            status: status.into(),
            reason,
            detail: cut(detail),
        }
    }
}

impl TryFrom<v1::SubmitDownsReply> for DownsVerdict {
    type Error = WireError;

    fn try_from(reply: v1::SubmitDownsReply) -> Result<Self, WireError> {
        Ok(Self(match v1::VoteStatus::try_from(reply.status) {
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
        }))
    }
}

/// The list of a request.
///
/// # Errors
/// If the bytes are no list, or the signature has another width.
pub fn downs(request: &v1::SubmitDownsRequest) -> Result<SignedDowns, WireError> {
    Ok(SignedDowns {
        list: DownList::from_bytes(&request.list)
            .map_err(|error| WireError::Downs(error.to_string()))?,
        operator: OperatorIndex::new(request.operator),
        signature: fixed("signature", &request.signature)?,
    })
}

/// The request that hands a list in.
#[must_use]
pub fn downs_request(downs: &SignedDowns) -> v1::SubmitDownsRequest {
    v1::SubmitDownsRequest {
        list: downs.list.to_bytes(),
        operator: downs.operator.get(),
        signature: downs.signature.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn verdicts_survive_the_wire() {
        for verdict in [
            DownsVerdict(VoteVerdict::Accepted),
            DownsVerdict(VoteVerdict::Duplicate),
            DownsVerdict::rejected(ListRejection::NoStake, "operator 3"),
        ] {
            let wire: v1::SubmitDownsReply = verdict.clone().into();
            assert_eq!(DownsVerdict::try_from(wire), Ok(verdict));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_list_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let request = v1::SubmitDownsRequest { list: bytes.clone(), operator: 1, signature: bytes };
            let _ = downs(&request);
        }
    }
}
