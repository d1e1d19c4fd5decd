//! Markets from a number. They are crowded: few models, small machines, tight vectors, so that most
//! pairs exist and most of them are in each other's way.

use quorate_canon::{
    Address, Bps, GpuCount, HealthEpoch, Mask256, MicroDollars, OfferId, RequestId, Round, Stake,
    Timestamp, Version,
};
use quorate_matching::{
    Capacity, MachineState, Offer, OfferInput, Profile, ProviderState, Request, RequestInput,
    RoundContext, ScorePolicy, Seed, Snapshot,
};

/// `SplitMix64`: all that a test needs of randomness, and the same everywhere.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// 0 to `sides - 1`.
    pub fn below(&mut self, sides: u64) -> u64 {
        self.roll() % sides
    }

    pub fn small(&mut self, sides: u64) -> u8 {
        self.below(sides) as u8
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub fn bytes(&mut self) -> [u8; 32] {
        std::array::from_fn(|_| self.roll() as u8)
    }
}

/// Everything that an outcome depends on.
#[derive(Debug, Clone)]
pub struct World {
    pub snapshot: Snapshot,
    pub policy: ScorePolicy,
    pub context: RoundContext,
    pub seed: Seed,
}

pub const TIME: u64 = 1_700_000_000;

impl World {
    /// A market of that size; the same number gives the same market.
    pub fn new(number: u64, offers: u64, requests: u64) -> Self {
        let mut dice = Dice(number);
        let context = context(&mut dice);
        let policy = policy(&mut dice);
        let seed = Seed(dice.bytes());
        // Ids have gaps and large values, as they have when orders close.
        let ids = |dice: &mut Dice, i: u64| 1 + i * 7 + dice.below(7);
        let offers = (0..offers)
            .map(|i| {
                let id = ids(&mut dice, i);
                offer(&mut dice, id)
            })
            .collect();
        let requests = (0..requests)
            .map(|i| {
                let id = ids(&mut dice, i);
                request(&mut dice, id)
            })
            .collect();
        Self {
            snapshot: Snapshot::new(offers, requests).unwrap(),
            policy,
            context,
            seed,
        }
    }

    /// The same market with a limit of matches.
    pub fn with_limit(mut self, limit: u32) -> Self {
        self.policy.max_matches = limit;
        self
    }

    pub fn outcome(&self) -> quorate_matching::Outcome {
        quorate_matching::match_round(&self.snapshot, &self.policy, &self.context, &self.seed)
    }

    pub fn list(&self) -> quorate_matching::OutcomeList {
        quorate_matching::OutcomeList::new(&self.outcome(), &self.snapshot).unwrap()
    }

    pub fn check(
        &self,
        list: &quorate_matching::OutcomeList,
    ) -> Result<(), quorate_matching::Fault> {
        quorate_matching::check_outcome(
            &self.snapshot,
            &self.policy,
            &self.context,
            &self.seed,
            list,
        )
    }
}

pub fn context(dice: &mut Dice) -> RoundContext {
    RoundContext {
        round: Round::new(dice.below(200)),
        time: Timestamp::new(TIME),
        genesis: Timestamp::new(TIME - 3_000),
        period: 60,
        health_epoch: HealthEpoch::new(40),
    }
}

/// The default policy, with a twist: in half of the worlds the factors are made coarse, so that
/// scores are equal and ties decide.
pub fn policy(dice: &mut Dice) -> ScorePolicy {
    let mut policy = ScorePolicy {
        max_matches: 0,
        ..ScorePolicy::default_v1()
    };
    if dice.one_in(2) {
        policy.weights = [[4_000, 0, 2_000, 2_000, 0, 2_000, 0, 0]; 4];
        policy.age_points = 0;
        policy.offsets = [0; 4];
    }
    policy
}

/// Models, regions of three zones, prices in the middle: most pairs pass.
const MODELS: [u8; 3] = [31, 41, 48];
const REGIONS: [u8; 4] = [0, 3, 60, 140];

