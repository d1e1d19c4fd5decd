//! Which nonces are in flight.

use std::collections::BTreeSet;

/// The nonces of one key. Always behind the manager's lock.
#[derive(Debug, Default)]
pub(super) struct Lane {
    in_flight: BTreeSet<u64>,
    /// The newest nonce that was seen mined.
    mined: Option<Mined>,
}

/// A nonce and where it was mined.
#[derive(Debug, Clone, Copy)]
struct Mined {
    nonce: u64,
    block: u64,
}

impl Lane {
    pub(super) fn of(in_flight: impl Iterator<Item = u64>) -> Self {
        Self {
            in_flight: in_flight.collect(),
            mined: None,
        }
    }

    /// The nonce for the next transaction: the lowest that is free. `count` is the chain's count of
    /// mined ones at block `number`, asked for now: nothing that a failed send has left behind
    /// survives here, and a gap below those in flight is filled first.
    ///
    /// An endpoint that has not come past the block of our newest mined nonce is behind, and its
    /// count is not believed. One that has, and counts less, tells of a reorganisation.
    pub(super) fn next(&self, count: u64, number: u64) -> u64 {
        let behind = self.mined.filter(|mined| number <= mined.block);
        let first = behind.map_or(count, |mined| count.max(mined.nonce + 1));
        let taken = self.in_flight.range(first..).zip(first..);
        first
            + taken
                .take_while(|(nonce, free)| *nonce == free)
                .fold(0, |run, _| run + 1)
    }

    pub(super) fn insert(&mut self, nonce: u64) {
        self.in_flight.insert(nonce);
    }

    /// Frees a nonce that was never broadcast.
    pub(super) fn release(&mut self, nonce: u64) {
        self.in_flight.remove(&nonce);
    }

    /// Frees a nonce that was mined in a block.
    pub(super) fn mined(&mut self, nonce: u64, block: u64) {
        self.in_flight.remove(&nonce);
        let newest = self.mined.filter(|m| (m.block, m.nonce) > (block, nonce));
        self.mined = newest.or(Some(Mined { nonce, block }));
    }

    /// Frees a nonce that turned out to be another's, or not to be the next: believe the chain only.
    pub(super) fn lost(&mut self, nonce: u64) {
        self.in_flight.remove(&nonce);
        self.mined = None;
    }

    /// Whether no transaction of ours is to be mined before this nonce.
    pub(super) fn is_first(&self, nonce: u64) -> bool {
        self.in_flight.first() == Some(&nonce)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonces_follow_those_in_flight_and_leave_no_gap_when_one_is_released() {
        let mut lane = Lane::default();
        for expected in [7, 8, 9] {
            assert_eq!(lane.next(7, 100), expected);
            lane.insert(expected);
        }
        lane.release(9);
        assert_eq!(lane.next(7, 100), 9);
    }

    #[test]
    fn a_mined_nonce_is_not_given_again_by_an_endpoint_that_is_behind() {
        let mut lane = Lane::default();
        lane.insert(7);
        lane.mined(7, 100);
        assert_eq!([lane.next(7, 99), lane.next(7, 100)], [8, 8]);
    }

    #[test]
    fn a_reorganisation_gives_nonces_back() {
        let mut lane = Lane::default();
        lane.insert(7);
        lane.mined(7, 100);
        assert_eq!(lane.next(7, 101), 7);
    }

    #[test]
    fn a_gap_below_those_in_flight_is_filled_first() {
        let lane = Lane::of([8, 9, 11].into_iter());
        assert_eq!(lane.next(7, 100), 7);
        assert_eq!(lane.next(8, 100), 10);
    }

    #[test]
    fn of_several_nonces_of_one_block_the_highest_counts() {
        let mut lane = Lane::of([7, 8].into_iter());
        lane.mined(8, 100);
        lane.mined(7, 100);
        assert_eq!(lane.next(7, 100), 9);
    }

    #[test]
    fn a_lost_nonce_leaves_only_the_chains_count() {
        let mut lane = Lane::default();
        lane.insert(7);
        lane.mined(7, 100);
        lane.insert(8);
        lane.lost(8);
        assert_eq!(lane.next(5, 100), 5);
    }
}
