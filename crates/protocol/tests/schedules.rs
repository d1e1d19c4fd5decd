//! Times of a round, and which rounds are live.

mod support;

use proptest::prelude::*;
use quorate_canon::{Epoch, HealthEpoch, Round, Timestamp};
use quorate_protocol::{ProtocolError, Schedule};
use support::schedule;

fn round(n: u64) -> Round {
    Round::new(n)
}

#[test]
fn times_follow_from_the_number() {
    let schedule = schedule();
    assert_eq!(schedule.close(round(3)), Ok(Timestamp::new(1_700_000_030)));
    assert_eq!(schedule.t_of(round(3)), Ok(Timestamp::new(1_700_000_029)));
    assert_eq!(
        schedule.deadline(round(3)),
        Ok(Timestamp::new(1_700_000_065))
    );
}

#[test]
fn epochs_change_with_the_close() {
    let schedule = schedule();
    assert_eq!(schedule.epoch_of(round(8_639)), Ok(Epoch::new(0)));
    assert_eq!(schedule.epoch_of(round(8_640)), Ok(Epoch::new(1)));
}

#[test]
fn health_epochs_change_with_the_time_and_are_zero_before_genesis() {
    let schedule = schedule();
    let at = |time| {
        schedule
            .health_epoch_at(Timestamp::new(time))
            .map(HealthEpoch::get)
    };
    assert_eq!(at(0), Ok(0));
    assert_eq!(at(1_700_003_599), Ok(0));
    assert_eq!(at(1_700_003_600), Ok(1));
    assert!(at(u64::MAX).is_err());
}

#[test]
fn the_context_of_a_round_is_as_of_t() {
    let context = schedule().context(round(360)).unwrap();
    assert_eq!(context.time, Timestamp::new(1_700_003_599));
    assert_eq!(context.health_epoch, HealthEpoch::new(0));
    assert_eq!((context.round, context.period), (round(360), 10));
}

/// drand's own `round(t)` gives the one before.
#[test]
fn the_beacon_round_is_the_first_not_before_close_and_delay() {
    let mut schedule = schedule();
    schedule.genesis = schedule.beacon_genesis;
    schedule.delay = 6;
    assert_eq!(schedule.beacon_round(round(0)), Ok(3)); // at 6: exactly the third
    schedule.delay = 7;
    assert_eq!(schedule.beacon_round(round(0)), Ok(4)); // at 7: the fourth, at 9
    schedule.delay = 0;
    assert_eq!(schedule.beacon_round(round(0)), Ok(1));
}

#[test]
fn before_the_beacons_genesis_the_first_round_is_taken() {
    let mut schedule = schedule();
    schedule.beacon_genesis = Timestamp::new(2_000_000_000);
    assert_eq!(schedule.beacon_round(round(0)), Ok(1));
    assert_eq!(schedule.beacon_time(1), Ok(Timestamp::new(2_000_000_000)));
    assert!(schedule.beacon_time(0).is_err());
}

#[test]
fn numbers_beyond_the_types_are_errors() {
    let schedule = schedule();
    let last = round(u64::MAX);
    let out = |what| ProtocolError::OutOfRange { what };
    assert_eq!(schedule.close(last), Err(out("close")));
    assert_eq!(schedule.epoch_of(last), Err(out("stake epoch")));
    assert_eq!(schedule.beacon_time(u64::MAX), Err(out("beacon time")));
    let early = Schedule {
        genesis: Timestamp::new(0),
        ..schedule
    };
    assert_eq!(early.t_of(round(0)), Err(out("T")));
}

#[test]
fn a_schedule_of_no_length_is_an_error_and_no_panic() {
    let zero = Schedule {
        period: 0,
        stake_epoch: 0,
        health_epoch: 0,
        beacon_period: 0,
        settle_timeout: 0,
        ..schedule()
    };
    assert!(zero.epoch_of(round(1)).is_err() && zero.beacon_round(round(1)).is_err());
    assert!(
        zero.is_live(round(1), round(0)).is_err() && zero.next_live(round(1), round(0)).is_err()
    );
    assert!(zero.live_after(Timestamp::new(u64::MAX)).is_err() && zero.context(round(1)).is_err());
    assert!(zero.validate().is_err());
}

#[test]
fn a_schedule_is_refused_by_the_rule_it_breaks() {
    assert_eq!(schedule().validate(), Ok(()));
    let least = Schedule {
        delay: 4,
        settle_timeout: 8,
        ..schedule()
    };
    assert_eq!(least.validate(), Ok(()));
    let broken = [
        (
            Schedule {
                period: 0,
                ..schedule()
            },
            0,
            1,
        ),
        (
            Schedule {
                settle_timeout: 0,
                ..schedule()
            },
            0,
            1,
        ),
        (
            Schedule {
                stake_epoch: 0,
                ..schedule()
            },
            0,
            1,
        ),
        (
            Schedule {
                health_epoch: 0,
                ..schedule()
            },
            0,
            1,
        ),
        (
            Schedule {
                beacon_period: 0,
                ..schedule()
            },
            0,
            1,
        ),
        (
            Schedule {
                delay: 3,
                ..schedule()
            },
            3,
            4,
        ),
        (
            Schedule {
                settle_timeout: 9,
                ..schedule()
            },
            9,
            10,
        ),
    ];
    for (schedule, got, expected) in broken {
        let refused = schedule.validate();
        assert!(
            matches!(refused, Err(ProtocolError::Schedule { got: g, expected: e, .. }) if (g, e) == (got, expected)),
            "{refused:?}"
        );
    }
}

