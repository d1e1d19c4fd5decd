//! Draws that depend on a seed and on what is drawn for, and on nothing else.

use sha2::{Digest as _, Sha256};

/// The seed of everything that the trace does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceSeed(pub u64);

impl TraceSeed {
    /// The draw for `purpose` and `name`: the same for ever, whatever else is drawn.
    #[must_use]
    pub fn draw(self, purpose: &str, name: &str) -> Draw {
        let digest = Sha256::new()
            .chain_update("quorate/devnet/trace/v1")
            .chain_update(self.0.to_be_bytes())
            .chain_update([0])
            .chain_update(purpose)
            .chain_update([0])
            .chain_update(name)
            .finalize();
        let first: [u8; 8] = std::array::from_fn(|i| digest[i]);
        Draw(u64::from_be_bytes(first))
    }
}

/// One draw: 64 even bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw(u64);

impl Draw {
    /// A number below `bound` (0 if that is 0).
    #[must_use]
    pub fn below(self, bound: u64) -> u64 {
        let product = u128::from(self.0) * u128::from(bound);
        u64::try_from(product >> 64).unwrap_or(0)
    }

    /// A number from `low` to `high`, both included.
    #[must_use]
    pub fn between(self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low).saturating_add(1))
    }

    /// One of a list; none of an empty one.
    #[must_use]
    pub fn one_of<T>(self, list: &[T]) -> Option<&T> {
        let count = u64::try_from(list.len()).unwrap_or(u64::MAX);
        usize::try_from(self.below(count))
            .ok()
            .and_then(|at| list.get(at))
    }

    /// The place in a list of shares, each as likely as its share.
    #[must_use]
    pub fn weighted(self, shares: &[u64]) -> usize {
        let mut left = self.below(shares.iter().sum());
        for (at, share) in shares.iter().enumerate() {
            if left < *share {
                return at;
            }
            left -= share;
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_the_same_for_ever() {
        assert_eq!(TraceSeed(1).draw("a", "b"), TraceSeed(1).draw("a", "b"));
        assert_ne!(TraceSeed(1).draw("a", "b"), TraceSeed(2).draw("a", "b"));
        assert_ne!(TraceSeed(1).draw("a", "b"), TraceSeed(1).draw("b", "a"));
        assert_ne!(TraceSeed(1).draw("a", "bc"), TraceSeed(1).draw("ab", "c"));
    }

    #[test]
    fn draws_stay_in_range_and_reach_its_ends() {
        let seen: std::collections::BTreeSet<_> = (0..200)
            .map(|i| TraceSeed(i).draw("p", "n").between(3, 6))
            .collect();
        assert_eq!(seen, (3..=6).collect());
    }

    #[test]
    fn shares_of_nothing_are_never_drawn() {
        assert!((0..200).all(|i| TraceSeed(i).draw("p", "n").weighted(&[0, 1, 0, 2]) % 2 == 1));
    }
}
