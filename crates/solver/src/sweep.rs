//! The walk down the order, band of scores by band of scores.

use std::collections::BinaryHeap;

use quorate_canon::{OfferId, RequestId};
use quorate_matching::{Match, Snapshot};

use crate::ask::{Ask, Book, Class};
use crate::lanes::{Lanes, Width, Work, fetch};
use crate::market::Market;
use crate::pool;
use crate::search::{Candidate, Near, Shortlist, View};
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

/// What the sweep found.
pub(crate) struct Swept {
    /// In descending order.
    pub(crate) matches: Vec<Match>,
    /// By the request's position.
    pub(crate) served: Vec<bool>,
    /// What is left.
    pub(crate) stock: Stock,
}

/// A request with what is left of its shortlist.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Sleeper {
    rank: u32,
    /// Where the rest of its list begins, and how many stand there.
    at: u32,
    count: u8,
    /// What is not on the list scores less than this; 0 if there is nothing else.
    below: u32,
}

/// A request's best pair; by positions, so the order is that of pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Head {
    score: u32,
    request: u32,
    tie: u64,
    offer: u32,
    /// What stands behind it.
    rest: Sleeper,
}

/// Where a request goes next.
enum Next {
    /// Its best pair is known.
    Head(Head),
    /// Its list has run out, and what else there is scores less than this.
    Search(u32),
    /// Nothing is left.
    Nothing,
}

/// What a job brings back.
#[derive(Default)]
struct Woken {
    heads: Vec<Head>,
    /// With the bucket's score.
    asleep: Vec<(u32, Sleeper)>,
    classes: Vec<(u32, u32)>,
    /// The classes of which requests were woken, without these.
    fronts: Vec<(u32, Class)>,
    lists: Vec<Candidate>,
    /// From these on, `at` counts in the job's own lists.
    fresh_heads: Vec<Head>,
    fresh_asleep: Vec<(u32, Sleeper)>,
}

/// What waits for the sweep to come down to a score.
#[derive(Default, Clone)]
struct Bucket {
    sleepers: Vec<Sleeper>,
    classes: Vec<u32>,
}

impl Bucket {
    /// Puts those together that look at the same machines.
    fn gather(&mut self, book: &Book) {
        self.sleepers = binned(&self.sleepers, book.asks.len(), |sleeper| sleeper.rank);
        self.classes = binned(&self.classes, book.classes.len(), |class| *class);
    }
}

/// The same items in the order of the upper bits of what `place` says, which is below `count`.
fn binned<T: Copy + Default>(items: &[T], count: usize, place: impl Fn(&T) -> u32) -> Vec<T> {
    const BINS: usize = 512;
    let shift = (count / BINS).max(1).next_power_of_two().ilog2();
    let bin = |item: &T| (place(item) >> shift) as usize;
    let mut ends = [0; BINS + 1];
    for item in items {
        ends[bin(item)] += 1;
    }
    let mut sum = 0;
    for end in &mut ends {
        (sum, *end) = (sum + *end, sum);
    }
    let mut sorted = vec![T::default(); items.len()];
    for item in items {
        let to = &mut ends[bin(item)];
        sorted[*to] = *item;
        *to += 1;
    }
    sorted
}

struct Sweep<'m> {
    snapshot: &'m Snapshot,
    market: &'m Market,
    book: &'m Book,
    keys: &'m [u64],
    stock: Stock,
    width: Width,
    threads: usize,
    buckets: Vec<Bucket>,
    /// The classes without the requests that were woken.
    fronts: Vec<Class>,
    lists: Vec<Candidate>,
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
        stock,
        width,
        threads,
    } = start;
    let mut sweep = Sweep {
        snapshot,
        market,
        book,
        keys,
        stock,
        width,
        threads,
        buckets: Vec::new(),
        fronts: book.classes.clone(),
        lists: Vec::new(),
        served: vec![false; book.asks.len()],
        matches: Vec::new(),
        taken: Vec::new(),
        limit: market.limit.map_or(usize::MAX, |limit| limit as usize),
    };
    sweep.fill_buckets();
    while sweep.matches.len() < sweep.limit && sweep.band() {}
    Swept {
        matches: sweep.matches,
        served: sweep.served,
        stock: sweep.stock,
    }
}

fn bucket(score: u32) -> usize {
    (score >> BUCKET_BITS) as usize
}

