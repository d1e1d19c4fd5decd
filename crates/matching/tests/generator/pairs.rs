//! Pairs: whether they exist, and how they score.

use quorate_canon::{
    Bps, FixedWidth, GpuCount, HealthEpoch, Mask256, MicroDollars, Round, Stake, Timestamp,
};
use quorate_matching::policy::defaults::policy_v1;
use quorate_matching::{
    Factors, Ineligible, OfferInput, Policy, RequestInput, RoundContext, Seed, eligible, factors,
    score, tie,
};

use super::json::{Object, bytes, number};
use crate::common::world::{Dice, TIME, offer, request};

pub struct Case {
    pub request: RequestInput,
    pub offer: OfferInput,
    pub context: RoundContext,
    pub seed: Seed,
}

/// Per case `request` (the record), `requestCreated`, `offer` (an `OfferInput`), the numbers of the
/// round, `seed`; then `eligible` (0 or the code of the first rule that fails), eight `factors`,
/// `score` (both zero for a pair that does not exist) and `tie`.
pub fn score_file() -> String {
    let mut dice = Dice(3);
    let mut cases: Vec<Case> = (0..40).map(|_| crowded(&mut dice)).collect();
    cases.extend((0..100).map(|_| roomy(&mut dice)));
    for reason in Ineligible::ALL {
        cases.extend((0..2).map(|_| broken(&mut dice, reason)));
    }
    write(&policy_v1(), &cases)
}

fn write(policy: &Policy, cases: &[Case]) -> String {
    let verdicts: Vec<_> = cases.iter().map(|case| judge(policy, case)).collect();
    let mut file = Object::default();
    file.one("policyPage", &bytes(policy.page()));
    file.one("policyHash", &bytes(policy.hash()));
    file.one("scorePolicy", &bytes(policy.score.to_bytes()));
    file.many(
        "request",
        cases
            .iter()
            .map(|case| bytes(case.request.request.to_bytes())),
    );
    file.many(
        "requestCreated",
        cases.iter().map(|case| number(case.request.created.get())),
    );
    file.many(
        "offer",
        cases.iter().map(|case| bytes(case.offer.to_bytes())),
    );
    file.many(
        "round",
        cases.iter().map(|case| number(case.context.round.get())),
    );
    file.many(
        "time",
        cases.iter().map(|case| number(case.context.time.get())),
    );
    file.many(
        "genesis",
        cases.iter().map(|case| number(case.context.genesis.get())),
    );
    file.many(
        "period",
        cases.iter().map(|case| number(case.context.period)),
    );
    file.many(
        "healthEpoch",
        cases
            .iter()
            .map(|case| number(case.context.health_epoch.get())),
    );
    file.many("seed", cases.iter().map(|case| bytes(case.seed.0)));
    file.many("eligible", verdicts.iter().map(|verdict| number(verdict.0)));
    file.many(
        "factors",
        verdicts
            .iter()
            .flat_map(|verdict| verdict.1.to_array().map(number)),
    );
    file.many("score", verdicts.iter().map(|verdict| number(verdict.2)));
    file.many("tie", verdicts.iter().map(|verdict| number(verdict.3)));
    file.finish()
}

fn judge(policy: &Policy, case: &Case) -> (u8, Factors, u64, u64) {
    let Case {
        request,
        offer,
        context,
        seed,
    } = case;
    let tie = tie(request, offer, seed);
    match eligible(&request.request, offer, &policy.score, context) {
        Err(reason) => (reason.code(), Factors::default(), 0, tie),
        Ok(()) => {
            let factors = factors(request, offer, &policy.score, context, tie);
            (
                0,
                factors,
                score(request, &factors, &policy.score, context),
                tie,
            )
        }
    }
}

/// A pair of the tests' crowded markets: it may or may not exist.
fn crowded(dice: &mut Dice) -> Case {
    let (r, o) = (1 + dice.below(1 << 20), 1 + dice.below(1 << 20));
    let period = 1 + dice.small(200);
    let rounds = dice.below(100);
    let context = RoundContext {
        round: Round::new(rounds),
        time: Timestamp::new(TIME),
        genesis: Timestamp::new(TIME + 1 - rounds * u64::from(period)),
        period: u32::from(period),
        health_epoch: HealthEpoch::new(u32::from(dice.small(60))),
    };
    let (request, offer) = (request(dice, r), offer(dice, o));
    Case {
        request,
        offer,
        context,
        seed: Seed(dice.bytes()),
    }
}

