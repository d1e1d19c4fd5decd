//! The published trace as one round at a chosen load.

use devnet::trace::{MachineOffer, Mapping, Script, TaskRequest, TraceSeed, Window};
use quorate_canon::{
    Bps, GpuCount, HealthEpoch, Mask256, OfferId, RequestId, Round, Stake, Timestamp, Version,
};
use quorate_matching::{
    MachineState, Offer, OfferInput, ProviderState, Request, RequestInput, RoundContext,
    ScorePolicy, Seed, Snapshot,
};

use crate::{Error, Market};

const NOW: u64 = 1_800_000_000;
const PERIOD: u32 = 60;
/// Millionths of the stake token in one token.
const TOKEN: u64 = 1_000_000;
/// GPUs that each provider has registered.
const REGISTERED: u32 = 1_000;

/// What the tasks of the trace ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// As published: 99 of 100 ask for one GPU.
    AsPublished,
    /// Every second task that asks for one, drawn by name, asks for 2, 4 or 8 instead: as many
    /// times its CPU and memory, on the largest machine that it accepts at most.
    HalfSeveral,
}

/// A part of the trace in one round.
///
/// Orders are `devnet`'s. Beyond them, drawn for each name with the same seed: how long a request
/// has waited (0 to 59 rounds), a machine's uptime (90 to 100 %), a provider's reputation (40 to
/// 100 %) and its stake (1 500 to 11 500 tokens a GPU: enough for every tier).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The seed of all draws.
    pub seed: u64,
    /// What tasks ask for.
    pub demand: Demand,
    /// GPUs asked for in per cent of the GPUs on offer. Tasks are drawn until they ask for so many;
    /// where the trace has too few, machines go.
    pub load: u32,
    /// Per cent of the machines that take part.
    pub machines: u32,
    /// Whether machines and providers have been observed; in a young market they have not.
    pub observed: bool,
}

impl Trace {
    /// The market.
    ///
    /// # Errors
    /// When the trace is not as published.
    pub fn market(&self) -> Result<Market, Error> {
        let seed = TraceSeed(self.seed);
        let mapping = Mapping { seed, start: NOW };
        let mut script = Script::new(Window::FULL, mapping)?;
        if self.demand == Demand::HalfSeveral {
            several(seed, &mut script);
        }
        self.cut(seed, &mut script);
        let offers = (1..).zip(script.machines);
        let offers = offers.map(|(id, machine)| self.offer(seed, id, machine));
        let requests = (1..).zip(script.tasks);
        let requests = requests.map(|(id, task)| request(seed, id, task));
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

    /// Leaves the machines and tasks of this part.
    fn cut(&self, seed: TraceSeed, script: &mut Script) {
        let place = |name: &str| seed.draw("load", name).below(u64::MAX);
        script.tasks.sort_by_key(|task| place(&task.task));
        script
            .machines
            .sort_by_key(|machine| place(&machine.machine));
        let all = script.machines.len() * self.machines as usize / 100;
        script.machines.truncate(all);
        let supply: u32 = script.machines.iter().map(|m| gpus(m.offer.gpus)).sum();
        let asked = keep(&mut script.tasks, supply * self.load / 100, |t| {
            t.request.gpus
        });
        keep(&mut script.machines, asked * 100 / self.load, |m| {
            m.offer.gpus
        });
    }

    fn offer(&self, seed: TraceSeed, id: u64, machine: MachineOffer) -> OfferInput {
        let provider = machine.provider.to_string();
        let observed = |purpose, name: &str, least| {
            let points = u16::try_from(seed.draw(purpose, name).between(least, 10_000));
            points.ok().and_then(Bps::new).filter(|_| self.observed)
        };
        let tokens = seed.draw("stake", &provider).between(1_500, 11_500);
        OfferInput {
            created: Timestamp::new(NOW - 100_000),
            machine: MachineState {
                uptime: observed("uptime", &machine.machine, 9_000),
                flags: 0,
            },
            provider: ProviderState {
                stake: Stake::new(tokens * TOKEN * u64::from(REGISTERED)),
                registered_gpus: REGISTERED,
                reputation: observed("reputation", &provider, 4_000),
                ..ProviderState::default()
            },
            offer: Offer {
                id: OfferId::new(id),
                version: Version::new(1),
                ..machine.offer
            },
            ..OfferInput::default()
        }
    }
}

/// CPU of a GPU, thousandths of a core, that a task with several GPUs asks for at most: the share
/// of the commonest machine, or such tasks would fit nowhere.
const CPU_OF_A_GPU: u32 = 12_000;

/// Lets half of the tasks that ask for one GPU ask for several.
fn several(seed: TraceSeed, script: &mut Script) {
    let largest = |models: &Mask256| {
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

/// Keeps the first items of `most` GPUs together, and says how many GPUs they have.
fn keep<T>(items: &mut Vec<T>, most: u32, size: impl Fn(&T) -> GpuCount) -> u32 {
    let mut sum = 0;
    items.retain(|item| {
        let more = gpus(size(item));
        let fits = sum + more <= most;
        sum += if fits { more } else { 0 };
        fits
    });
    sum
}

fn gpus(count: GpuCount) -> u32 {
    u32::from(count.get())
}

fn request(seed: TraceSeed, id: u64, task: TaskRequest) -> RequestInput {
    let waited = seed.draw("waited", &task.task).below(60) * u64::from(PERIOD);
    RequestInput {
        created: Timestamp::new(NOW - 1 - waited),
        request: Request {
            id: RequestId::new(id),
            version: Version::new(1),
            ..task.request
        },
    }
}