impl Sweep<'_> {
    fn view(&self) -> View<'_> {
        View {
            snapshot: self.snapshot,
            market: self.market,
            book: self.book,
            keys: self.keys,
            stock: &self.stock,
        }
    }

    /// Puts every class to sleep until the most that its first request can reach.
    fn fill_buckets(&mut self) {
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
        let highest = tops.iter().flatten().copied().max().unwrap_or(0);
        self.buckets = vec![Bucket::default(); bucket(highest) + 1];
        for (class, top) in (0..).zip(tops.into_iter().flatten()) {
            if top > 0 {
                self.buckets[bucket(top)].classes.push(class);
            }
        }
    }

    /// One band; false when there is none left.
    fn band(&mut self) -> bool {
        let enough = (self.book.asks.len() / BANDS).max(LEAST_BAND);
        let mut active = Bucket::default();
        while active.sleepers.len() + active.classes.len() < enough {
            let Some(bucket) = self.buckets.pop() else {
                break;
            };
            active.sleepers.extend(bucket.sleepers);
            active.classes.extend(bucket.classes);
        }
        if active.sleepers.is_empty() && active.classes.is_empty() {
            return false;
        }
        active.gather(self.book);
        // Scores from here up are this band's.
        let floor = (self.buckets.len() as u32) << BUCKET_BITS;
        let heads = self.wake(&active, floor);
        self.walk(heads, floor);
        let taken = std::mem::take(&mut self.taken);
        self.stock
            .refresh(self.market, &self.book.least, &taken, self.threads);
        true
    }

    /// Finds the best pair of each request, side by side.
    fn wake(&mut self, active: &Bucket, floor: u32) -> Vec<Head> {
        let this = &*self;
        let of_classes = active.classes.len().div_ceil(JOB);
        let of_sleepers = active.sleepers.len().div_ceil(JOB);
        let woken = pool::run(self.threads, of_classes + of_sleepers, |job| {
            this.width.run(Wake {
                sweep: this,
                active,
                floor,
                job,
                of_classes,
            })
        });
        let mut heads = Vec::with_capacity(active.sleepers.len());
        for job in woken {
            let base = self.lists.len() as u32;
            self.lists.extend_from_slice(&job.lists);
            heads.extend(job.heads);
            for (score, sleeper) in job.asleep {
                self.buckets[bucket(score)].sleepers.push(sleeper);
            }
            for mut head in job.fresh_heads {
                head.rest.at += base;
                heads.push(head);
            }
            for (score, mut sleeper) in job.fresh_asleep {
                sleeper.at += base;
                self.buckets[bucket(score)].sleepers.push(sleeper);
            }
            for (class, front) in job.fronts {
                self.fronts[class as usize] = front;
            }
            for (score, class) in job.classes {
                self.buckets[bucket(score)].classes.push(class);
            }
        }
        heads
    }

    fn ask(&self, rank: u32) -> &Ask {
        &self.book.asks[rank as usize]
    }

    /// The best of a request's list that still has room.
    fn next(&self, sleeper: &Sleeper, lists: &[Candidate]) -> Next {
        let start = sleeper.at as usize;
        let list = &lists[start..start + usize::from(sleeper.count)];
        let ask = self.ask(sleeper.rank);
        let demand = ask.demand();
        for (rank, best) in (1..).zip(list) {
            if self.stock.left[best.offer as usize].holds(&demand) {
                return Next::Head(Head {
                    score: best.score,
                    request: ask.position,
                    tie: best.tie,
                    offer: best.offer,
                    rest: Sleeper {
                        at: sleeper.at + u32::from(rank),
                        count: sleeper.count - rank,
                        ..*sleeper
                    },
                });
            }
        }
        match sleeper.below {
            0 => Next::Nothing,
            below => Next::Search(below),
        }
    }

    /// Searches for one request alone. Where nothing within reach is left before the sweep comes
    /// down to a score, an empty list that says so.
    #[inline(always)]
    fn search<L: Lanes>(
        &self,
        lanes: L,
        rank: u32,
        floor: u32,
        cells: &mut Vec<Near>,
    ) -> Shortlist {
        let view = self.view();
        let ask = self.ask(rank);
        let shape = &self.book.class(ask).shape;
        let reach = view.reach(lanes, shape);
        if reach < 0 {
            return Shortlist::new(0);
        }
        let most = ask.part + (reach + view.luck(shape)).cast_unsigned();
        if most < floor {
            return Shortlist::new(most + 1);
        }
        let least = floor.saturating_sub(DEPTH);
        let lowest = least.saturating_sub(ask.part).cast_signed() - view.luck(shape);
        view.cells(lanes, shape, lowest, cells);
        view.search(lanes, ask, shape, cells, least)
    }

    /// Goes down the band's pairs, takes what fits, and puts the next pair of what does not in.
    fn walk(&mut self, mut heads: Vec<Head>, floor: u32) {
        heads.sort_unstable_by(|a, b| order(b, a));
        let mut sorted = heads.into_iter().peekable();
        let mut late: BinaryHeap<Late> = BinaryHeap::new();
        while self.matches.len() < self.limit {
            let of_late = match (sorted.peek(), late.peek()) {
                (None, None) => return,
                (Some(a), Some(b)) => order(&b.0, a).is_gt(),
                (first, _) => first.is_none(),
            };
            let next = if of_late {
                late.pop().map(|late| late.0)
            } else {
                sorted.next()
            };
            let Some(head) = next else {
                return;
            };
            let demand = self.ask(head.rest.rank).demand();
            if self.stock.left[head.offer as usize].holds(&demand) {
                self.stock.take(head.offer, &demand);
                self.taken.push(head.offer);
                self.served[head.request as usize] = true;
                self.matches.push(self.matched(&head));
            } else if let Some(next) = self.passed_over(&head.rest, floor) {
                late.push(Late(next));
            }
        }
    }

    /// A request's next pair in this band; where there is none, the request sleeps on.
    fn passed_over(&mut self, rest: &Sleeper, floor: u32) -> Option<Head> {
        let mut next = self.next(rest, &self.lists);
        if let Next::Search(below) = next
            && below > floor
        {
            let list = self.width.run(Again {
                sweep: self,
                rank: rest.rank,
                floor,
            });
            let rest = asleep(rest.rank, &list, &mut self.lists);
            next = self.next(&rest, &self.lists);
        }
        let (score, sleeper) = match next {
            Next::Head(head) if head.score >= floor => return Some(head),
            Next::Head(head) => (head.score, back(&head)),
            Next::Search(below) => (below - 1, empty(rest.rank, below)),
            Next::Nothing => return None,
        };
        self.buckets[bucket(score)].sleepers.push(sleeper);
        None
    }

    fn matched(&self, head: &Head) -> Match {
        Match {
            request: RequestId::new(self.book.ids[head.request as usize]),
            offer: OfferId::new(self.market.ids[head.offer as usize]),
            score: u64::from(head.score),
            tie: head.tie,
        }
    }
}

