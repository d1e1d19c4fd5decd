//! What `Rounds` has said, folded from its events: certified and proposed rounds, their ends,
//! policies.
//!
//! As [`crate::market::MarketIndex`] it does no I/O and can take the blocks of the tail back.

mod event;
mod fold;
mod image;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use quorate_canon::{Address, Digest, Round, Timestamp, Version};
use quorate_protocol::{ProtocolError, Schedule};

pub use event::RoundEvent;
pub use fold::RoundError;
use fold::Undo;

/// A round that was certified or proposed, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertifiedRound {
    /// Digest of the header that stands.
    pub digest: Digest,
    /// Time of the certificate, or of the proposal while there is none.
    pub certified: Timestamp,
    /// Who proposed the header; `None` once it has a certificate.
    pub proposer: Option<Address>,
    /// When the last chunk was posted.
    pub settled: Option<Settled>,
    /// When and by what the round was refuted. It leaves the round's end, and the live rounds that
    /// follow from it, as they are.
    pub refuted: Option<Refuted>,
    /// The transaction with the certificate or the proposal.
    pub transaction: Digest,
    /// The block of that transaction.
    pub block: u64,
}

/// A round's last chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// Time.
    pub time: Timestamp,
    /// Entries of the whole list.
    pub count: u32,
    /// The block of that chunk.
    pub block: u64,
}

/// A refutation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refuted {
    /// Time.
    pub time: Timestamp,
    /// Code of docs/formats.md, section 13.
    pub code: u8,
    /// Position in the list.
    pub position: u32,
}

/// A policy and the rounds that it holds for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PolicyEntry {
    /// Its version.
    pub version: Version,
    /// The first round that it holds for.
    pub effective_from: Round,
    /// Its hash, as the header names it.
    pub hash: Digest,
    /// The code page with its bytes.
    pub page: Address,
}

/// Rounds and policies, folded from events.
#[derive(Debug, Clone, Default)]
pub struct RoundLog {
    rounds: BTreeMap<Round, CertifiedRound>,
    policies: Vec<PolicyEntry>,
    tail: VecDeque<(u64, Vec<Undo>)>,
}

impl RoundLog {
    /// A round that has a header.
    #[must_use]
    pub fn get(&self, round: Round) -> Option<&CertifiedRound> {
        self.rounds.get(&round)
    }

    /// All rounds with a header that are kept, ascending.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Round, &CertifiedRound)> {
        self.rounds
            .iter()
            .map(|(round, certified)| (*round, certified))
    }

    /// The last round that has a header.
    #[must_use]
    pub fn last(&self) -> Option<(Round, &CertifiedRound)> {
        self.rounds
            .last_key_value()
            .map(|(round, certified)| (*round, certified))
    }

    /// All policies, in the order in which they were set.
    #[must_use]
    pub fn policies(&self) -> &[PolicyEntry] {
        &self.policies
    }

    /// The policy of a round: of those that hold from this round or an earlier one, the one set
    /// last.
    #[must_use]
    pub fn policy_of(&self, round: Round) -> Option<&PolicyEntry> {
        self.policies
            .iter()
            .rev()
            .find(|policy| policy.effective_from <= round)
    }

    /// n0, the first round that may be live after the last one before `round` that has a header; 0
    /// before any. Rounds without all chunks end at their deadline.
    ///
    /// # Errors
    /// [`ProtocolError`] for numbers beyond the schedule's range.
    pub fn first_live(&self, schedule: &Schedule, round: Round) -> Result<Round, ProtocolError> {
        let Some((last, certified)) = self.rounds.range(..round).next_back() else {
            return Ok(Round::new(0));
        };
        let deadline = schedule.deadline(*last)?;
        let end = certified
            .settled
            .map_or(deadline, |settled| settled.time.min(deadline));
        schedule.live_after(end)
    }

    /// Whether a round is live, as far as the folded blocks say.
    ///
    /// # Errors
    /// [`ProtocolError`] for numbers beyond the schedule's range.
    pub fn is_live(&self, schedule: &Schedule, round: Round) -> Result<bool, ProtocolError> {
        schedule.is_live(round, self.first_live(schedule, round)?)
    }
}

/// Two logs are equal if they hold the same, whatever each can still take back.
impl PartialEq for RoundLog {
    fn eq(&self, other: &Self) -> bool {
        self.rounds == other.rounds && self.policies == other.policies
    }
}
