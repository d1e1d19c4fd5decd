//! The complete check of a claimed list, as fast as finding the outcome and in another way.
//!
//! It knows nothing of how outcomes are found. First every entry is held against the inputs by the
//! rules themselves. The true entries then say of each machine down to which pair it still had room
//! for so many GPUs: where it *closed*. A pair can block only if it scores at least as much as its
//! machine's close and as its request's own match, so almost all are ruled out by bounds: of a cell,
//! a group, a block. What is left is judged exactly.
//!
//! Comparing a list with one's own outcome is the quicker first step for whoever has to find it
//! anyway; a difference still has to be named, and that is done here.

mod blocking;
mod close;
mod entries;

use quorate_matching::{
    Entry, Fault, NO_LOWEST, OutcomeList, PairRank, RoundContext, ScorePolicy, Seed, Snapshot,
};

use crate::prepared::Ready;
use entries::Claim;

/// All that a list is checked against.
#[derive(Clone, Copy)]
struct Round<'r> {
    ready: &'r Ready,
    snapshot: &'r Snapshot,
    policy: &'r ScorePolicy,
    context: &'r RoundContext,
    /// The requests' keys, by position.
    keys: &'r [u64],
    /// The offers' keys, by machine.
    machine_keys: &'r [u64],
    threads: usize,
}

/// Whether the list is the outcome.
pub(crate) fn check(
    ready: &Ready,
    snapshot: &Snapshot,
    policy: &ScorePolicy,
    context: &RoundContext,
    seed: &Seed,
    list: &OutcomeList,
    threads: usize,
) -> Result<(), Fault> {
    let (keys, machine_keys) = ready.keys(seed, threads);
    let round = Round {
        ready,
        snapshot,
        policy,
        context,
        keys: &keys,
        machine_keys: &machine_keys,
        threads,
    };
    let claim = Claim::read(&round, list)?;
    let floor = check_cut(policy, list)?;
    blocking::check(&round, list, &claim, floor)
}

/// Whether the list ends where it should. Returns the rank of the lowest match if the limit is
/// reached: nothing below it can block.
fn check_cut(policy: &ScorePolicy, list: &OutcomeList) -> Result<Option<PairRank>, Fault> {
    let got = list.count();
    if let Some(limit) = policy.match_limit().filter(|limit| got > *limit) {
        return Err(Fault::TooMany { got, limit });
    }
    let lowest = (0..)
        .zip(list.entries())
        .min_by_key(|(_, entry)| entry.rank());
    let expected = lowest.map_or(NO_LOWEST, |(at, _)| at);
    if list.lowest() != expected {
        return Err(Fault::WrongLowest {
            got: list.lowest(),
            expected,
        });
    }
    let full = policy.match_limit() == Some(got);
    Ok(lowest.filter(|_| full).map(|(_, entry)| Entry::rank(entry)))
}
