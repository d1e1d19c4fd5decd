//! What pairs need of a request, in one cache line, and the classes of those that look alike.

use std::sync::{Mutex, PoisonError};

use quorate_matching::{
    Capacity, Factors, RequestInput, RoundContext, ScorePolicy, Snapshot, UnmatchedReason, score,
};

use crate::machine::saturate;
use crate::market::{Market, SIZES};
use crate::pool;

/// Requests that one job makes compact.
const CHUNK: usize = 1 << 14;
/// Parts that are sorted apart; a power of two.
const PARTS: usize = 64;

/// A request, compact. Amounts beyond 32 bits are cut to the largest that fits.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Ask {
    /// Its position in the snapshot.
    pub(crate) position: u32,
    pub(crate) class: u32,
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
    pub(crate) kinds: u8,
    pub(crate) tiers: u8,
    pub(crate) currency: u8,
    /// Capabilities are needed or refused.
    pub(crate) picky: bool,
    /// No offer is eligible.
    pub(crate) hopeless: bool,
}

impl Ask {
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

/// What requests share that look for the same machines at the same distance.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Shape {
    /// Bits of the accepted models and regions.
    pub(crate) models: u64,
    pub(crate) regions: u64,
    pub(crate) profile: u8,
    pub(crate) home: u8,
    pub(crate) gpus: u8,
}

impl Shape {
    /// The row of heads that such a request looks at.
    pub(crate) fn size(&self) -> usize {
        usize::from(self.gpus).clamp(1, SIZES) - 1
    }

    pub(crate) fn profile(&self) -> usize {
        usize::from(self.profile & 3)
    }

    /// A word that differs where shapes do, but by chance, and that keeps those together which look
    /// at the same machines: requests that stand side by side then find them in the cache.
    const fn word(&self) -> u64 {
        let models = spread(self.models) >> 44;
        let rest = spread(self.regions ^ (self.home as u64).rotate_left(41)) >> 30;
        ((self.profile & 3) as u64) << 62 | models << 42 | (self.gpus as u64) << 34 | rest
    }
}

const fn spread(word: u64) -> u64 {
    let word = (word ^ word >> 32).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let word = (word ^ word >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word ^ word >> 32
}

/// Requests of one shape, those with the larger part first.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Class {
    pub(crate) shape: Shape,
    /// Their ranks: where they stand in [`Book::asks`].
    pub(crate) first: u32,
    pub(crate) end: u32,
    /// The part of the first of them.
    pub(crate) part: u32,
}

/// All requests of a round, class by class.
#[derive(Debug)]
pub(crate) struct Book {
    pub(crate) asks: Vec<Ask>,
    pub(crate) classes: Vec<Class>,
    /// Their ids, by position.
    pub(crate) ids: Vec<u64>,
    /// By position: why they get nothing, if they do and no limit is what stops the round.
    pub(crate) unserved: Vec<UnmatchedReason>,
    /// What every request takes at least, component by component.
    pub(crate) least: Capacity,
}

impl Book {
    /// `None` if a request asks for no GPU.
    pub(crate) fn new(
        snapshot: &Snapshot,
        market: &Market,
        policy: &ScorePolicy,
        context: &RoundContext,
        threads: usize,
    ) -> Option<Self> {
        let inputs = snapshot.requests();
        let jobs = inputs.len().div_ceil(CHUNK);
        let chunks = pool::run(threads, jobs, |at| {
            let end = inputs.len().min((at + 1) * CHUNK);
            Chunk::new(
                at * CHUNK,
                &inputs[at * CHUNK..end],
                market,
                policy,
                context,
            )
        });
        let least = chunks
            .iter()
            .fold(MOST, |a, chunk| lesser(&a, &chunk.least));
        if least.gpus == 0 {
            return None;
        }
        let mut asks = vec![Ask::default(); inputs.len()];
        let mut rest = asks.as_mut_slice();
        let mut first = 0;
        // Each job takes one part's slice, so no lock is ever waited for.
        let slices: Vec<_> = (0..PARTS)
            .map(|part| {
                let count = chunks.iter().map(|chunk| chunk.parts[part].len()).sum();
                let (mine, others) = std::mem::take(&mut rest).split_at_mut(count);
                rest = others;
                let at = first;
                first += count;
                (at as u32, Mutex::new(mine))
            })
            .collect();
        let classes = pool::run(threads, PARTS, |part| {
            let (first, slice) = &slices[part];
            let mut slice = slice.lock().unwrap_or_else(PoisonError::into_inner);
            sort_part(part, &chunks, *first, &mut slice)
        });
        drop(slices);
        let classes = classes.concat();
        let mut book = Self {
            asks,
            classes,
            ids: inputs.iter().map(|input| input.request.id.get()).collect(),
            unserved: vec![UnmatchedReason::Outranked; inputs.len()],
            least,
        };
        book.number_classes();
        Some(book)
    }