pub fn offer(dice: &mut Dice, id: u64) -> OfferInput {
    let gpus = 2 + dice.small(4);
    let offer = Offer {
        id: OfferId::new(id),
        version: Version::new(1 + dice.below(3) as u32),
        provider: Address([dice.small(5); 20]),
        machine_key: dice.bytes(),
        has: Mask256::of(&[dice.small(3), 255]),
        ask: MicroDollars::new(30_000 + dice.below(6) * 10_000),
        vram_mib: 16_384 + 8_192 * dice.below(2) as u32,
        cpu_milli: 1_000 * u32::from(gpus) * (2 + dice.below(3) as u32),
        memory_mib: 4_096 * u32::from(gpus) * (2 + dice.below(3) as u32),
        disk_gib: 100 * (2 + dice.below(4) as u32),
        mbits: 1_000,
        currencies: 0b11,
        available_until: Timestamp::new(TIME + 3_600 + dice.below(2) * 86_400),
        min_term: 60,
        max_term: 86_400,
        notice: 600,
        model: MODELS[dice.below(3) as usize],
        gpus: GpuCount::new(gpus),
        region: REGIONS[dice.below(4) as usize],
        kind: dice.small(2),
        tier: dice.small(3),
    };
    let used = if dice.one_in(4) {
        Capacity {
            gpus: 1,
            ..Capacity::ZERO
        }
    } else {
        Capacity::ZERO
    };
    let created = Timestamp::new(TIME - dice.below(4_000));
    OfferInput {
        offer,
        created,
        used,
        machine: machine(dice),
        provider: provider(dice),
    }
}

fn machine(dice: &mut Dice) -> MachineState {
    let uptime = (!dice.one_in(3)).then(|| share(dice, 9_000));
    MachineState {
        uptime,
        flags: u8::from(dice.one_in(24)),
    }
}

fn provider(dice: &mut Dice) -> ProviderState {
    let registered_gpus = 1 + dice.below(20) as u32;
    ProviderState {
        stake: Stake::new(u64::from(registered_gpus) * (98 + dice.below(500)) * 1_000_000),
        registered_gpus,
        reputation: (!dice.one_in(3)).then(|| share(dice, 0)),
        slash: if dice.one_in(4) {
            share(dice, 0)
        } else {
            Bps::ZERO
        },
        slash_epoch: HealthEpoch::new(30 + dice.below(12) as u32),
        flags: 2 * u8::from(dice.one_in(24)),
    }
}

/// One of five shares from `least` up: few enough that scores meet.
fn share(dice: &mut Dice, least: u16) -> Bps {
    let step = (10_000 - least) / 4;
    Bps::new(least + step * u16::from(dice.small(5))).unwrap()
}

pub fn request(dice: &mut Dice, id: u64) -> RequestInput {
    let gpus = 1 + dice.small(3);
    let models = if dice.one_in(3) {
        Mask256::of(&MODELS[..2])
    } else {
        Mask256::of(&MODELS)
    };
    let request = Request {
        id: RequestId::new(id),
        version: Version::new(1),
        tenant: Address([dice.small(5); 20]),
        models,
        regions: if dice.one_in(5) {
            Mask256::of(&[0, 3, 60])
        } else {
            Mask256::ALL
        },
        needs: if dice.one_in(5) {
            Mask256::of(&[0])
        } else {
            Mask256::ZERO
        },
        refuses: if dice.one_in(5) {
            Mask256::of(&[1])
        } else {
            Mask256::ZERO
        },
        terms_hash: dice.bytes(),
        access_key: dice.bytes(),
        payer: Address([dice.small(5); 20]),
        budget: MicroDollars::new(70_000 + dice.below(6) * 10_000),
        min_vram_mib: if dice.one_in(8) { 20_000 } else { 0 },
        cpu_milli: 1_000 * u32::from(gpus) * (1 + dice.below(3) as u32),
        memory_mib: 2_048 * u32::from(gpus) * (1 + dice.below(4) as u32),
        disk_gib: 50 * dice.below(4) as u32,
        mbits: 100 * dice.below(5) as u32,
        term: 1_800 + 3_600 * dice.below(2) as u32,
        valid_until: Timestamp::new(TIME + 1),
        min_uptime: if dice.one_in(5) {
            share(dice, 8_000)
        } else {
            Bps::ZERO
        },
        gpus: GpuCount::new(gpus),
        home_region: REGIONS[dice.below(4) as usize],
        kinds: 0b11,
        tiers: if dice.one_in(8) { 0b011 } else { 0xff },
        currency: dice.small(2),
        profile: Profile::ALL[dice.below(4) as usize],
    };
    RequestInput {
        request,
        created: Timestamp::new(TIME - dice.below(4_000)),
    }
}
