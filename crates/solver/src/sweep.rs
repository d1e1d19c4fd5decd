//! The walk down the order, band of scores by band of scores.

use std::collections::BinaryHeap;

use quorate_matching::Match;

use crate::ask::Asks;
use crate::market::Market;
use crate::pool;
use crate::shortlist::{Candidate, Scratch, search};
use crate::wide::fetch;

/// Scores of one bucket: 2 to this.
const BUCKET_BITS: u32 = 15;
/// About one in so many requests wakes in a band.
const BANDS: usize = 64;
/// How many wake in a band at least.
const LEAST_BAND: usize = 1_024;
/// How far below a band a search looks: less makes searches short, more makes them few.
const DEPTH: u32 = 1 << 21;
/// How many requests ahead memory is asked for the next ones.
const AHEAD: usize = 8;
/// Requests that one job wakes.
const JOB: usize = 512;

/// What the sweep found.
pub(crate) struct Swept {
    /// In descending order.
    pub(crate) matches: Vec<Match>,
    /// By the request's position.
    pub(crate) fates: Vec<Fate>,
}

/// How a request fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// No search has found a machine for it, or none was made.
    Unknown,
    /// An eligible machine is known.
    Eligible,
    /// It is served.
    Matched,
}

/// A request with what is left of its shortlist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Sleeper {
    request: u32,
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
    tie: u64,
    request: u32,
    offer: u32,
    /// What stands behind it.
    rest: Sleeper,
}

impl Head {
    const fn new(best: &Candidate, rest: Sleeper) -> Self {
        Self {
            score: best.score,
            tie: best.tie,
            request: rest.request,
            offer: best.offer,
            rest,
        }
    }
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

/// What a job brings back. Positions in `lists` count from 0.
#[derive(Default)]
struct Woken {
    heads: Vec<Head>,
    asleep: Vec<(u32, Sleeper)>,
    lists: Vec<Candidate>,
    /// From these on, the lists are the job's own.
    fresh_heads: Vec<Head>,
    fresh_asleep: Vec<(u32, Sleeper)>,
}

struct Sweep<'m, 'a> {
    market: &'m mut Market<'a>,
    asks: &'m Asks,
    threads: usize,
    buckets: Vec<Vec<Sleeper>>,
    lists: Vec<Candidate>,
    fates: Vec<Fate>,
    matches: Vec<Match>,
    taken: Vec<u32>,
    scratch: Scratch,
    limit: usize,
}

/// Walks the whole order.
pub(crate) fn sweep(market: &mut Market<'_>, asks: &Asks, threads: usize) -> Swept {
    let limit = market.policy.match_limit();
    let mut sweep = Sweep {
        limit: limit.map_or(usize::MAX, |limit| limit as usize),
        buckets: first_buckets(asks),
        fates: vec![Fate::Unknown; asks.len()],
        lists: Vec::new(),
        matches: Vec::new(),
        taken: Vec::new(),
        scratch: Scratch::default(),
        market,
        asks,
        threads,
    };
    while sweep.matches.len() < sweep.limit && sweep.band() {}
    Swept {
        matches: sweep.matches,
        fates: sweep.fates,
    }
}

fn bucket(score: u32) -> usize {
    (score >> BUCKET_BITS) as usize
}

fn first_buckets(asks: &Asks) -> Vec<Vec<Sleeper>> {
    let highest = asks.bounds().max().unwrap_or(0);
    let mut buckets = vec![Vec::new(); bucket(highest) + 1];
    for (request, bound) in (0..).zip(asks.bounds()) {
        if bound > 0 {
            buckets[bucket(bound)].push(Sleeper {
                request,
                at: 0,
                count: 0,
                below: bound + 1,
            });
        }
    }
    buckets
}

impl Sweep<'_, '_> {
    /// One band; false when there is none left.
    fn band(&mut self) -> bool {
        let mut active = Vec::new();
        while active.len() < (self.asks.len() / BANDS).max(LEAST_BAND) {
            let Some(bucket) = self.buckets.pop() else {
                break;
            };
            active.extend(bucket);
        }
        if active.is_empty() {
            return false;
        }
        // Scores from here up are this band's.
        let floor = (self.buckets.len() as u32) << BUCKET_BITS;
        let heads = self.wake(&active, floor);
        self.walk(heads, floor);
        let taken = std::mem::take(&mut self.taken);
        self.market.refresh(&taken, self.threads);
        true
    }

    /// Finds the best pair of each request, side by side.
    fn wake(&mut self, active: &[Sleeper], floor: u32) -> Vec<Head> {
        let this = &*self;
        let jobs = active.len().div_ceil(JOB);
        let woken = pool::run(self.threads, jobs, |job| {
            let end = active.len().min((job + 1) * JOB);
            this.wake_some(&active[job * JOB..end], floor)
        });
        let mut heads = Vec::with_capacity(active.len());
        for job in woken {
            let base = self.lists.len() as u32;
            self.lists.extend_from_slice(&job.lists);
            heads.extend(job.heads);
            for (score, sleeper) in job.asleep {
                self.buckets[bucket(score)].push(sleeper);
            }
            for mut head in job.fresh_heads {
                head.rest.at += base;
                self.fates[head.request as usize] = Fate::Eligible;
                heads.push(head);
            }
            for (score, mut sleeper) in job.fresh_asleep {
                sleeper.at += base;
                self.fates[sleeper.request as usize] = Fate::Eligible;
                self.buckets[bucket(score)].push(sleeper);
            }
        }
        heads
    }

