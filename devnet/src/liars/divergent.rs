//! Signs another outcome than the one that follows from the inputs.

use avs_operator::voter::{Ballot, LedgerVoter, Voter};
use quorate_bls::SecretKey;
use quorate_canon::{Round, Timestamp};
use quorate_matching::OutcomeList;
use quorate_protocol::{Header, Unverified, Vote, rules::SnapshotId};
use quorate_signer::SignerError;

use super::{Once, wrong_ballot};

/// The divergent operator: the wrong vote in place of the right one.
#[derive(Debug)]
pub struct Divergent {
    honest: LedgerVoter,
    key: SecretKey,
    once: Once,
}

impl Divergent {
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

impl Voter for Divergent {
    fn fix_snapshot(
        &mut self,
        round: Round,
        snapshot: SnapshotId,
        now: Timestamp,
    ) -> Result<(), SignerError> {
        self.honest.fix_snapshot(round, snapshot, now)
    }

    fn vote(&mut self, header: &Header, list: &OutcomeList) -> Result<Vec<Ballot>, SignerError> {
        // The honest vote is made for its operator index, and not sent in the round of the lie.
        let ballots = self.honest.vote(header, list)?;
        if !self.once.is_now(header.round, list) {
            return Ok(ballots);
        }
        tracing::warn!(round = %header.round, "lying: signing another outcome");
        Ok(ballots
            .iter()
            .filter_map(|right| wrong_ballot(&self.key, right))
            .collect())
    }

    fn stored(&mut self, round: Round) -> Result<Option<Vote<Unverified>>, SignerError> {
        self.honest.stored(round)
    }
}
