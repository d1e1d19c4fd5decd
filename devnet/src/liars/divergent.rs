//! Signs another outcome than the one that follows from the inputs.

use avs_operator::{
    compute::{Computed, Prepared},
    voter::{Ballot, LedgerVoter, Voter},
};
use quorate_bls::SecretKey;
use quorate_canon::{Round, Timestamp};
use quorate_protocol::{Unverified, Vote, rules::SnapshotId};
use quorate_signer::SignerError;

use super::{When, wrong_ballot};

/// The divergent operator: the wrong vote in place of the right one.
#[derive(Debug)]
pub struct Divergent {
    honest: LedgerVoter,
    key: SecretKey,
    when: When,
}

impl Divergent {
    /// Lies in the rounds of `when` that have matches.
    #[must_use]
    pub const fn new(honest: LedgerVoter, key: SecretKey, when: When) -> Self {
        Self { honest, key, when }
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

    fn vote(
        &mut self,
        prepared: &Prepared,
        computed: &Computed,
    ) -> Result<Vec<Ballot>, SignerError> {
        // The honest vote is made for its operator index, and not sent in the round of the lie.
        let ballots = self.honest.vote(prepared, computed)?;
        let round = prepared.round;
        if !self.when.is_now(round) || computed.list.entries().is_empty() {
            return Ok(ballots);
        }
        self.when.told();
        tracing::warn!(%round, "lying: signing another outcome");
        Ok(ballots
            .iter()
            .filter_map(|right| wrong_ballot(&self.key, right, computed))
            .collect())
    }

    fn stored(&mut self, round: Round) -> Result<Option<Vote<Unverified>>, SignerError> {
        self.honest.stored(round)
    }
}
