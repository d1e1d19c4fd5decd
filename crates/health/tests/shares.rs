//! Shares of work, against their definition operator by operator and seat by seat.

use std::collections::BTreeSet;

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use quorate_canon::{Epoch, OperatorIndex, OperatorStake};
use quorate_health::{Committee, ProbeWork, RoundEnd, RoundWork, Shares, shares};

const OPERATORS: u32 = 6;

fn set(operators: &[u32]) -> BTreeSet<OperatorIndex> {
    operators.iter().copied().map(OperatorIndex::new).collect()
}

fn stakes(stakes: &[u128]) -> Vec<OperatorStake> {
    stakes.iter().copied().map(OperatorStake::new).collect()
}

fn round(end: RoundEnd, shown: &[u32]) -> RoundWork {
    RoundWork {
        end,
        shown: set(shown),
    }
}

fn probe(seats: &[u32], shown: &[u32]) -> ProbeWork {
    ProbeWork {
        committee: Committee {
            seats: seats.iter().copied().map(OperatorIndex::new).collect(),
        },
        shown: set(shown),
    }
}

/// The totals, in basis points.
fn totals(shares: &Shares) -> Vec<u16> {
    shares
        .operators
        .iter()
        .map(|share| share.total.get())
        .collect()
}

fn some_round() -> impl Strategy<Value = RoundWork> {
    let end = prop_oneof![
        Just(RoundEnd::Void),
        Just(RoundEnd::Settled),
        Just(RoundEnd::Unposted)
    ];
    // Some are strangers to the table.
    (end, btree_set(0..OPERATORS + 2, 0..6)).prop_map(|(end, shown)| RoundWork {
        end,
        shown: shown.into_iter().map(OperatorIndex::new).collect(),
    })
}

fn some_probe() -> impl Strategy<Value = ProbeWork> {
    (
        vec(0..OPERATORS, 1..9),
        btree_set(0..OPERATORS + 2, 0..6usize),
    )
        .prop_map(|(seats, shown)| probe(&seats, &shown.into_iter().collect::<Vec<_>>()))
}

/// Section 15, word for word, for one operator.
fn by_hand(
    index: u32,
    stakes: &[OperatorStake],
    rounds: &[RoundWork],
    probes: &[ProbeWork],
) -> (u32, u32, u32) {
    let weight = |round: &RoundWork| match round.end {
        RoundEnd::Void => 0,
        RoundEnd::Settled => 1,
        RoundEnd::Unposted => 2,
    };
    let stake_of = |operator: &OperatorIndex| {
        stakes
            .get(operator.get() as usize)
            .map_or(0, |stake| stake.get())
    };
    let total: u128 = stakes.iter().map(|stake| stake.get()).sum();
    let mut all = 0;
    let mut own = 0;
    for round in rounds {
        if 2 * round.shown.iter().map(stake_of).sum::<u128>() > total {
            all += weight(round);
            if round.shown.contains(&OperatorIndex::new(index)) {
                own += weight(round);
            }
        }
    }
    let (mut seats, mut spoken) = (0, 0);
    for probe in probes {
        let shown = |seat: &&OperatorIndex| probe.shown.contains(*seat);
        let present = probe.committee.seats.iter().filter(shown).count();
        if present * 2 <= probe.committee.seats.len() {
            continue;
        }
        for seat in &probe.committee.seats {
            if seat.get() == index {
                seats += 1;
                spoken += u32::from(probe.shown.contains(seat));
            }
        }
    }
    if all == 0 || stakes[index as usize].get() == 0 {
        return (0, 0, 0);
    }
    let a = 10_000 * own / all;
    let b = (10_000 * spoken).checked_div(seats).unwrap_or(a);
    (a, b, (a + b) / 2)
}

proptest! {
    #[test]
    fn shares_are_those_of_the_definition(
        table in vec(0_u128..3, OPERATORS as usize),
        rounds in vec(some_round(), 0..17),
        probes in vec(some_probe(), 0..17),
    ) {
        let table = stakes(&table);
        let counted = shares(&table, &rounds, &probes);
        for (index, share) in (0..).zip(&counted.operators) {
            let expected = by_hand(index, &table, &rounds, &probes);
            let got = (share.of_rounds.get(), share.of_probes.get(), share.total.get());
            prop_assert_eq!((got.0.into(), got.1.into(), got.2.into()), expected, "operator {}", index);
        }
    }

    /// Whoever is shown in more rounds never gets less for it, and nobody else more or less.
    #[test]
    fn showing_more_takes_nothing_from_anybody(
        rounds in vec(some_round(), 1..9), probes in vec(some_probe(), 1..9), who in 0..OPERATORS,
    ) {
        let table = stakes(&[1; OPERATORS as usize]);
        let before = shares(&table, &rounds, &probes);
        let more: Vec<_> = rounds
            .iter()
            .cloned()
            .map(|mut round| {
                if round.counts(&table) {
                    round.shown.insert(OperatorIndex::new(who));
                }
                round
            })
            .collect();
        let after = shares(&table, &more, &probes);
        prop_assert_eq!(before.rounds, after.rounds);
        for (index, (before, after)) in before.operators.iter().zip(&after.operators).enumerate() {
            if index == who as usize {
                prop_assert!(after.total >= before.total);
            } else {
                prop_assert_eq!(after, before);
            }
        }
    }
}

