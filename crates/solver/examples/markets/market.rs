//! The market of the benchmark: the same for the same number and size, on every machine.
//!
//! 24 models and 32 regions, both of skewed popularity (the i-th of them is wanted in proportion to
//! 1 / i); machines of 1 to 8 GPUs and jobs of as many, small ones first; four profiles; budgets
//! around the reference price and, for a third of the requests, a least uptime.

use quorate_canon::{
    Bps, GpuCount, HealthEpoch, Mask256, MicroDollars, OfferId, RequestId, Round, Stake, Timestamp,
    Version,
};
use quorate_matching::{
    MachineState, Offer, OfferInput, Profile, ProviderState, Request, RequestInput, RoundContext,
    ScorePolicy, Seed, Snapshot, policy::models::MODELS, policy::regions::REGIONS,
};

const MODEL_COUNT: usize = 24;
const REGION_COUNT: usize = 32;
const TIME: u64 = 1_800_000_000;

/// All that a round is computed from.
pub(crate) struct Market {
    pub(crate) snapshot: std::sync::Arc<Snapshot>,
    pub(crate) policy: ScorePolicy,
    pub(crate) context: RoundContext,
    pub(crate) seed: Seed,
}

impl Market {
    pub(crate) fn new(number: u64, requests: usize, offers: usize) -> Self {
        let mut dice = Dice(number);
        let offers = (1..=offers as u64).map(|id| offer(&mut dice, id)).collect();
        let requests = (1..=requests as u64)
            .map(|id| request(&mut dice, id))
            .collect();
        Self {
            snapshot: std::sync::Arc::new(
                Snapshot::new(offers, requests).unwrap_or_else(|error| panic!("{error}")),
            ),
            policy: ScorePolicy {
                max_matches: 0,
                ..ScorePolicy::default_v1()
            },
            context: RoundContext {
                round: Round::new(10_000),
                time: Timestamp::new(TIME),
                genesis: Timestamp::new(TIME - 10_000 * 60),
                period: 60,
                health_epoch: HealthEpoch::new(400),
            },
            seed: Seed(std::array::from_fn(|_| dice.small(255))),
        }
    }
}

/// `SplitMix64`.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, sides: u64) -> u64 {
        self.roll() % sides
    }

    fn small(&mut self, sides: u8) -> u8 {
        u8::try_from(self.below(u64::from(sides))).unwrap_or(0)
    }

    /// 0 to `count - 1`, the i-th in proportion to 1 / (i + 1).
    fn skewed(&mut self, count: usize) -> usize {
        let weight = |i: usize| 1_000_000 / (i as u64 + 1);
        let mut point = self.below((0..count).map(weight).sum());
        (0..count)
            .find(|i| {
                let inside = point < weight(*i);
                point = point.saturating_sub(weight(*i));
                inside
            })
            .unwrap_or(0)
    }

    fn share(&mut self, least: u64) -> Bps {
        let points = least + self.below(10_001 - least);
        Bps::new(u16::try_from(points).unwrap_or(0)).unwrap_or(Bps::ZERO)
    }

    /// One in `n`.
    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// Every third model, so that all tiers occur.
fn model(rank: usize) -> &'static quorate_matching::policy::models::Model {
    &MODELS[(rank * 3 + 1) % MODELS.len()]
}

fn region(rank: usize) -> u8 {
    REGIONS[rank * 5 % REGIONS.len()].index
}

/// `price` times 70 to 130 per cent, moved by `shift` per cent.
fn around(dice: &mut Dice, price: u64, shift: u64) -> MicroDollars {
    MicroDollars::new(price * (70 + shift + dice.below(61)) / 100)
}

fn offer(dice: &mut Dice, id: u64) -> OfferInput {
    let model = model(dice.skewed(MODEL_COUNT));
    let gpus = 1 + dice.small(8);
    let size = u32::from(gpus);
    let registered_gpus = size * 4;
    let stake = 1_500 + dice.below(10_000);
    OfferInput {
        offer: Offer {
            id: OfferId::new(id),
            version: Version::new(1),
            ask: around(dice, model.reference_price, 0),
            vram_mib: 81_920,
            cpu_milli: 16_000 * size,
            memory_mib: 131_072 * size,
            disk_gib: 1_000 * size,
            mbits: 10_000,
            currencies: 1,
            available_until: Timestamp::new(TIME + 864_000),
            min_term: 600,
            max_term: 864_000,
            model: model.index,
            gpus: GpuCount::new(gpus),
            region: region(dice.skewed(REGION_COUNT)),
            kind: dice.small(2),
            tier: model.tier.code(),
            ..Offer::default()
        },
        created: Timestamp::new(TIME - 100_000),
        machine: MachineState {
            uptime: (!dice.one_in(8)).then(|| dice.share(9_000)),
            flags: u8::from(dice.one_in(100)),
        },
        provider: ProviderState {
            stake: Stake::new(stake * 1_000_000 * u64::from(registered_gpus)),
            registered_gpus,
            reputation: (!dice.one_in(4)).then(|| dice.share(4_000)),
            slash: if dice.one_in(20) {
                dice.share(0)
            } else {
                Bps::ZERO
            },
            slash_epoch: HealthEpoch::new(390),
            ..ProviderState::default()
        },
        ..OfferInput::default()
    }
}

fn request(dice: &mut Dice, id: u64) -> RequestInput {
    let wanted = model(dice.skewed(MODEL_COUNT));
    let mut models = Mask256::of(&[wanted.index]);
    if dice.one_in(3) {
        models = models.with(model(dice.skewed(MODEL_COUNT)).index);
    }
    let home = region(dice.skewed(REGION_COUNT));
    let regions = if dice.one_in(4) {
        let others: Vec<u8> = (0..8).map(|_| region(dice.skewed(REGION_COUNT))).collect();
        Mask256::of(&others).with(home)
    } else {
        Mask256::ALL
    };
    // Half ask for one GPU, a quarter for two, and so on: 1, 2, 4, 8, with some between.
    let gpus = match dice.below(16) {
        0..8 => 1,
        8..12 => 2,
        12..14 => 4,
        14 => 8,
        _ => 1 + dice.small(8),
    };
    RequestInput {
        request: Request {
            id: RequestId::new(id),
            version: Version::new(1),
            models,
            regions,
            budget: around(dice, wanted.reference_price, 20),
            min_vram_mib: 8_192,
            cpu_milli: 4_000 * u32::from(gpus),
            memory_mib: 32_768 * u32::from(gpus),
            disk_gib: 100 * u32::from(gpus),
            mbits: 500,
            term: 3_600 * (1 + u32::from(dice.small(24))),
            valid_until: Timestamp::new(TIME + 1),
            min_uptime: if dice.one_in(3) {
                dice.share(8_500)
            } else {
                Bps::ZERO
            },
            gpus: GpuCount::new(gpus),
            home_region: home,
            kinds: 0b11,
            tiers: 0xff,
            currency: 0,
            profile: Profile::ALL[usize::from(dice.small(4))],
            ..Request::default()
        },
        // Most are new; some have waited.
        created: Timestamp::new(TIME - dice.below(3_600)),
    }
}
