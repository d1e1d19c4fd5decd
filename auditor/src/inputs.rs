//! All that goes into a round's matching, by our own reading of L2, and the outcome that follows.
//! Replay, watch and explain share it.

use quorate_canon::Round;
use quorate_matching::{ListError, Outcome, OutcomeList, Policy, RoundContext, Seed, Snapshot};

/// A round's inputs; with a seed, its outcome follows.
#[derive(Debug, Clone)]
pub struct RoundInputs {
    /// The orders with their values at T.
    pub snapshot: Snapshot,
    /// The policy in force.
    pub policy: Policy,
    /// The round's numbers.
    pub context: RoundContext,
}

/// The one outcome of a round.
#[derive(Debug, Clone)]
pub struct Right {
    /// Who got what.
    pub outcome: Outcome,
    /// The list that commits to it.
    pub list: OutcomeList,
}

impl RoundInputs {
    /// Which round.
    #[must_use]
    pub const fn round(&self) -> Round {
        self.context.round
    }

    /// The outcome.
    ///
    /// # Errors
    /// [`ListError`] if there are more matches than a list can count.
    pub fn right(&self, seed: &Seed) -> Result<Right, ListError> {
        let (policy, context) = (&self.policy.score, &self.context);
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let outcome = quorate_solver::match_round(&self.snapshot, policy, context, seed, threads);
        let list = OutcomeList::new(&outcome, &self.snapshot)?;
        Ok(Right { outcome, list })
    }
}
