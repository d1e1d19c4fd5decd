//! Samples of a stake epoch, against their definition, round by round and epoch by epoch.

use proptest::prelude::*;
use quorate_canon::hash::{sha256, tag};
use quorate_canon::{Digest, Epoch, HealthEpoch, Timestamp};
use quorate_health::{EpochClock, HealthError, SAMPLES, Sample};

fn clock(stake_epoch: u32, epoch_seconds: u32, period: u32) -> EpochClock {
    EpochClock {
        genesis: Timestamp::new(1_000),
        epoch_seconds,
        stake_epoch,
        period,
        beacon_genesis: Timestamp::new(10),
        beacon_period: 3,
    }
}

/// The three numbers of a draw, as bytes are joined and cut by hand.
fn draw(sample: &Sample, kind: u8, number: u16) -> [u128; 3] {
    let mut message = tag("quorate/sample/v1").to_vec();
    message.extend(sample.randomness.0);
    message.extend(sample.epoch.get().to_be_bytes());
    message.push(kind);
    message.extend(number.to_be_bytes());
    let hash = sha256(&[&message]);
    [0, 8, 16].map(|at| {
        let bytes: [u8; 8] = hash.0[at..at + 8].try_into().unwrap();
        u128::from(u64::from_be_bytes(bytes))
    })
}

/// `draw x things.len() div 2^64`, by counting how many of the equal parts of 2^64 end at or below it.
fn pick<T: Copy>(draw: u128, things: &[T]) -> T {
    let ended = |part: &usize| (*part as u128 + 1) << 64 <= draw * things.len() as u128;
    things[(0..things.len()).take_while(ended).count()]
}

/// What lies in a stake epoch, of things that begin every `length` seconds, found one by one.
fn within(epoch: u64, stake_epoch: u32, length: u32) -> Vec<u64> {
    let stake_epoch = u64::from(stake_epoch);
    let of = |number: &u64| number * u64::from(length) / stake_epoch;
    (0..)
        .take_while(|number| of(number) <= epoch)
        .filter(|number| of(number) == epoch)
        .collect()
}

