//! The walk down the order, band of scores by band of scores.

use std::collections::BinaryHeap;

use quorate_canon::{OfferId, RequestId};
use quorate_matching::{Match, Snapshot, fold};

use crate::ask::{Book, Class};
use crate::lanes::{Lanes, Width, Work, fetch};
use crate::market::Market;
use crate::pool;
use crate::search::{Near, Shortlist, View};
use crate::sleeper::Sleeper;
use crate::stock::Stock;

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
const FEW: usize = 2_048;
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

/// A request's best pair. The order is that of pairs: no request has two heads at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Head {
    score: u32,
    tie: u64,
    request: u32,
    machine: u32,
    /// Among those that are awake.
    sleeper: u32,
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
    /// By score.
    buckets: Vec<Bucket>,
    /// Memory for searches.
    cells: Vec<Near>,
    due: Vec<(Class, u32)>,
    effort: Effort,
}

impl Place {
    fn sleep(&mut self, until: u32, sleeper: Sleeper) {
        self.buckets[bucket(until)].sleepers.push(sleeper);
    }

    /// Takes what a search has found.
    fn take(&mut self, sleeper: &mut Sleeper, found: &Shortlist) {
        self.effort.searches += 1;
        self.effort.pairs += u64::from(found.pairs);
        sleeper.take(found);
    }

    fn wait(&mut self, until: u32, class: Class) {
        self.buckets[bucket(until)].classes.push(class);
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
    matches: Vec<Match>,
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
        matches: Vec::new(),
        taken: Vec::new(),
        limit: market.limit.map_or(usize::MAX, |limit| limit as usize),
    };
    let mut places = sweep.fill_buckets();
    let mut effort = Effort::default();
    while sweep.matches.len() < sweep.limit && sweep.band(&mut places) {
        effort.bands += 1;
    }
    for place in places {
        effort.searches += place.effort.searches;
        effort.pairs += place.effort.pairs;
    }
    Swept {
        effort,
        matches: sweep.matches,
        served: sweep.served,
        stock: sweep.stock,
    }
}

