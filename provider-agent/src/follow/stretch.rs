//! Blocks that are read again, a few requests at a time.

use quorate_canon::Timestamp;

/// Requests of one look at least, and at most.
const REQUESTS: (u64, u64) = (4, 64);

/// Blocks that are read again, and the time in which that is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    /// The first block that is not read yet.
    next: u64,
    from: u64,
    to: u64,
    begins: Timestamp,
    ends: Timestamp,
}

impl Stretch {
    /// The blocks `from..=to`, to be read from `begins` to `ends` by the chain's time.
    pub(super) const fn new(from: u64, to: u64, begins: Timestamp, ends: Timestamp) -> Self {
        Self {
            next: from,
            from,
            to,
            begins,
            ends,
        }
    }

    /// Its last block.
    pub(super) const fn to(&self) -> u64 {
        self.to
    }

    /// When its reading began.
    pub(super) const fn begins(&self) -> Timestamp {
        self.begins
    }

    pub(super) const fn is_done(&self) -> bool {
        self.next > self.to
    }

    /// The next piece, of `range` blocks at most.
    pub(super) fn piece(&self, range: u64) -> Option<(u64, u64)> {
        let last = self.next.saturating_add(range.saturating_sub(1));
        (!self.is_done()).then(|| (self.next, last.min(self.to)))
    }

    /// It was read up to this block.
    pub(super) const fn read(&mut self, to: u64) {
        self.next = to.saturating_add(1);
    }

    /// Requests of `range` blocks that are due now, so that it is read in time: as many as time has
    /// passed, more than a few, and never a burst.
    pub(super) fn due(&self, range: u64, now: Timestamp) -> u64 {
        let blocks = u128::from(self.to.saturating_sub(self.from)) + 1;
        let span = u128::from(self.ends.get().saturating_sub(self.begins.get())).max(1);
        let passed = u128::from(now.get().saturating_sub(self.begins.get())).min(span);
        let read = u128::from(self.next.saturating_sub(self.from));
        let behind = (blocks * passed / span).saturating_sub(read);
        let requests = behind.div_ceil(u128::from(range.max(1)));
        let (least, most) = REQUESTS;
        u64::try_from(requests).unwrap_or(most).clamp(least, most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Timestamp {
        Timestamp::new(seconds)
    }

    /// Reads it as the follower does, a look each `poll` seconds; when it was done, and the most
    /// requests of one look.
    fn read(mut stretch: Stretch, range: u64, poll: usize) -> (u64, u64) {
        let mut most = 0;
        for now in (stretch.begins.get()..).step_by(poll) {
            let due = stretch.due(range, at(now));
            most = most.max(due);
            for _ in 0..due {
                if let Some((from, to)) = stretch.piece(range) {
                    assert_eq!(from, stretch.next);
                    assert!(to - from < range && to <= stretch.to);
                    stretch.read(to);
                }
            }
            if stretch.is_done() {
                return (now, most);
            }
        }
        unreachable!()
    }

    #[test]
    fn it_is_read_in_time_and_without_bursts() {
        // A day of a chain with four blocks a second.
        let day = Stretch::new(1_000, 346_600, at(50_000), at(100_000));
        for (range, highest) in [(5_000, 4), (500, 4), (10, 12), (1, 64)] {
            let (done, most) = read(day, range, 15);
            assert!(most <= highest, "{most} requests of {range}");
            assert!(done <= 100_015 || most == 64, "{range}: {done}");
        }
    }

    #[test]
    fn what_is_late_is_caught_up_with_a_bounded_pace() {
        let late = Stretch::new(0, 9_999, at(100), at(200));
        assert_eq!(late.due(10, at(100)), 4);
        assert_eq!(late.due(10, at(105)), 50);
        assert_eq!(late.due(10, at(9_000)), 64);
        assert_eq!(late.due(10, at(0)), 4, "a clock that went back");
    }

    #[test]
    fn an_empty_one_is_done() {
        let empty = Stretch::new(5, 4, at(0), at(0));
        assert!(empty.is_done());
        assert_eq!(empty.piece(10), None);
    }
}
