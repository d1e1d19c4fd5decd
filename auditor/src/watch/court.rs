//! The contracts that judge, as a watcher needs them: asked by calls, moved by transactions.

use std::future::Future;

use alloy::primitives::{Address, B256, Bytes, U256};
use quorate_canon::{
    Round, Timestamp,
    hash::{sha256, tag},
};
use quorate_chain::views::Judgement as Ruling;
use quorate_protocol::Header;

use super::{docket::At, line::Deed};

/// One step against a round, with all that its transaction carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// `Disputes.challenge`.
    Challenge {
        /// The header's bytes.
        header: Bytes,
        /// The witness.
        witness: Bytes,
    },
    /// `Disputes.commit`.
    Commit {
        /// The bond, wei.
        bond: U256,
        /// What is bound.
        commitment: B256,
    },
    /// `Disputes.reveal`.
    Reveal {
        /// The salt of the commitment.
        salt: B256,
        /// The header's bytes.
        header: Bytes,
        /// The witness.
        witness: Bytes,
    },
    /// `Disputes.annul`, of one request's lease.
    Annul {
        /// Whose lease ends.
        request: u64,
        /// The header's bytes.
        header: Bytes,
        /// The witness.
        witness: Bytes,
    },
    /// `Strikes.strike`.
    Strike {
        /// Who signed.
        bitmap: Bytes,
        /// Their signature.
        aggregate: Bytes,
    },
    /// `Disputes.forfeit` of our own commitment, whose header another has replaced.
    Forfeit,
    /// `Disputes.withdraw`.
    Withdraw,
}

impl Act {
    /// Its kind.
    #[must_use]
    pub(super) const fn deed(&self) -> Deed {
        match self {
            Self::Challenge { .. } => Deed::Challenge,
            Self::Commit { .. } => Deed::Commit,
            Self::Reveal { .. } => Deed::Reveal,
            Self::Annul { .. } => Deed::Annul,
            Self::Strike { .. } => Deed::Strike,
            Self::Forfeit => Deed::Forfeit,
            Self::Withdraw => Deed::Withdraw,
        }
    }
}

/// A mined step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mined {
    /// The transaction.
    pub transaction: B256,
    /// Its block.
    pub at: At,
    /// Gas that it used.
    pub gas: u64,
}

/// Why a step was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum CourtError {
    /// The round takes no challenge now, or not of this kind.
    #[error("the round takes no challenge of this kind now")]
    NotChallengeable,
    /// No such commitment stands.
    #[error("no such commitment stands")]
    NoCommitment,
    /// A commitment is shown in a later second than its own; the next block will do.
    #[error("the commitment is not older than the block")]
    TooEarly,
    /// The contract refuses for another reason.
    #[error("refused: {0}")]
    Refused(String),
    /// It may go later without anybody's doing.
    #[error("{0}")]
    Later(String),
    /// A person has to do something first: the account has no money, the key is used elsewhere.
    #[error("{0}")]
    Stuck(String),
}

/// What is asked of the contracts and done to them.
pub(super) trait Court: Send + Sync {
    /// Who sends; the zero address where nobody does.
    fn challenger(&self) -> Address;

    /// `Verifier.judge`.
    fn judge(
        &self,
        header: &Header,
        witness: &[u8],
    ) -> impl Future<Output = Result<Ruling, CourtError>> + Send;

    /// `Rounds.challengeableUntil`: `None` before the round's end is known.
    fn until(
        &self,
        round: Round,
    ) -> impl Future<Output = Result<Option<Timestamp>, CourtError>> + Send;

    /// `Disputes.commitBond`, wei.
    fn bond(&self) -> impl Future<Output = Result<U256, CourtError>> + Send;

    /// `Disputes.creditOf` the challenger, wei.
    fn credit(&self) -> impl Future<Output = Result<U256, CourtError>> + Send;

    /// Whether the signers of a round refuted in `from` or a later block were struck.
    fn is_struck(
        &self,
        round: Round,
        from: u64,
    ) -> impl Future<Output = Result<bool, CourtError>> + Send;

    /// Runs a step by a call, without sending it.
    fn try_out(
        &self,
        round: Round,
        act: &Act,
    ) -> impl Future<Output = Result<(), CourtError>> + Send;

    /// Sends a step and waits until it is mined. The same step under the same `key` again gives the
    /// transaction that was mined, as long as it stands.
    fn send(
        &self,
        round: Round,
        act: &Act,
        key: String,
        deadline: Option<Timestamp>,
    ) -> impl Future<Output = Result<Mined, CourtError>> + Send;
}

/// What binds a challenger to a witness (`docs/formats.md` section 13).
#[must_use]
pub(super) fn commitment(challenger: Address, salt: B256, header: &[u8], witness: &[u8]) -> B256 {
    let digest = sha256(&[
        &tag("quorate/commit/v1"),
        challenger.as_slice(),
        salt.as_slice(),
        &sha256(&[header]).0,
        &sha256(&[witness]).0,
    ]);
    B256::new(digest.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: SHA-256 over 148 bytes.
    #[test]
    fn a_commitment_binds_challenger_salt_header_and_witness() {
        let (who, salt) = (Address::repeat_byte(1), B256::repeat_byte(2));
        let mut bytes = b"quorate/commit/v1".to_vec();
        bytes.resize(32, 0);
        bytes.extend([1; 20]);
        bytes.extend([2; 32]);
        bytes.extend(sha256(&[b"header"]).0);
        bytes.extend(sha256(&[b"witness"]).0);
        assert_eq!(bytes.len(), 148);
        let expected = sha256(&[&bytes]).0;
        let whole = commitment(who, salt, b"header", b"witness");
        assert_eq!(whole.0, expected);
        for other in [
            commitment(Address::repeat_byte(3), salt, b"header", b"witness"),
            commitment(who, B256::repeat_byte(3), b"header", b"witness"),
            commitment(who, salt, b"other", b"witness"),
            commitment(who, salt, b"header", b"other"),
        ] {
            assert_ne!(whole, other);
        }
    }
}
