//! Applying the events of rounds and taking them back.

use quorate_canon::Round;

use super::{CertifiedRound, RoundEvent, RoundLog};

/// One change, so that it can be taken back.
#[derive(Debug, Clone, Copy)]
pub(super) enum Undo {
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

impl RoundLog {
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
