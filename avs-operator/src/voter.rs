//! Who speaks for the operator: the one place between a computed round and a signature.
//!
//! The node runs with [`LedgerVoter`]. Another implementor can only be another program: there is no
//! switch, no feature and no configuration that selects one.

use std::fmt::Debug;
use std::sync::Arc;

use quorate_canon::{Round, Timestamp};
use quorate_matching::OutcomeList;
use quorate_protocol::{Unverified, Vote, rules::SnapshotId};
use quorate_signer::{Signer, SignerError};

use crate::compute::{Computed, Prepared};

/// A vote and the list behind its outcome root, for whoever asks for it.
#[derive(Debug, Clone)]
pub struct Ballot {
    /// What is sent to every aggregator.
    pub vote: Vote<Unverified>,
    /// What the vote's outcome root commits to. An honest voter never keeps it to itself.
    pub list: Option<OutcomeList>,
}

/// The operator's hook: fixes snapshots and turns its own outcome into votes.
pub trait Voter: Debug + Send + 'static {
    /// Binds the operator to the snapshot of a round, durably, before the beacon's time. `now` is
    /// the wall clock.
    ///
    /// # Errors
    /// If it is too late, or another snapshot was fixed before.
    fn fix_snapshot(
        &mut self,
        round: Round,
        snapshot: SnapshotId,
        now: Timestamp,
    ) -> Result<(), SignerError>;

    /// The votes for what this node itself has computed, out of what it has prepared, and has
    /// checked. An honest voter gives one.
    ///
    /// # Errors
    /// The rule that refuses.
    fn vote(
        &mut self,
        prepared: &Prepared,
        computed: &Computed,
    ) -> Result<Vec<Ballot>, SignerError>;

    /// The vote of a round from before a restart, if there is one.
    ///
    /// # Errors
    /// The store's.
    fn stored(&mut self, round: Round) -> Result<Option<Vote<Unverified>>, SignerError>;
}

/// The honest voter: every question goes to the signing ledger first.
#[derive(Debug)]
pub struct LedgerVoter {
    signer: Arc<Signer>,
}

impl LedgerVoter {
    /// A voter over an opened signer, which the prober shares.
    #[must_use]
    pub const fn new(signer: Arc<Signer>) -> Self {
        Self { signer }
    }
}

impl Voter for LedgerVoter {
    fn fix_snapshot(
        &mut self,
        round: Round,
        snapshot: SnapshotId,
        now: Timestamp,
    ) -> Result<(), SignerError> {
        self.signer.fix_snapshot(round, snapshot, now)
    }

    fn vote(&mut self, _: &Prepared, computed: &Computed) -> Result<Vec<Ballot>, SignerError> {
        let vote = self.signer.sign_vote(&computed.header)?;
        Ok(vec![Ballot {
            vote,
            list: Some(computed.list.clone()),
        }])
    }

    fn stored(&mut self, round: Round) -> Result<Option<Vote<Unverified>>, SignerError> {
        self.signer.stored_vote(round)
    }
}
