//! When something that failed is tried again: later each time, and without keeping others back.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Longest pause between two attempts.
const LONGEST: Duration = Duration::from_secs(600);

/// Failures by what failed.
#[derive(Debug)]
pub(crate) struct Patience<K> {
    first: Duration,
    failed: BTreeMap<K, (u32, Instant)>,
}

impl<K: Ord> Patience<K> {
    /// `first` is the pause after the first failure; it doubles with each.
    pub(crate) const fn new(first: Duration) -> Self {
        Self {
            first,
            failed: BTreeMap::new(),
        }
    }

    /// Whether it may be tried now.
    pub(crate) fn may_try(&self, key: &K) -> bool {
        self.failed
            .get(key)
            .is_none_or(|(_, not_before)| *not_before <= Instant::now())
    }

    /// It succeeded.
    pub(crate) fn succeeded(&mut self, key: &K) {
        self.failed.remove(key);
    }

    /// It failed.
    pub(crate) fn failed(&mut self, key: K) {
        let failures = self.failed.get(&key).map_or(0, |(failures, _)| *failures);
        let pause = self
            .first
            .saturating_mul(1 << failures.min(16))
            .min(LONGEST);
        let failures = failures.saturating_add(1);
        self.failed.insert(key, (failures, Instant::now() + pause));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_waits_and_others_do_not() {
        let mut patience = Patience::new(Duration::from_secs(60));
        patience.failed(1);
        assert!(!patience.may_try(&1));
        assert!(patience.may_try(&2));
        patience.succeeded(&1);
        assert!(patience.may_try(&1));
    }

    #[test]
    fn each_failure_doubles_the_pause_up_to_ten_minutes() {
        let mut patience = Patience::new(Duration::from_secs(1));
        let mut pauses = Vec::new();
        for _ in 0..40 {
            let before = Instant::now();
            patience.failed(());
            pauses.push(patience.failed[&()].1.duration_since(before).as_secs());
        }
        assert_eq!(pauses[..4], [1, 2, 4, 8]);
        assert_eq!(pauses[39], 600);
    }
}
