//! What `Rounds` has said, folded from its events: certified rounds, their ends, policies.
//!
//! As [`crate::market::MarketIndex`] it does no I/O and can take the blocks of the tail back.

mod event;
mod fold;
mod image;

use std::collections::{BTreeMap, VecDeque};

use quorate_canon::{Address, Digest, Round, Timestamp, Version};
use quorate_protocol::{ProtocolError, Schedule};

pub use event::RoundEvent;
pub use fold::RoundError;
use fold::Undo;

/// A round that was certified, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertifiedRound {
    /// Digest of the certified header.
    pub digest: Digest,
    /// Time of the certificate.
    pub certified: Timestamp,
    /// When the last chunk was posted.
    pub settled: Option<Settled>,
    /// When and by what the round was refuted.
    pub refuted: Option<Refuted>,
    /// The transaction with the certificate.
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
    /// Code of `IMarket.Refuted`, or of the challenge.
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
    /// A certified round.
    #[must_use]
    pub fn get(&self, round: Round) -> Option<&CertifiedRound> {
        self.rounds.get(&round)
    }

    /// All certified rounds that are kept, ascending.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Round, &CertifiedRound)> {
        self.rounds
            .iter()
            .map(|(round, certified)| (*round, certified))
    }

    /// The last certified round.
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

    /// n0, the first round that may be live after the last certified one before `round`; 0 before
    /// any. Rounds without all chunks end at their deadline.
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
