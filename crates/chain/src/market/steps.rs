//! A value that changes at certain times: what the contracts keep as checkpoints.

/// A step function of time. Several changes in one second are all kept, and the last one counts:
/// each can then be taken back alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Steps<T>(Vec<(u64, T)>);

impl<T> Default for Steps<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Copy + PartialEq> Steps<T> {
    /// Adds a change. Times must not fall; `false` says that this one does, and changes nothing.
    pub(crate) fn push(&mut self, time: u64, value: T) -> bool {
        if self.0.last().is_some_and(|(last, _)| *last > time) {
            return false;
        }
        self.0.push((time, value));
        true
    }

    /// Takes the last change back.
    pub(crate) fn pop(&mut self) {
        self.0.pop();
        if self.0.is_empty() {
            self.0 = Vec::new();
        }
    }

    /// The value at the end of second `time`; `None` before the first change.
    pub(crate) fn at(&self, time: u64) -> Option<T> {
        let after = self.0.partition_point(|(since, _)| *since <= time);
        self.0.get(after.checked_sub(1)?).map(|(_, value)| *value)
    }

    /// The newest value.
    pub(crate) fn last(&self) -> Option<T> {
        self.0.last().map(|(_, value)| *value)
    }

    /// When the newest value came.
    pub(crate) fn last_time(&self) -> Option<u64> {
        self.0.last().map(|(time, _)| *time)
    }

    /// Forgets what no time at or after `time` can see.
    pub(crate) fn prune(&mut self, time: u64) {
        let after = self.0.partition_point(|(since, _)| *since <= time);
        if after > 1 {
            self.0.drain(..after - 1);
            self.0.shrink_to_fit();
        }
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &(u64, T)> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_change_of_a_second_counts_from_that_second_on() {
        let mut steps = Steps::default();
        for (time, value) in [(10, 1), (10, 2), (12, 3)] {
            assert!(steps.push(time, value));
        }
        let values: Vec<_> = (9..=13).map(|time| steps.at(time)).collect();
        assert_eq!(values, [None, Some(2), Some(2), Some(3), Some(3)]);
        assert!(!steps.push(11, 4));
    }

    #[test]
    fn a_change_taken_back_leaves_the_one_before() {
        let mut steps = Steps::default();
        steps.push(10, 1);
        steps.push(10, 2);
        steps.pop();
        assert_eq!(steps.at(10), Some(1));
    }

    #[test]
    fn pruning_changes_no_later_value() {
        let mut steps = Steps::default();
        for time in [10, 20, 20, 30] {
            steps.push(time, time);
        }
        let mut pruned = steps.clone();
        pruned.prune(25);
        assert_eq!(pruned.iter().len(), 2);
        assert!((25..40).all(|time| pruned.at(time) == steps.at(time)));
    }
}
