//! Samples of a stake epoch, and the shares of those who are shown in them.

use std::collections::BTreeSet;

use quorate_canon::{
    Digest, Epoch, FixedWidth as _, HealthEpoch, OperatorIndex, OperatorStake, Round, Timestamp,
};
use quorate_health::{
    EpochClock, ProbeWork, RoundEnd, RoundWork, Sample, Seats, committee, shares,
};
use serde_json::Value;

use super::{Dice, Table, bytes, machine, number};

pub(super) fn samples() -> Value {
    let mut dice = Dice(21);
    let mut table = Table::default();
    let production = EpochClock {
        genesis: Timestamp::new(1_700_000_000),
        epoch_seconds: 86_400,
        stake_epoch: 172_800,
        period: 60,
        beacon_genesis: Timestamp::new(1_692_803_367),
        beacon_period: 3,
    };
    let devnet = EpochClock {
        epoch_seconds: 20,
        stake_epoch: 60,
        period: 3,
        ..production
    };
    // Neither period divides the stake epoch, and every second one has no health epoch.
    let uneven = EpochClock {
        epoch_seconds: 1_001,
        stake_epoch: 501,
        period: 13,
        ..production
    };
    // Rounds are longer than stake epochs: most of those have none.
    let slow = EpochClock {
        epoch_seconds: 30,
        stake_epoch: 60,
        period: 200,
        ..production
    };
    for clock in [production, devnet, uneven, slow] {
        for epoch in [0, 1, 2, 3, dice.below(20_000)] {
            for (machines, windows) in [(0, 5), (1, 1), (5, 240), (dice.roll(), 256)] {
                let sample = Sample {
                    epoch: Epoch::new(epoch),
                    randomness: Digest(dice.bytes()),
                };
                sample_row(&mut table, &clock, &sample, machines, windows);
            }
        }
    }
    table.into()
}

fn sample_row(table: &mut Table, clock: &EpochClock, sample: &Sample, machines: u64, windows: u16) {
    let rounds = sample.rounds(clock).expect("rounds");
    let probes = sample.probes(clock).expect("probes");
    let (first_round, rounds_of) = clock.rounds_of(sample.epoch).expect("rounds");
    let (first_epoch, epochs_of) = clock.health_epochs_of(sample.epoch).expect("epochs");
    let drawn_by = clock.sample_epoch(sample.epoch).expect("an epoch");
    table.row(&[
        ("epochSeconds", number(clock.epoch_seconds)),
        ("stakeEpochSeconds", number(clock.stake_epoch)),
        ("period", number(clock.period)),
        ("randomness", bytes(sample.randomness)),
        ("epoch", number(sample.epoch)),
        ("machines", number(machines)),
        ("windows", number(windows)),
        ("drawnBy", number(drawn_by)),
        ("firstRound", number(first_round)),
        ("countRounds", number(rounds_of)),
        ("firstHealthEpoch", number(first_epoch)),
        ("countHealthEpochs", number(epochs_of)),
        ("rounds", joined(rounds.iter().map(Round::to_bytes))),
        (
            "probeEpochs",
            joined(probes.iter().map(|probe| probe.epoch.to_bytes())),
        ),
        (
            "probeMachines",
            // None where there was no machine.
            joined(
                probes
                    .iter()
                    .filter_map(|probe| probe.place(machines))
                    .map(|place| place.to_bytes()),
            ),
        ),
        (
            "probeWindows",
            joined(probes.iter().map(|probe| probe.window(windows).to_bytes())),
        ),
    ]);
}

/// What an epoch's shares depend on.
struct Case {
    stakes: Vec<OperatorStake>,
    seats: u16,
    ends: Vec<RoundEnd>,
    probes: usize,
    /// How many of a hundred operators are shown.
    diligence: u64,
}

