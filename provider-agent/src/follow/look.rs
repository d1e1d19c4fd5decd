//! The looks back at one health epoch: the blocks in which it is certified and appealed against are read
//! once more before it is settled.
//!
//! A reorganisation can be deeper, and an endpoint's index of logs can lag more, than any overlap that is
//! read again all the time. What was missed so would never be appealed against. So the blocks since the
//! epoch's end are read again when a quarter of the time for appeals has passed, which leaves half of it
//! and more to act; and the rest of them in the last quarter.

use quorate_canon::{HealthEpoch, Timestamp};
use quorate_health::HealthError;

use super::stretch::Stretch;
use crate::chain::Rules;

/// The two looks back, in eighths of the time for appeals: from when, and until when.
const LOOKS: [(u64, u64); 2] = [(2, 4), (6, 7)];

/// What is still to be read again of an epoch.
#[derive(Debug)]
pub(super) struct Look {
    /// The epoch's end: no list is certified before it.
    since: Timestamp,
    times: [(Timestamp, Timestamp); 2],
    /// Looks that are done, or whose time is over.
    done: usize,
    /// The last block of those that were read again.
    reached: Option<u64>,
    /// What is being read again.
    pub(super) stretch: Option<Stretch>,
}

impl Look {
    /// The looks back at an epoch, under the rules of that epoch.
    ///
    /// # Errors
    /// [`HealthError`] beyond 64 bits.
    pub(super) fn new(epoch: HealthEpoch, rules: &Rules) -> Result<Self, HealthError> {
        let closed = rules.epochs.certifiable_until(epoch, &rules.health)?;
        let seconds = u64::from(rules.health.appeal_seconds);
        let at = |eighths| Timestamp::new(closed.get().saturating_add(seconds * eighths / 8));
        Ok(Self {
            since: rules.epochs.end(epoch)?,
            times: LOOKS.map(|(begins, ends)| (at(begins), at(ends))),
            done: 0,
            reached: None,
            stretch: None,
        })
    }

    /// The time since which blocks are to be read again now, unless there is nothing to
    /// begin.
    pub(super) fn wants(&mut self, now: Timestamp) -> Option<Timestamp> {
        if self.stretch.is_some() {
            return None;
        }
        // Who comes late looks once, at all.
        if self.done == 0 && now >= self.times[1].0 {
            self.done = 1;
        }
        let (begins, _) = *self.times.get(self.done)?;
        (now >= begins).then_some(self.since)
    }

    /// Begins a look at the blocks up to `head`, of which `before` is the last before the epoch's end.
    pub(super) fn begin(&mut self, before: Option<u64>, first: u64, head: u64) {
        let Some((begins, ends)) = self.times.get(self.done).copied() else {
            return;
        };
        let from = self.reached.or(before).map_or(first, |block| block + 1);
        self.stretch = Some(Stretch::new(from.max(first), head, begins, ends));
    }

    /// Ends a look whose blocks are all read.
    pub(super) fn settle(&mut self) {
        if let Some(stretch) = self.stretch.take_if(|stretch| stretch.is_done()) {
            self.reached = Some(stretch.to().max(self.reached.unwrap_or(0)));
            self.done += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use quorate_health::{EpochClock, HealthPolicy, Network};

    use super::*;

    /// Epoch 2 lasts from 1,200 to 1,799; lists are taken until 1,899, receipts until 2,699.
    fn look() -> Look {
        let rules = Rules {
            network: Network::default(),
            epochs: EpochClock {
                genesis: Timestamp::new(0),
                epoch_seconds: 600,
                stake_epoch: 6_000,
                period: 60,
                beacon_genesis: Timestamp::new(0),
                beacon_period: 3,
            },
            health: HealthPolicy {
                windows: 10,
                certify_seconds: 100,
                appeal_seconds: 800,
                ..HealthPolicy::recommended()
            },
        };
        Look::new(HealthEpoch::new(2), &rules).unwrap()
    }

    const fn at(seconds: u64) -> Timestamp {
        Timestamp::new(seconds)
    }

    fn finish(look: &mut Look) -> (u64, u64) {
        let stretch = look.stretch.as_mut().unwrap();
        let piece = stretch.piece(u64::MAX).unwrap();
        stretch.read(piece.1);
        look.settle();
        piece
    }

    #[test]
    fn all_since_the_epochs_end_is_read_again_in_two_looks() {
        let mut look = look();
        assert_eq!(look.wants(at(2_098)), None);
        assert_eq!(look.wants(at(2_099)), Some(at(1_800)));
        look.begin(Some(179), 5, 210);
        assert_eq!(look.wants(at(2_100)), None, "it is under way");
        assert_eq!(finish(&mut look), (180, 210));
        assert_eq!(look.wants(at(2_498)), None);
        assert!(look.wants(at(2_499)).is_some());
        look.begin(Some(179), 5, 250);
        assert_eq!(finish(&mut look), (211, 250), "where the first ended");
        assert_eq!(look.wants(at(2_699)), None);
    }

    #[test]
    fn who_comes_late_reads_all_of_it_once() {
        let mut look = look();
        assert!(look.wants(at(2_600)).is_some());
        look.begin(Some(179), 5, 260);
        assert_eq!(finish(&mut look), (180, 260));
        assert_eq!(look.wants(at(2_699)), None);
    }

    #[test]
    fn nothing_before_our_contracts_is_read() {
        let mut look = look();
        look.begin(None, 190, 260);
        assert_eq!(finish(&mut look), (190, 260));
    }
}
