//! Thousands of pairs: pools of orders and rounds, crossed.

use quorate_canon::{
    Bps, FixedWidth, GpuCount, HealthEpoch, Mask256, MicroDollars, Round, Stake, Timestamp, Version,
};
use quorate_matching::policy::defaults::policy_v1;
use quorate_matching::{
    Ineligible, OfferInput, Policy, Profile, RequestInput, RoundContext, ScorePolicy, Seed,
    eligible, factors, score, tie,
};

use super::json::{Object, bytes};
use super::pairs::{broken, roomy};
use crate::common::world::{Dice, TIME};

/// Pairs that are drawn from the pools at random.
const CROSSED: usize = 5_000;
/// Pairs with values at the ends of their ranges.
const STRETCHED: usize = 100;
/// Pairs that break each rule by one step.
const BROKEN: usize = 8;

struct Context {
    policy: u8,
    round: RoundContext,
    seed: Seed,
}

#[derive(Default)]
struct Pools {
    policies: Vec<Policy>,
    requests: Vec<RequestInput>,
    offers: Vec<OfferInput>,
    contexts: Vec<Context>,
    /// Positions of request, offer and context.
    cases: Vec<[usize; 3]>,
}

/// `policyPages`; `requests` and `offers` (`RequestInput`, `OfferInput`); `rounds`: policy u8 ‖ n u64 ‖ T
/// u64 ‖ genesis u64 ‖ period u32 ‖ health epoch u32 ‖ seed 32; `cases`: positions in requests, offers and
/// rounds, u16 each, joined; `answers`: 0 or the code of the first rule that fails, u8 ‖ eight factors, u16
/// each ‖ score u64 ‖ tie u64, joined. Factors and score are zero for a pair that is not eligible.
pub fn pairs_file() -> String {
    let pools = pools();
    let answers: Vec<u8> = pools
        .cases
        .iter()
        .flat_map(|case| answer(&pools, *case))
        .collect();
    let mut file = Object::default();
    file.many(
        "policyPages",
        pools.policies.iter().map(|policy| bytes(policy.page())),
    );
    file.many(
        "requests",
        pools.requests.iter().map(|input| bytes(input.to_bytes())),
    );
    file.many(
        "offers",
        pools.offers.iter().map(|input| bytes(input.to_bytes())),
    );
    file.many(
        "rounds",
        pools
            .contexts
            .iter()
            .map(|context| bytes(context.to_bytes())),
    );
    let cases = pools
        .cases
        .iter()
        .flatten()
        .flat_map(|at| (*at as u16).to_be_bytes());
    file.one("cases", &bytes(cases.collect::<Vec<u8>>()));
    file.one("answers", &bytes(answers));
    file.finish()
}

/// Shows every pair with its answer.
#[allow(dead_code, reason = "the example only writes")]
pub fn each_pair(
    mut look: impl FnMut(&RequestInput, &OfferInput, &ScorePolicy, &RoundContext, &Seed, &[u8]),
) {
    let pools = pools();
    for case in &pools.cases {
        let [request, offer, context] = *case;
        let context = &pools.contexts[context];
        let policy = &pools.policies[usize::from(context.policy)].score;
        let (request, offer) = (&pools.requests[request], &pools.offers[offer]);
        look(
            request,
            offer,
            policy,
            &context.round,
            &context.seed,
            &answer(&pools, *case),
        );
    }
}

fn pools() -> Pools {
    let mut dice = Dice(6);
    let mut pools = Pools {
        policies: policies(),
        ..Pools::default()
    };
    pools.contexts = contexts(&mut dice, pools.policies.len());
    for reason in Ineligible::ALL {
        for _ in 0..BROKEN {
            let case = broken(&mut dice, reason);
            pools.add(case.request, case.offer, &mut dice);
        }
    }
    for i in 0..STRETCHED {
        let case = roomy(&mut dice);
        let (mut request, mut offer) = (case.request, case.offer);
        stretch_request(&mut dice, i, &mut request);
        stretch_offer(&mut dice, i, &mut offer);
        pools.add(request, offer, &mut dice);
    }
    let (all, stretched) = (pools.requests.len() as u64, STRETCHED as u64);
    for _ in 0..CROSSED {
        // The last ones have values at the ends of their ranges, and exist more often.
        let mut draw = || {
            let most = if dice.one_in(3) { all } else { stretched };
            all - 1 - dice.below(most)
        };
        let (request, offer) = (draw() as usize, draw() as usize);
        let context = dice.below(pools.contexts.len() as u64) as usize;
        pools.cases.push([request, offer, context]);
    }
    pools
}

impl Pools {
    /// The pair in the first round, whose T is that of the orders, and in another.
    fn add(&mut self, request: RequestInput, offer: OfferInput, dice: &mut Dice) {
        let at = self.requests.len();
        self.requests.push(request);
        self.offers.push(offer);
        let other = dice.below(self.contexts.len() as u64) as usize;
        self.cases.extend([[at, at, 0], [at, at, other]]);
    }
}

impl Context {
    fn to_bytes(&self) -> Vec<u8> {
        let RoundContext {
            round,
            time,
            genesis,
            period,
            health_epoch,
        } = self.round;
        [
            vec![self.policy],
            round.to_bytes(),
            time.to_bytes(),
            genesis.to_bytes(),
            period.to_bytes(),
            health_epoch.to_bytes(),
            self.seed.0.to_vec(),
        ]
        .concat()
    }
}