#[test]
fn a_round_that_was_not_posted_counts_twice() {
    let rounds = [
        round(RoundEnd::Settled, &[0, 1]),
        round(RoundEnd::Unposted, &[0]),
    ];
    let counted = shares(&stakes(&[3, 1, 1]), &rounds, &[]);
    assert_eq!(counted.rounds, 3);
    assert_eq!(totals(&counted), [10_000, 3_333, 0]);
}

#[test]
fn a_round_in_which_nobody_is_shown_is_nobodys_fault() {
    let rounds = [
        round(RoundEnd::Settled, &[]),
        round(RoundEnd::Void, &[0]),
        round(RoundEnd::Settled, &[0]),
    ];
    let counted = shares(&stakes(&[2, 1]), &rounds, &[]);
    assert_eq!((counted.rounds, totals(&counted)), (1, vec![10_000, 0]));
}

#[test]
fn a_round_counts_only_with_more_than_half_of_the_stake() {
    let rounds = [
        round(RoundEnd::Settled, &[0, 1, 2]),
        round(RoundEnd::Unposted, &[0, 7]),
    ];
    let half = shares(&stakes(&[2, 1, 1]), &rounds, &[]);
    assert_eq!((half.rounds, totals(&half)), (1, vec![10_000; 3]));
    let more = shares(&stakes(&[3, 1, 1]), &rounds, &[]);
    assert_eq!(
        (more.rounds, totals(&more)),
        (3, vec![10_000, 3_333, 3_333])
    );
}

#[test]
fn a_probe_counts_only_with_more_than_half_of_the_seats() {
    let rounds = [round(RoundEnd::Settled, &[0, 1])];
    let half = probe(&[0, 0, 1, 1], &[0]);
    assert!(!half.counts());
    let counted = shares(&stakes(&[1, 1]), &rounds, &[half]);
    assert_eq!(
        (counted.probes, totals(&counted)),
        (0, vec![10_000, 10_000])
    );
    let most = probe(&[0, 0, 0, 1], &[0]);
    assert!(most.counts());
    let counted = shares(&stakes(&[1, 1]), &rounds, &[most]);
    assert_eq!((counted.probes, totals(&counted)), (1, vec![10_000, 5_000]));
}

#[test]
fn whoever_has_no_seat_is_judged_by_its_rounds() {
    let rounds = [
        round(RoundEnd::Settled, &[0, 1]),
        round(RoundEnd::Settled, &[0]),
    ];
    let probes = [probe(&[0, 0, 0], &[0])];
    let counted = shares(&stakes(&[2, 1]), &rounds, &probes);
    assert_eq!(counted.operators[1].of_probes.get(), 5_000);
    assert_eq!(totals(&counted), [10_000, 5_000]);
}

#[test]
fn seats_weigh_by_their_number() {
    let rounds = [round(RoundEnd::Settled, &[0, 1])];
    // Operator 1 speaks where it holds three seats of four, and is silent where it holds one.
    let probes = [probe(&[1, 1, 1, 0], &[0, 1]), probe(&[0, 0, 0, 1], &[0])];
    let counted = shares(&stakes(&[1, 1]), &rounds, &probes);
    assert_eq!(counted.operators[1].of_probes.get(), 7_500);
    assert_eq!(counted.operators[1].total.get(), 8_750);
}

#[test]
fn without_a_round_that_counts_there_are_no_shares() {
    let probes = [probe(&[0, 0, 0], &[0])];
    let counted = shares(&stakes(&[1, 1]), &[round(RoundEnd::Void, &[0])], &probes);
    assert_eq!((counted.rounds, counted.probes), (0, 1));
    assert_eq!(totals(&counted), [0, 0]);
}

#[test]
fn whoever_has_no_stake_has_no_share() {
    let counted = shares(&stakes(&[1, 0]), &[round(RoundEnd::Settled, &[0, 1])], &[]);
    assert_eq!(totals(&counted), [10_000, 0]);
}

#[test]
fn a_stranger_alone_makes_no_round_count() {
    let counted = shares(&stakes(&[1]), &[round(RoundEnd::Settled, &[1, 9])], &[]);
    assert_eq!((counted.rounds, totals(&counted)), (0, vec![0]));
}

#[test]
fn the_message_is_that_of_section_12() {
    let rounds = [
        round(RoundEnd::Unposted, &[0]),
        round(RoundEnd::Settled, &[0, 1]),
    ];
    let probes = [probe(&[0, 1, 1], &[0, 1])];
    let counted = shares(&stakes(&[6, 5]), &rounds, &probes);
    assert_eq!(
        hex::encode(counted.message(Epoch::new(7))),
        // 7; weight 3; one probe; two operators: 10 000, and (3 333 + 10 000) div 2.
        "00000000000000070003000100000002".to_owned() + "2710" + "1a0a"
    );
}
