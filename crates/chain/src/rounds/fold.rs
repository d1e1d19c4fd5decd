//! Applying the events of rounds and taking them back.

use quorate_canon::{Address, Round};

use super::{CertifiedRound, RoundEvent, RoundLog};

/// One change, so that it can be taken back.
#[derive(Debug, Clone)]
pub(super) enum Undo {
    Certified(Round),
    /// With what stood before: a proposal.
    Replaced(Round, CertifiedRound),
    Proposed(Round),
    Settled(Round),
    Refuted(Round),
    Policy,
    Nothing,
}

/// An event that cannot follow those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RoundError {
    /// A second certificate of a round where `Rounds` takes one: of a proposal only, before its end.
    #[error("round {0} was certified twice")]
    CertifiedTwice(Round),
    /// Something about a round that has no header.
    #[error("round {0} was neither certified nor proposed")]
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
                let certified = CertifiedRound {
                    digest: *digest,
                    certified: *time,
                    proposer: None,
                    settled: None,
                    refuted: None,
                    transaction: *transaction,
                    block,
                };
                self.certify(*round, certified)
            }
            RoundEvent::Proposed { round, proposer } => self.mark_proposed(*round, *proposer),
            RoundEvent::Settled { round, settled } => {
                self.certified(*round)?.settled = Some(*settled);
                Ok(Undo::Settled(*round))
            }
            RoundEvent::Refuted { round, refuted } => {
                // Refutations come up to days after a round: it may be forgotten here.
                if self.is_forgotten(*round) {
                    return Ok(Undo::Nothing);
                }
                self.certified(*round)?.refuted = Some(*refuted);
                Ok(Undo::Refuted(*round))
            }
            RoundEvent::PolicySet(policy) => {
                self.policies.push(*policy);
                Ok(Undo::Policy)
            }
        }
    }

    /// A certificate takes the place of a proposal that has not come to its end, or confirms it.
    fn certify(&mut self, round: Round, certified: CertifiedRound) -> Result<Undo, RoundError> {
        let open = |stands: &CertifiedRound| {
            stands.proposer.is_some() && stands.settled.is_none() && stands.refuted.is_none()
        };
        match self.rounds.get(&round) {
            Some(stands) if !open(stands) => Err(RoundError::CertifiedTwice(round)),
            _ => Ok(match self.rounds.insert(round, certified) {
                Some(proposal) => Undo::Replaced(round, proposal),
                None => Undo::Certified(round),
            }),
        }
    }

    fn mark_proposed(&mut self, round: Round, proposer: Address) -> Result<Undo, RoundError> {
        self.certified(round)?.proposer = Some(proposer);
        Ok(Undo::Proposed(round))
    }

    fn is_forgotten(&self, round: Round) -> bool {
        self.rounds
            .first_key_value()
            .is_some_and(|(first, _)| round < *first)
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
                Undo::Replaced(round, proposal) => {
                    self.rounds.insert(round, proposal);
                }
                Undo::Proposed(round) => {
                    if let Some(certified) = self.rounds.get_mut(&round) {
                        certified.proposer = None;
                    }
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
                Undo::Nothing => {}
            }
        }
    }
}
