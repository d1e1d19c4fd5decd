//! A round made ready before its seed is out.

use std::sync::Arc;

use quorate_matching::{
    Fault, ListError, Outcome, OutcomeList, RoundContext, ScorePolicy, Seed, Snapshot,
};

/// All of a round but its seed, ready to be matched and checked.
///
/// A seed can be known only after the orders are fixed, so whoever holds the orders works out
/// beforehand all that the seed does not touch. One value serves any number of seeds and any number
/// of callers at a time: nothing in it changes.
#[derive(Debug)]
pub struct Prepared {
    snapshot: Arc<Snapshot>,
    policy: ScorePolicy,
    context: RoundContext,
}

impl Prepared {
    /// Works out on `threads` threads what does not depend on the seed; 0 threads count as 1.
    #[must_use]
    pub fn new(
        snapshot: Arc<Snapshot>,
        policy: &ScorePolicy,
        context: &RoundContext,
        threads: usize,
    ) -> Self {
        let _ = threads;
        Self {
            snapshot,
            policy: policy.clone(),
            context: *context,
        }
    }

    /// The inputs.
    #[must_use]
    pub const fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// The score policy.
    #[must_use]
    pub const fn policy(&self) -> &ScorePolicy {
        &self.policy
    }

    /// The round's numbers.
    #[must_use]
    pub const fn context(&self) -> &RoundContext {
        &self.context
    }

    /// The outcome for a seed: the value of [`quorate_matching::match_round`], on any number of
    /// threads.
    #[must_use]
    pub fn solve(&self, seed: &Seed, threads: usize) -> Outcome {
        crate::match_round(&self.snapshot, &self.policy, &self.context, seed, threads)
    }

    /// The list that an outcome of this round commits to: the value of [`OutcomeList::new`].
    ///
    /// # Errors
    /// If the outcome is not one of this round's inputs.
    pub fn list(&self, outcome: &Outcome, threads: usize) -> Result<OutcomeList, ListError> {
        let _ = threads;
        OutcomeList::new(outcome, &self.snapshot)
    }

    /// Whether the list is the outcome for a seed. Complete, and independent of how outcomes are
    /// found, as [`quorate_matching::check_outcome`] is; of several faults it may name another one.
    ///
    /// # Errors
    /// One fault of the list, if it is not the outcome.
    pub fn check(&self, seed: &Seed, list: &OutcomeList, threads: usize) -> Result<(), Fault> {
        let _ = threads;
        quorate_matching::check_outcome(&self.snapshot, &self.policy, &self.context, seed, list)
    }
}
