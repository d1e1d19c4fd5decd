//! Small markets as L2 holds them, lists of their rounds, and what each witness shows.

use quorate_canon::{FixedWidth, Version};
use quorate_matching::policy::defaults::policy_v1;
use quorate_matching::wrong::{Lie, lie};
use quorate_matching::{Opening, OutcomeList, Policy, Witness, WitnessError, judge};

use super::json::{Object, bytes, number};
use crate::common::ledger::{HEALTH_EPOCH, Ledger};
use crate::common::world::Dice;

/// The code that stands for "no witness against this list".
const MALFORMED: u8 = 255;
/// Number, offers, requests and limit of each market.
const MARKETS: [(u64, u64, u64, u32); 4] = [
    (301, 5, 10, 0),
    (302, 4, 9, 4),
    (305, 6, 9, 0),
    (317, 4, 8, 3),
];
/// Drawn witnesses against each list, beside the one that accuses it.
const DRAWN: usize = 10;

/// One list of a market, and whose.
struct Listed {
    world: usize,
    list: OutcomeList,
}

struct Shown {
    list: usize,
    witness: Vec<u8>,
    code: u8,
    position: u32,
}

/// Four groups of arrays: worlds, their orders, lists, witnesses. `tests/vectors/README.md` says what each
/// one holds.
pub fn witness_file() -> String {
    let ledgers = MARKETS.map(|(number, offers, requests, limit)| {
        Ledger::new(number, offers, requests).with_limit(limit)
    });
    let lists = lists(&ledgers);
    let mut dice = Dice(7);
    let mut shown = Vec::new();
    for (at, listed) in lists.iter().enumerate() {
        let ledger = &ledgers[listed.world];
        let mut show = |witness: Vec<u8>| shown.push(judged(ledger, listed, at, witness));
        if let Some(witness) = ledger.witness_for(&listed.list) {
            show(witness.to_bytes());
        }
        for _ in 0..DRAWN {
            show(drawn(&mut dice, ledger, &listed.list).to_bytes());
        }
        if at % 8 == 0 {
            misshapen(&listed.list).into_iter().for_each(&mut show);
            let witness = drawn(&mut dice, ledger, &listed.list).to_bytes();
            broken(&mut dice, &witness).into_iter().for_each(&mut show);
        }
    }
    let mut file = Object::default();
    write_worlds(&mut file, &ledgers);
    write_requests(&mut file, &ledgers);
    write_offers(&mut file, &ledgers);
    write_lists(&mut file, &lists);
    file.many(
        "witnessList",
        shown.iter().map(|shown| number(shown.list as u64)),
    );
    file.many("witness", shown.iter().map(|shown| bytes(&shown.witness)));
    file.many("witnessCode", shown.iter().map(|shown| number(shown.code)));
    file.many(
        "witnessPosition",
        shown.iter().map(|shown| number(shown.position)),
    );
    file.finish()
}

/// The right list of each market and one of each lie.
fn lists(ledgers: &[Ledger]) -> Vec<Listed> {
    let mut lists = Vec::new();
    for (world, ledger) in ledgers.iter().enumerate() {
        let right = ledger.world.list();
        let wrong = Lie::ALL.iter().filter_map(|kind| {
            // The first of some that is not harmless.
            let mut lies = (0..40).filter_map(|number| lie(*kind, &ledger.truth(), number));
            lies.find(|lied| lied.list != right)
        });
        let lists_of_world = wrong.map(|lied| lied.list).chain([right.clone()]);
        lists.extend(lists_of_world.map(|list| Listed { world, list }));
    }
    lists
}

fn judged(ledger: &Ledger, listed: &Listed, at: usize, witness: Vec<u8>) -> Shown {
    let list = &listed.list;
    let (code, position) = match judge(&ledger.posted(list), &ledger.accused(list), &witness) {
        Ok(Some(found)) => (found.code.code(), found.position),
        Ok(None) => (0, 0),
        Err(WitnessError::NotPosted) => unreachable!("the list is posted"),
        Err(_) => (MALFORMED, 0),
    };
    Shown {
        list: at,
        witness,
        code,
        position,
    }
}

