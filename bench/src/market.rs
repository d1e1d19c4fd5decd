//! Markets that are compared: the solver's random one, and the published trace at a chosen load.

#[path = "../../crates/solver/examples/bench/market.rs"]
mod random;

use devnet::trace::{MachineOffer, Mapping, Script, TaskRequest, TraceSeed, Window};
use quorate_canon::{
    Bps, GpuCount, HealthEpoch, OfferId, RequestId, Round, Stake, Timestamp, Version,
};
use quorate_matching::{
    MachineState, OfferInput, ProviderState, RequestInput, RoundContext, ScorePolicy, Seed,
    Snapshot,
};

use crate::Error;

const NOW: u64 = 1_800_000_000;
const PERIOD: u32 = 60;

/// All that a round is computed from.
#[derive(Clone, Debug)]
pub struct Market {
    /// The orders.
    pub snapshot: Snapshot,
    /// The policy; without a limit of matches.
    pub policy: ScorePolicy,
    /// The round's numbers.
    pub context: RoundContext,
    /// The lottery's seed.
    pub seed: Seed,
}

/// What the tasks of the trace ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// As published: 99 of 100 ask for one GPU.
    AsPublished,
    /// Every second task, drawn by name, asks for 2, 4 or 8.
    HalfSeveral,
}

/// The random market of the solver's benchmark; `single` lets every request ask for one GPU.
///
/// # Errors
/// Never for a number of orders that a tree can count.
pub fn random(number: u64, requests: usize, offers: usize, single: bool) -> Result<Market, Error> {
    let made = random::Market::new(number, requests, offers);
    let mut wanted = made.snapshot.requests().to_vec();
    if single {
        for input in &mut wanted {
            let request = &mut input.request;
            let gpus = u32::from(request.gpus.get());
            request.cpu_milli /= gpus;
            request.memory_mib /= gpus;
            request.disk_gib /= gpus;
            request.gpus = GpuCount::new(1);
        }
    }
    Ok(Market {
        snapshot: Snapshot::new(made.snapshot.offers().to_vec(), wanted)?,
        policy: made.policy,
        context: made.context,
        seed: made.seed,
    })
}

/// The trace in one round, at `percent` of the machines' GPUs.
///
/// # Errors
/// When the trace is not as published.
pub fn trace(seed: u64, demand: Demand, percent: u32) -> Result<Market, Error> {
    let seed = TraceSeed(seed);
    let mapping = Mapping { seed, start: NOW };
    let mut script = Script::new(Window::FULL, mapping)?;
    if demand == Demand::HalfSeveral {
        several(seed, &mut script);
    }
    load(seed, &mut script, percent);
    let offers = (1..).zip(script.machines).map(|(id, m)| offer(seed, id, m));
    let requests = (1..)
        .zip(script.tasks)
        .map(|(id, task)| request(seed, id, task));
    Ok(Market {
        snapshot: Snapshot::new(offers.collect(), requests.collect())?,
        policy: ScorePolicy {
            max_matches: 0,
            ..ScorePolicy::default_v1()
        },
        context: RoundContext {
            round: Round::new(10_000),
            time: Timestamp::new(NOW - 1),
            genesis: Timestamp::new(NOW - 10_000 * u64::from(PERIOD)),
            period: PERIOD,
            health_epoch: HealthEpoch::new(400),
        },
        seed: Seed([7; 32]),
    })
}

/// CPU of a GPU, thousandths of a core, that a task with several GPUs asks for at most: the share
/// of the commonest machine, or such tasks would fit nowhere.
const CPU_OF_A_GPU: u32 = 12_000;

fn several(seed: TraceSeed, script: &mut Script) {
    let largest = |models: &quorate_canon::Mask256| {
        let accepted = script.machines.iter().filter(|m| models.bit(m.offer.model));
        accepted.map(|m| m.offer.gpus.get()).max().unwrap_or(0)
    };
    for task in &mut script.tasks {
        let wanted = &mut task.request;
        let most = largest(&wanted.models);
        if wanted.gpus.get() > 1 || most < 2 || seed.draw("several", &task.task).below(2) == 0 {
            continue;
        }
        let sizes: Vec<u8> = [2, 4, 8].into_iter().filter(|k| *k <= most).collect();
        let gpus = seed
            .draw("gpus", &task.task)
            .one_of(&sizes)
            .copied()
            .unwrap_or(1);
        let times = u32::from(gpus);
        wanted.gpus = GpuCount::new(gpus);
        wanted.cpu_milli = wanted.cpu_milli.min(CPU_OF_A_GPU) * times;
        wanted.memory_mib *= times;
        wanted.disk_gib *= times;
        wanted.mbits *= times;
    }
}

/// Draws tasks until they ask for so much; where the trace has too few, machines go until they do.
fn load(seed: TraceSeed, script: &mut Script, percent: u32) {
    let supply: u32 = script
        .machines
        .iter()
        .map(|m| u32::from(m.offer.gpus.get()))
        .sum();
    script
        .tasks
        .sort_by_key(|t| seed.draw("load", &t.task).below(u64::MAX));
    script
        .machines
        .sort_by_key(|m| seed.draw("load", &m.machine).below(u64::MAX));
    let asked = keep(&mut script.tasks, supply * percent / 100, |t| {
        t.request.gpus
    });
    keep(&mut script.machines, asked * 100 / percent, |m| {
        m.offer.gpus
    });
}

/// Keeps the first items of `most` GPUs together, and says how many GPUs they have.
fn keep<T>(items: &mut Vec<T>, most: u32, gpus: impl Fn(&T) -> GpuCount) -> u32 {
    let mut sum = 0;
    items.retain(|item| {
        let fits = sum + u32::from(gpus(item).get()) <= most;
        sum += if fits { u32::from(gpus(item).get()) } else { 0 };
        fits
    });
    sum
}

fn offer(seed: TraceSeed, id: u64, machine: MachineOffer) -> OfferInput {
    let provider = machine.provider.to_string();
    let bps = |points: u64| Bps::new(u16::try_from(points).unwrap_or(0));
    OfferInput {
        created: Timestamp::new(NOW - 100_000),
        machine: MachineState {
            uptime: bps(seed.draw("uptime", &machine.machine).between(9_000, 10_000)),
            flags: 0,
        },
        provider: ProviderState {
            stake: Stake::new(
                seed.draw("stake", &provider).between(1_500, 11_500) * 1_000_000 * 1_000,
            ),
            registered_gpus: 1_000,
            reputation: bps(seed.draw("reputation", &provider).between(4_000, 10_000)),
            ..ProviderState::default()
        },
        offer: quorate_matching::Offer {
            id: OfferId::new(id),
            version: Version::new(1),
            ..machine.offer
        },
        ..OfferInput::default()
    }
}

fn request(seed: TraceSeed, id: u64, task: TaskRequest) -> RequestInput {
    let waited = seed.draw("waited", &task.task).below(60) * u64::from(PERIOD);
    RequestInput {
        created: Timestamp::new(NOW - 1 - waited),
        request: quorate_matching::Request {
            id: RequestId::new(id),
            version: Version::new(1),
            ..task.request
        },
    }
}