fn bucket(score: u32) -> usize {
    (score >> BUCKET_BITS) as usize
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
        let this = &*self;
        let tops = pool::run(self.threads, count.div_ceil(CHUNK), |job| {
            let end = count.min((job + 1) * CHUNK);
            this.width.run(FirstTops {
                sweep: this,
                classes: job * CHUNK..end,
            })
        });
        let highest = tops.iter().flatten().flatten().max().copied().unwrap_or(0);
        self.buckets = bucket(highest) + 1;
        let mut places: Vec<Place> = Vec::new();
        places.resize_with(self.threads, || Place {
            buckets: vec![Bucket::default(); bucket(highest) + 1],
            ..Place::default()
        });
        let waiting = self.book.classes.iter().zip(tops.into_iter().flatten());
        for ((class, top), turn) in waiting.zip((0..self.threads).cycle()) {
            if let Some(top) = top {
                places[turn].wait(top, *class);
            }
        }
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
        pool::run_at(&mut places[..at], of_classes + of_sleepers, |place, job| {
            this.width.run(Wake {
                sweep: this,
                active: &active,
                floor,
                job,
                of_classes,
                place,
            });
        });
        let mut awake = Vec::new();
        for place in &mut *places {
            awake.append(&mut place.awake);
        }
        if let Some(place) = places.first_mut() {
            self.walk(awake, floor, place);
        }
        let taken = std::mem::take(&mut self.taken);
        let few = taken.len() < FEW_TAKEN;
        let threads = if few { 1 } else { self.threads };
        self.stock
            .refresh(self.market, &self.book.least, &taken, threads);
        true
    }

    /// Takes so many buckets that there is something to do; none if there is nothing.
    fn next_band(&mut self, places: &mut [Place]) -> Option<Bucket> {
        let enough = (self.book.asks.len() / BANDS).max(LEAST_BAND);
        let mut found = Vec::new();
        let mut count = 0;
        while count < enough && self.buckets > 0 {
            self.buckets -= 1;
            for place in &mut *places {
                let bucket = place.buckets.pop().unwrap_or_default();
                count += bucket.sleepers.len() + bucket.classes.len();
                found.push(bucket);
            }
        }
        let asks = self.book.asks.len();
        let mut halves = [Bucket::default(), Bucket::default()];
        let jobs = halves.len();
        let threads = if count < FEW { 1 } else { self.threads };
        pool::run_at(&mut halves[..jobs.min(threads)], jobs, |half, job| {
            if job == 0 {
                let all = || found.iter().flat_map(|bucket| &bucket.sleepers);
                half.sleepers = binned(all, asks, |sleeper| sleeper.rank);
            } else {
                let all = || found.iter().flat_map(|bucket| &bucket.classes);
                half.classes = binned(all, asks, |class| class.first);
            }
        });
        let [mut active, other] = halves;
        active.sleepers.extend(other.sleepers);
        active.classes.extend(other.classes);
        (count > 0).then_some(active)
    }

    /// Passes over the machines of a list that have no room any more.
    fn settle(&self, sleeper: &mut Sleeper) {
        let demand = self.book.asks[sleeper.rank as usize].demand();
        while let Some((_, machine)) = sleeper.first() {
            if self.stock.left[machine as usize].holds(&demand) {
                return;
            }
            sleeper.pass();
        }
    }

    /// Searches for a request, or says what it can reach where that is less than a search looks for.
    #[inline(always)]
    fn search<L: Lanes>(&self, lanes: L, sleeper: &mut Sleeper, floor: u32, place: &mut Place) {
        let view = self.view();
        let luck = view.luck(&sleeper.shape);
        let least = floor.saturating_sub(DEPTH);
        let lowest = least.saturating_sub(sleeper.part).cast_signed() - luck;
        view.cells(lanes, &sleeper.shape, lowest, &mut place.cells);
        if !place.cells.is_empty() {
            let found = view.search(lanes, sleeper, &place.cells, least);
            return place.take(sleeper, &found);
        }
        match view.reach(lanes, &sleeper.shape) {
            reach if reach < 0 => sleeper.bound(0),
            reach => sleeper.bound(sleeper.part + (reach + luck).cast_unsigned() + 1),
        }
    }

    /// The score that the request sleeps until; none if nothing is left for it.
    fn until(sleeper: &Sleeper) -> Option<u32> {
        let first = sleeper.first().map(|(score, _)| score);
        first.or(sleeper.below.checked_sub(1))
    }

    fn head(&self, at: u32, sleeper: &Sleeper) -> Option<Head> {
        let (score, machine) = sleeper.first()?;
        Some(Head {
            score,
            tie: fold(sleeper.key, self.machine_keys[machine as usize]),
            request: sleeper.position,
            machine,
            sleeper: at,
        })
    }

    /// Goes down the band's pairs, takes what fits, and puts the next pair of what does not in.
    fn walk(&mut self, mut awake: Vec<Sleeper>, floor: u32, place: &mut Place) {
        let heads = (0..).zip(&awake);
        let mut sorted: Vec<Head> = heads.filter_map(|(at, one)| self.head(at, one)).collect();
        sorted.sort_unstable_by(|a, b| b.cmp(a));
        let mut soon = sorted.iter().skip(AHEAD);
        let mut sorted = sorted.iter().copied().peekable();
        let mut late: BinaryHeap<Head> = BinaryHeap::new();
        while self.matches.len() < self.limit {
            let of_late = match (sorted.peek(), late.peek()) {
                (None, None) => return,
                (Some(a), Some(b)) => b > a,
                (first, _) => first.is_none(),
            };
            let next = if of_late {
                late.pop()
            } else {
                if let Some(soon) = soon.next() {
                    fetch(&self.book.asks[awake[soon.sleeper as usize].rank as usize]);
                    fetch(&self.stock.left[soon.machine as usize]);
                }
                sorted.next()
            };
            let Some(head) = next else {
                return;
            };
            let sleeper = &mut awake[head.sleeper as usize];
            let demand = self.book.asks[sleeper.rank as usize].demand();
            if self.stock.left[head.machine as usize].holds(&demand) {
                self.stock.take(head.machine, &demand);
                self.taken.push(head.machine);
                self.served[head.request as usize] = true;
                self.matches.push(self.matched(&head));
            } else if let Some(next) = self.passed_over(head.sleeper, sleeper, floor, place) {
                late.push(next);
            }
        }
    }

    /// A request's next pair in this band; where there is none, the request sleeps on.
    fn passed_over(
        &self,
        at: u32,
        sleeper: &mut Sleeper,
        floor: u32,
        place: &mut Place,
    ) -> Option<Head> {
        self.settle(sleeper);
        if sleeper.first().is_none() && sleeper.below > floor {
            self.width.run(Again {
                sweep: self,
                sleeper,
                floor,
                place,
            });
            self.settle(sleeper);
        }
        let until = Self::until(sleeper)?;
        if until >= floor {
            return self.head(at, sleeper);
        }
        place.sleep(until, *sleeper);
        None
    }

    fn matched(&self, head: &Head) -> Match {
        Match {
            request: RequestId::new(self.book.ids[head.request as usize]),
            offer: OfferId::new(self.market.ids[head.machine as usize]),
            score: u64::from(head.score),
            tie: head.tie,
        }
    }
}

/// The most that the first request of each class can reach; none if there is no machine for it.
struct FirstTops<'s, 'm> {
    sweep: &'s Sweep<'m>,
    classes: std::ops::Range<usize>,
}

