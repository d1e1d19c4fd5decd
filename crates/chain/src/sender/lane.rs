//! Which nonces are in flight.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

/// How long an own mined nonce is believed over an endpoint that is behind.
const REMEMBERED: Duration = Duration::from_secs(30);

/// The nonces of one key. Always behind the manager's lock.
#[derive(Debug, Default)]
pub(super) struct Lane {
    in_flight: BTreeSet<u64>,
    /// One more than the newest nonce seen mined, and when.
    mined: Option<(u64, Instant)>,
}

impl Lane {
    pub(super) fn of(in_flight: impl Iterator<Item = u64>) -> Self {
        Self {
            in_flight: in_flight.collect(),
            mined: None,
        }
    }

    /// The nonce for the next transaction. `count` is the chain's count of mined ones, asked for
    /// now: nothing that a failed send has left behind survives here.
    pub(super) fn next(&self, count: u64) -> u64 {
        let own = self.in_flight.last().map_or(0, |last| last + 1);
        let remembered = self.mined.filter(|(_, when)| when.elapsed() < REMEMBERED);
        count.max(own).max(remembered.map_or(0, |(next, _)| next))
    }

    pub(super) fn insert(&mut self, nonce: u64) {
        self.in_flight.insert(nonce);
    }

    /// Frees a nonce that was never broadcast.
    pub(super) fn release(&mut self, nonce: u64) {
        self.in_flight.remove(&nonce);
    }

    /// Frees a nonce that was mined.
    pub(super) fn mined(&mut self, nonce: u64) {
        self.in_flight.remove(&nonce);
        let next = self.mined.map_or(0, |(next, _)| next).max(nonce + 1);
        self.mined = Some((next, Instant::now()));
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
            assert_eq!(lane.next(7), expected);
            lane.insert(expected);
        }
        lane.release(9);
        assert_eq!(lane.next(7), 9);
    }

    #[test]
    fn a_mined_nonce_is_not_given_again_by_an_endpoint_that_is_behind() {
        let mut lane = Lane::default();
        lane.insert(7);
        lane.mined(7);
        assert_eq!(lane.next(7), 8);
    }

    #[test]
    fn a_lost_nonce_leaves_only_the_chains_count() {
        let mut lane = Lane::default();
        lane.insert(7);
        lane.mined(7);
        lane.insert(8);
        lane.lost(8);
        assert_eq!(lane.next(5), 5);
    }
}
