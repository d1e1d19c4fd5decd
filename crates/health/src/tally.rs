//! From the verdicts of one window to at most one word about it.

use crate::{HealthPolicy, Place, Receipt, Verdict};

/// What an operator may say about a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Word {
    /// The machine passed a probe.
    Receipt(Receipt),
    /// DOWN: it failed there as often in a row as the policy asks, and passed none. Nothing is signed
    /// for it by itself; it is kept for the epoch's list.
    Down(Place),
}

/// The verdicts of one operator about one machine in one window.
///
/// One PASS decides: whoever passed any probe of a machine in a window never attests DOWN for it,
/// whatever comes later. An UNKNOWN breaks a row of FAILs: it says nothing, so the row has to begin
/// anew.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WindowTally {
    passed: bool,
    fails_in_a_row: u8,
    most_in_a_row: u8,
}

impl WindowTally {
    /// Adds the next verdict.
    pub fn add(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Pass => self.passed = true,
            Verdict::Fail(_) => self.fails_in_a_row = self.fails_in_a_row.saturating_add(1),
            Verdict::Unknown(_) => self.fails_in_a_row = 0,
        }
        self.most_in_a_row = self.most_in_a_row.max(self.fails_in_a_row);
    }

    /// Whether another probe could still change the word.
    #[must_use]
    pub const fn is_open(&self, policy: &HealthPolicy) -> bool {
        !self.passed && self.most_in_a_row < policy.fails
    }

    /// The word, if there is one. It is for the signer's ledger to see to it that it is the only one.
    #[must_use]
    pub const fn word(&self, place: Place, policy: &HealthPolicy) -> Option<Word> {
        if self.passed {
            Some(Word::Receipt(Receipt(place)))
        } else if self.most_in_a_row > 0 && self.most_in_a_row >= policy.fails {
            Some(Word::Down(place))
        } else {
            None
        }
    }
}
