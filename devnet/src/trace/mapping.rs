//! What stands for what: the one place that says how the trace becomes a market.
//!
//! | of the trace | here |
//! | --- | --- |
//! | a machine | one offer: its cores, memory and GPU count as published |
//! | models T4, P100, A10, V100M16, V100M32 | `t4`, `p100`, `a10`, `v100`, `v100-32g` of the policy's table |
//! | models G1, G2, G3, undisclosed | `l4`, `a40`, `a10g`: the three data-centre cards with a published price that the trace does not name otherwise, by price |
//! | a task with GPUs | one request: its cores, memory and GPU count as published; a fraction of a GPU counts as one |
//! | a task without GPU | left out |
//! | `gpu_spec` | the accepted models; none named accepts all eight |
//! | creation time | when the request is posted, at the window's pace (`window`) |
//! | deletion time less creation time | how long the lease is held, at the same pace, at least 15 s |
//! | class LS | uptime of at least 5,000 wanted; profile drawn from balanced, reliable, nearest |
//! | class BE | any machine; profile cheapest; the lease runs until its term is over |
//! | classes Guaranteed, Burstable | as LS, and provider nodes only |
//!
//! What the trace does not say is drawn with a seed ([`TraceSeed`]), for each name on its own:
//!
//! | what | draw |
//! | --- | --- |
//! | ask | the model's reference price in the policy, times 0.80 to 1.20 |
//! | budget | the reference price of one of the accepted models, times 0.85 to 1.60 |
//! | provider of a machine | one of [`PROVIDERS`]; a provider's machines all lie in one of [`REGIONS`] |
//! | tenant of a request, its home region | one of [`TENANTS`]; one of [`REGIONS`] |
//! | regions allowed | 60 % all, 25 % the home region's zone, 15 % the home region only |
//! | patience: how long a request stays open | 40 to 120 s |
//!
//! Declared, not drawn: a machine with eight GPUs, or with 64 cores or more, is a provider node,
//! any other a fizz node; 200 GiB of disk and 2,000 Mbit/s for each GPU offered, 20 GiB and
//! 100 Mbit/s for each wanted; memory of one GPU as its maker says; no capability bits. The access
//! key is the hash of the task's name: by it a request on the chain is known for its task.

use quorate_canon::{Bps, GpuCount, Mask256, MicroDollars, Timestamp};
use quorate_matching::{
    Offer, Profile, Request,
    policy::{
        models::{self, Model},
        regions,
    },
};

use sha2::{Digest as _, Sha256};

use super::{
    draw::TraceSeed,
    rows::{Node, Pod},
    window::Played,
};
use crate::Error;

/// Model names of the trace, the short names that stand for them, and MiB of one GPU.
const MODELS: [(&str, &str, u32); 8] = [
    ("T4", "t4", 16_384),
    ("P100", "p100", 16_384),
    ("A10", "a10", 24_576),
    ("V100M16", "v100", 16_384),
    ("V100M32", "v100-32g", 32_768),
    ("G1", "l4", 24_576),
    ("G2", "a40", 49_152),
    ("G3", "a10g", 24_576),
];

/// Codes of the regions in which providers and tenants sit.
pub const REGIONS: [&str; 10] = [
    "us-east",
    "us-central",
    "us-west",
    "germany",
    "france",
    "uk",
    "singapore",
    "japan",
    "india",
    "brazil",
];

/// How many providers share the machines.
pub const PROVIDERS: usize = 12;
/// How many tenants share the tasks.
pub const TENANTS: usize = 8;

/// Offers live this long, seconds: longer than any run.
const OFFER_LIFE: u64 = 7 * 86_400;
const MAX_TERM: u32 = 30 * 86_400;
const NOTICE: u32 = 300;
const DISK_OFFERED: u32 = 200;
const MBITS_OFFERED: u32 = 2_000;
const DISK_WANTED: u32 = 20;
const MBITS_WANTED: u32 = 100;
const WANTED_UPTIME: u16 = 5_000;
/// The currency that everybody takes and pays in.
pub const CURRENCY: u8 = 0;

