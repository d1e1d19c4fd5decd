//! The clock of health epochs, against its definition second by second.

use proptest::prelude::*;
use quorate_canon::{HealthEpoch, Timestamp};
use quorate_health::{EpochClock, HealthError, HealthPolicy, Window};

fn clock() -> EpochClock {
    EpochClock {
        genesis: Timestamp::new(1_000),
        epoch_seconds: 20,
        stake_epoch: 60,
        period: 3,
        beacon_genesis: Timestamp::new(10),
        beacon_period: 3,
    }
}

const FIFTH: HealthEpoch = HealthEpoch::new(5);

#[test]
fn an_epoch_is_spoken_of_for_as_long_as_the_policy_says() {
    let (clock, policy) = (clock(), HealthPolicy::devnet());
    let time = |time: Result<Timestamp, HealthError>| time.unwrap().get();
    assert_eq!(time(clock.start(FIFTH)), 1_100);
    assert_eq!(time(clock.end(FIFTH)), 1_120);
    // Its last second is 1 119; lists come in the ten after it, receipts in ten more.
    assert_eq!(time(clock.certifiable_until(FIFTH, &policy)), 1_129);
    assert_eq!(time(clock.appealable_until(FIFTH, &policy)), 1_139);
    let settled = |now| {
        clock
            .is_settled(FIFTH, &policy, Timestamp::new(now))
            .unwrap()
    };
    assert!(!settled(1_139) && settled(1_140));
}

#[test]
fn each_window_lies_within_its_epoch() {
    let windows = clock().windows(&HealthPolicy::devnet());
    assert_eq!(
        windows.span(FIFTH, Window(0)).unwrap().0,
        clock().start(FIFTH).unwrap()
    );
    assert_eq!(
        windows.span(FIFTH, Window(4)).unwrap().1,
        clock().end(FIFTH).unwrap()
    );
}

#[test]
fn what_divides_by_nothing_is_an_error() {
    let none = EpochClock {
        stake_epoch: 0,
        period: 0,
        beacon_period: 0,
        ..clock()
    };
    assert!(matches!(
        none.stake_epoch(FIFTH),
        Err(HealthError::Zero { .. })
    ));
    assert!(matches!(
        none.first_round(FIFTH),
        Err(HealthError::Zero { .. })
    ));
    assert!(matches!(
        none.beacon_round(FIFTH),
        Err(HealthError::Zero { .. })
    ));
}

#[test]
fn times_beyond_64_bits_are_an_error() {
    let late = EpochClock {
        genesis: Timestamp::new(u64::MAX - 110),
        ..clock()
    };
    assert!(late.start(FIFTH).is_ok() && late.end(FIFTH).is_err());
    assert!(
        late.appealable_until(FIFTH, &HealthPolicy::devnet())
            .is_err()
    );
    let last = HealthEpoch::new(u32::MAX);
    let longest = EpochClock {
        epoch_seconds: u32::MAX,
        ..clock()
    };
    assert!(longest.start(last).is_ok(), "the product is below 2^64");
}

proptest! {
    /// The smallest R >= 1 whose time is not before the start, found by counting.
    #[test]
    fn the_beacon_round_is_the_first_that_is_not_before_the_start(
        genesis in 0_u64..200, beacon_genesis in 0_u64..300, epoch in 0_u32..6, period in 1_u32..9,
    ) {
        let clock = EpochClock {
            genesis: Timestamp::new(genesis),
            beacon_genesis: Timestamp::new(beacon_genesis),
            beacon_period: period,
            ..clock()
        };
        let epoch = HealthEpoch::new(epoch);
        let start = clock.start(epoch).unwrap().get();
        let time = |round: u64| beacon_genesis + (round - 1) * u64::from(period);
        let first = (1..).find(|round| time(*round) >= start).unwrap();
        prop_assert_eq!(clock.beacon_round(epoch), Ok(first));
    }

    #[test]
    fn the_first_round_is_the_first_that_does_not_close_before_the_start(
        epoch in 0_u32..50, period in 1_u32..40,
    ) {
        let clock = EpochClock { period, ..clock() };
        let epoch = HealthEpoch::new(epoch);
        let start = clock.start(epoch).unwrap().get();
        let first = (0..).find(|n| 1_000 + n * u64::from(period) >= start).unwrap();
        prop_assert_eq!(clock.first_round(epoch).unwrap().get(), first);
    }

    #[test]
    fn the_stake_epoch_is_the_one_that_holds_the_start(epoch in 0_u32..200, length in 1_u32..500) {
        let clock = EpochClock { stake_epoch: length, ..clock() };
        let epoch = HealthEpoch::new(epoch);
        let number = clock.stake_epoch(epoch).unwrap().get();
        let start = clock.start(epoch).unwrap().get();
        let begins = 1_000 + number * u64::from(length);
        prop_assert!(begins <= start && start < begins + u64::from(length));
    }
}
