//! From inputs and a beacon to a header: pure, and the whole of what an operator claims.

use std::time::{Duration, Instant};

use quorate_canon::{Digest, Round};
use quorate_matching::{OutcomeList, Policy, RoundContext, Seed, Snapshot, match_round};
use quorate_protocol::{Domain, Header, rules::SnapshotId};

/// All inputs of a round but its seed. Ready before the beacon is.
#[derive(Debug)]
pub struct Prepared {
    /// The round.
    pub round: Round,
    /// The snapshot's block.
    pub snapshot: SnapshotId,
    /// Orders and their values at T.
    pub inputs: Snapshot,
    /// Commitment to them.
    pub inputs_root: Digest,
    /// The policy in force.
    pub policy: Policy,
    /// The round's numbers.
    pub context: RoundContext,
}

/// What a round comes to.
#[derive(Debug)]
pub struct Computed {
    /// What will be signed.
    pub header: Header,
    /// What the header's outcome root commits to.
    pub list: OutcomeList,
    /// Open requests.
    pub requests: usize,
    /// How long it took.
    pub took: Duration,
}

/// Computes outcome, list and header.
///
/// # Errors
/// Only for a bug: an outcome that its own inputs do not carry.
pub fn compute(prepared: &Prepared, domain: &Domain, seed: Seed) -> Result<Computed, String> {
    let start = Instant::now();
    let Prepared {
        inputs,
        policy,
        context,
        ..
    } = prepared;
    let outcome = match_round(inputs, &policy.score, context, &seed);
    let list = OutcomeList::new(&outcome, inputs).map_err(|error| error.to_string())?;
    let header = Header {
        domain: *domain,
        round: prepared.round,
        snapshot_number: prepared.snapshot.number,
        snapshot_hash: prepared.snapshot.hash,
        policy_hash: policy.hash(),
        inputs_root: prepared.inputs_root,
        seed,
        outcome_root: list.outcome_root(),
    };
    Ok(Computed {
        header,
        list,
        requests: inputs.requests().len(),
        took: start.elapsed(),
    })
}
