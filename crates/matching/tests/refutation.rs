//! A wrong outcome of any kind has a witness that convicts.

mod common;

use std::collections::BTreeMap;

use common::ledger::Ledger;
use common::{sized_ledger, soaked};
use quorate_matching::wrong::{Lie, lie};
use quorate_matching::{OutcomeList, Refutation, judge};

/// What the contract makes of the list when it was posted in full, by the witness that we bring.
fn refutation(ledger: &Ledger, list: &OutcomeList) -> Option<Refutation> {
    let bytes = ledger.witness_for(list)?.to_bytes();
    let verdict = judge(&ledger.posted(list), &ledger.accused(list), &bytes);
    Some(
        verdict
            .expect("a witness that the judge takes")
            .expect("a fault"),
    )
}

#[test]
fn every_kind_of_lie_is_refuted_unless_it_is_the_outcome() {
    let mut told: BTreeMap<Lie, (u64, u64)> = BTreeMap::new();
    let mut unexpected = BTreeMap::new();
    for number in 0..soaked(600) {
        let ledger = sized_ledger(number, 8, 20);
        let right = ledger.world.list();
        assert_eq!(ledger.witness_for(&right), None, "{number}");
        for kind in Lie::ALL {
            let Some(lied) = lie(*kind, &ledger.truth(), number) else {
                continue;
            };
            let (wrong, harmless) = told.entry(*kind).or_default();
            if lied.list == right {
                *harmless += 1;
                continue;
            }
            *wrong += 1;
            let refutation = refutation(&ledger, &lied.list);
            let Some(found) = refutation else {
                panic!("{kind:?} {number}: no witness");
            };
            if !kind.codes().contains(&found.code) {
                unexpected.insert((*kind, found.code), number);
            }
        }
    }
    assert_eq!(unexpected, BTreeMap::new());
    println!("wrong and harmless, by kind: {told:?}");
    let silent: Vec<_> = Lie::ALL
        .iter()
        .filter(|kind| told.get(kind).is_none_or(|(wrong, _)| *wrong < 50))
        .collect();
    assert!(silent.is_empty(), "kinds that were hardly told: {silent:?}");
}
