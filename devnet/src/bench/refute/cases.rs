//! The kinds that need no posted list: entries, neighbours, repetitions, cuts, seeds.

use quorate_canon::{Digest, OfferId, RequestId};
use quorate_matching::{Entry, OutcomeList, ScorePolicy, Witness};

use super::{
    Bench, Kind, Row,
    book::{NOBODY, entries, list},
};
use crate::{
    Error,
    bench::ground::{Truth, failed},
};

/// What is wrong, how it is put into the list, and what of it is opened.
struct Case {
    kind: Kind,
    /// The entries around the list's middle: at the middle, or before it and at it.
    real: fn(&Real) -> Vec<Entry>,
    wrap: fn(quorate_matching::Opening) -> Witness,
}

/// Right entries to begin with.
struct Real {
    /// Two of one machine.
    first: Entry,
    second: Entry,
    /// The first of the next machine.
    next: Entry,
    /// A machine of a model that nobody asks for.
    other: OfferId,
}

const fn kind(name: &'static str, code: u8) -> Kind {
    Kind { name, code }
}

const CASES: [Case; 10] = [
    Case {
        kind: kind("unknown request", 1),
        real: |real| {
            vec![Entry {
                request: RequestId::new(NOBODY),
                ..real.first
            }]
        },
        wrap: Witness::Entry,
    },
    Case {
        kind: kind("unknown offer", 2),
        real: |real| {
            vec![Entry {
                offer: OfferId::new(NOBODY),
                ..real.first
            }]
        },
        wrap: Witness::Entry,
    },
    Case {
        kind: kind("ineligible pair", 10),
        real: |real| {
            vec![Entry {
                offer: real.other,
                ..real.first
            }]
        },
        wrap: Witness::Entry,
    },
    Case {
        kind: kind("wrong score", 11),
        real: |real| {
            vec![Entry {
                score: real.first.score + 1,
                ..real.first
            }]
        },
        wrap: Witness::Entry,
    },
    Case {
        kind: kind("wrong tie", 12),
        real: |real| {
            vec![Entry {
                tie: real.first.tie ^ 1,
                ..real.first
            }]
        },
        wrap: Witness::Entry,
    },
    Case {
        kind: kind("over capacity", 9),
        real: |real| {
            let mut entry = real.first;
            entry.used.gpus = 200;
            vec![entry]
        },
        wrap: Witness::Entry,
    },
    Case {
        kind: kind("wrong sum", 8),
        real: |real| {
            let mut second = real.second;
            second.used.cpu_milli += 1;
            vec![real.first, second]
        },
        wrap: Witness::Neighbours,
    },
    Case {
        kind: kind("order within an offer", 6),
        real: |real| vec![real.second, real.first],
        wrap: Witness::Neighbours,
    },
    Case {
        kind: kind("offer's list split", 7),
        real: |real| vec![real.next, real.first],
        wrap: Witness::Neighbours,
    },
    Case {
        kind: kind("request repeated", 3),
        real: |real| vec![real.first, real.first],
        wrap: Witness::Repeated,
    },
];

/// All of them.
///
/// # Errors
/// When a call reverts, or a witness is judged otherwise.
pub(super) async fn measure(bench: &mut Bench, tick: &impl Fn()) -> Result<Vec<Row>, Error> {
    let mut rows = Vec::new();
    for case in &CASES {
        let truth = bench.truth().await?;
        let real = real(bench, &truth)?;
        let placed = place(bench.size, (case.real)(&real), case.kind.code == 3);
        let list = list(bench.size, &placed, 0)?;
        let positions: Vec<u32> = placed.iter().map(|(at, _)| *at).collect();
        let witness = list.open(&positions).map(case.wrap);
        let settled = bench.certify(truth, list).await?;
        rows.extend(bench.refute(&settled, witness, case.kind).await?);
        tick();
    }
    rows.extend(cuts(bench).await?);
    rows.extend(seed(bench).await?);
    tick();
    Ok(rows)
}

/// Around the middle of the tree, where neighbours have least in common; a repetition at both ends.
fn place(size: u32, entries: Vec<Entry>, apart: bool) -> Vec<(u32, Entry)> {
    let middle = middle(size);
    let from = match (entries.len(), apart) {
        (2, false) => middle - 1,
        _ => middle,
    };
    let at = |number: u32| match (apart, number) {
        (true, 0) => 0,
        (true, _) => middle,
        (false, number) => from + number,
    };
    (0..).map(at).zip(entries).collect()
}

/// The first position of the tree's upper half.
pub(super) const fn middle(size: u32) -> u32 {
    size.next_power_of_two() / 2
}

fn real(bench: &Bench, truth: &Truth) -> Result<Real, Error> {
    let policy: &ScorePolicy = &bench.ground.policy.score;
    let missing = || failed("the book is empty");
    let [machine, next, ..] = bench.book.machines.as_slice() else {
        return Err(missing());
    };
    let two = bench.book.requests.get(..2).ok_or_else(missing)?;
    let third = bench.book.requests.get(2..3).ok_or_else(missing)?;
    let of_machine = entries(truth, policy, *machine, two)?;
    let of_next = entries(truth, policy, *next, third)?;
    match (of_machine.as_slice(), of_next.as_slice()) {
        ([first, second], [next, ..]) => Ok(Real {
            first: *first,
            second: *second,
            next: *next,
            other: bench.book.other,
        }),
        _ => Err(missing()),
    }
}

/// A lowest that is no position, and a lowest that is not the lowest.
async fn cuts(bench: &mut Bench) -> Result<Vec<Row>, Error> {
    let mut rows = Vec::new();
    let (size, middle) = (bench.size, middle(bench.size));
    for (kind, lowest, positions) in [
        (kind("cut, no such position", 13), size, vec![]),
        (kind("cut, another is lower", 13), 0, vec![0, middle]),
    ] {
        let truth = bench.truth().await?;
        let first = real(bench, &truth)?.first;
        let list: OutcomeList = list(size, &[(0, first)], lowest)?;
        let witness = list.open(&positions).map(Witness::Cut);
        let settled = bench.certify(truth, list).await?;
        rows.extend(bench.refute(&settled, witness, kind).await?);
    }
    Ok(rows)
}

/// The seed follows from the signature of another beacon round; the right one shows it.
async fn seed(bench: &mut Bench) -> Result<[Row; 2], Error> {
    let (mut claim, right) = bench.ground.under_wrong_beacon(bench.next).await?;
    bench.next += 1;
    claim.header.outcome_root = Digest([7; 32]);
    let settled = bench.ground.certify(claim, 0).await?;
    bench
        .refute(&settled, Some(Witness::Seed(right)), kind("wrong seed", 15))
        .await
}
