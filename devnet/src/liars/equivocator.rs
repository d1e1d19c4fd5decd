//! Signs two headers of one round.

use avs_operator::voter::{Ballot, LedgerVoter, Voter};
use quorate_bls::SecretKey;
use quorate_canon::{Round, Timestamp};
use quorate_matching::OutcomeList;
use quorate_protocol::{Header, Unverified, Vote, rules::SnapshotId};
use quorate_signer::SignerError;

use super::{Once, wrong_ballot};

/// The equivocator: the right vote, and another one right after it.
#[derive(Debug)]
pub struct Equivocator {
    honest: LedgerVoter,
    key: SecretKey,
    once: Once,
}

impl Equivocator {
    /// Lies once, from round `from` on.
    #[must_use]
    pub const fn new(honest: LedgerVoter, key: SecretKey, from: Round) -> Self {
        Self {
            honest,
            key,
            once: Once::new(from),
        }
    }
}

impl Voter for Equivocator {
    fn fix_snapshot(
        &mut self,
        round: Round,
        snapshot: SnapshotId,
        now: Timestamp,
    ) -> Result<(), SignerError> {
        self.honest.fix_snapshot(round, snapshot, now)
    }

    fn vote(&mut self, header: &Header, list: &OutcomeList) -> Result<Vec<Ballot>, SignerError> {
        let mut ballots = self.honest.vote(header, list)?;
        if self.once.is_now(header.round, list) {
            let wrong = ballots
                .first()
                .and_then(|right| wrong_ballot(&self.key, right));
            tracing::warn!(round = %header.round, "lying: signing a second header");
            ballots.extend(wrong);
        }
        Ok(ballots)
    }

    fn stored(&mut self, round: Round) -> Result<Option<Vote<Unverified>>, SignerError> {
        self.honest.stored(round)
    }
}
