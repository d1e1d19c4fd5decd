//! Who judges, and when.

use quorate_canon::{Digest, FixedWidth as _, HealthEpoch, OperatorIndex, OperatorStake};
use quorate_health::{HealthPolicy, Seats, Window, committee, moment, probe_message};
use serde_json::Value;

use super::{Dice, Table, bytes, machine, network, number};

pub(super) fn committees() -> Value {
    let mut dice = Dice(1);
    let mut table = Table::default();
    let third = u128::MAX / 3;
    let drawn = (0..128)
        .map(|_| u128::from(dice.below(10_u64.pow(19))))
        .collect();
    let tables: [(Vec<u128>, u16); 6] = [
        (vec![1], 31),
        (vec![0, 5, 0], 31),
        (vec![third - 1, 1, third, third], 31),
        ((1..=8).collect(), 40),
        (vec![10_u128.pow(24), 0, 3 * 10_u128.pow(24), 7], 64),
        (drawn, 1_024),
    ];
    for (stakes, seats) in tables {
        let randomness = Digest(dice.bytes());
        let (epoch, id) = (HealthEpoch::new(dice.small(u16::MAX).into()), dice.roll());
        let stakes: Vec<_> = stakes.into_iter().map(OperatorStake::new).collect();
        let sums = Seats::new(&stakes).expect("stake");
        let drawn = committee(&randomness, epoch, machine(id), &sums, seats);
        let joined: Vec<u8> = stakes.iter().flat_map(OperatorStake::to_bytes).collect();
        let indices: Vec<u8> = drawn
            .seats
            .iter()
            .flat_map(OperatorIndex::to_bytes)
            .collect();
        table.row(&[
            ("randomness", bytes(randomness)),
            ("epoch", number(epoch)),
            ("offerId", number(id)),
            ("stakes", bytes(joined)),
            ("seats", number(seats)),
            ("indices", bytes(indices)),
        ]);
    }
    table.into()
}

pub(super) fn probes() -> Value {
    let mut dice = Dice(2);
    let mut table = Table::default();
    for operator in [0, 5, u32::MAX] {
        let randomness = Digest(dice.bytes());
        let epoch = HealthEpoch::new(dice.small(u16::MAX).into());
        let message = probe_message(&network(), &randomness, epoch, OperatorIndex::new(operator));
        table.row(&[
            ("network", bytes(network().to_bytes())),
            ("randomness", bytes(randomness)),
            ("epoch", number(epoch)),
            ("operatorIndex", number(operator)),
            ("message", bytes(message)),
        ]);
    }
    table.into()
}

pub(super) fn moments() -> Value {
    let mut dice = Dice(3);
    let mut table = Table::default();
    // The last window is shorter than the policy's deadlines.
    for (policy, length) in [
        (HealthPolicy::recommended(), 360_000),
        (HealthPolicy::devnet(), 4_000),
        (HealthPolicy::recommended(), 20_000),
    ] {
        for attempt in 0..policy.fails {
            let signature: [u8; 96] = dice.bytes();
            let (id, window) = (dice.roll(), dice.small(policy.windows));
            let subject = machine(id);
            let at = moment(
                &signature,
                subject,
                Window(window),
                attempt,
                length,
                &policy,
            );
            table.row(&[
                ("signature", bytes(signature)),
                ("offerId", number(id)),
                ("window", number(window)),
                ("attempt", number(attempt)),
                ("windowMs", number(length)),
                ("fails", number(policy.fails)),
                ("deadlineMs", number(policy.deadline_ms)),
                ("at", number(at.expect("an attempt of the policy"))),
            ]);
        }
    }
    table.into()
}