/// A witness of any kind over entries that its kind takes, true or not.
fn drawn(dice: &mut Dice, ledger: &Ledger, list: &OutcomeList) -> Witness {
    let count = u64::from(list.count());
    let some = |dice: &mut Dice| dice.below(count.max(1)) as u32;
    let open = |positions: &[u32]| list.open(positions).unwrap();
    let (one, other) = (some(dice), some(dice));
    let two = [one.min(other), one.max(other)];
    match dice.below(9) {
        _ if count == 0 => Witness::Cut(open(&[])),
        0 | 1 => Witness::Entry(open(&[one])),
        2 if one == 0 => Witness::Neighbours(open(&[0])),
        2 => Witness::Neighbours(open(&[one - 1, one])),
        3 if one != other => Witness::Repeated(open(&two)),
        4 if one != list.lowest() && list.lowest() < list.count() => {
            let lowest = list.lowest();
            Witness::Cut(open(&[one.min(lowest), one.max(lowest)]))
        }
        5 => Witness::Cut(open(&[])),
        _ => blocking(dice, ledger, list),
    }
}

/// Any pair of the market's orders, mostly with all that it needs.
fn blocking(dice: &mut Dice, ledger: &Ledger, list: &OutcomeList) -> Witness {
    let requests: Vec<_> = ledger.requests.keys().collect();
    let offers: Vec<_> = ledger.offers.keys().collect();
    let request = *requests[dice.below(requests.len() as u64) as usize];
    let offer = *offers[dice.below(offers.len() as u64) as usize];
    let split = list.entries().partition_point(|entry| entry.offer < offer);
    let place = list
        .entries()
        .iter()
        .position(|entry| entry.request == request);
    // Somewhere among the offer's entries, if it has any: the right place more often than not.
    let entries = list.entries()[split..].iter();
    let own = entries.take_while(|entry| entry.offer == offer).count() as u64;
    let split = split as u32 + dice.below(own + 1) as u32;
    let mut shown: Vec<u32> = split.checked_sub(1).into_iter().collect();
    shown.extend([split, list.lowest()]);
    shown.extend(place.map(|at| at as u32));
    shown.retain(|at| *at < list.count() && !dice.one_in(12));
    shown.sort_unstable();
    shown.dedup();
    Witness::Blocking {
        request,
        offer,
        opening: list.open(&shown).unwrap(),
    }
}

type Make = fn(Opening) -> Witness;

/// Openings of the wrong shape for their kind, and of no shape at all.
fn misshapen(list: &OutcomeList) -> Vec<Vec<u8>> {
    let open = |positions: &[u32]| {
        list.open(positions)
            .unwrap_or_else(|| list.open(&[]).unwrap())
    };
    let last = list.count().saturating_sub(1);
    let mut beyond = open(&[last]);
    for (at, _) in &mut beyond.entries {
        *at = list.count();
    }
    let mut twice = open(&[last]);
    twice.entries.extend_from_within(..);
    let mut lower = open(&[]);
    lower.lowest ^= 1;
    let mut more = open(&[last]);
    more.siblings.push(quorate_canon::Digest::ZERO);
    let mut fewer = open(&[last]);
    fewer.siblings.pop();
    let made: [(Make, Opening); 13] = [
        (Witness::Entry, open(&[])),
        (Witness::Entry, open(&[0, last])),
        (Witness::Neighbours, open(&[])),
        (Witness::Neighbours, open(&[last])),
        (Witness::Neighbours, open(&[0, last])),
        (Witness::Repeated, open(&[last])),
        (Witness::Cut, open(&[last])),
        (Witness::Cut, open(&[0, 1])),
        (Witness::Entry, beyond),
        (Witness::Repeated, twice),
        (Witness::Cut, lower),
        (Witness::Entry, more),
        (Witness::Entry, fewer),
    ];
    let mut witnesses: Vec<_> = made.map(|(make, opening)| make(opening).to_bytes()).into();
    witnesses.extend([vec![], vec![0], vec![7; 42], vec![6; 48], vec![6; 50]]);
    let mut five = witnesses[0].clone();
    five[9] = 5;
    witnesses.push(five);
    witnesses
}