proptest! {
    #[test]
    fn rounds_are_drawn_among_those_of_the_epoch(
        randomness: [u8; 32], epoch in 0_u64..40, stake_epoch in 1_u32..80, period in 1_u32..90,
    ) {
        let clock = clock(stake_epoch, 7, period);
        let sample = Sample { epoch: Epoch::new(epoch), randomness: Digest(randomness) };
        let rounds = within(epoch, stake_epoch, period);
        let (first, count) = clock.rounds_of(sample.epoch).unwrap();
        prop_assert_eq!(count, rounds.len() as u64);
        prop_assert!(rounds.first().is_none_or(|round| *round == first.get()));
        let drawn: Vec<u64> = sample.rounds(&clock).unwrap().iter().map(|round| round.get()).collect();
        let expected: Vec<u64> = match rounds.is_empty() {
            true => Vec::new(),
            false => (0..SAMPLES).map(|i| pick(draw(&sample, 1, i)[0], &rounds)).collect(),
        };
        prop_assert_eq!(drawn, expected);
    }

    #[test]
    fn probes_are_drawn_among_the_epochs_machines_and_windows(
        randomness: [u8; 32], epoch in 0_u64..40, stake_epoch in 1_u32..80, length in 1_u32..90,
        machines in 1_u64..30, windows in 1_u16..=256,
    ) {
        let clock = clock(stake_epoch, length, 3);
        let sample = Sample { epoch: Epoch::new(epoch), randomness: Digest(randomness) };
        let epochs = within(epoch, stake_epoch, length);
        let (first, count) = clock.health_epochs_of(sample.epoch).unwrap();
        prop_assert_eq!(u64::from(count), epochs.len() as u64);
        prop_assert!(epochs.first().is_none_or(|epoch| *epoch == u64::from(first.get())));
        let drawn: Vec<_> = sample
            .probes(&clock)
            .unwrap()
            .iter()
            .map(|probe| (u64::from(probe.epoch.get()), probe.place(machines), probe.window(windows).0))
            .collect();
        let numbers: Vec<u64> = (0..machines).collect();
        let all: Vec<u16> = (0..windows).collect();
        let expected: Vec<_> = (0..SAMPLES)
            .take_while(|_| !epochs.is_empty())
            .map(|i| {
                let [x, y, z] = draw(&sample, 2, i);
                (pick(x, &epochs), Some(pick(y, &numbers)), pick(z, &all))
            })
            .collect();
        prop_assert_eq!(drawn, expected);
    }

    #[test]
    fn the_randomness_is_of_the_first_health_epoch_after_the_stake_epoch(
        epoch in 0_u64..40, stake_epoch in 1_u32..80, length in 1_u32..90,
    ) {
        let clock = clock(stake_epoch, length, 3);
        let over = 1_000 + (epoch + 1) * u64::from(stake_epoch);
        let first = (0..)
            .map(HealthEpoch::new)
            .find(|e| clock.start(*e).unwrap().get() >= over)
            .unwrap();
        prop_assert_eq!(clock.sample_epoch(Epoch::new(epoch)), Ok(first));
        // None of the epoch's own health epochs gives it.
        let (own, count) = clock.health_epochs_of(Epoch::new(epoch)).unwrap();
        prop_assert!(count == 0 || own.get() + count <= first.get());
    }

    #[test]
    fn no_numbers_make_a_sample_panic(
        randomness: [u8; 32], epoch: u64, stake_epoch: u32, epoch_seconds: u32, period: u32,
        machines: u64, windows: u16,
    ) {
        let clock = clock(stake_epoch, epoch_seconds, period);
        let sample = Sample { epoch: Epoch::new(epoch), randomness: Digest(randomness) };
        let _ = (sample.rounds(&clock), clock.sample_epoch(sample.epoch));
        for probe in sample.probes(&clock).unwrap_or_default() {
            prop_assert!(probe.place(machines).is_none_or(|place| place < machines));
            prop_assert_eq!(probe.place(0), None);
            prop_assert!(windows == 0 || probe.window(windows).0 < windows);
        }
    }
}

#[test]
fn samples_of_another_epoch_or_randomness_are_others() {
    let clock = clock(86_400, 600, 1);
    let sample = |epoch: u64, byte: u8| Sample {
        epoch: Epoch::new(epoch),
        randomness: Digest([byte; 32]),
    };
    let of = |sample: Sample| {
        let (first, _) = clock.rounds_of(sample.epoch).unwrap();
        let rounds = sample.rounds(&clock).unwrap();
        rounds
            .iter()
            .map(|round| round.get() - first.get())
            .collect::<Vec<_>>()
    };
    assert_eq!(of(sample(1, 1)), of(sample(1, 1)));
    assert_ne!(of(sample(1, 1)), of(sample(2, 1)));
    assert_ne!(of(sample(1, 1)), of(sample(1, 2)));
}

#[test]
fn what_divides_by_nothing_or_goes_too_far_is_an_error() {
    let epoch = Epoch::new(1);
    assert!(matches!(
        clock(0, 7, 3).rounds_of(epoch),
        Err(HealthError::Zero { .. })
    ));
    assert!(matches!(
        clock(60, 0, 3).sample_epoch(epoch),
        Err(HealthError::Zero { .. })
    ));
    assert!(matches!(
        clock(60, 7, 0).rounds_of(epoch),
        Err(HealthError::Zero { .. })
    ));
    let last = Epoch::new(u64::MAX);
    assert!(matches!(
        clock(1, 1, 1).rounds_of(last),
        Err(HealthError::TooLarge { .. })
    ));
    // 2^32 health epochs and no more.
    let late = Epoch::new(1 << 32);
    assert!(matches!(
        clock(1, 1, 1).health_epochs_of(late),
        Err(HealthError::TooLarge { .. })
    ));
}