/// A pair that exists, with values from all over their ranges.
pub fn roomy(dice: &mut Dice) -> Case {
    let mut case = crowded(dice);
    let wanted = &mut case.request.request;
    (wanted.models, wanted.regions) = (Mask256::ALL, Mask256::ALL);
    (wanted.needs, wanted.refuses) = (Mask256::of(&[2, 200]), Mask256::of(&[3, 201]));
    (wanted.kinds, wanted.tiers, wanted.min_uptime) = (0xff, 0xff, Bps::ZERO);
    (wanted.min_vram_mib, wanted.budget) = (0, MicroDollars::new(u64::MAX));
    wanted.home_region = dice.small(196);
    let machine = &mut case.offer.offer;
    machine.has = Mask256::of(&[2, 17, 200]);
    machine.gpus = GpuCount::new(wanted.gpus.get() + dice.small(14));
    (machine.cpu_milli, machine.memory_mib) = (wanted.cpu_milli + 5, wanted.memory_mib + 5);
    (machine.disk_gib, machine.mbits) = (wanted.disk_gib + 5, wanted.mbits + 5);
    machine.region = if dice.one_in(8) {
        wanted.home_region
    } else {
        dice.small(196)
    };
    machine.model = [1, 31, 41, 51, 86, 90][usize::from(dice.small(6))];
    let reference = policy_v1().score.reference_of(machine.model).unwrap().get();
    let near = reference / 3 + dice.below(3 * reference);
    let anywhere = (dice.roll() >> (20 + dice.below(44))).max(1);
    machine.ask = MicroDollars::new(if dice.one_in(8) { anywhere } else { near });
    machine.available_until = Timestamp::new(TIME + u64::from(wanted.term));
    case.offer.used = quorate_matching::Capacity::ZERO;
    (case.offer.machine.flags, case.offer.provider.flags) = (0, 0);
    let gpus = 1 + dice.small(40);
    case.offer.provider.registered_gpus = u32::from(gpus);
    let each = 100_000_000 + (dice.roll() >> (20 + dice.below(20)));
    case.offer.provider.stake = Stake::new(each * u64::from(gpus));
    case
}

/// A pair that breaks this rule, by one step where there are steps.
pub fn broken(dice: &mut Dice, reason: Ineligible) -> Case {
    let mut case = roomy(dice);
    let (wanted, offer) = (&mut case.request.request, &mut case.offer);
    let machine = &mut offer.offer;
    match reason {
        Ineligible::ModelUnknown => machine.model = 255,
        Ineligible::Model => wanted.models = Mask256::of(&[machine.model ^ 1]),
        Ineligible::Region => wanted.regions = Mask256::of(&[machine.region ^ 1]),
        Ineligible::Kind => wanted.kinds = !(1 << machine.kind),
        Ineligible::Tier => wanted.tiers = !(1 << machine.tier),
        Ineligible::Vram => wanted.min_vram_mib = machine.vram_mib + 1,
        Ineligible::Gpus => offer.used.gpus = machine.gpus.get() - wanted.gpus.get() + 1,
        Ineligible::Cpu => offer.used.cpu_milli = 6,
        Ineligible::Memory => offer.used.memory_mib = 6,
        Ineligible::Disk => machine.disk_gib = wanted.disk_gib - u32::from(wanted.disk_gib > 0),
        Ineligible::Bandwidth => wanted.mbits = machine.mbits + 1,
        Ineligible::Needs => wanted.needs = wanted.needs.with(99),
        Ineligible::Refuses => wanted.refuses = wanted.refuses.with(17),
        Ineligible::Budget => {
            machine.ask = MicroDollars::new(machine.ask.get() + 1);
            wanted.budget = MicroDollars::new(machine.ask.get() - 1);
        }
        Ineligible::Currency => machine.currencies = !(1 << wanted.currency),
        Ineligible::TermShort => machine.min_term = wanted.term + 1,
        Ineligible::TermLong => machine.max_term = wanted.term - 1,
        Ineligible::Available => {
            machine.available_until = Timestamp::new(TIME + u64::from(wanted.term) - 1);
        }
        Ineligible::Machine => offer.machine.flags = 1,
        Ineligible::Provider => offer.provider.flags = 2,
        Ineligible::Stake => offer.provider.stake = Stake::new(19_999_999),
        Ineligible::Uptime => {
            offer.machine.uptime = Bps::new(9_000);
            wanted.min_uptime = Bps::new(9_001).unwrap();
        }
        _ => unreachable!("a rule without a case"),
    }
    if reason == Ineligible::Disk && wanted.disk_gib == 0 {
        (wanted.disk_gib, machine.disk_gib) = (8, 7);
    }
    case
}
