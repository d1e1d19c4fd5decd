//! What other matchers are given: the file, and the matcher that every outcome is held against.

use std::collections::BTreeSet;

use peers::{Demand, Error, Instance, Market, Pair, Trace, naive, random, weights};
use proptest::prelude::*;
use quorate_matching::Capacity;

fn capacities(count: usize) -> impl Strategy<Value = Vec<Capacity>> {
    let one =
        any::<(u8, [u32; 4])>().prop_map(|(gpus, [cpu_milli, memory_mib, disk_gib, mbits])| {
            Capacity {
                gpus,
                cpu_milli,
                memory_mib,
                disk_gib,
                mbits,
            }
        });
    prop::collection::vec(one, count)
}

fn instances() -> impl Strategy<Value = Instance> {
    (1_usize..6, 0_usize..8).prop_flat_map(|(offers, requests)| {
        let below = u32::try_from(offers).expect("small");
        let pair = (0..below, any::<[u32; 2]>()).prop_map(|(offer, [score, place])| Pair {
            offer,
            score,
            place,
        });
        let pairs = prop::collection::vec(prop::collection::vec(pair, 0..5), requests);
        let matched = prop::collection::vec(prop::option::of(0..below), requests);
        (capacities(offers), capacities(requests), matched, pairs).prop_map(
            |(free, demand, matched, pairs)| Instance {
                free,
                demand,
                matched,
                pairs,
            },
        )
    })
}

fn outcome(market: &Market) -> quorate_matching::Outcome {
    let Market {
        snapshot,
        policy,
        context,
        seed,
    } = market;
    quorate_matching::match_round(snapshot, policy, context, seed)
}

fn pairs(market: &Market) -> Vec<quorate_matching::PairRank> {
    let Market {
        snapshot,
        policy,
        context,
        seed,
    } = market;
    naive::pairs(snapshot, policy, context, seed)
}

fn part(demand: Demand, load: u32) -> Trace {
    Trace {
        seed: 1,
        demand,
        load,
        machines: 100,
        observed: true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_instance_reads_back_as_written(instance in instances()) {
        let bytes = instance.to_bytes().expect("fits");
        prop_assert_eq!(Instance::from_bytes(&bytes).expect("reads"), instance);
    }

    #[test]
    fn a_file_cut_short_or_longer_is_refused(instance in instances(), at in any::<prop::sample::Index>()) {
        let mut bytes = instance.to_bytes().expect("fits");
        prop_assert!(Instance::from_bytes(&bytes[..at.index(bytes.len())]).is_err());
        bytes.push(0);
        prop_assert!(Instance::from_bytes(&bytes).is_err());
    }

    #[test]
    fn the_naive_matcher_agrees_with_the_rules(
        number: u64, requests in 0_usize..120, offers in 1_usize..24, single: bool, limit in 0_u32..40,
    ) {
        let mut market = random(number, requests, offers, single).expect("market");
        market.policy.max_matches = limit;
        let matches = naive::walk(&market.snapshot, &market.policy, &pairs(&market));
        prop_assert_eq!(matches, outcome(&market).matches);
    }

    #[test]
    fn an_instance_says_what_the_market_says(number: u64, requests in 0_usize..60, offers in 1_usize..12) {
        let market = random(number, requests, offers, false).expect("market");
        let (pairs, outcome) = (pairs(&market), outcome(&market));
        let instance = Instance::new(&market.snapshot, &pairs, &outcome.matches).expect("fits");
        let places: BTreeSet<u32> = instance.pairs.iter().flatten().map(|pair| pair.place).collect();
        prop_assert!(places.into_iter().eq(0..u32::try_from(pairs.len()).expect("small")));
        for (matched, own) in instance.matched.iter().zip(&instance.pairs) {
            prop_assert!(own.is_sorted_by_key(|pair| pair.place));
            prop_assert!(matched.is_none_or(|offer| own.iter().any(|pair| pair.offer == offer)));
        }
        prop_assert_eq!(instance.matched.iter().flatten().count(), outcome.matches.len());
    }
}

#[test]
fn a_pair_with_an_offer_that_is_not_there_is_refused() {
    let instance = Instance {
        free: vec![Capacity::default()],
        demand: vec![Capacity::default()],
        matched: vec![None],
        pairs: vec![vec![Pair {
            offer: 1,
            ..Pair::default()
        }]],
    };
    let read = Instance::from_bytes(&instance.to_bytes().expect("fits"));
    assert!(
        matches!(read, Err(Error::Content { got: 1, .. })),
        "{read:?}"
    );
}

#[test]
fn a_part_of_the_trace_has_the_load_that_it_names() {
    for demand in [Demand::AsPublished, Demand::HalfSeveral] {
        for load in [80, 100, 130] {
            let snapshot = part(demand, load).market().expect("trace").snapshot;
            let asked: u32 = snapshot
                .requests()
                .iter()
                .map(|r| u32::from(r.request.gpus.get()))
                .sum();
            let free: u32 = snapshot
                .offers()
                .iter()
                .map(|o| u32::from(o.offer.gpus.get()))
                .sum();
            let percent = f64::from(asked) / f64::from(free) * 100.0;
            assert!(
                (percent - f64::from(load)).abs() < 0.5,
                "{demand:?}: {percent} of {load}"
            );
        }
    }
}

#[test]
fn half_of_the_tasks_ask_for_several_gpus_where_that_is_said() {
    let several = |demand| {
        let snapshot = part(demand, 130).market().expect("trace").snapshot;
        let several = snapshot
            .requests()
            .iter()
            .filter(|r| r.request.gpus.get() > 1)
            .count();
        several * 100 / snapshot.requests().len()
    };
    assert!(several(Demand::AsPublished) <= 1);
    assert!((45..=55).contains(&several(Demand::HalfSeveral)));
}

#[test]
fn all_weights_that_are_compared_are_valid() {
    for candidate in weights::candidates() {
        assert_eq!(candidate.policy.validate(), Ok(()), "{}", candidate.name);
    }
}
