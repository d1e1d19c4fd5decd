//! The walk down the pairs of a band.

use std::collections::BinaryHeap;

use quorate_canon::{OfferId, RequestId};
use quorate_matching::{Match, fold};

use super::{AHEAD, Place, Sweep};
use crate::lanes::{Lanes, Work, fetch};
use crate::pool;
use crate::sleeper::Sleeper;

/// A request's best pair. The order is that of pairs: no request has two heads at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Head {
    score: u32,
    tie: u64,
    /// The request's position.
    request: u32,
    machine: u32,
    /// Among those that are awake.
    sleeper: u32,
}

impl Sweep<'_> {
    /// What the places have brought, together: heads in descending order, and the requests.
    pub(super) fn gather(places: &mut [Place]) -> (Vec<Head>, Vec<Sleeper>) {
        let (mut heads, mut awake) = (Vec::new(), Vec::new());
        for place in places {
            let base = awake.len() as u32;
            heads.extend(place.heads.drain(..).map(|head| Head {
                sleeper: base + head.sleeper,
                ..head
            }));
            awake.append(&mut place.awake);
        }
        // Each place's are in order by now: a stable sort only merges them.
        heads.sort_by(|a, b| b.cmp(a));
        (heads, awake)
    }

    /// Goes down the band's pairs, takes what fits, and puts the next pair of what does not in.
    pub(super) fn walk(
        &mut self,
        sorted: &[Head],
        mut awake: Vec<Sleeper>,
        floor: u32,
        place: &mut Place,
    ) {
        let mut soon = sorted.iter().skip(AHEAD);
        let mut sorted = sorted.iter().copied().peekable();
        let mut late: BinaryHeap<Head> = BinaryHeap::new();
        while self.matched.len() < self.limit {
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
                self.matched.push(head);
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

    /// The best pair of a request that stands at a place among those that are awake.
    pub(super) fn head(&self, at: u32, sleeper: &Sleeper) -> Option<Head> {
        let (score, machine) = sleeper.first()?;
        Some(Head {
            score,
            tie: fold(sleeper.key, self.machine_keys[machine as usize]),
            request: sleeper.position,
            machine,
            sleeper: at,
        })
    }

    /// What the sweep took, by ids.
    pub(super) fn matches(&self) -> Vec<Match> {
        const CHUNK: usize = 16_384;
        let parts = pool::run(self.threads, self.matched.len().div_ceil(CHUNK), |job| {
            let end = self.matched.len().min((job + 1) * CHUNK);
            let one = |head: &Head| Match {
                request: RequestId::new(self.book.ids[head.request as usize]),
                offer: OfferId::new(self.market.ids[head.machine as usize]),
                score: u64::from(head.score),
                tie: head.tie,
            };
            let some = self.matched[job * CHUNK..end].iter();
            some.map(one).collect::<Vec<_>>()
        });
        parts.concat()
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
