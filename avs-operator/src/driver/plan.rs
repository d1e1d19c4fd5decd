//! Which round is next: a pure question over the schedule.

use quorate_canon::{Round, Timestamp};
use quorate_protocol::Schedule;

/// The newest round whose close is not after `time`; `None` before the first close.
#[must_use]
pub fn newest_closed(schedule: &Schedule, time: Timestamp) -> Option<Round> {
    let since = time.get().checked_sub(schedule.genesis.get())?;
    since
        .checked_div(u64::from(schedule.period))
        .map(Round::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use quorate_canon::Digest;

    fn schedule() -> Schedule {
        Schedule {
            genesis: Timestamp::new(1_000),
            period: 2,
            settle_timeout: 9,
            delay: 3,
            depth: 1,
            stake_epoch: 600,
            health_epoch: 600,
            challenge_window: 10,
            reveal_window: 5,
            beacon_genesis: Timestamp::new(500),
            beacon_period: 1,
            beacon_chain_hash: Digest([7; 32]),
        }
    }

    #[test]
    fn the_newest_closed_round_is_by_time() {
        let newest = |time| newest_closed(&schedule(), Timestamp::new(time)).map(Round::get);
        assert_eq!(newest(999), None);
        assert_eq!(newest(1_000), Some(0));
        assert_eq!(newest(1_003), Some(1));
    }
}