/// The strict order of pairs.
fn order(a: &Head, b: &Head) -> std::cmp::Ordering {
    let key = |head: &Head| (head.score, head.tie, head.request, head.offer);
    key(a).cmp(&key(b))
}

/// A pair that came into its band late.
struct Late(Head);

impl PartialEq for Late {
    fn eq(&self, other: &Self) -> bool {
        order(&self.0, &other.0).is_eq()
    }
}

impl Eq for Late {}

impl PartialOrd for Late {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Late {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        order(&self.0, &other.0)
    }
}

/// A request without a list.
const fn empty(rank: u32, below: u32) -> Sleeper {
    Sleeper {
        rank,
        at: 0,
        count: 0,
        below,
    }
}

/// Puts a shortlist at the end of `lists`.
fn asleep(rank: u32, list: &Shortlist, lists: &mut Vec<Candidate>) -> Sleeper {
    let at = lists.len() as u32;
    lists.extend_from_slice(list.best());
    Sleeper {
        rank,
        at,
        count: list.best().len() as u8,
        below: list.below(),
    }
}

/// The list that begins with the head.
const fn back(head: &Head) -> Sleeper {
    Sleeper {
        rank: head.rest.rank,
        at: head.rest.at - 1,
        count: head.rest.count + 1,
        below: head.rest.below,
    }
}

/// The most that the first request of each class can reach; 0 if there is no machine for it.
struct FirstTops<'s, 'm> {
    sweep: &'s Sweep<'m>,
    classes: std::ops::Range<usize>,
}

impl Work for FirstTops<'_, '_> {
    type Output = Vec<u32>;

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> Vec<u32> {
        let view = self.sweep.view();
        let classes = &self.sweep.book.classes[self.classes];
        let top = |class: &Class| match view.reach(lanes, &class.shape) {
            reach if reach < 0 => 0,
            reach => class.part + (reach + view.luck(&class.shape)).cast_unsigned(),
        };
        classes.iter().map(top).collect()
    }
}

/// A search in the middle of a walk.
struct Again<'s, 'm> {
    sweep: &'s Sweep<'m>,
    rank: u32,
    floor: u32,
}

impl Work for Again<'_, '_> {
    type Output = Shortlist;

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> Shortlist {
        self.sweep
            .search(lanes, self.rank, self.floor, &mut Vec::new())
    }
}

/// One job of waking.
struct Wake<'s, 'm> {
    sweep: &'s Sweep<'m>,
    active: &'s Bucket,
    floor: u32,
    job: usize,
    of_classes: usize,
}

