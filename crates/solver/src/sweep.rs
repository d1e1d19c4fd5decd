//! The walk down the order, band of scores by band of scores.

mod wake;
mod walk;

use std::sync::{Mutex, MutexGuard, PoisonError};

use quorate_matching::{Match, Snapshot};

use crate::ask::{Book, Class};
use crate::lanes::Width;
use crate::market::Market;
use crate::pool;
use crate::search::{Near, Shortlist, View};
use crate::sleeper::Sleeper;
use crate::stock::Stock;
use wake::{FirstTops, Wake};
use walk::Head;

/// Scores of one bucket: 2 to this.
const BUCKET_BITS: u32 = 15;
/// About one in so many requests wakes in a band.
const BANDS: usize = 64;
/// How many wake in a band at least.
const LEAST_BAND: usize = 1_024;
/// How far below a band a search looks: less makes searches short, more makes them few.
const DEPTH: u32 = 1 << 21;
/// How many requests ahead memory is asked for what they need.
const AHEAD: usize = 8;
/// Requests or classes that one job wakes.
const JOB: usize = 256;
/// What takes less than starting a thread: so many to wake, so many machines to look after.
const FEW: usize = 256;
const FEW_TAKEN: usize = 256;

/// What the sweep found.
pub(crate) struct Swept {
    /// In descending order.
    pub(crate) matches: Vec<Match>,
    /// By the request's position.
    pub(crate) served: Vec<bool>,
    /// What is left.
    pub(crate) stock: Stock,
    pub(crate) effort: Effort,
}

/// What a sweep took, apart from time. The same on any number of threads.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// Bands of scores, one after the other.
    pub bands: u64,
    /// Searches for a request's best machines.
    pub searches: u64,
    /// Pairs that were scored.
    pub pairs: u64,
}

/// What waits for the sweep to come down to a score.
#[derive(Default, Clone)]
struct Bucket {
    sleepers: Vec<Sleeper>,
    /// Classes without the requests that were ever woken.
    classes: Vec<Class>,
}

/// What one thread has put aside.
#[derive(Default)]
struct Place {
    /// Requests with a pair in the band.
    awake: Vec<Sleeper>,
    /// Their best pairs.
    heads: Vec<Head>,
    /// By score.
    buckets: Vec<Bucket>,
    /// Memory for searches.
    cells: Vec<Near>,
    due: Vec<(Class, u32)>,
    effort: Effort,
}

impl Place {
    fn sleep(&mut self, until: u32, sleeper: Sleeper) {
        self.bucket(until).sleepers.push(sleeper);
    }

    /// Takes what a search has found.
    fn take(&mut self, sleeper: &mut Sleeper, found: &Shortlist) {
        self.effort.searches += 1;
        self.effort.pairs += u64::from(found.pairs);
        sleeper.take(found);
    }

    fn wait(&mut self, until: u32, class: Class) {
        self.bucket(until).classes.push(class);
    }

    fn bucket(&mut self, score: u32) -> &mut Bucket {
        let at = (score >> BUCKET_BITS) as usize;
        if at >= self.buckets.len() {
            self.buckets.resize_with(at + 1, Bucket::default);
        }
        &mut self.buckets[at]
    }
}

struct Sweep<'m> {
    snapshot: &'m Snapshot,
    market: &'m Market,
    book: &'m Book,
    keys: &'m [u64],
    machine_keys: &'m [u64],
    stock: Stock,
    width: Width,
    threads: usize,
    /// How many buckets the sweep has not come to.
    buckets: usize,
    served: Vec<bool>,
    matched: Vec<Head>,
    /// Machines that the last band took from.
    taken: Vec<u32>,
    limit: usize,
}

/// All that a sweep starts from.
pub(crate) struct Start<'m> {
    pub(crate) snapshot: &'m Snapshot,
    pub(crate) market: &'m Market,
    pub(crate) book: &'m Book,
    /// The requests' keys, by position.
    pub(crate) keys: &'m [u64],
    /// The offers' keys, by machine.
    pub(crate) machine_keys: &'m [u64],
    pub(crate) stock: Stock,
    pub(crate) width: Width,
    pub(crate) threads: usize,
}

/// Walks the whole order.
pub(crate) fn sweep(start: Start<'_>) -> Swept {
    let Start {
        snapshot,
        market,
        book,
        keys,
        machine_keys,
        stock,
        width,
        threads,
    } = start;
    let mut sweep = Sweep {
        snapshot,
        market,
        book,
        keys,
        machine_keys,
        stock,
        width,
        threads,
        buckets: 0,
        served: vec![false; book.asks.len()],
        matched: Vec::new(),
        taken: Vec::new(),
        limit: market.limit.map_or(usize::MAX, |limit| limit as usize),
    };
    let mut places = sweep.fill_buckets();
    let mut effort = Effort::default();
    while sweep.matched.len() < sweep.limit && sweep.band(&mut places) {
        effort.bands += 1;
    }
    for place in places {
        effort.searches += place.effort.searches;
        effort.pairs += place.effort.pairs;
    }
    Swept {
        effort,
        matches: sweep.matches(),
        served: sweep.served,
        stock: sweep.stock,
    }
}

