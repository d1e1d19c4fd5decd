//! What a watcher is told to do, and what it has to say in the end.

use std::collections::BTreeSet;

use quorate_canon::Round;
use quorate_service::Exit;
use tokio::sync::mpsc::UnboundedSender;

use super::Line;

/// What is done about a round that is shown to be wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Nothing is sent: the witness is tried by calls and reported.
    #[default]
    DryRun,
    /// `Disputes.challenge` is sent at once. No bond, no bounty.
    Challenge,
    /// Commit, wait a block, reveal: a bond that comes back, and the bounty for the first.
    Bounty,
}

impl Mode {
    /// Whether transactions are sent.
    #[must_use]
    pub const fn sends(self) -> bool {
        !matches!(self, Self::DryRun)
    }

    /// Whether commitments are made and shown.
    #[must_use]
    pub const fn is_bounty(self) -> bool {
        matches!(self, Self::Bounty)
    }
}

/// How long is watched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Until {
    /// Until the end is asked for.
    #[default]
    Asked,
    /// Until every round up to the head of the start has been looked at, and what follows from
    /// them is done or can only be done later.
    Head,
    /// Until this round is over (settled, refuted, or past its deadline) and all up to it are
    /// looked at.
    Round(Round),
}

/// How [`super::run`] watches.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What is done about a wrong round.
    pub mode: Mode,
    /// Ends the leases of ineligible pairs of refuted rounds; only with a mode that sends.
    pub annul: bool,
    /// How long.
    pub until: Until,
    /// Rounds before this one are left out; `None` goes on where the docket ends.
    pub from: Option<Round>,
    /// Hears of each round and each action; whoever is gone is not missed.
    pub lines: Option<UnboundedSender<Line>>,
}

/// What was found while watching.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Rounds that this run has judged.
    pub judged: u64,
    /// Rounds that are wrong, as far as this run has judged them.
    pub wrong: BTreeSet<Round>,
    /// Rounds about which nothing can be said, because something is missing or disagrees.
    pub unsure: BTreeSet<Round>,
    /// Rounds that this watcher's own transactions refuted.
    pub refuted: BTreeSet<Round>,
}

impl Summary {
    /// 1 if a round was wrong; else 2 if one could not be judged; else 0.
    #[must_use]
    pub fn exit(&self) -> Exit {
        if !self.wrong.is_empty() {
            Exit::Fault
        } else if !self.unsure.is_empty() {
            Exit::Unchecked
        } else {
            Exit::Well
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_outweighs_doubt_and_doubt_outweighs_nothing() {
        let mut summary = Summary::default();
        assert_eq!(summary.exit(), Exit::Well);
        summary.unsure.insert(Round::new(3));
        assert_eq!(summary.exit(), Exit::Unchecked);
        summary.wrong.insert(Round::new(2));
        assert_eq!(summary.exit(), Exit::Fault);
    }
}
