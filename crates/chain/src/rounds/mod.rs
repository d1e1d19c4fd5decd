//! What `Rounds` has said, folded from its events: certified rounds, their ends, policies.
//!
//! As [`crate::market::MarketIndex`] it does no I/O and can take the blocks of the tail back.

mod event;
mod image;

use std::collections::{BTreeMap, VecDeque};

use quorate_canon::{Address, Digest, Round, Timestamp, Version};
use quorate_protocol::{ProtocolError, Schedule};

pub use event::RoundEvent;

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

/// One change, so that it can be taken back.
#[derive(Debug, Clone, Copy)]
enum Undo {
    Certified(Round),
    Settled(Round),
    Refuted(Round),
    Policy,
}

/// An event that cannot follow those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RoundError {
    /// A second certificate of a round where `Rounds` takes one.
    #[error("round {0} was certified twice")]
    CertifiedTwice(Round),
    /// An end of a round that was never certified.
    #[error("round {0} was not certified")]
    NotCertified(Round),
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

    /// Applies the events of one block, all or none.
    ///
    /// # Errors
    /// [`RoundError`]; nothing has changed then.
    pub fn apply<'a>(
        &mut self,
        block: u64,
        events: impl IntoIterator<Item = &'a RoundEvent>,
        undoable: bool,
    ) -> Result<(), RoundError> {
        let mut done = Vec::new();
        for event in events {
            match self.apply_event(event, block) {
                Ok(change) => done.push(change),
                Err(error) => {
                    self.take_back(done);
                    return Err(error);
                }
            }
        }
        if undoable && !done.is_empty() {
            self.tail.push_back((block, done));
        }
        Ok(())
    }

    /// Takes every block above `block` back.
    pub fn rollback(&mut self, block: u64) {
        while self.tail.back().is_some_and(|(number, _)| *number > block) {
            if let Some((_, changes)) = self.tail.pop_back() {
                self.take_back(changes);
            }
        }
    }

    /// Declares every block up to `block` final.
    pub fn finalize(&mut self, block: u64) {
        while self
            .tail
            .front()
            .is_some_and(|(number, _)| *number <= block)
        {
            self.tail.pop_front();
        }
    }

    /// Forgets rounds before `round`, but for the last one, on which the next live round rests.
    pub fn prune(&mut self, round: Round) {
        if let Some(last) = self.rounds.last_key_value().map(|(last, _)| *last) {
            self.rounds = self.rounds.split_off(&round.min(last));
        }
    }

    fn apply_event(&mut self, event: &RoundEvent, block: u64) -> Result<Undo, RoundError> {
        match event {
            RoundEvent::Certified {
                round,
                digest,
                time,
                transaction,
            } => {
                if self.rounds.contains_key(round) {
                    return Err(RoundError::CertifiedTwice(*round));
                }
                let certified = CertifiedRound {
                    digest: *digest,
                    certified: *time,
                    settled: None,
                    refuted: None,
                    transaction: *transaction,
                    block,
                };
                self.rounds.insert(*round, certified);
                Ok(Undo::Certified(*round))
            }
            RoundEvent::Settled { round, settled } => {
                self.certified(*round)?.settled = Some(*settled);
                Ok(Undo::Settled(*round))
            }
            RoundEvent::Refuted { round, refuted } => {
                self.certified(*round)?.refuted = Some(*refuted);
                Ok(Undo::Refuted(*round))
            }
            RoundEvent::PolicySet(policy) => {
                self.policies.push(*policy);
                Ok(Undo::Policy)
            }
        }
    }

    fn certified(&mut self, round: Round) -> Result<&mut CertifiedRound, RoundError> {
        self.rounds
            .get_mut(&round)
            .ok_or(RoundError::NotCertified(round))
    }

    fn take_back(&mut self, changes: Vec<Undo>) {
        for change in changes.into_iter().rev() {
            match change {
                Undo::Certified(round) => {
                    self.rounds.remove(&round);
                }
                Undo::Settled(round) => {
                    if let Some(certified) = self.rounds.get_mut(&round) {
                        certified.settled = None;
                    }
                }
                Undo::Refuted(round) => {
                    if let Some(certified) = self.rounds.get_mut(&round) {
                        certified.refuted = None;
                    }
                }
                Undo::Policy => {
                    self.policies.pop();
                }
            }
        }
    }
}

/// Two logs are equal if they hold the same, whatever each can still take back.
impl PartialEq for RoundLog {
    fn eq(&self, other: &Self) -> bool {
        self.rounds == other.rounds && self.policies == other.policies
    }
}
