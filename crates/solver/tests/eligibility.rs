//! The solver's compact filters against the rules: a market of one pair is served if and only if
//! the pair exists, for pairs that break each rule by the least that they can, or only just keep it.

#[path = "../../matching/tests/common/world.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "shared with the plain solver's tests"
)]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "test data is cut to size on purpose"
)]
mod world;

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use quorate_canon::{Bps, GpuCount, Mask256, MicroDollars, Stake, Timestamp};
use quorate_matching::{Ineligible, OfferInput, RequestInput, Snapshot, UnmatchedReason, eligible};
use quorate_solver::Prepared;
use world::{Dice, World};

/// One pair and what it is judged under.
#[derive(Clone)]
struct Pair {
    request: RequestInput,
    offer: OfferInput,
    world: Arc<World>,
}

impl Pair {
    fn verdict(&self) -> Result<(), Ineligible> {
        eligible(
            &self.request.request,
            &self.offer,
            &self.world.policy,
            &self.world.context,
        )
    }

    /// What the solver and its check say of the market of this pair alone.
    fn agrees(&self) -> Result<(), TestCaseError> {
        let World {
            policy,
            context,
            seed,
            ..
        } = &*self.world;
        let snapshot = Snapshot::new(vec![self.offer.clone()], vec![self.request.clone()]).unwrap();
        let prepared = Prepared::new(Arc::new(snapshot), policy, context, 1);
        let outcome = prepared.solve(seed, 1);
        let exists = self.verdict();
        prop_assert_eq!(outcome.matches.len() == 1, exists.is_ok(), "{:?}", exists);
        let none = outcome.unmatched.first().map(|(_, reason)| *reason);
        let expected = exists.err().map(|_| UnmatchedReason::NothingEligible);
        prop_assert_eq!(none, expected);
        let list = prepared.list(&outcome, 1).unwrap();
        prop_assert_eq!(prepared.check(seed, &list, 1), Ok(()));
        let empty = quorate_matching::OutcomeList::claimed(Vec::new(), quorate_matching::NO_LOWEST);
        prop_assert_eq!(
            prepared.check(seed, &empty.unwrap(), 1).is_err(),
            exists.is_ok()
        );
        Ok(())
    }
}

/// A pair that keeps every rule, with little to spare or much.
fn kept(number: u64) -> Pair {
    let mut dice = Dice(number);
    let world = World::new(number, 1, 1);
    let mut offer = world.snapshot.offers()[0].clone();
    let mut request = world.snapshot.requests()[0].clone();
    let (machine, wanted) = (&mut offer.offer, &mut request.request);
    machine.gpus = GpuCount::new(1 + dice.small(12));
    offer.used = quorate_matching::Capacity::ZERO;
    wanted.models = Mask256::of(&[machine.model]);
    wanted.regions = Mask256::of(&[machine.region]);
    wanted.kinds = 1 << machine.kind;
    wanted.tiers = 1 << machine.tier;
    wanted.min_vram_mib = machine.vram_mib;
    wanted.gpus = machine.gpus;
    wanted.cpu_milli = machine.cpu_milli;
    wanted.memory_mib = machine.memory_mib;
    wanted.disk_gib = machine.disk_gib;
    wanted.mbits = machine.mbits;
    wanted.needs = machine.has;
    wanted.refuses = Mask256::ZERO;
    wanted.budget = machine.ask;
    wanted.currency = machine.currencies.trailing_zeros().to_le_bytes()[0];
    wanted.term = machine.max_term.max(1);
    machine.min_term = wanted.term;
    machine.max_term = wanted.term;
    let end = world.context.time.get() + u64::from(wanted.term);
    machine.available_until = Timestamp::new(end);
    offer.machine.flags = 0;
    offer.machine.uptime = Bps::new(9_000);
    wanted.min_uptime = Bps::new(9_000).unwrap();
    offer.provider.flags = 0;
    offer.provider.registered_gpus = 7;
    let least = world.policy.min_stake_of(machine.tier).get();
    offer.provider.stake = Stake::new(least * 7);
    Pair {
        request,
        offer,
        world: Arc::new(world),
    }
}