impl Work for Wake<'_, '_> {
    type Output = Woken;

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> Woken {
        let mut woken = Woken::default();
        let mut cells = Vec::new();
        if let Some(job) = self.job.checked_sub(self.of_classes) {
            let sleepers = &self.active.sleepers;
            let end = sleepers.len().min((job + 1) * JOB);
            for at in job * JOB..end {
                self.fetch_sleeper(sleepers, at);
                self.sleeper(lanes, &sleepers[at], &mut cells, &mut woken);
            }
        } else {
            let classes = &self.active.classes;
            let end = classes.len().min((self.job + 1) * JOB);
            for at in self.job * JOB..end {
                self.fetch_class(classes, at);
                self.class(lanes, classes[at], &mut cells, &mut woken);
            }
        }
        woken
    }
}

impl Wake<'_, '_> {
    /// Asks memory for what the classes after this one need, in two steps.
    #[inline(always)]
    fn fetch_class(&self, classes: &[u32], at: usize) {
        if let Some(later) = classes.get(at + 2 * AHEAD) {
            fetch(&self.sweep.fronts[*later as usize]);
        }
        if let Some(soon) = classes.get(at + AHEAD) {
            let first = self.sweep.fronts[*soon as usize].first;
            fetch(self.sweep.ask(first));
        }
    }

    /// Asks memory for what the sleepers after this one need, in two steps.
    #[inline(always)]
    fn fetch_sleeper(&self, sleepers: &[Sleeper], at: usize) {
        if let Some(later) = sleepers.get(at + 2 * AHEAD) {
            fetch(self.sweep.ask(later.rank));
            if let Some(first) = self.sweep.lists.get(later.at as usize) {
                fetch(first);
            }
        }
        if let Some(soon) = sleepers.get(at + AHEAD) {
            let ask = self.sweep.ask(soon.rank);
            fetch(self.sweep.book.class(ask));
            if soon.count == 0 {
                fetch(&self.sweep.keys[ask.position as usize]);
            }
        }
    }

    #[inline(always)]
    fn sleeper<L: Lanes>(
        &self,
        lanes: L,
        sleeper: &Sleeper,
        cells: &mut Vec<Near>,
        woken: &mut Woken,
    ) {
        match self.sweep.next(sleeper, &self.sweep.lists) {
            Next::Head(head) if head.score >= self.floor => woken.heads.push(head),
            Next::Head(head) => woken.asleep.push((head.score, back(&head))),
            Next::Nothing => {}
            Next::Search(below) if below <= self.floor => {
                woken.asleep.push((below - 1, empty(sleeper.rank, below)));
            }
            Next::Search(_) => {
                let list = self.sweep.search(lanes, sleeper.rank, self.floor, cells);
                self.found(sleeper.rank, &list, woken);
            }
        }
    }

    /// Wakes the requests of a class that can reach the band.
    #[inline(always)]
    fn class<L: Lanes>(&self, lanes: L, at: u32, cells: &mut Vec<Near>, woken: &mut Woken) {
        let sweep = self.sweep;
        let class = &sweep.fronts[at as usize];
        let view = sweep.view();
        let reach = view.reach(lanes, &class.shape);
        if reach < 0 {
            return;
        }
        let luck = view.luck(&class.shape);
        let reach = (reach + luck).cast_unsigned();
        if class.part + reach < self.floor {
            woken.classes.push((class.part + reach, at));
            return;
        }
        let least = self.floor.saturating_sub(DEPTH);
        let lowest = least.saturating_sub(class.part).cast_signed() - luck;
        view.cells(lanes, &class.shape, lowest, cells);
        let mut rest = *class;
        for ask in &sweep.book.asks[class.first as usize..class.end as usize] {
            if ask.part + reach < self.floor {
                rest.part = ask.part;
                woken.classes.push((ask.part + reach, at));
                break;
            }
            if !ask.hopeless {
                let list = view.search(lanes, ask, &class.shape, cells, least);
                self.found(rest.first, &list, woken);
            }
            rest.first += 1;
        }
        woken.fronts.push((at, rest));
    }

    #[inline(always)]
    fn found(&self, rank: u32, list: &Shortlist, woken: &mut Woken) {
        let rest = asleep(rank, list, &mut woken.lists);
        match self.sweep.next(&rest, &woken.lists) {
            Next::Head(head) if head.score >= self.floor => woken.fresh_heads.push(head),
            Next::Head(head) => woken.fresh_asleep.push((head.score, back(&head))),
            Next::Search(below) => woken.asleep.push((below - 1, empty(rank, below))),
            Next::Nothing => {}
        }
    }
}