/// A witness that lost its end, that goes on, or of which one bit is another.
fn broken(dice: &mut Dice, witness: &[u8]) -> Vec<Vec<u8>> {
    let mut cut = witness.to_vec();
    cut.truncate(1 + dice.below(witness.len() as u64 - 1) as usize);
    let mut flipped = witness.to_vec();
    let at = dice.below(witness.len() as u64) as usize;
    flipped[at] ^= 1 << dice.below(8);
    vec![
        cut,
        flipped,
        [witness, &[0]].concat(),
        [witness, &[0; 32]].concat(),
    ]
}

fn write_worlds(file: &mut Object, ledgers: &[Ledger]) {
    let page = |ledger: &Ledger| Policy {
        version: Version::new(1),
        score: ledger.world.policy.clone(),
        ..policy_v1()
    };
    let worlds = || ledgers.iter().map(|ledger| &ledger.world);
    assert!(ledgers.iter().all(|ledger| page(ledger).validate().is_ok()));
    file.many(
        "policyPage",
        ledgers.iter().map(|ledger| bytes(page(ledger).page())),
    );
    file.many(
        "round",
        worlds().map(|world| number(world.context.round.get())),
    );
    file.many(
        "time",
        worlds().map(|world| number(world.context.time.get())),
    );
    file.many(
        "genesis",
        worlds().map(|world| number(world.context.genesis.get())),
    );
    file.many("period", worlds().map(|world| number(world.context.period)));
    file.many("healthEpochSeconds", worlds().map(|_| number(HEALTH_EPOCH)));
    file.many("seed", worlds().map(|world| bytes(world.seed.0)));
}

fn write_requests(file: &mut Object, ledgers: &[Ledger]) {
    let all = || {
        let worlds = ledgers.iter().enumerate();
        worlds.flat_map(|(w, ledger)| {
            ledger
                .requests
                .values()
                .map(move |record| (w, ledger, record))
        })
    };
    let lease = |ledger: &Ledger, record: &quorate_matching::RequestRecord| {
        let lease = ledger.leases.get(&record.input.request.id);
        lease.map_or((0, 0), |lease| (lease.round.get() + 1, lease.position))
    };
    file.many("requestWorld", all().map(|(w, ..)| number(w as u64)));
    file.many(
        "request",
        all().map(|(_, _, record)| bytes(record.input.request.to_bytes())),
    );
    file.many(
        "requestCreated",
        all().map(|(_, _, record)| number(record.input.created.get())),
    );
    file.many(
        "requestClosed",
        all().map(|(_, _, record)| number(record.closed.get())),
    );
    file.many(
        "leaseRound",
        all().map(|(_, ledger, record)| number(lease(ledger, record).0)),
    );
    file.many(
        "leasePosition",
        all().map(|(_, ledger, record)| number(lease(ledger, record).1)),
    );
}

fn write_offers(file: &mut Object, ledgers: &[Ledger]) {
    let all = || {
        let worlds = ledgers.iter().enumerate();
        worlds.flat_map(|(w, ledger)| {
            ledger
                .offers
                .values()
                .flatten()
                .map(move |version| (w, version))
        })
    };
    file.many("versionWorld", all().map(|(w, _)| number(w as u64)));
    file.many(
        "versionInput",
        all().map(|(_, version)| bytes(version.input.to_bytes())),
    );
    file.many(
        "versionClosed",
        all().map(|(_, version)| number(version.closed.get())),
    );
}

fn write_lists(file: &mut Object, lists: &[Listed]) {
    file.many(
        "listWorld",
        lists.iter().map(|listed| number(listed.world as u64)),
    );
    file.many(
        "listEntries",
        lists.iter().map(|listed| bytes(listed.list.bytes())),
    );
    file.many(
        "listLowest",
        lists.iter().map(|listed| number(listed.list.lowest())),
    );
    file.many(
        "listOutcomeRoot",
        lists.iter().map(|listed| bytes(listed.list.outcome_root())),
    );
}
