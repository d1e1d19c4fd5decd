//! Signs two headers of one round.

use avs_operator::{
    compute::{Computed, Prepared},
    voter::{Ballot, LedgerVoter, Voter},
};
use quorate_bls::SecretKey;
use quorate_canon::{Round, Timestamp};
use quorate_protocol::{Unverified, Vote, rules::SnapshotId};
use quorate_signer::SignerError;

use super::{When, wrong_ballot};

/// The equivocator: the right vote, and another one right after it.
#[derive(Debug)]
pub struct Equivocator {
    honest: LedgerVoter,
    key: SecretKey,
    when: When,
}

impl Equivocator {
    /// Lies in the rounds of `when` that have matches.
    #[must_use]
    pub const fn new(honest: LedgerVoter, key: SecretKey, when: When) -> Self {
        Self { honest, key, when }
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

    fn vote(
        &mut self,
        prepared: &Prepared,
        computed: &Computed,
    ) -> Result<Vec<Ballot>, SignerError> {
        let mut ballots = self.honest.vote(prepared, computed)?;
        let round = prepared.round;
        if self.when.is_now(round) && !computed.list.entries().is_empty() {
            self.when.told();
            let right = ballots.first();
            let wrong = right.and_then(|right| wrong_ballot(&self.key, right, computed));
            tracing::warn!(%round, "lying: signing a second header");
            ballots.extend(wrong);
        }
        Ok(ballots)
    }

    fn stored(&mut self, round: Round) -> Result<Option<Vote<Unverified>>, SignerError> {
        self.honest.stored(round)
    }
}
