//! Matching: from the inputs of a round to its one outcome, and back from any claimed outcome to
//! the proof that it is right or wrong.
//!
//! Everything here is a function of values: the [`Snapshot`] (the orders with their values at T),
//! the [`ScorePolicy`], the [`RoundContext`] and the [`Seed`]. There is no clock, no randomness but
//! the seed, no floating point, no collection whose order differs from run to run, and nothing that
//! panics. The bytes and formulas are those of `docs/formats.md`, sections 2, 3 and 5 to 7.
//!
//! The rules stand in layers, each knowing only the ones before it:
//!
//! 1. **records**: [`Offer`], [`Request`], [`OfferInput`], [`RequestInput`], [`Policy`]
//! 2. **which pairs exist**: [`eligible`], with the first broken rule as the reason
//! 3. **how they score**: [`log2q`], [`Keys`], [`Factors`], [`score`]
//! 4. **the strict order**: [`PairRank`]
//! 5. **the outcome**: [`match_round`]
//! 6. **its commitment**: [`OutcomeList`], [`ChunkProof`]
//! 7. **its complete check**: [`check_outcome`], which shares with the solver what a pair is and how
//!    it ranks ([`Prepared`]), and nothing of how outcomes are found
//! 8. **reasons**: [`explain_request`], [`explain_pair`], [`explain_offer`]
//!
//! # Why there is exactly one outcome, and why one pair refutes any other
//!
//! Take a set M of eligible pairs. It is *feasible* if no request is in two of them, each machine's
//! free capacity holds all that M puts on it, in every component, and M has no more pairs than the
//! limit, where there is one. An eligible pair e = (r, o) outside M *blocks* M if three things hold:
//!
//! - r has nothing as good: M leaves it out, or serves it by a pair below e;
//! - o has room: its free capacity holds r together with those of its pairs in M that stand above e;
//! - the round got that far: M is below the limit, or e stands above the lowest pair of M.
//!
//! **Claim.** Exactly one feasible set is blocked by nothing, and it is the one that the walk down
//! the order takes, matching each pair whose request is still free and whose machine still has room.
//!
//! *The walk's set G is not blocked.* It passed over e for one of three reasons: r was already
//! served, so by a pair above e; o had no room beside what it had taken, all of which stands above
//! e; or the limit was reached, by pairs that all stand above e. Each denies one of the three lines.
//!
//! *No other set is.* Let M be feasible and unblocked, and suppose that it differs from G. The order
//! is strict, so there is a highest pair e = (r, o) in one and not in the other. Above e the two are
//! the same set; call it S.
//!
//! - If e is in G: the walk took it, so S does not serve r, o has room for r beside S, and S is
//!   below the limit. Hence M serves r below e or not at all; o has room as the second line asks; and
//!   if M is at the limit then, having no more than S above e, it has a pair below e, so e stands
//!   above its lowest. All three lines hold: e blocks M.
//! - If e is in M: the walk passed over it, so S serves r, or o has no room for r beside S, or S is at
//!   the limit. M contains S and e, so it serves r twice, or overfills o, or exceeds the limit: M is
//!   not feasible.
//!
//! Either way there is a contradiction, so M = G. ∎
//!
//! The argument is short because of what the rules avoid. The order is strict: ids are part of it.
//! What stands above a pair decides about it alone: nothing is accepted for now and evicted later.
//! Eligibility looks at one pair, and a pair that fits beside some others fits beside fewer. Soften
//! any of these, with ties, with jobs that span machines, with limits across machines, and either
//! there are several answers or a wrong one has no short witness.
//!
//! Two things follow. The outcome does not depend on the algorithm, so any right one, on any number of
//! threads, may take the place of [`match_round`]. And whoever claims another set has either an
//! entry that is wrong by itself or a pair that blocks: [`check_outcome`] finds one or the other, and
//! a contract can be shown it.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::float_arithmetic,
        clippy::as_conversions
    )
)]

mod accuse;
mod capacity;
mod check;
mod chunk;
mod context;
mod eligibility;
mod explain;
mod fault;
mod inputs;
mod judge;
mod keys;
mod leaves;
mod list;
mod log2q;
mod num;
mod offer;
mod opening;
mod outcome;
pub mod policy;
mod prepared;
mod range;
mod rank;
mod request;
mod score;
mod snapshot;
mod solve;
mod witness;
#[cfg(feature = "wrong-outcomes")]
pub mod wrong;

pub use accuse::{list_of_root, witness_for, witness_of};
pub use capacity::Capacity;
pub use check::check_outcome;
pub use chunk::{CHUNK, ChunkError, ChunkProof, chunk_count, verify_chunk};
pub use context::{RoundContext, Seed};
pub use eligibility::{Ineligible, eligible};
pub use explain::{
    Explanation, OfferExplanation, PairVerdict, explain_offer, explain_pair, explain_request,
};
pub use fault::Fault;
pub use inputs::{
    FLAG_JAILED, FLAG_MAINTENANCE, MachineState, OfferInput, ProviderState, RequestInput,
};
pub use judge::{
    Accused, Lease, NO_POSITION, OfferAt, Refutation, RefutationCode, RequestRecord, SnapshotView,
    View, judge, judge_witness,
};
pub use keys::{Keys, fold, jitter, offer_key, request_key};
pub use list::{Entry, ListError, NO_LOWEST, OutcomeList, outcome_root};
pub use log2q::log2q;
pub use offer::Offer;
pub use opening::{MAX_OPENED, Opening};
pub use outcome::{Match, Outcome, UnmatchedReason};
pub use policy::{
    HealthSection, Level, MoneySection, Policy, PolicyError, ScorePolicy, Standing,
    StandingSection, Tier,
};
pub use prepared::{OfferSide, Prepared, RequestSide};
pub use rank::PairRank;
pub use request::{Profile, Request};
pub use score::{Factors, factors, score, tie};
pub use snapshot::{Snapshot, SnapshotError};
pub use solve::match_round;
pub use witness::{BEACON_SIGNATURE, Witness, WitnessError};
