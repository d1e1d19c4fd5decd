//! One health epoch at one aggregator: when it is asked, and who needs no more of its attention.

use std::collections::BTreeSet;
use std::time::Duration;

use quorate_canon::{HealthEpoch, OperatorIndex, Timestamp};
use quorate_health::HealthError;
use tokio::time::Instant;

use crate::chain::Rules;

/// Seconds after the last in which lists are taken: by then an aggregator, too, has seen a block behind
/// it. One that has not says that it is not closed, and is asked again.
const LITTLE: u64 = 1;
/// The longest pause between two questions. Appeals are taken for hours at least.
const MOST_PAUSE: Duration = Duration::from_secs(300);

/// What is to be done about an epoch.
#[derive(Debug)]
pub(super) struct Case {
    /// Windows of the epoch.
    pub(super) windows: u16,
    /// Whom this aggregator has a contradiction of, or refused one for good. Only operators that gave a
    /// receipt, so an aggregator cannot make it grow.
    pub(super) settled: BTreeSet<OperatorIndex>,
    first: Timestamp,
    last: Timestamp,
    next: Instant,
    pause: Duration,
    done: bool,
}

impl Case {
    /// The case of an epoch under the rules of that epoch; the first pause is `pause`.
    ///
    /// # Errors
    /// [`HealthError`] beyond 64 bits.
    pub(super) fn new(
        epoch: HealthEpoch,
        rules: &Rules,
        pause: Duration,
    ) -> Result<Self, HealthError> {
        let closed = rules.epochs.certifiable_until(epoch, &rules.health)?;
        Ok(Self {
            windows: rules.health.windows,
            settled: BTreeSet::new(),
            first: Timestamp::new(closed.get().saturating_add(1 + LITTLE)),
            last: rules.epochs.appealable_until(epoch, &rules.health)?,
            next: Instant::now(),
            pause: pause.min(MOST_PAUSE),
            done: false,
        })
    }

    /// Whether to ask now: `time` by the chain, `now` by this machine.
    pub(super) fn is_due(&self, time: Timestamp, now: Instant) -> bool {
        let open = self.first <= time && time <= self.last;
        open && !self.done && self.next <= now
    }

    /// Nothing is left to do.
    pub(super) fn close(&mut self) {
        self.done = true;
        self.settled.clear();
    }

    /// Something is left; the pauses double.
    pub(super) fn put_off(&mut self, now: Instant) {
        self.next = now + self.pause;
        self.pause = self.pause.saturating_mul(2).min(MOST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use quorate_health::{EpochClock, HealthPolicy, Network};

    use super::*;

    const EPOCH: HealthEpoch = HealthEpoch::new(2);
    const POLL: Duration = Duration::from_secs(15);

    /// Epoch 2 lasts from 1,200 to 1,799; lists are taken until 1,899, receipts until 2,099.
    fn case() -> Case {
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
                appeal_seconds: 200,
                ..HealthPolicy::recommended()
            },
        };
        Case::new(EPOCH, &rules, POLL).unwrap()
    }

    #[test]
    fn an_epoch_is_asked_about_from_the_end_of_lists_to_the_end_of_appeals() {
        let case = case();
        let now = Instant::now();
        for (time, due) in [
            (1_800, false),
            (1_899, false),
            (1_900, false),
            (1_901, true),
            (2_099, true),
            (2_100, false),
        ] {
            assert_eq!(case.is_due(Timestamp::new(time), now), due, "{time}");
        }
        assert_eq!(case.windows, 10);
    }

    #[test]
    fn pauses_double_up_to_five_minutes() {
        let mut case = case();
        let (time, mut now) = (Timestamp::new(2_000), Instant::now());
        for pause in [15, 30, 60, 120, 240, 300, 300] {
            case.put_off(now);
            let next = now + Duration::from_secs(pause);
            assert!(!case.is_due(time, next - Duration::from_millis(1)));
            assert!(case.is_due(time, next), "{pause}");
            now = next;
        }
    }

    #[test]
    fn what_is_done_is_not_asked_about() {
        let mut case = case();
        case.close();
        assert!(!case.is_due(Timestamp::new(2_000), Instant::now()));
    }
}