/// The default; one without least stake and with the steepest slopes; one of the smallest numbers.
fn policies() -> Vec<Policy> {
    let mut steep = policy_v1();
    steep.version = Version::new(2);
    let s = &mut steep.score;
    (s.price_slope, s.stake_slope, s.stake_unit) = (1_000_000, 1_000_000, Stake::new(1));
    (s.min_stake, s.slash_decay) = ([Stake::new(0); 8], 10_000);
    (s.age_cap, s.age_points) = (10_000, 1);
    (s.prior_uptime, s.prior_reputation) = (10_000, 0);
    s.offsets = [100_000_000, 0, 1, 99_999_999];
    s.weights[0] = [10_000, 0, 0, 0, 0, 0, 0, 0];
    s.weights[1] = [0, 8_000, 0, 0, 0, 0, 0, 2_000];
    let mut flat = policy_v1();
    flat.version = Version::new(u32::MAX);
    let s = &mut flat.score;
    (s.price_slope, s.stake_slope, s.stake_unit) = (0, 1, Stake::new(u64::MAX));
    (s.min_stake, s.slash_decay) = ([Stake::new(0); 8], 0);
    (s.age_cap, s.age_points) = (1, 10_000);
    (s.prior_uptime, s.prior_reputation, s.same_zone) = (0, 10_000, 0);
    s.reference_price[1] = MicroDollars::new(1);
    s.reference_price[31] = MicroDollars::new(u64::MAX);
    let policies = vec![policy_v1(), steep, flat];
    assert!(policies.iter().all(|policy| policy.validate().is_ok()));
    policies
}

/// The first is the round of the orders' own T under the default policy; then rounds of all ages.
fn contexts(dice: &mut Dice, policies: usize) -> Vec<Context> {
    let round = |n: u64, genesis: u64, period: u32, epoch: u32| RoundContext {
        round: Round::new(n),
        time: Timestamp::new(TIME),
        genesis: Timestamp::new(genesis),
        period,
        health_epoch: HealthEpoch::new(epoch),
    };
    let rounds = [
        round(50, TIME + 1 - 3_000, 60, 40),
        round(0, TIME + 1, 60, 0),
        round(1, TIME, 1, 1),
        round(TIME, 1, 1, u32::MAX),
        round(3_000, TIME - 2_999, 1, 29),
        round(2, TIME - 9_999, 5_000, 41),
    ];
    (0..24)
        .map(|i| Context {
            policy: if i == 0 { 0 } else { (i % policies) as u8 },
            round: rounds[if i == 0 {
                0
            } else {
                (i / policies) % rounds.len()
            }],
            seed: Seed(dice.bytes()),
        })
        .collect()
}

/// Values at the ends of their ranges.
fn stretch_request(dice: &mut Dice, i: usize, input: &mut RequestInput) {
    let wanted = &mut input.request;
    wanted.profile = Profile::ALL[i % 4];
    wanted.home_region = dice.roll() as u8;
    wanted.refuses = Mask256::ZERO;
    (wanted.needs, wanted.budget) = (Mask256::ZERO, MicroDollars::new(u64::MAX));
    if dice.one_in(2) {
        wanted.gpus = GpuCount::new(1);
        (
            wanted.cpu_milli,
            wanted.memory_mib,
            wanted.disk_gib,
            wanted.mbits,
        ) = (0, 0, 0, 0);
    }
    let created = [0, 1, TIME - 3_000, TIME - 60, TIME - 1, TIME, TIME + 1];
    input.created = Timestamp::new(created[dice.below(7) as usize]);
}

fn stretch_offer(dice: &mut Dice, i: usize, input: &mut OfferInput) {
    let machine = &mut input.offer;
    let asks = [1, 2, u64::MAX, u64::MAX - 1, 1 << 63, 70_000];
    if dice.one_in(2) {
        machine.ask = MicroDollars::new(asks[i % 6]);
    }
    if dice.one_in(2) {
        machine.gpus = GpuCount::new(255);
        (machine.cpu_milli, machine.memory_mib) = (u32::MAX, u32::MAX);
        (machine.disk_gib, machine.mbits) = (u32::MAX, u32::MAX);
    }
    if dice.one_in(8) {
        input.used.gpus = 255;
        input.used.mbits = u32::MAX;
    }
    input.offer.available_until = Timestamp::new(u64::MAX);
    let stakes = [0, 1, 2, 1 << 32, u64::MAX];
    let gpus = [1, 2, 1_000, u32::MAX];
    let provider = &mut input.provider;
    if dice.one_in(2) {
        provider.stake = Stake::new(stakes[dice.below(5) as usize]);
        provider.registered_gpus = gpus[dice.below(4) as usize];
    }
    provider.slash = Bps::new([0, 1, 5_000, 10_000][i % 4]).unwrap();
    provider.slash_epoch = HealthEpoch::new([0, 39, 40, u32::MAX][dice.below(4) as usize]);
    if dice.one_in(3) {
        (provider.reputation, input.machine.uptime) = (None, None);
    }
}

fn answer(pools: &Pools, [request, offer, context]: [usize; 3]) -> Vec<u8> {
    let (request, offer) = (&pools.requests[request], &pools.offers[offer]);
    let Context {
        policy,
        round,
        seed,
    } = &pools.contexts[context];
    let policy = &pools.policies[usize::from(*policy)].score;
    let tie = tie(request, offer, seed);
    let (code, numbers, total) = match eligible(&request.request, offer, policy, round) {
        Err(reason) => (reason.code(), [0; 8], 0),
        Ok(()) => {
            let factors = factors(request, offer, policy, round, tie);
            (
                0,
                factors.to_array(),
                score(request, &factors, policy, round),
            )
        }
    };
    [
        vec![code],
        numbers.to_bytes(),
        total.to_bytes(),
        tie.to_bytes(),
    ]
    .concat()
}
