//! Lists whose entries are all true, and that are wrong as a whole: a match is missing, the cut is
//! in the wrong place, the lowest entry is another one.

mod common;

use common::world::World;
use quorate_canon::FixedWidth;
use quorate_matching::{Entry, Fault, NO_LOWEST, OutcomeList};

/// A world whose list has several entries.
fn world() -> World {
    (0..)
        .map(|number| World::new(number, 6, 16))
        .find(|world| world.list().entries().len() >= 5)
        .unwrap()
}

/// The right list after `change`, with the lowest position that goes with it.
fn changed(world: &World, change: impl FnOnce(&mut Vec<Entry>)) -> OutcomeList {
    let mut entries = world.list().entries().to_vec();
    change(&mut entries);
    let bytes: Vec<u8> = entries.iter().flat_map(FixedWidth::to_bytes).collect();
    OutcomeList::from_bytes(&bytes).unwrap()
}

fn fault(world: &World, change: impl FnOnce(&mut Vec<Entry>)) -> Fault {
    world.check(&changed(world, change)).unwrap_err()
}

#[test]
fn a_match_left_out_blocks() {
    let world = world();
    for at in 0..world.list().entries().len() {
        let gone = world.list().entries()[at];
        let same = |entry: &Entry| entry.offer == gone.offer;
        let got = fault(&world, |entries| {
            let demand = world
                .snapshot
                .request(gone.request)
                .unwrap()
                .request
                .demand();
            entries.remove(at);
            for below in entries[at..].iter_mut().filter(|entry| same(entry)) {
                below.used = below.used.saturating_sub(&demand);
            }
        });
        assert!(matches!(got, Fault::Blocking(_)), "{got:?}");
    }
}

#[test]
fn a_round_that_stops_too_early_blocks() {
    let world = world().with_limit(4);
    let mut short = world.outcome();
    short.matches.pop();
    let list = OutcomeList::new(&short, &world.snapshot).unwrap();
    assert!(matches!(world.check(&list), Err(Fault::Blocking(_))));
}

#[test]
fn a_round_that_stops_too_late() {
    let world = world();
    let list = world.list();
    let limit = list.count() - 1;
    let got = world.with_limit(limit).check(&list);
    assert_eq!(
        got,
        Err(Fault::TooMany {
            got: limit + 1,
            limit
        })
    );
}

#[test]
fn a_cut_in_the_wrong_place_blocks() {
    let world = world();
    let whole = world.outcome();
    let limit = whole.matches.len() - 1;
    let world = world.with_limit(u32::try_from(limit).unwrap());
    for left_out in 0..limit {
        let mut wrong = whole.clone();
        wrong.matches.remove(left_out);
        let list = OutcomeList::new(&wrong, &world.snapshot).unwrap();
        assert!(
            matches!(world.check(&list), Err(Fault::Blocking(_))),
            "{left_out}"
        );
    }
}

#[test]
fn another_lowest_entry() {
    let world = world();
    let list = world.list();
    for lowest in (0..list.count() + 2)
        .chain([NO_LOWEST])
        .filter(|at| *at != list.lowest())
    {
        let claim = OutcomeList::claimed(list.entries().to_vec(), lowest).unwrap();
        let expected = Fault::WrongLowest {
            got: lowest,
            expected: list.lowest(),
        };
        assert_eq!(world.check(&claim), Err(expected));
    }
}

#[test]
fn a_lowest_entry_of_an_empty_list() {
    let world = World::new(3, 0, 4);
    assert_eq!(world.list().lowest(), NO_LOWEST);
    let claim = OutcomeList::claimed(Vec::new(), 0).unwrap();
    let expected = Fault::WrongLowest {
        got: 0,
        expected: NO_LOWEST,
    };
    assert_eq!(world.check(&claim), Err(expected));
}

#[test]
fn the_list_of_another_seed() {
    let mut world = world();
    let list = world.list();
    world.seed.0[0] ^= 1;
    assert!(world.check(&list).is_err());
}
