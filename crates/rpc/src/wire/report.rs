//! How a round stands at an aggregator.

use quorate_canon::{Digest, Round};
use quorate_proto::v1;

use super::{WireError, cut, fixed, optional};
use crate::RoundFailure;

/// How far a round has come at an aggregator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Votes come in, no header has a quorum.
    Collecting,
    /// A header has its quorum; its certificate is on the way to L2.
    Certifying,
    /// The certificate stands on L2; chunks are missing.
    Certified,
    /// The last chunk stands on L2.
    Settled,
    /// Nothing more is done for it.
    Failed,
}

impl Phase {
    /// Name in logs, labels and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Collecting => "collecting",
            Self::Certifying => "certifying",
            Self::Certified => "certified",
            Self::Settled => "settled",
            Self::Failed => "failed",
        }
    }

    const fn to_wire(self) -> v1::RoundPhase {
        match self {
            Self::Collecting => v1::RoundPhase::Collecting,
            Self::Certifying => v1::RoundPhase::Certifying,
            Self::Certified => v1::RoundPhase::Certified,
            Self::Settled => v1::RoundPhase::Settled,
            Self::Failed => v1::RoundPhase::Failed,
        }
    }

    fn from_wire(value: i32) -> Result<Self, WireError> {
        match v1::RoundPhase::try_from(value) {
            Ok(v1::RoundPhase::Collecting) => Ok(Self::Collecting),
            Ok(v1::RoundPhase::Certifying) => Ok(Self::Certifying),
            Ok(v1::RoundPhase::Certified) => Ok(Self::Certified),
            Ok(v1::RoundPhase::Settled) => Ok(Self::Settled),
            Ok(v1::RoundPhase::Failed) => Ok(Self::Failed),
            _ => Err(WireError::Unknown {
                field: "phase",
                got: value.into(),
            }),
        }
    }
}

/// A round as an aggregator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundReport {
    /// The round.
    pub round: Round,
    /// How far it has come.
    pub phase: Phase,
    /// Why it failed, or what it waits for; code of [`RoundFailure`] and words.
    pub failure: Option<(u32, String)>,
    /// Digest of the header that leads by stake.
    pub leading: Option<Digest>,
    /// Stake behind it.
    pub signed: u128,
    /// Stake of the whole table, once known.
    pub total: Option<u128>,
    /// Operators behind the leading header.
    pub signers: u32,
    /// Different headers voted for.
    pub headers: u32,
    /// The leading header's list is missing and nobody is sending it.
    pub outcome_wanted: bool,
    /// Chunks that stand on L2.
    pub chunks_posted: u32,
    /// Chunks of the list; 0 while not known.
    pub chunks: u32,
}

impl RoundReport {
    /// Why the round failed, if it did and the code is known here.
    pub fn reason(&self) -> Option<RoundFailure> {
        self.failure
            .as_ref()
            .and_then(|(code, _)| RoundFailure::from_code(*code))
    }
}

impl From<RoundReport> for v1::RoundStatus {
    fn from(report: RoundReport) -> Self {
        let (reason, detail) = report.failure.unwrap_or_default();
        Self {
            round: report.round.get(),
            phase: report.phase.to_wire().into(),
            reason,
            detail: cut(detail),
            leading_digest: report
                .leading
                .map_or_else(Vec::new, |digest| digest.0.to_vec()),
            signed_stake: report.signed.to_be_bytes().to_vec(),
            total_stake: report
                .total
                .map_or_else(Vec::new, |total| total.to_be_bytes().to_vec()),
            signers: report.signers,
            headers: report.headers,
            outcome_wanted: report.outcome_wanted,
            chunks_posted: report.chunks_posted,
            chunks: report.chunks,
        }
    }
}

impl TryFrom<v1::RoundStatus> for RoundReport {
    type Error = WireError;

    fn try_from(status: v1::RoundStatus) -> Result<Self, WireError> {
        Ok(Self {
            round: Round::new(status.round),
            phase: Phase::from_wire(status.phase)?,
            failure: (status.reason != 0).then(|| (status.reason, cut(status.detail))),
            leading: optional(&status.leading_digest, |bytes| {
                fixed("leading_digest", bytes).map(Digest)
            })?,
            signed: optional(&status.signed_stake, |bytes| {
                fixed("signed_stake", bytes).map(u128::from_be_bytes)
            })?
            .unwrap_or(0),
            total: optional(&status.total_stake, |bytes| {
                fixed("total_stake", bytes).map(u128::from_be_bytes)
            })?,
            signers: status.signers,
            headers: status.headers,
            outcome_wanted: status.outcome_wanted,
            chunks_posted: status.chunks_posted,
            chunks: status.chunks,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_survive_the_wire() {
        let report = RoundReport {
            round: Round::new(9),
            phase: Phase::Certified,
            failure: Some((RoundFailure::NoOutcome.code(), "nobody".into())),
            leading: Some(Digest([1; 32])),
            signed: u128::MAX,
            total: Some(5),
            signers: 3,
            headers: 2,
            outcome_wanted: true,
            chunks_posted: 1,
            chunks: 4,
        };
        let wire: v1::RoundStatus = report.clone().into();
        assert_eq!(RoundReport::try_from(wire), Ok(report));
    }

    #[test]
    fn a_missing_phase_is_an_error() {
        assert!(RoundReport::try_from(v1::RoundStatus::default()).is_err());
    }
}