pub(super) fn shared() -> Value {
    let mut dice = Dice(22);
    let mut table = Table::default();
    let (void, settled, unposted) = (RoundEnd::Void, RoundEnd::Settled, RoundEnd::Unposted);
    let mixed = [settled, unposted, void, settled].repeat(4);
    let stake = |stakes: &[u128]| stakes.iter().copied().map(OperatorStake::new).collect();
    let many = (0..300_u32).map(|index| OperatorStake::new(u128::from(index % 7) << 70));
    let case = |stakes, seats, ends: &[RoundEnd], probes, diligence| Case {
        stakes,
        seats,
        ends: ends.to_vec(),
        probes,
        diligence,
    };
    let cases = [
        case(stake(&[1]), 31, &[settled; 16], 16, 100),
        case(stake(&[1, 1, 1]), 31, &mixed, 16, 80),
        case(stake(&[5, 0, 2, 9, 1, 0, 0, 3]), 40, &mixed, 16, 90),
        case(stake(&[5, 1, 2, 9, 1, 1, 4, 3, 7]), 31, &mixed, 16, 60),
        case(stake(&[4, 4, 4, 4]), 31, &mixed, 0, 70),
        case(stake(&[4, 4, 4, 4]), 31, &[], 16, 70),
        case(stake(&[4, 4, 4, 4]), 31, &[void; 16], 16, 90),
        case(stake(&[4, 4, 4, 4]), 31, &[unposted; 16], 16, 0),
        // Hardly anybody speaks: most probes and rounds do not count.
        case(stake(&[4, 4, 4, 4]), 31, &mixed, 16, 40),
        case(many.collect(), 64, &mixed, 16, 75),
    ];
    for case in &cases {
        share_row(&mut table, case, &mut dice);
    }
    table.into()
}

fn share_row(table: &mut Table, case: &Case, dice: &mut Dice) {
    let count = case.stakes.len();
    let everybody = || (0..count).filter_map(|index| u32::try_from(index).ok());
    let mut shown = || -> BTreeSet<_> {
        let present = everybody().filter(|_| dice.below(100) < case.diligence);
        present.map(OperatorIndex::new).collect()
    };
    let rounds: Vec<_> = case
        .ends
        .iter()
        .map(|end| RoundWork {
            end: *end,
            shown: shown(),
        })
        .collect();
    let sums = Seats::new(&case.stakes).expect("stake");
    let spoken: Vec<_> = (0..case.probes).map(|_| shown()).collect();
    let (mut probes, mut places) = (Vec::new(), Vec::new());
    for shown in spoken {
        let randomness = Digest(dice.bytes());
        let (epoch, offer) = (HealthEpoch::new(dice.small(u16::MAX).into()), dice.roll());
        places.push((randomness, epoch, offer));
        probes.push(ProbeWork {
            committee: committee(&randomness, epoch, machine(offer), &sums, case.seats),
            shown,
        });
    }
    let counted = shares(&case.stakes, &rounds, &probes);
    let epoch = Epoch::new(dice.roll());
    let operators = &counted.operators;
    let seats = probes.iter().flat_map(|probe| &probe.committee.seats);
    table.row(&[
        (
            "stakes",
            joined(case.stakes.iter().map(OperatorStake::to_bytes)),
        ),
        ("seats", number(case.seats)),
        (
            "roundWeights",
            joined(rounds.iter().map(|round| round.end.weight().to_bytes())),
        ),
        (
            "roundShown",
            joined(rounds.iter().map(|round| bitmap(&round.shown, count))),
        ),
        (
            "probeRandomness",
            joined(places.iter().map(|place| place.0.to_bytes())),
        ),
        (
            "probeEpochs",
            joined(places.iter().map(|place| place.1.to_bytes())),
        ),
        (
            "probeOffers",
            joined(places.iter().map(|place| place.2.to_bytes())),
        ),
        ("probeSeats", joined(seats.map(OperatorIndex::to_bytes))),
        (
            "probeShown",
            joined(probes.iter().map(|probe| bitmap(&probe.shown, count))),
        ),
        ("epoch", number(epoch)),
        ("rounds", number(counted.rounds)),
        ("probes", number(counted.probes)),
        (
            "ofRounds",
            joined(operators.iter().map(|share| share.of_rounds.to_bytes())),
        ),
        (
            "ofProbes",
            joined(operators.iter().map(|share| share.of_probes.to_bytes())),
        ),
        (
            "shares",
            joined(operators.iter().map(|share| share.total.to_bytes())),
        ),
        ("message", bytes(counted.message(epoch))),
    ]);
}

fn joined(parts: impl Iterator<Item = Vec<u8>>) -> Value {
    bytes(parts.flatten().collect::<Vec<u8>>())
}

/// As in section 9: index i is bit `i mod 8`, least significant first, of byte `i div 8`.
fn bitmap(operators: &BTreeSet<OperatorIndex>, count: usize) -> Vec<u8> {
    let bit = |byte: usize, bit: usize| {
        let index = u32::try_from(byte * 8 + bit).unwrap_or(u32::MAX);
        u8::from(operators.contains(&OperatorIndex::new(index))) << bit
    };
    (0..count.div_ceil(8))
        .map(|byte| (0..8).map(|at| bit(byte, at)).sum())
        .collect()
}
