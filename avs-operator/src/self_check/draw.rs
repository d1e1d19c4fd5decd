//! What is looked at: drawn from the seed, so that a disagreement can be looked at again, and so
//! that nobody could choose it before the orders were fixed.

use std::collections::BTreeSet;

use quorate_canon::hash::{sha256, tag};
use quorate_matching::Seed;

/// Numbers that follow from a seed.
#[derive(Debug)]
pub(super) struct Dice {
    seed: Seed,
    drawn: u64,
}

impl Dice {
    /// Nothing is drawn yet.
    pub(super) const fn new(seed: Seed) -> Self {
        Self { seed, drawn: 0 }
    }

    /// A number below `count`; `None` if there is none.
    pub(super) fn below(&mut self, count: usize) -> Option<usize> {
        let word = sha256(&[
            &tag("quorate/self-check/v1"),
            &self.seed.0,
            &self.drawn.to_be_bytes(),
        ]);
        self.drawn += 1;
        let (first, _) = word.0.split_first_chunk::<8>()?;
        // Whoever draws below 2^32 out of 2^64 is off by less than anybody can see.
        let below = u64::from_be_bytes(*first).checked_rem(u64::try_from(count).ok()?)?;
        usize::try_from(below).ok()
    }

    /// `wanted` different numbers below `count`, ascending; all of them if there are no more.
    pub(super) fn distinct(&mut self, wanted: usize, count: usize) -> BTreeSet<usize> {
        let mut chosen = BTreeSet::new();
        // Floyd's sampling: each step adds one number, and every set is as likely as any other.
        for last in count.saturating_sub(wanted)..count {
            let drawn = self.below(last + 1).unwrap_or(last);
            if !chosen.insert(drawn) {
                chosen.insert(last);
            }
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same() {
        let draw = |seed| {
            let mut dice = Dice::new(Seed([seed; 32]));
            (dice.below(1_000), dice.distinct(5, 1_000))
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn sets_are_as_large_as_asked_and_below_the_count() {
        let mut dice = Dice::new(Seed([3; 32]));
        for (wanted, count) in [(0, 9), (3, 9), (9, 9), (12, 9), (4, 0)] {
            let set = dice.distinct(wanted, count);
            assert_eq!(set.len(), wanted.min(count));
            assert!(set.iter().all(|drawn| *drawn < count));
        }
    }

    #[test]
    fn every_number_comes_up() {
        let mut dice = Dice::new(Seed([5; 32]));
        let seen: BTreeSet<_> = (0..400).filter_map(|_| dice.below(16)).collect();
        assert_eq!(seen.len(), 16);
        assert_eq!(dice.below(0), None);
    }
}