impl Work for FirstTops<'_, '_> {
    type Output = Vec<Option<u32>>;

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> Vec<Option<u32>> {
        let view = self.sweep.view();
        let classes = &self.sweep.book.classes[self.classes];
        let top = |class: &Class| match view.reach(lanes, &class.shape) {
            reach if reach < 0 => None,
            reach => Some(class.part + (reach + view.luck(&class.shape)).cast_unsigned()),
        };
        classes.iter().map(top).collect()
    }
}

/// A search in the middle of a walk.
struct Again<'s, 'm> {
    sweep: &'s Sweep<'m>,
    sleeper: &'s mut Sleeper,
    floor: u32,
    place: &'s mut Place,
}

impl Work for Again<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        self.sweep
            .search(lanes, self.sleeper, self.floor, self.place);
    }
}

/// One job of waking.
struct Wake<'s, 'm> {
    sweep: &'s Sweep<'m>,
    active: &'s Bucket,
    floor: u32,
    job: usize,
    of_classes: usize,
    place: &'s mut Place,
}

impl Work for Wake<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(mut self, lanes: L) {
        if let Some(job) = self.job.checked_sub(self.of_classes) {
            let all = &self.active.sleepers;
            let some = &all[job * JOB..all.len().min((job + 1) * JOB)];
            let mut soon = some.iter().skip(AHEAD);
            for sleeper in some {
                if let Some(soon) = soon.next() {
                    fetch(&self.sweep.book.asks[soon.rank as usize]);
                }
                self.sleeper(lanes, *sleeper);
            }
        } else {
            let all = &self.active.classes;
            let some = &all[self.job * JOB..all.len().min((self.job + 1) * JOB)];
            self.classes(lanes, some);
        }
    }
}

impl Wake<'_, '_> {
    #[inline(always)]
    fn sleeper<L: Lanes>(&mut self, lanes: L, mut sleeper: Sleeper) {
        if sleeper.first().is_some() {
            self.sweep.settle(&mut sleeper);
        }
        if sleeper.first().is_none() && sleeper.below > self.floor {
            self.sweep
                .search(lanes, &mut sleeper, self.floor, self.place);
        }
        self.found(sleeper);
    }

    /// Wakes the requests of classes that can reach the band: first those are found and memory is
    /// asked for them, then they are searched for.
    #[inline(always)]
    fn classes<L: Lanes>(&mut self, lanes: L, classes: &[Class]) {
        let sweep = self.sweep;
        let view = sweep.view();
        let mut due = std::mem::take(&mut self.place.due);
        for class in classes {
            let reach = view.reach(lanes, &class.shape);
            if reach < 0 {
                continue;
            }
            let reach = (reach + view.luck(&class.shape)).cast_unsigned();
            if class.part + reach < self.floor {
                self.place.wait(class.part + reach, *class);
            } else {
                fetch(&sweep.book.asks[class.first as usize]);
                due.push((*class, reach));
            }
        }
        for (class, _) in &due {
            let position = sweep.book.asks[class.first as usize].position;
            fetch(&sweep.keys[position as usize]);
        }
        for (class, reach) in due.drain(..) {
            self.class(lanes, class, reach);
        }
        self.place.due = due;
    }

    /// Wakes the requests of a class that can reach the band.
    #[inline(always)]
    fn class<L: Lanes>(&mut self, lanes: L, class: Class, reach: u32) {
        let sweep = self.sweep;
        let view = sweep.view();
        let asks = &sweep.book.asks[class.first as usize..class.end as usize];
        let due = asks.partition_point(|ask| ask.part + reach >= self.floor);
        let least = self.floor.saturating_sub(DEPTH);
        let lowest = least.saturating_sub(class.part).cast_signed() - view.luck(&class.shape);
        view.cells(lanes, &class.shape, lowest, &mut self.place.cells);
        let mut soon = asks[..due].iter().skip(AHEAD);
        for (rank, ask) in (class.first..).zip(&asks[..due]) {
            if let Some(soon) = soon.next() {
                fetch(&sweep.keys[soon.position as usize]);
            }
            if !ask.hopeless {
                let key = sweep.keys[ask.position as usize];
                let mut sleeper = Sleeper::new(rank, ask, &class.shape, key);
                let found = view.search(lanes, &sleeper, &self.place.cells, least);
                self.place.take(&mut sleeper, &found);
                self.found(sleeper);
            }
        }
        if let Some(next) = asks.get(due) {
            let rest = Class {
                first: class.first + due as u32,
                part: next.part,
                ..class
            };
            self.place.wait(next.part + reach, rest);
        }
    }

    #[inline(always)]
    fn found(&mut self, sleeper: Sleeper) {
        match Sweep::until(&sleeper) {
            Some(until) if until >= self.floor => self.place.awake.push(sleeper),
            Some(until) => self.place.sleep(until, sleeper),
            None => {}
        }
    }
}
