//! Signs nothing.

use avs_operator::{
    compute::{Computed, Prepared},
    voter::{Ballot, LedgerVoter, Voter},
};
use quorate_canon::{Round, Timestamp};
use quorate_protocol::{Unverified, Vote, rules::SnapshotId};
use quorate_signer::SignerError;

use super::When;

/// The silent operator: it takes part, and in its rounds says nothing.
#[derive(Debug)]
pub struct Silent {
    honest: LedgerVoter,
    when: When,
}

impl Silent {
    /// Says nothing in the rounds of `when`.
    #[must_use]
    pub const fn new(honest: LedgerVoter, when: When) -> Self {
        Self { honest, when }
    }
}

impl Voter for Silent {
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
        if !self.when.is_now(prepared.round) {
            return self.honest.vote(prepared, computed);
        }
        self.when.told();
        tracing::warn!(round = %prepared.round, "lying: signing nothing");
        Ok(Vec::new())
    }

    fn stored(&mut self, round: Round) -> Result<Option<Vote<Unverified>>, SignerError> {
        self.honest.stored(round)
    }
}
