//! When an operator lies.

use quorate_canon::Round;

/// The rounds in which an operator lies: the first so many, from one on, in which it can. Operators
/// that were told the same lie in the same rounds as long as they take part in the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct When {
    /// Not before this round.
    pub from: Round,
    /// In so many rounds.
    pub rounds: u32,
}

impl When {
    /// From a round on, for ever.
    #[must_use]
    pub const fn always_from(from: Round) -> Self {
        Self {
            from,
            rounds: u32::MAX,
        }
    }

    /// Whether this round is one of them.
    pub(super) fn is_now(&self, round: Round) -> bool {
        self.rounds > 0 && round >= self.from
    }

    /// One round less to lie in.
    pub(super) fn told(&mut self) {
        self.rounds = self.rounds.saturating_sub(1);
    }
}

/// Once, from a round on.
impl From<Round> for When {
    fn from(from: Round) -> Self {
        Self { from, rounds: 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lie_is_told_as_often_as_asked_and_not_before() {
        let mut when = When {
            from: Round::new(5),
            rounds: 2,
        };
        let mut lied = Vec::new();
        for round in (3..9).map(Round::new) {
            if when.is_now(round) {
                lied.push(round.get());
                when.told();
            }
        }
        assert_eq!(lied, [5, 6]);
    }
}
