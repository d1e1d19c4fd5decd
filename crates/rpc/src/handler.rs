//! What an aggregator offers to the server, in the domain's words.

use std::{future::Future, net::IpAddr};

use quorate_canon::{Digest, Round};
use quorate_matching::OutcomeList;
use quorate_protocol::{Unverified, Vote};
use tonic::Status;

use crate::{
    WireError,
    wire::{RoundReport, VoteReceipt},
};

/// Why a list is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListRefusal {
    /// No header with this digest is known here.
    #[error("no header with this digest is known here")]
    UnknownHeader,
    /// Someone else is sending it, or too many lists are being sent.
    #[error("another upload is under way")]
    Busy,
    /// The list has another root than the header signs.
    #[error("the list's outcome root is {got}, the header's is {expected}")]
    WrongRoot {
        /// Root of what was sent.
        got: Digest,
        /// What the header says.
        expected: Digest,
    },
    /// It could not be stored.
    #[error("the list could not be stored: {0}")]
    Store(String),
}

impl From<ListRefusal> for Status {
    fn from(refusal: ListRefusal) -> Self {
        let words = refusal.to_string();
        match refusal {
            ListRefusal::UnknownHeader => Self::not_found(words),
            ListRefusal::Busy => Self::resource_exhausted(words),
            ListRefusal::WrongRoot { .. } => Self::invalid_argument(words),
            ListRefusal::Store(_) => Self::unavailable(words),
        }
    }
}

/// What an aggregator does with what comes in. A caller that hangs up drops the future of its own
/// call: an implementor that began something hands it to a task of its own first.
pub trait Handler: Send + Sync + 'static {
    /// Held while a list is being received; dropping it lets others send.
    type Admission: Send;

    /// Takes a vote from `peer`, if its address is known. Accepted means: stored durably.
    fn vote(
        &self,
        vote: Vote<Unverified>,
        peer: Option<IpAddr>,
    ) -> impl Future<Output = VoteReceipt> + Send;

    /// A message came that is no vote.
    fn malformed(&self, error: &WireError);

    /// Whether `peer` may send a list for this header now. `None`: it is here already.
    fn admit(
        &self,
        digest: Digest,
        peer: Option<IpAddr>,
    ) -> impl Future<Output = Result<Option<Self::Admission>, ListRefusal>> + Send;

    /// Whether a list may still be received that was admitted: its place may be needed for another's.
    fn stands(&self, _admission: &Self::Admission) -> bool {
        true
    }

    /// Takes a whole list; true if it is new.
    fn list(
        &self,
        digest: Digest,
        list: OutcomeList,
        admission: Self::Admission,
    ) -> impl Future<Output = Result<bool, ListRefusal>> + Send;

    /// How a round stands, if it is known here.
    fn round(&self, round: Round) -> impl Future<Output = Option<RoundReport>> + Send;
}