#[test]
fn before_any_certified_round_the_first_is_live() {
    assert_eq!(schedule().live_after(Timestamp::new(0)), Ok(round(0)));
    let before = Timestamp::new(schedule().genesis.get() - 1);
    assert_eq!(schedule().live_after(before), Ok(round(0)));
}

/// A round that ends exactly at a close is not over for the round that closes then.
#[test]
fn the_next_live_round_closes_later_than_the_end() {
    let close = schedule().close(round(4)).unwrap();
    assert_eq!(schedule().live_after(close), Ok(round(5)));
    let before = close.checked_sub(1).unwrap();
    assert_eq!(schedule().live_after(before), Ok(round(4)));
}

/// Plays rounds one after the other: a live round ends when its last chunk stands, or at its
/// deadline, and the next live one is the first that closes after that.
fn played(schedule: &Schedule, ends: &[Option<u64>], rounds: u64) -> Vec<u64> {
    let mut live = Vec::new();
    let mut free_after = None;
    let mut ends = ends.iter();
    for n in 0..rounds {
        let close = schedule.close(round(n)).unwrap().get();
        if free_after.is_some_and(|end| close <= end) {
            continue;
        }
        live.push(n);
        let deadline = schedule.deadline(round(n)).unwrap().get();
        // A round that settles does so after its close and not after its deadline.
        let end = ends
            .next()
            .copied()
            .flatten()
            .map(|after| (close + after).min(deadline));
        free_after = Some(end.unwrap_or(deadline));
    }
    live
}

/// The same by the closed form: n0 moves with certified rounds only.
fn computed(schedule: &Schedule, ends: &[Option<u64>], rounds: u64) -> Vec<u64> {
    let mut live = Vec::new();
    let mut first = round(0);
    let mut ends = ends.iter();
    for n in 0..rounds {
        if !schedule.is_live(round(n), first).unwrap() {
            continue;
        }
        live.push(n);
        if let Some(after) = ends.next().copied().flatten() {
            let close = schedule.close(round(n)).unwrap().get();
            let deadline = schedule.deadline(round(n)).unwrap().get();
            first = schedule
                .live_after(Timestamp::new((close + after).min(deadline)))
                .unwrap();
        }
    }
    live
}

proptest! {
    #[test]
    fn the_closed_form_of_live_rounds_equals_playing_them(
        period in 1u32..20,
        settle_timeout in 1u32..100,
        ends in proptest::collection::vec(proptest::option::of(1u64..100), 60),
    ) {
        let schedule = Schedule { period, settle_timeout, ..schedule() };
        prop_assert_eq!(played(&schedule, &ends, 60), computed(&schedule, &ends, 60));
    }

    #[test]
    fn the_next_live_round_is_the_first_live_one(
        period in 1u32..20,
        settle_timeout in 0u32..100,
        from in 0u64..100,
        first in 0u64..100,
    ) {
        let schedule = Schedule { period, settle_timeout, ..schedule() };
        let next = (from..).find(|n| schedule.is_live(round(*n), round(first)).unwrap());
        prop_assert_eq!(schedule.next_live(round(from), round(first)).map(Round::get).ok(), next);
    }

    #[test]
    fn a_beacon_round_is_in_time_and_the_one_before_is_not(
        n in 0u64..1_000_000,
        delay in 0u32..1_000,
        beacon_period in 1u32..100,
        beacon_genesis in 0u64..2_000_000_000,
    ) {
        let beacon_genesis = Timestamp::new(beacon_genesis);
        let schedule = Schedule { delay, beacon_period, beacon_genesis, ..schedule() };
        let beacon = schedule.beacon_round(round(n)).unwrap();
        let earliest = schedule.close(round(n)).unwrap().get() + u64::from(delay);
        prop_assert!(schedule.beacon_time(beacon).unwrap().get() >= earliest);
        prop_assert!(beacon == 1 || schedule.beacon_time(beacon - 1).unwrap().get() < earliest);
    }

    #[test]
    fn no_schedule_and_no_number_panics(
        words in proptest::array::uniform8(any::<u32>()),
        genesis in any::<u64>(),
        beacon_genesis in any::<u64>(),
        n in any::<u64>(),
        first in any::<u64>(),
    ) {
        let [period, settle_timeout, delay, depth, stake_epoch, health_epoch, beacon_period, _] = words;
        let schedule = Schedule {
            genesis: Timestamp::new(genesis),
            beacon_genesis: Timestamp::new(beacon_genesis),
            period, settle_timeout, delay, depth, stake_epoch, health_epoch, beacon_period,
            ..schedule()
        };
        let _ = (schedule.context(round(n)), schedule.deadline(round(n)), schedule.epoch_of(round(n)));
        let _ = (schedule.beacon_round(round(n)), schedule.beacon_time(n));
        let _ = (schedule.is_live(round(n), round(first)), schedule.next_live(round(n), round(first)));
        let _ = (schedule.live_after(Timestamp::new(n)), schedule.validate());
    }
}
