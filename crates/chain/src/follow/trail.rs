//! The last blocks that were followed.

use std::collections::VecDeque;

use alloy::primitives::B256;
use quorate_canon::Timestamp;

use crate::Head;

/// Blocks in a row, the newest last. Never empty.
#[derive(Debug, Clone)]
pub(crate) struct Trail {
    last: Head,
    before: VecDeque<Head>,
    kept: usize,
}

impl Trail {
    /// Starts at a block and keeps at most `kept` blocks before the newest.
    pub(crate) const fn new(start: Head, kept: usize) -> Self {
        Self {
            last: start,
            before: VecDeque::new(),
            kept,
        }
    }

    /// The newest block.
    pub(crate) const fn last(&self) -> Head {
        self.last
    }

    /// The oldest block that is kept.
    pub(crate) fn first(&self) -> Head {
        self.before.front().copied().unwrap_or(self.last)
    }

    /// Adds the next block.
    pub(crate) fn push(&mut self, head: Head) {
        self.before.push_back(self.last);
        self.last = head;
        while self.before.len() > self.kept {
            self.before.pop_front();
        }
    }

    /// Takes the blocks above `number` back, as far as there is a block below.
    pub(crate) fn rollback(&mut self, number: u64) {
        while self.last.number > number {
            let Some(before) = self.before.pop_back() else {
                return;
            };
            self.last = before;
        }
    }

    /// The block of a number, if it is kept.
    pub(crate) fn get(&self, number: u64) -> Option<Head> {
        if number == self.last.number {
            return Some(self.last);
        }
        let offset = number.checked_sub(self.first().number)?;
        self.before.get(usize::try_from(offset).ok()?).copied()
    }

    /// Whether a block of this number and hash is on the trail.
    pub(crate) fn contains(&self, number: u64, hash: B256) -> bool {
        self.get(number).is_some_and(|head| head.hash.0 == hash.0)
    }

    /// The last block before `time`, if the trail reaches from before `time` to a block at or after
    /// it that lies `depth` blocks below the newest.
    pub(crate) fn known_before(&self, time: Timestamp, depth: u64) -> Option<Head> {
        let place = self.before.partition_point(|head| head.timestamp < time);
        let before = self.before.get(place.checked_sub(1)?).copied()?;
        let closing = self.before.get(place).copied().unwrap_or(self.last);
        let known = closing.timestamp >= time && self.last.number - closing.number >= depth;
        known.then_some(before)
    }
}
