//! The fast way to a round's one outcome: equal to [`quorate_matching::match_round`] for every
//! input and any number of threads, because the outcome is unique.
//!
//! What makes it fast, in the order in which it happens:
//!
//! 1. **Compact orders.** All that pairs need of an order is copied once into a cache line, before
//!    the seed is out. Requests of one shape (models, regions, profile, home, size) make a class.
//! 2. **Groups.** A score is `request + offer + region pair + fit + lottery`. Machines of one model,
//!    region and free size differ in the second and the last alone, so each group is sorted by the
//!    offer's part, and a search in it stops where the most that the lottery gives is not enough.
//! 3. **Wide registers.** Eight machines are scored at once where the processor can, and sixteen
//!    regions are bounded at once.
//! 4. **Bands.** The order is walked down in bands of scores. A class sleeps until the band of the
//!    most that its first request can reach, a request until that of what it found or may find;
//!    then its few best machines are searched among those with room *by then*. Threads search for
//!    the requests of a band side by side, against room that stands still, and in an order that
//!    keeps those together which look at the same machines.
//! 5. **The walk.** One thread walks the band's pairs in order and takes what fits. Room only
//!    shrinks, so a shortlist stays right after it was made; one that runs out is made again.
//!
//! Scheduling decides nothing: threads only search, each search is a function of the room at the
//! band's start, and the walk sorts what they bring by the strict order of pairs.
//!
//! [`Prepared::check`] judges a claimed list in another way, which shares with the search only what
//! an order and a group are.
#![allow(
    clippy::cast_possible_truncation,
    reason = "positions are 32 bits wide in every format, and scores of a valid policy fit 32 bits"
)]

mod ask;
mod bits;
mod block;
mod check;
mod lanes;
mod listing;
mod machine;
mod market;
mod pool;
mod prepared;
mod reasons;
mod search;
mod search_ids;
mod sleeper;
mod stock;
mod sweep;
mod tables;

pub use crate::prepared::Prepared;
pub use crate::sweep::Effort;

use quorate_matching::{Outcome, RoundContext, ScorePolicy, Seed, Snapshot};

use crate::prepared::Ready;

/// Computes the outcome of a round on `threads` threads; 0 counts as 1.
///
/// As [`Prepared::new`] and [`Prepared::solve`], for callers that have the seed at once and the
/// snapshot for a while only.
#[must_use]
pub fn match_round(
    snapshot: &Snapshot,
    policy: &ScorePolicy,
    context: &RoundContext,
    seed: &Seed,
    threads: usize,
) -> Outcome {
    match Ready::new(snapshot, policy, context, threads) {
        Some(ready) => ready.solve(snapshot, seed, threads).0,
        None => quorate_matching::match_round(snapshot, policy, context, seed),
    }
}
