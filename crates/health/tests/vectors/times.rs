//! Times of epochs, and what is remembered over them.

use quorate_canon::{Amount, Bps, HealthEpoch, Timestamp};
use quorate_health::{EpochClock, HealthPolicy, LeaseEnd, Reputation, Window, uptime_after};
use serde_json::Value;

use super::{Dice, Table, number};

pub(super) fn clocks() -> Value {
    let mut dice = Dice(5);
    let mut table = Table::default();
    let production = EpochClock {
        genesis: Timestamp::new(1_700_000_000),
        epoch_seconds: 86_400,
        stake_epoch: 3_600,
        period: 60,
        beacon_genesis: Timestamp::new(1_692_803_367),
        beacon_period: 3,
    };
    let devnet = EpochClock {
        epoch_seconds: 20,
        stake_epoch: 600,
        period: 3,
        beacon_genesis: Timestamp::new(1_700_000_101),
        ..production
    };
    let uneven = EpochClock {
        epoch_seconds: 1_001,
        stake_epoch: 77,
        period: 13,
        beacon_period: 29,
        ..production
    };
    let policies = [HealthPolicy::recommended(), HealthPolicy::devnet()];
    for (clock, policy) in [
        (production, &policies[0]),
        (devnet, &policies[1]),
        (uneven, &policies[0]),
    ] {
        for epoch in [0, 1, 2, 7, u32::from(dice.small(u16::MAX)), u32::MAX] {
            let window = dice.small(policy.windows);
            clock_row(&mut table, &clock, policy, HealthEpoch::new(epoch), window);
        }
    }
    table.into()
}

fn clock_row(
    table: &mut Table,
    clock: &EpochClock,
    policy: &HealthPolicy,
    epoch: HealthEpoch,
    window: u16,
) {
    let (from, until) = clock
        .windows(policy)
        .span(epoch, Window(window))
        .expect("a window");
    let time = "a time";
    table.row(&[
        ("genesis", number(clock.genesis)),
        ("epochSeconds", number(clock.epoch_seconds)),
        ("stakeEpochSeconds", number(clock.stake_epoch)),
        ("period", number(clock.period)),
        ("beaconGenesis", number(clock.beacon_genesis)),
        ("beaconPeriod", number(clock.beacon_period)),
        ("windows", number(policy.windows)),
        ("certifySeconds", number(policy.certify_seconds)),
        ("appealSeconds", number(policy.appeal_seconds)),
        ("epoch", number(epoch)),
        ("start", number(clock.start(epoch).expect(time))),
        (
            "certifiableUntil",
            number(clock.certifiable_until(epoch, policy).expect(time)),
        ),
        (
            "appealableUntil",
            number(clock.appealable_until(epoch, policy).expect(time)),
        ),
        (
            "beaconRound",
            number(clock.beacon_round(epoch).expect(time)),
        ),
        ("stakeEpoch", number(clock.stake_epoch(epoch).expect(time))),
        ("firstRound", number(clock.first_round(epoch).expect(time))),
        ("window", number(window)),
        ("windowFrom", number(from)),
        ("windowUntil", number(until)),
    ]);
}

/// 65 535 stands for no uptime yet.
pub(super) fn uptimes() -> Value {
    let mut dice = Dice(6);
    let mut table = Table::default();
    let mut add = |before: Option<Bps>, down, windows, memory| {
        let after = uptime_after(before, down, windows, memory);
        table.row(&[
            ("before", number(before.map_or(u16::MAX, Bps::get))),
            ("down", number(down)),
            ("windows", number(windows)),
            ("memory", number(memory)),
            ("after", number(after.get())),
        ]);
        after
    };
    for (down, windows) in [(0, 1), (1, 1), (1, 3), (256, 256), (255, 256), (60, 240)] {
        add(None, down, windows, 30);
        add(Some(Bps::ONE), down, windows, u16::MAX);
        add(Some(Bps::ZERO), down, windows, 1);
    }
    // One machine's history.
    let mut uptime = None;
    for _ in 0..60 {
        let down = if dice.below(4) == 0 {
            dice.small(241)
        } else {
            0
        };
        uptime = Some(add(uptime, down, 240, 30));
    }
    table.into()
}

/// `kind`: 0 served, 1 closed early by the provider, 2 annulled.
pub(super) fn reputations() -> Value {
    let mut dice = Dice(7);
    let mut table = Table::default();
    let mut add = |before: Reputation, fee: u64, end: LeaseEnd, memory: u64| {
        let after = before.after(Amount::new(fee), end, Amount::new(memory));
        let (kind, paid, seconds) = match end {
            LeaseEnd::Served { paid, seconds } => (0, paid, seconds),
            LeaseEnd::Reclaimed => (1, 0, 0),
            LeaseEnd::Annulled => (2, 0, 0),
        };
        table.row(&[
            ("value", number(before.value.get())),
            ("weight", number(before.weight)),
            ("fee", number(fee)),
            ("kind", number(kind)),
            ("paid", number(paid)),
            ("seconds", number(seconds)),
            ("memory", number(memory)),
            ("valueAfter", number(after.value.get())),
            ("weightAfter", number(after.weight)),
        ]);
        after
    };
    let full = Reputation {
        value: Bps::ONE,
        weight: Amount::new(u64::MAX),
    };
    let whole = LeaseEnd::Served {
        paid: u64::MAX,
        seconds: u64::MAX,
    };
    let nothing = LeaseEnd::Served {
        paid: 0,
        seconds: 0,
    };
    add(full, u64::MAX, whole, u64::MAX);
    add(full, u64::MAX, LeaseEnd::Reclaimed, 1);
    for end in [whole, nothing, LeaseEnd::Reclaimed, LeaseEnd::Annulled] {
        for fee in [0, 1, 1_000_000] {
            add(Reputation::default(), fee, end, 1_000_000_000);
        }
    }
    // One provider's history.
    let mut reputation = Reputation::default();
    for _ in 0..40 {
        let seconds = 1 + dice.below(100_000);
        let end = match dice.below(8) {
            0 => LeaseEnd::Reclaimed,
            1 => LeaseEnd::Annulled,
            2 | 3 => LeaseEnd::Served {
                paid: dice.below(seconds),
                seconds,
            },
            _ => LeaseEnd::Served {
                paid: seconds,
                seconds,
            },
        };
        reputation = add(reputation, dice.below(90_000_000), end, 1_000_000_000);
    }
    table.into()
}
