//! What pairs need of a request, in one cache line.

use quorate_matching::{Capacity, Factors, Keys, RequestInput, Seed, score};

use crate::machine::saturate;
use crate::market::Market;
use crate::pool;

/// Requests that one job prepares; a power of two, so that a position splits cheaply.
const CHUNK: usize = 1 << 15;

/// Bit of [`Ask::code`]: capabilities are needed or refused.
const PICKY: u8 = 4;

/// A request, compact. Amounts beyond 32 bits are cut to the largest that fits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask {
    pub(crate) key: u64,
    /// Bits of the accepted models and regions, by [`Market::model_bit`] and its like.
    pub(crate) models: u64,
    pub(crate) regions: u64,
    /// What the request alone adds to a score.
    pub(crate) part: u32,
    pub(crate) budget: u32,
    pub(crate) min_vram_mib: u32,
    pub(crate) cpu_milli: u32,
    pub(crate) memory_mib: u32,
    pub(crate) disk_gib: u32,
    pub(crate) mbits: u32,
    pub(crate) term: u32,
    pub(crate) min_uptime: u16,
    pub(crate) gpus: u8,
    pub(crate) home: u8,
    pub(crate) kinds: u8,
    pub(crate) tiers: u8,
    pub(crate) currency: u8,
    code: u8,
}

impl Ask {
    fn new(input: &RequestInput, key: u64, market: &Market<'_>) -> Self {
        let wanted = &input.request;
        let part = score(input, &Factors::default(), market.policy, market.context);
        let picky = !wanted.needs.is_zero() || !wanted.refuses.is_zero();
        Self {
            key,
            models: market.models.bits_of(&wanted.models),
            regions: market.regions.bits_of(&wanted.regions),
            part: saturate(part),
            budget: saturate(wanted.budget.get()),
            min_vram_mib: wanted.min_vram_mib,
            cpu_milli: wanted.cpu_milli,
            memory_mib: wanted.memory_mib,
            disk_gib: wanted.disk_gib,
            mbits: wanted.mbits,
            term: wanted.term,
            min_uptime: wanted.min_uptime.get(),
            gpus: wanted.gpus.get(),
            home: wanted.home_region,
            kinds: wanted.kinds,
            tiers: wanted.tiers,
            currency: wanted.currency,
            code: wanted.profile.code() | if picky { PICKY } else { 0 },
        }
    }

    pub(crate) const fn profile(&self) -> usize {
        (self.code & 3) as usize
    }

    pub(crate) const fn picky(&self) -> bool {
        self.code & PICKY != 0
    }

    pub(crate) const fn demand(&self) -> Capacity {
        Capacity {
            gpus: self.gpus,
            cpu_milli: self.cpu_milli,
            memory_mib: self.memory_mib,
            disk_gib: self.disk_gib,
            mbits: self.mbits,
        }
    }
}

/// All requests of a round, at their positions in the snapshot.
pub(crate) struct Asks {
    chunks: Vec<Vec<Ask>>,
    /// By chunk: the most that each request may reach.
    bounds: Vec<Vec<u32>>,
    count: usize,
    least: Capacity,
}

impl Asks {
    /// `None` if a request asks for no GPU.
    pub(crate) fn new(market: &Market<'_>, seed: &Seed, threads: usize) -> Option<Self> {
        let inputs = market.snapshot.requests();
        let jobs = inputs.len().div_ceil(CHUNK);
        let parts = pool::run(threads, jobs, |at| {
            let end = inputs.len().min((at + 1) * CHUNK);
            prepare(&inputs[at * CHUNK..end], market, seed)
        });
        let mut least = MOST;
        let (mut chunks, mut bounds) = (Vec::new(), Vec::new());
        for part in parts {
            least = lesser(&least, &part.least);
            chunks.push(part.asks);
            bounds.push(part.bounds);
        }
        let count = inputs.len();
        (least.gpus > 0).then_some(Self {
            chunks,
            bounds,
            count,
            least,
        })
    }

    pub(crate) fn get(&self, at: u32) -> &Ask {
        let at = at as usize;
        &self.chunks[at / CHUNK][at % CHUNK]
    }

    pub(crate) const fn len(&self) -> usize {
        self.count
    }

    /// What every request takes at least, component by component.
    pub(crate) const fn least(&self) -> Capacity {
        self.least
    }

    /// The most that each request may reach, by position; 0 where no machine may serve it.
    pub(crate) fn bounds(&self) -> impl Iterator<Item = u32> + '_ {
        self.bounds.iter().flatten().copied()
    }
}

struct Part {
    asks: Vec<Ask>,
    bounds: Vec<u32>,
    least: Capacity,
}

fn prepare(inputs: &[RequestInput], market: &Market<'_>, seed: &Seed) -> Part {
    let mut keys = Keys::of_requests(seed);
    let mut least = MOST;
    let mut bounds = Vec::with_capacity(inputs.len());
    let asks = inputs
        .iter()
        .map(|input| {
            let ask = Ask::new(input, keys.key(input.request.id.get()), market);
            least = lesser(&least, &ask.demand());
            bounds.push(market.reach(&ask));
            ask
        })
        .collect();
    Part {
        asks,
        bounds,
        least,
    }
}

const MOST: Capacity = Capacity {
    gpus: u8::MAX,
    cpu_milli: u32::MAX,
    memory_mib: u32::MAX,
    disk_gib: u32::MAX,
    mbits: u32::MAX,
};

fn lesser(a: &Capacity, b: &Capacity) -> Capacity {
    Capacity {
        gpus: a.gpus.min(b.gpus),
        cpu_milli: a.cpu_milli.min(b.cpu_milli),
        memory_mib: a.memory_mib.min(b.memory_mib),
        disk_gib: a.disk_gib.min(b.disk_gib),
        mbits: a.mbits.min(b.mbits),
    }
}