/// The items in the order of the upper bits of what `place` says, which is below `count`: those
/// together that look at the same machines.
fn binned<'t, T, I>(items: impl Fn() -> I, count: usize, place: impl Fn(&T) -> u32) -> Vec<T>
where
    T: Copy + Default + 't,
    I: Iterator<Item = &'t T>,
{
    const BINS: usize = 512;
    let shift = count.div_ceil(BINS).max(1).next_power_of_two().ilog2();
    let bin = |item: &T| (place(item) >> shift) as usize;
    let mut ends = [0; BINS + 1];
    for item in items() {
        ends[bin(item)] += 1;
    }
    let mut sum = 0;
    for end in &mut ends {
        (sum, *end) = (sum + *end, sum);
    }
    let mut sorted = vec![T::default(); sum];
    for item in items() {
        let to = &mut ends[bin(item)];
        sorted[*to] = *item;
        *to += 1;
    }
    sorted
}

impl Sweep<'_> {
    fn view(&self) -> View<'_> {
        View {
            snapshot: self.snapshot,
            market: self.market,
            book: self.book,
            stock: &self.stock,
        }
    }

    /// Puts every class to sleep until the most that its first request can reach.
    fn fill_buckets(&mut self) -> Vec<Place> {
        const CHUNK: usize = 4_096;
        let count = self.book.classes.len();
        let mut places: Vec<Place> = Vec::new();
        places.resize_with(self.threads, Place::default);
        let this = &*self;
        pool::run_at(&mut places, count.div_ceil(CHUNK), |place, job| {
            let end = count.min((job + 1) * CHUNK);
            this.width.run(FirstTops {
                sweep: this,
                classes: &this.book.classes[job * CHUNK..end],
                place,
            });
        });
        let buckets = places.iter().map(|place| place.buckets.len());
        self.buckets = buckets.max().unwrap_or(0);
        places
    }

    /// One band; false when there is none left.
    fn band(&mut self, places: &mut [Place]) -> bool {
        let Some(active) = self.next_band(places) else {
            return false;
        };
        // Scores from here up are this band's.
        let floor = (self.buckets as u32) << BUCKET_BITS;
        let this = &*self;
        let of_classes = active.classes.len().div_ceil(JOB);
        let of_sleepers = active.sleepers.len().div_ceil(JOB);
        let few = active.classes.len() + active.sleepers.len() < FEW;
        let at = if few { 1 } else { places.len() };
        let wake = |place: &mut Place, job| {
            this.width.run(Wake {
                sweep: this,
                active: &active,
                floor,
                job,
                of_classes,
                place,
            });
        };
        let sort = |place: &mut Place| place.heads.sort_unstable_by(|a, b| b.cmp(a));
        pool::run_then(&mut places[..at], of_classes + of_sleepers, wake, sort);
        let (heads, awake) = Self::gather(places);
        if let Some(place) = places.first_mut() {
            self.walk(&heads, awake, floor, place);
        }
        true
    }

    /// Takes so many buckets that there is something to do, and brings the stock up to what the last
    /// band took; none if there is nothing to do.
    fn next_band(&mut self, places: &mut [Place]) -> Option<Bucket> {
        let enough = (self.book.asks.len() / BANDS).max(LEAST_BAND);
        let mut found = Vec::new();
        let mut count = 0;
        while count < enough && self.buckets > 0 {
            self.buckets -= 1;
            for place in &mut *places {
                let bucket = place.buckets.get_mut(self.buckets);
                let bucket = bucket.map(std::mem::take).unwrap_or_default();
                count += bucket.sleepers.len() + bucket.classes.len();
                found.push(bucket);
            }
        }
        let asks = self.book.asks.len();
        let taken = std::mem::take(&mut self.taken);
        let few = count < FEW && taken.len() < FEW_TAKEN;
        let threads = if few { 1 } else { self.threads };
        let Stock { left, shelves } = &mut self.stock;
        // Each job takes one of these, so no lock is ever waited for.
        let shelves = shelves.each_mut().map(Mutex::new);
        let (sleepers, classes) = (Mutex::default(), Mutex::default());
        pool::run(threads, 2 + shelves.len(), |job| match job {
            0 => {
                let all = || found.iter().flat_map(|bucket| &bucket.sleepers);
                *lock(&sleepers) = binned(all, asks, |sleeper| sleeper.rank);
            }
            1 => {
                let all = || found.iter().flat_map(|bucket| &bucket.classes);
                *lock(&classes) = binned(all, asks, |class| class.first);
            }
            _ => lock(&shelves[job - 2]).refresh(self.market, left, &self.book.least, &taken),
        });
        let active = Bucket {
            sleepers: sleepers
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner),
            classes: classes.into_inner().unwrap_or_else(PoisonError::into_inner),
        };
        (count > 0).then_some(active)
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
