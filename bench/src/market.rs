//! Markets that are compared.

#[path = "../../crates/solver/examples/markets/market.rs"]
mod random;

use quorate_canon::GpuCount;
use quorate_matching::{Outcome, RoundContext, ScorePolicy, Seed, Snapshot};

use crate::Error;

/// All that a round is computed from.
#[derive(Clone, Debug)]
pub struct Market {
    /// The orders.
    pub snapshot: Snapshot,
    /// The policy; without a limit of matches.
    pub policy: ScorePolicy,
    /// The round's numbers.
    pub context: RoundContext,
    /// The lottery's seed.
    pub seed: Seed,
}

impl Market {
    /// The round's outcome by the fast solver.
    #[must_use]
    pub fn solve(&self, threads: usize) -> Outcome {
        let Self {
            snapshot,
            policy,
            context,
            seed,
        } = self;
        quorate_solver::match_round(snapshot, policy, context, seed, threads)
    }
}

/// The random market of the solver's benchmark; `single` lets every request ask for one GPU.
///
/// # Errors
/// Never for a number of orders that a tree can count.
pub fn random(number: u64, requests: usize, offers: usize, single: bool) -> Result<Market, Error> {
    let made = random::Market::new(number, requests, offers);
    let mut wanted = made.snapshot.requests().to_vec();
    if single {
        for input in &mut wanted {
            let request = &mut input.request;
            let gpus = u32::from(request.gpus.get());
            request.cpu_milli /= gpus;
            request.memory_mib /= gpus;
            request.disk_gib /= gpus;
            request.gpus = GpuCount::new(1);
        }
    }
    Ok(Market {
        snapshot: Snapshot::new(made.snapshot.offers().to_vec(), wanted)?,
        policy: made.policy,
        context: made.context,
        seed: made.seed,
    })
}