const PROVIDER_NODE: u8 = 0;
const FIZZ_NODE: u8 = 1;

/// A machine as its provider offers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineOffer {
    /// Its name in the trace.
    pub machine: String,
    /// Which provider, below [`PROVIDERS`].
    pub provider: usize,
    /// The record, without what the market fills in.
    pub offer: Offer,
}

/// A task as its tenant asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRequest {
    /// Its name in the trace.
    pub task: String,
    /// Which tenant, below [`TENANTS`].
    pub tenant: usize,
    /// When it is posted and how long its lease is held.
    pub played: Played,
    /// Whether the tenant ends the lease itself; otherwise it runs until its term is over.
    pub ends_itself: bool,
    /// The record, without what the market fills in; the payer is the tenant.
    pub request: Request,
}

/// The mapping under one seed, for a run that begins at one time.
#[derive(Clone, Copy, Debug)]
pub struct Mapping {
    /// Seed of all draws.
    pub seed: TraceSeed,
    /// When the first task is posted, Unix seconds.
    pub start: u64,
}

impl Mapping {
    /// The offer of a machine.
    ///
    /// # Errors
    /// When the trace names a model that has no stand-in.
    pub fn machine(&self, node: &Node) -> Result<MachineOffer, Error> {
        let (model, vram_mib) = model(&node.model)?;
        let provider = index(self.seed.draw("provider", &node.sn).below(count(PROVIDERS)));
        let percent = self.seed.draw("ask", &node.sn).between(80, 120);
        let gpus = u32::from(node.gpu);
        let big = node.gpu >= 8 || node.cpu_milli >= 64_000;
        let offer = Offer {
            ask: MicroDollars::new((model.reference_price * percent / 100).max(1)),
            vram_mib,
            cpu_milli: node.cpu_milli,
            memory_mib: node.memory_mib,
            disk_gib: DISK_OFFERED * gpus,
            mbits: MBITS_OFFERED * gpus,
            currencies: 1 << CURRENCY,
            available_until: Timestamp::new(self.start + OFFER_LIFE),
            min_term: 1,
            max_term: MAX_TERM,
            notice: NOTICE,
            model: model.index,
            gpus: GpuCount::new(node.gpu),
            region: region(self.region_of("provider", provider))?,
            kind: if big { PROVIDER_NODE } else { FIZZ_NODE },
            tier: model.tier.code(),
            ..Offer::default()
        };
        Ok(MachineOffer {
            machine: node.sn.clone(),
            provider,
            offer,
        })
    }

    /// The request of a task.
    ///
    /// # Errors
    /// When the trace names a model that has no stand-in.
    pub fn task(&self, pod: &Pod, played: Played) -> Result<TaskRequest, Error> {
        let accepted = accepted(&pod.gpu_spec)?;
        let tenant = index(self.seed.draw("tenant", &pod.name).below(count(TENANTS)));
        let home = self
            .seed
            .draw("home", &pod.name)
            .one_of(&REGIONS)
            .copied()
            .unwrap_or(REGIONS[0]);
        let best_effort = pod.qos == "BE";
        let patience = self.seed.draw("patience", &pod.name).between(40, 120);
        let gpus = u32::from(pod.num_gpu);
        let request = Request {
            models: mask(accepted.iter().map(|m| m.index)),
            regions: self.allowed(home, &pod.name)?,
            access_key: Sha256::digest(&pod.name).into(),
            budget: MicroDollars::new(self.budget(&accepted, &pod.name)),
            cpu_milli: pod.cpu_milli,
            memory_mib: pod.memory_mib,
            disk_gib: DISK_WANTED * gpus,
            mbits: MBITS_WANTED * gpus,
            term: term(played.life, best_effort),
            valid_until: Timestamp::new(self.start + played.at / 1_000 + patience),
            min_uptime: Bps::new(if best_effort { 0 } else { WANTED_UPTIME }).unwrap_or_default(),
            gpus: GpuCount::new(pod.num_gpu),
            home_region: region(home)?,
            kinds: kinds(&pod.qos),
            tiers: 0b0001_1111,
            currency: CURRENCY,
            profile: self.profile(&pod.qos, &pod.name),
            ..Request::default()
        };
        Ok(TaskRequest {
            task: pod.name.clone(),
            tenant,
            played,
            ends_itself: !best_effort,
            request,
        })
    }