/// Breaks a rule by the least, and no rule before it; false where this pair cannot.
fn broken(pair: &mut Pair, rule: Ineligible) -> bool {
    let mut world = World {
        snapshot: pair.world.snapshot.clone(),
        policy: pair.world.policy.clone(),
        ..*pair.world
    };
    let (offer, wanted) = (&mut pair.offer, &mut pair.request.request);
    let machine = &mut offer.offer;
    let all_but = |bit: u8| {
        let others: Vec<u8> = (0..=u8::MAX).filter(|other| *other != bit).collect();
        Mask256::of(&others)
    };
    match rule {
        Ineligible::ModelUnknown => {
            world.policy.reference_price[usize::from(machine.model)] = MicroDollars::new(0);
            pair.world = Arc::new(world);
        }
        Ineligible::Model => wanted.models = all_but(machine.model),
        Ineligible::Region => wanted.regions = all_but(machine.region),
        Ineligible::Kind => wanted.kinds = !(1 << machine.kind),
        Ineligible::Tier => wanted.tiers = !(1 << machine.tier),
        Ineligible::Vram => wanted.min_vram_mib += 1,
        Ineligible::Gpus => wanted.gpus = GpuCount::new(wanted.gpus.get() + 1),
        Ineligible::Cpu => wanted.cpu_milli += 1,
        Ineligible::Memory => wanted.memory_mib += 1,
        Ineligible::Disk => wanted.disk_gib += 1,
        Ineligible::Bandwidth => wanted.mbits += 1,
        Ineligible::Needs => {
            machine.has = all_but(200);
            wanted.needs = Mask256::of(&[200]);
        }
        Ineligible::Refuses => {
            machine.has = machine.has.with(201);
            wanted.refuses = Mask256::of(&[201]);
        }
        Ineligible::Budget => wanted.budget = MicroDollars::new(machine.ask.get() - 1),
        Ineligible::Currency => machine.currencies = !(1 << wanted.currency),
        Ineligible::TermShort => {
            machine.max_term += 1;
            machine.min_term += 1;
        }
        Ineligible::TermLong => {
            let Some(shorter) = machine.max_term.checked_sub(1) else {
                return false;
            };
            (machine.min_term, machine.max_term) = (shorter, shorter);
        }
        Ineligible::Available => {
            machine.available_until = Timestamp::new(machine.available_until.get() - 1);
        }
        Ineligible::Machine => offer.machine.flags = 1,
        Ineligible::Provider => offer.provider.flags = 2,
        Ineligible::Stake => {
            let Some(less) = offer.provider.stake.get().checked_sub(1) else {
                return false;
            };
            offer.provider.stake = Stake::new(less);
        }
        Ineligible::Uptime => offer.machine.uptime = Bps::new(8_999),
        _ => unreachable!("a rule without a case here"),
    }
    true
}

proptest! {
    #![proptest_config(proptest::test_runner::Config {
        cases: 64,
        failure_persistence: None,
        ..proptest::test_runner::Config::default()
    })]

    #[test]
    fn a_pair_that_only_just_keeps_every_rule_is_served(number: u64) {
        let pair = kept(number);
        prop_assert_eq!(pair.verdict(), Ok(()));
        pair.agrees()?;
    }

    #[test]
    fn a_pair_that_breaks_one_rule_by_the_least_is_not(number: u64) {
        for rule in Ineligible::ALL {
            let mut pair = kept(number);
            if broken(&mut pair, rule) {
                prop_assert_eq!(pair.verdict(), Err(rule));
                pair.agrees()?;
            }
        }
    }

    #[test]
    fn pairs_by_chance_are_served_if_they_exist(number: u64) {
        let world = Arc::new(World::new(number, 6, 6));
        for request in world.snapshot.requests() {
            for offer in world.snapshot.offers() {
                let (request, offer) = (request.clone(), offer.clone());
                Pair { request, offer, world: Arc::clone(&world) }.agrees()?;
            }
        }
    }
}

#[test]
fn every_rule_has_a_pair_that_breaks_it() {
    let mut seen = BTreeSet::new();
    for number in 0..64 {
        for rule in Ineligible::ALL {
            let mut pair = kept(number);
            if broken(&mut pair, rule) && pair.verdict() == Err(rule) {
                seen.insert(rule);
            }
        }
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), Ineligible::ALL);
}