    fn number_classes(&mut self) {
        for (at, class) in (0..).zip(&self.classes) {
            for ask in &mut self.asks[class.first as usize..class.end as usize] {
                ask.class = at;
            }
        }
    }

    /// Notes which requests, by rank, any offer is eligible for.
    pub(crate) fn note_served(&mut self, served: &[bool]) {
        for (ask, served) in self.asks.iter_mut().zip(served) {
            ask.hopeless = !served;
            if ask.hopeless {
                self.unserved[ask.position as usize] = UnmatchedReason::NothingEligible;
            }
        }
    }

    /// The class of a request.
    pub(crate) fn class(&self, ask: &Ask) -> &Class {
        &self.classes[ask.class as usize]
    }
}

/// Requests that stand together in the snapshot.
struct Chunk {
    asks: Vec<(Shape, Ask)>,
    /// By the upper bits of the word: what they are sorted by, and where they stand.
    parts: Vec<Vec<(u64, u32, u32)>>,
    least: Capacity,
}

impl Chunk {
    fn new(
        first: usize,
        inputs: &[RequestInput],
        market: &Market,
        policy: &ScorePolicy,
        context: &RoundContext,
    ) -> Self {
        let mut chunk = Self {
            asks: Vec::with_capacity(inputs.len()),
            parts: vec![Vec::new(); PARTS],
            least: MOST,
        };
        for (position, input) in (first as u32..).zip(inputs) {
            let ask = compact(position, input, policy, context);
            let shape = shape(input, market);
            let word = shape.word();
            let part = (word >> (u64::BITS - PARTS.ilog2())) as usize;
            chunk.parts[part].push((word, u32::MAX - ask.part, position));
            chunk.least = lesser(&chunk.least, &ask.demand());
            chunk.asks.push((shape, ask));
        }
        chunk
    }
}

/// Puts the requests of a part into its slice, which begins at rank `first`, class by class.
fn sort_part(part: usize, chunks: &[Chunk], first: u32, slice: &mut [Ask]) -> Vec<Class> {
    let mut order = Vec::with_capacity(slice.len());
    for chunk in chunks {
        order.extend_from_slice(&chunk.parts[part]);
    }
    order.sort_unstable();
    let mut classes: Vec<Class> = Vec::new();
    for (rank, ((_, _, position), to)) in (first..).zip(order.iter().zip(slice)) {
        let at = *position as usize;
        let (shape, ask) = chunks[at / CHUNK].asks[at % CHUNK];
        *to = ask;
        match classes.last_mut() {
            Some(class) if class.shape == shape => class.end = rank + 1,
            // Shapes whose wordes meet may make several classes each, which is as good.
            _ => classes.push(Class {
                shape,
                first: rank,
                end: rank + 1,
                part: ask.part,
            }),
        }
    }
    classes
}

fn compact(
    position: u32,
    input: &RequestInput,
    policy: &ScorePolicy,
    context: &RoundContext,
) -> Ask {
    let wanted = &input.request;
    let part = score(input, &Factors::default(), policy, context);
    Ask {
        position,
        class: 0,
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
        kinds: wanted.kinds,
        tiers: wanted.tiers,
        currency: wanted.currency,
        picky: !wanted.needs.is_zero() || !wanted.refuses.is_zero(),
        hopeless: false,
    }
}

fn shape(input: &RequestInput, market: &Market) -> Shape {
    let wanted = &input.request;
    Shape {
        models: market.models.bits_of(&wanted.models),
        regions: market.regions.bits_of(&wanted.regions),
        profile: wanted.profile.code(),
        home: wanted.home_region,
        gpus: wanted.gpus.get(),
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