    fn wake_some(&self, active: &[Sleeper], floor: u32) -> Woken {
        let mut woken = Woken::default();
        let mut scratch = Scratch::default();
        for (at, sleeper) in active.iter().enumerate() {
            if let Some(soon) = active.get(at + AHEAD) {
                fetch(self.asks.get(soon.request));
                if let Some(first) = self.lists.get(soon.at as usize) {
                    fetch(first);
                }
            }
            match self.next(sleeper, &self.lists) {
                Next::Head(head) if head.score >= floor => woken.heads.push(head),
                Next::Head(head) => woken.asleep.push((head.score, back(&head))),
                Next::Nothing => {}
                Next::Search(_) => {
                    let rest = self.search(sleeper.request, floor, &mut woken.lists, &mut scratch);
                    match self.next(&rest, &woken.lists) {
                        Next::Head(head) if head.score >= floor => woken.fresh_heads.push(head),
                        Next::Head(head) => woken.fresh_asleep.push((head.score, back(&head))),
                        Next::Search(below) => woken.asleep.push((below - 1, rest)),
                        Next::Nothing => {}
                    }
                }
            }
        }
        woken
    }

    /// Makes a shortlist at the end of `lists`.
    fn search(
        &self,
        request: u32,
        floor: u32,
        lists: &mut Vec<Candidate>,
        scratch: &mut Scratch,
    ) -> Sleeper {
        let least = floor.saturating_sub(DEPTH);
        let found = search(self.market, request, self.asks.get(request), least, scratch);
        let at = lists.len() as u32;
        lists.extend_from_slice(found.best());
        Sleeper {
            request,
            at,
            count: found.best().len() as u8,
            below: found.below(),
        }
    }

    /// The best of a request's list that still has room.
    fn next(&self, sleeper: &Sleeper, lists: &[Candidate]) -> Next {
        if sleeper.count == 0 && sleeper.below > 0 {
            return Next::Search(sleeper.below);
        }
        let start = sleeper.at as usize;
        let list = &lists[start..start + usize::from(sleeper.count)];
        let demand = self.asks.get(sleeper.request).demand();
        for (rank, best) in (1..).zip(list) {
            if self.market.left[best.offer as usize].holds(&demand) {
                let rest = Sleeper {
                    at: sleeper.at + u32::from(rank),
                    count: sleeper.count - rank,
                    ..*sleeper
                };
                return Next::Head(Head::new(best, rest));
            }
        }
        match sleeper.below {
            0 => Next::Nothing,
            below => Next::Search(below),
        }
    }

    /// Goes down the band's pairs, takes what fits, and puts the next pair of what does not in.
    fn walk(&mut self, mut heads: Vec<Head>, floor: u32) {
        heads.sort_unstable_by(|a, b| b.cmp(a));
        let mut sorted = heads.into_iter().peekable();
        let mut late: BinaryHeap<Head> = BinaryHeap::new();
        while self.matches.len() < self.limit {
            let of_late = match (sorted.peek(), late.peek()) {
                (None, None) => return,
                (Some(a), Some(b)) => b > a,
                (first, _) => first.is_none(),
            };
            let Some(head) = (if of_late { late.pop() } else { sorted.next() }) else {
                return;
            };
            let demand = self.asks.get(head.request).demand();
            if self.market.left[head.offer as usize].holds(&demand) {
                self.market.take(head.offer, &demand);
                self.taken.push(head.offer);
                self.fates[head.request as usize] = Fate::Matched;
                self.matches.push(self.matched(&head));
            } else if let Some(next) = self.passed_over(&head.rest, floor) {
                late.push(next);
            }
        }
    }

    /// A request's next pair in this band; where there is none, the request sleeps on.
    fn passed_over(&mut self, rest: &Sleeper, floor: u32) -> Option<Head> {
        let mut next = self.next(rest, &self.lists);
        if let Next::Search(below) = next
            && below > floor
        {
            let mut lists = std::mem::take(&mut self.lists);
            let mut scratch = std::mem::take(&mut self.scratch);
            let rest = self.search(rest.request, floor, &mut lists, &mut scratch);
            (self.lists, self.scratch) = (lists, scratch);
            next = self.next(&rest, &self.lists);
        }
        let (score, sleeper) = match next {
            Next::Head(head) if head.score >= floor => return Some(head),
            Next::Head(head) => (head.score, back(&head)),
            Next::Search(below) => {
                let sleeper = Sleeper {
                    count: 0,
                    below,
                    ..*rest
                };
                (below - 1, sleeper)
            }
            Next::Nothing => return None,
        };
        self.buckets[bucket(score)].push(sleeper);
        None
    }

    fn matched(&self, head: &Head) -> Match {
        let snapshot = self.market.snapshot;
        Match {
            request: snapshot.requests()[head.request as usize].request.id,
            offer: snapshot.offers()[head.offer as usize].offer.id,
            score: u64::from(head.score),
            tie: head.tie,
        }
    }
}

/// The list that begins with the head.
const fn back(head: &Head) -> Sleeper {
    Sleeper {
        request: head.rest.request,
        at: head.rest.at - 1,
        count: head.rest.count + 1,
        below: head.rest.below,
    }
}
