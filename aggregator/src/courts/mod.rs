//! Cases against operators: evidence is stored when it is found, taken to L1 until it is punished
//! or has lapsed, and L2's word is asked for where L1 needs it. Rounds that were refuted on L2 are
//! tried the same way: see [`trial`]. Each case may fail only by itself.

pub mod docket;
pub(crate) mod patience;
mod punish;
mod scan;
mod trial;
pub mod trials;
pub mod words;

use quorate_canon::{Digest, OperatorIndex, Round};
use quorate_protocol::Evidence;

pub use trial::{Trial, TrialStage};

/// Evidence and how far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// The accused.
    pub operator: OperatorIndex,
    /// What proves it.
    pub evidence: Evidence,
    /// How far it has come.
    pub stage: Stage,
}

/// How far a case has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Not on L1 yet.
    Open,
    /// A divergence charged under this id; it waits for L2's word.
    Charged(Digest),
    /// The operator was punished for this round.
    Punished,
    /// It leads to nothing: L2's word is another, the time for it is over, or the operator has nothing
    /// left to lose.
    Lapsed,
}

impl Case {
    /// A case that was just found.
    pub const fn new(operator: OperatorIndex, evidence: Evidence) -> Self {
        Self {
            operator,
            evidence,
            stage: Stage::Open,
        }
    }

    /// The round that it is about.
    pub const fn round(&self) -> Round {
        self.evidence.round()
    }

    /// Whether something remains to be done.
    pub const fn is_pending(&self) -> bool {
        matches!(self.stage, Stage::Open | Stage::Charged(_))
    }
}
