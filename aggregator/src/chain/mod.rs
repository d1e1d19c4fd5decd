//! The chains as the aggregator's actors see them: a few questions, and actions that are tried by
//! a call before they are sent. Unit tests put a simulated chain in this place.

pub mod actions;
mod calls;
pub mod duties;
pub mod ethereum;
pub mod health;
mod scan;
#[cfg(test)]
pub mod simulated;
#[cfg(test)]
pub mod simulated_duties;
#[cfg(test)]
pub mod simulated_health;
#[cfg(test)]
pub mod simulated_tally;
mod slasher;
pub mod tally;
pub mod work;

use std::{collections::BTreeSet, future::Future};

use alloy::primitives::U256;
use quorate_canon::{Digest, Epoch, OperatorIndex, Round, Timestamp};
use quorate_protocol::{Commitment, Offence, Signers, StakeTable, Word};

pub use actions::{Action, Side};
pub use duties::{DownScan, DutyChain, Machine};
pub use health::{CertifiedList, HealthChain, Struck, StruckScan};
pub use tally::{Counted, ProbeAt, Sampled, TallyChain};
pub use work::{Signed, WorkAction};

/// Why a chain did not do or say what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The contract refuses, for this reason. The same will be refused again until something changes.
    #[error("refused: {0}")]
    Refused(String),
    /// Nobody answered, or not in time.
    #[error("not reachable: {0}")]
    Unreachable(String),
    /// The transaction was not mined before its deadline.
    #[error("not mined in time")]
    Expired,
    /// The chain's data contradict themselves.
    #[error("bad data: {0}")]
    BadData(String),
}

impl Fault {
    /// Name in the labels of metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Unreachable(_) => "unreachable",
            Self::Expired => "expired",
            Self::BadData(_) => "bad_data",
        }
    }

    /// Whether the same thing may succeed without anything else changing.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Unreachable(_))
    }
}

/// A transaction that was mined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mined {
    /// Gas that it used.
    pub gas: u64,
    /// Its block.
    pub block: u64,
}

/// How a round stands on L2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// No certificate.
    None,
    /// A certificate; chunks are missing.
    Certified,
    /// The last chunk stands.
    Settled,
    /// Void, by evidence.
    Refuted,
}

/// A round on L2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnChain {
    /// How it stands.
    pub standing: Standing,
    /// Digest of the certified header, if there is one.
    pub digest: Digest,
    /// Chunks that stand.
    pub posted: u32,
    /// Whether the header was proposed for a bond, has no certificate yet and may still get one.
    pub proposed: bool,
}

/// The pages of an epoch's table, as L1 has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pages {
    /// What L1 says of them.
    pub commitment: Commitment,
    /// The page of stakes.
    pub stakes: Vec<u8>,
    /// The pages of keys, in order.
    pub keys: Vec<Vec<u8>>,
}

/// The pages that L2 does not have yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Numbers of pages of keys.
    pub keys: Vec<u32>,
    /// The page of stakes.
    pub stakes: bool,
}

/// Who paid a bond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payer {
    /// Our key.
    Us,
    /// Somebody else.
    Other,
}

/// What a look for refutations found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// Rounds that were refuted, with the code of docs/formats.md, section 13.
    pub refuted: Vec<(Round, u8)>,
    /// The block to look from next time.
    pub next: u64,
    /// Whether the look went up to the newest block.
    pub complete: bool,
}

/// What the actors ask of L1 and L2.
pub trait Chain: Send + Sync + 'static {
    /// How a round stands on L2.
    fn round(&self, round: Round) -> impl Future<Output = Result<OnChain, Fault>> + Send;

    /// The chunks that stand on L2, of a round that is certified.
    fn posted(&self, round: Round) -> impl Future<Output = Result<BTreeSet<u32>, Fault>> + Send;

    /// Whether a round was settled and has outlived its windows.
    fn is_final(&self, round: Round) -> impl Future<Output = Result<bool, Fault>> + Send;

    /// The table of an epoch, once all its pages stand on L2.
    fn table(&self, epoch: Epoch)
    -> impl Future<Output = Result<Option<StakeTable>, Fault>> + Send;

    /// The pages that L2 lacks of an epoch's table; `None` until L1's commitment has arrived there.
    fn missing_pages(
        &self,
        epoch: Epoch,
        count: u32,
    ) -> impl Future<Output = Result<Option<Missing>, Fault>> + Send;

    /// The pages of an epoch's table on L1; `None` until it is fixed.
    fn pages(&self, epoch: Epoch) -> impl Future<Output = Result<Option<Pages>, Fault>> + Send;

    /// From when on an epoch's table may be fixed.
    fn opens_at(&self, epoch: Epoch) -> impl Future<Output = Result<Timestamp, Fault>> + Send;

    /// L2's word about a round, as L1 has heard it.
    fn word(&self, round: Round) -> impl Future<Output = Result<Option<Word>, Fault>> + Send;

    /// Whether a slash for what an operator did in a stake epoch would still take something from it, or
    /// at least take it out of the operator set.
    fn can_lose(
        &self,
        operator: OperatorIndex,
        epoch: Epoch,
    ) -> impl Future<Output = Result<bool, Fault>> + Send;

    /// What the operator was punished for in this round, the gravest so far.
    fn offence(
        &self,
        operator: OperatorIndex,
        round: Round,
    ) -> impl Future<Output = Result<Option<Offence>, Fault>> + Send;

    /// Rounds that were refuted on L2 in block `from` or later; without one, since `since`. Looks
    /// at a bounded number of blocks.
    fn refutations(
        &self,
        from: Option<u64>,
        since: Timestamp,
    ) -> impl Future<Output = Result<Scan, Fault>> + Send;

    /// Who signed the certificate of the header that stands in a round on L2, of which `round` has told
    /// this; `None` if it was only proposed. An endpoint that tells something else, or lacks the event
    /// of the certificate, gives an error and no `None`: nobody is acquitted by it.
    fn signers(
        &self,
        round: Round,
        told: &OnChain,
    ) -> impl Future<Output = Result<Option<Signers>, Fault>> + Send;

    /// Whether an operator's signature counts no more on L2 in this epoch.
    fn is_struck(
        &self,
        operator: OperatorIndex,
        epoch: Epoch,
    ) -> impl Future<Output = Result<bool, Fault>> + Send;

    /// What L1 knows against a header.
    fn verdict(
        &self,
        round: Round,
        digest: Digest,
    ) -> impl Future<Output = Result<Option<Offence>, Fault>> + Send;

    /// Whether L1 knows that an operator signed a header.
    fn has_signed(
        &self,
        digest: Digest,
        operator: OperatorIndex,
    ) -> impl Future<Output = Result<bool, Fault>> + Send;

    /// What a proposal costs until its round is final, wei.
    fn proposal_bond(&self) -> impl Future<Output = Result<U256, Fault>> + Send;

    /// Whose bond is held for a round's proposal, if one is.
    fn bond(&self, round: Round) -> impl Future<Output = Result<Option<Payer>, Fault>> + Send;

    /// What our key was credited in `Disputes`, wei.
    fn credit(&self) -> impl Future<Output = Result<U256, Fault>> + Send;

    /// Tries an action by a call, sends it if it would succeed, and waits until it is mined,
    /// `deadline` (wall clock) at the latest. Nothing is sent that would be refused.
    fn act(
        &self,
        action: &Action,
        deadline: Timestamp,
    ) -> impl Future<Output = Result<Mined, Fault>> + Send;
}
