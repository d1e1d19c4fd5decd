//! From inputs and a beacon to a header: pure, and the whole of what an operator claims.

use std::{
    num::NonZero,
    sync::Arc,
    time::{Duration, Instant},
};

use quorate_canon::Round;
use quorate_matching::{OutcomeList, Policy, RoundContext, Seed, Snapshot};
use quorate_protocol::{Domain, Header, rules::SnapshotId};

/// All inputs of a round but its seed, as they come from the chain.
#[derive(Debug)]
pub struct Gathered {
    /// The round.
    pub round: Round,
    /// The snapshot's block.
    pub snapshot: SnapshotId,
    /// Orders and their values at T, with the commitment to them.
    pub inputs: Snapshot,
    /// The policy in force.
    pub policy: Policy,
    /// The round's numbers.
    pub context: RoundContext,
}

/// The same, with all worked out that the seed does not touch. Ready before the beacon is.
#[derive(Debug)]
pub struct Prepared {
    /// The round.
    pub round: Round,
    /// The snapshot's block.
    pub snapshot: SnapshotId,
    /// The policy in force.
    pub policy: Policy,
    solver: quorate_solver::Prepared,
    threads: usize,
}

/// What a round comes to.
#[derive(Debug)]
pub struct Computed {
    /// What will be signed.
    pub header: Header,
    /// What the header's outcome root commits to.
    pub list: OutcomeList,
    /// How long it took.
    pub took: Duration,
}

impl Prepared {
    /// Works out what does not depend on the seed.
    #[must_use]
    pub fn new(gathered: Gathered) -> Self {
        let Gathered {
            round,
            snapshot,
            inputs,
            policy,
            context,
        } = gathered;
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        let solver =
            quorate_solver::Prepared::new(Arc::new(inputs), &policy.score, &context, threads);
        Self {
            round,
            snapshot,
            policy,
            solver,
            threads,
        }
    }

    /// Orders and their values at T.
    #[must_use]
    pub fn inputs(&self) -> &Snapshot {
        self.solver.snapshot()
    }

    /// The round's numbers.
    #[must_use]
    pub const fn context(&self) -> &RoundContext {
        self.solver.context()
    }
}

/// Computes outcome, list and header.
///
/// # Errors
/// Only for a bug: an outcome that its own inputs do not carry.
pub fn compute(prepared: &Prepared, domain: &Domain, seed: Seed) -> Result<Computed, String> {
    let start = Instant::now();
    let Prepared {
        solver, threads, ..
    } = prepared;
    let outcome = solver.solve(&seed, *threads);
    let list = solver.list(&outcome, *threads);
    let list = list.map_err(|error| error.to_string())?;
    let header = Header {
        domain: *domain,
        round: prepared.round,
        snapshot_number: prepared.snapshot.number,
        snapshot_hash: prepared.snapshot.hash,
        policy_hash: prepared.policy.hash(),
        inputs_root: prepared.inputs().inputs_root(),
        seed,
        outcome_root: list.outcome_root(),
    };
    Ok(Computed {
        header,
        list,
        took: start.elapsed(),
    })
}