    fn region_of(&self, who: &str, number: usize) -> &'static str {
        let draw = self.seed.draw("region", &format!("{who} {number}"));
        draw.one_of(&REGIONS).copied().unwrap_or(REGIONS[0])
    }

    fn allowed(&self, home: &str, task: &str) -> Result<Mask256, Error> {
        let home_zone = zone(home)?;
        let all = REGIONS
            .iter()
            .map(|code| Ok((region(code)?, zone(code)?)))
            .collect::<Result<Vec<_>, Error>>()?;
        let own = region(home)?;
        Ok(
            match self.seed.draw("allowed", task).weighted(&[60, 25, 15]) {
                0 => mask(all.iter().map(|(region, _)| *region)),
                1 => mask(
                    all.iter()
                        .filter(|(_, zone)| *zone == home_zone)
                        .map(|(region, _)| *region),
                ),
                _ => mask([own].into_iter()),
            },
        )
    }

    fn budget(&self, accepted: &[&Model], task: &str) -> u64 {
        let model = self
            .seed
            .draw("budget model", task)
            .one_of(accepted)
            .copied();
        let percent = self.seed.draw("budget", task).between(85, 160);
        (model.map_or(0, |m| m.reference_price) * percent / 100).max(1)
    }

    fn profile(&self, qos: &str, task: &str) -> Profile {
        let wanted = [Profile::Balanced, Profile::Reliable, Profile::Nearest];
        match qos {
            "BE" => Profile::Cheapest,
            _ => self
                .seed
                .draw("profile", task)
                .one_of(&wanted)
                .copied()
                .unwrap_or_default(),
        }
    }
}

/// Seconds of the term: the lease's life where the term ends it, twice that where the tenant does.
fn term(life: u64, runs_out: bool) -> u32 {
    let life = life.div_ceil(1_000);
    let term = if runs_out { life } else { 2 * life };
    u32::try_from(term).unwrap_or(MAX_TERM).clamp(1, MAX_TERM)
}

fn kinds(qos: &str) -> u8 {
    match qos {
        "Guaranteed" | "Burstable" => 1 << PROVIDER_NODE,
        _ => 1 << PROVIDER_NODE | 1 << FIZZ_NODE,
    }
}

fn accepted(spec: &str) -> Result<Vec<&'static Model>, Error> {
    if spec.is_empty() {
        return MODELS.iter().map(|(name, ..)| Ok(model(name)?.0)).collect();
    }
    spec.split('|').map(|name| Ok(model(name)?.0)).collect()
}

fn model(name: &str) -> Result<(&'static Model, u32), Error> {
    let found = MODELS.iter().find(|(of_trace, ..)| *of_trace == name);
    found
        .and_then(|(_, short, vram)| Some((models::by_short_name(short)?, *vram)))
        .ok_or_else(|| Error::content("trace", format!("model {name} has no stand-in")))
}

fn region(code: &str) -> Result<u8, Error> {
    let found = regions::by_code(code);
    found
        .map(|r| r.index)
        .ok_or_else(|| Error::content("trace", format!("region {code} is unknown")))
}

fn zone(code: &str) -> Result<u8, Error> {
    let found = regions::by_code(code);
    found
        .map(|r| r.zone.code())
        .ok_or_else(|| Error::content("trace", format!("region {code} is unknown")))
}

fn mask(bits: impl Iterator<Item = u8>) -> Mask256 {
    Mask256::of(&bits.collect::<Vec<_>>())
}

fn count(of: usize) -> u64 {
    u64::try_from(of).unwrap_or(u64::MAX)
}

fn index(draw: u64) -> usize {
    usize::try_from(draw).unwrap_or(0)
}
