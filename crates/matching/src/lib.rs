//! matching
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

mod capacity;
mod check;
mod chunk;
mod context;
mod eligibility;
mod explain;
mod inputs;
mod keys;
mod list;
mod log2q;
mod num;
mod offer;
mod outcome;
pub mod policy;
mod prepared;
mod range;
mod rank;
mod request;
mod score;
mod snapshot;
mod solve;

pub use capacity::Capacity;
pub use check::{Fault, check_outcome};
pub use chunk::{CHUNK, ChunkError, ChunkProof, chunk_count, verify_chunk};
pub use context::{RoundContext, Seed};
pub use eligibility::{Ineligible, eligible};
pub use explain::{Explanation, PairVerdict, explain_pair, explain_request};
pub use inputs::{
    FLAG_JAILED, FLAG_MAINTENANCE, MachineState, OfferInput, ProviderState, RequestInput,
};
pub use keys::{Keys, fold, jitter, offer_key, request_key};
pub use list::{Entry, ListError, NO_LOWEST, OutcomeList, outcome_root};
pub use log2q::log2q;
pub use offer::Offer;
pub use outcome::{Match, Outcome, UnmatchedReason};
pub use policy::{HealthSection, MoneySection, Policy, PolicyError, ScorePolicy};
pub use prepared::{OfferSide, Prepared, RequestSide};
pub use rank::PairRank;
pub use request::{Profile, Request};
pub use score::{Factors, factors, score, tie};
pub use snapshot::{Snapshot, SnapshotError};
pub use solve::match_round;
