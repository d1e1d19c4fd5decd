//! A request's few best machines among those with room.

use quorate_matching::{Snapshot, fold};

use crate::ask::{Book, Shape};
use crate::block::LANES;
use crate::lanes::{CELLS, Lanes, NONE, Query};
use crate::market::Market;
use crate::sleeper::{SHORT, Sleeper};
use crate::stock::{Shelf, Stock};

/// A machine on a shortlist.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Candidate {
    pub(crate) score: u32,
    pub(crate) tie: u64,
    pub(crate) machine: u32,
}

/// The best machines, best first.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Shortlist {
    best: [Candidate; SHORT],
    count: usize,
    /// Nothing below this was looked for.
    least: u32,
    /// Pairs that were scored for it.
    pub(crate) pairs: u32,
}

impl Shortlist {
    pub(crate) const fn new(least: u32) -> Self {
        Self {
            best: [Candidate {
                score: 0,
                tie: 0,
                machine: 0,
            }; SHORT],
            count: 0,
            least,
            pairs: 0,
        }
    }

    pub(crate) fn best(&self) -> &[Candidate] {
        &self.best[..self.count]
    }

    /// What is not on the list scores less than this; 0 if there is nothing else.
    pub(crate) const fn below(&self) -> u32 {
        if self.full() {
            self.best[SHORT - 1].score + 1
        } else {
            self.least
        }
    }

    const fn full(&self) -> bool {
        self.count == SHORT
    }

    fn insert(&mut self, candidate: Candidate, positions: &[u32]) {
        // The order of pairs, among those of one request.
        let key = |of: &Candidate| (of.score, of.tie, positions[of.machine as usize]);
        let mut at = if self.full() { SHORT - 1 } else { self.count };
        if self.full() && key(&self.best[at]) > key(&candidate) {
            return;
        }
        while at > 0 && key(&self.best[at - 1]) < key(&candidate) {
            self.best[at] = self.best[at - 1];
            at -= 1;
        }
        self.best[at] = candidate;
        self.count = SHORT.min(self.count + 1);
    }

    /// The score without the request's part below which nothing can enter.
    fn floor(&self, part: u32) -> i32 {
        let least = if self.full() {
            self.best[SHORT - 1].score
        } else {
            self.least
        };
        least.saturating_sub(part).cast_signed()
    }
}

/// A cell that a request may go to, with the most that it offers before the lottery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Near {
    pub(crate) bound: i32,
    pub(crate) cell: u32,
}

/// All that searches read.
#[derive(Clone, Copy)]
pub(crate) struct View<'v> {
    pub(crate) snapshot: &'v Snapshot,
    pub(crate) market: &'v Market,
    pub(crate) book: &'v Book,
    pub(crate) stock: &'v Stock,
}

impl View<'_> {
    /// The most that the lottery adds for a profile.
    pub(crate) fn luck(&self, shape: &Shape) -> i32 {
        (self.market.luck[shape.profile()] * 10_000).cast_signed()
    }

    #[inline(always)]
    fn shelf(&self, shape: &Shape) -> &Shelf {
        &self.stock.shelves[shape.profile()]
    }

    fn heads(&self, shape: &Shape) -> &[i32] {
        self.shelf(shape).heads(self.market, shape.size())
    }

    /// Sixteen regions at a time: where their cells begin, their heads, nearness, and which of them
    /// the shape allows.
    #[inline(always)]
    pub(crate) fn rows(
        &self,
        shape: &Shape,
        heads: &[i32],
        mut visit: impl FnMut(usize, &[i32; CELLS], &[i32; CELLS], u16),
    ) {
        let width = self.market.width;
        let near = self.market.tables.near(shape.profile(), shape.home);
        let models = heads.chunks_exact(width.max(1)).enumerate();
        for (model, heads) in models {
            if shape.models >> (model % 64) & 1 == 0 {
                continue;
            }
            let (heads, _) = heads.as_chunks::<CELLS>();
            let (near, _) = near.as_chunks::<CELLS>();
            for (at, (heads, near)) in heads.iter().zip(near).enumerate() {
                let mask = (shape.regions >> (at * CELLS % 64)) as u16;
                if mask != 0 {
                    visit(model * width + at * CELLS, heads, near, mask);
                }
            }
        }
    }

    /// The most that the machines offer before the lottery; below zero if none is left.
    #[inline(always)]
    pub(crate) fn reach<L: Lanes>(&self, lanes: L, shape: &Shape) -> i32 {
        let mut most = NONE;
        self.rows(shape, self.heads(shape), |_, heads, near, mask| {
            most = most.max(lanes.most(heads, near, mask));
        });
        most
    }

    /// The cells that offer at least `floor` before the lottery, best first.
    #[inline(always)]
    pub(crate) fn cells<L: Lanes>(
        &self,
        lanes: L,
        shape: &Shape,
        floor: i32,
        cells: &mut Vec<Near>,
    ) {
        cells.clear();
        self.rows(shape, self.heads(shape), |first, heads, near, mask| {
            let mut mask = lanes.cells(heads, near, floor.max(0)) & mask;
            while mask != 0 {
                let at = mask.trailing_zeros() as usize;
                mask &= mask - 1;
                let bound = heads[at] + near[at];
                let cell = (first + at) as u32;
                cells.push(Near { bound, cell });
            }
        });
        if cells.len() > 1 {
            cells.sort_unstable_by(|a, b| b.cmp(a));
        }
    }

    /// Searches these cells, best first, for the best machines that the request is eligible for and
    /// that have room, down to a score of `least`.
    #[inline(always)]
    pub(crate) fn search<L: Lanes>(
        &self,
        lanes: L,
        who: &Sleeper,
        cells: &[Near],
        least: u32,
    ) -> Shortlist {
        let mut list = Shortlist::new(least);
        let luck = self.luck(&who.shape);
        let mut floor = list.floor(who.part);
        for near in cells {
            if near.bound + luck < floor {
                break;
            }
            let cell = near.cell as usize;
            let mut pairs = 0;
            floor = self.search_cell(lanes, who, cell, floor, &mut pairs, |candidate| {
                list.insert(candidate, &self.market.positions);
                list.floor(who.part)
            });
            list.pairs += pairs;
        }
        list
    }

    /// Visits the machines of a cell that the request is eligible for, that have room and that
    /// score, without the request's part, at least the floor; `visit` returns the floor from there.
    /// Counts the pairs that it scores.
    #[inline(always)]
    pub(crate) fn search_cell<L: Lanes>(
        &self,
        lanes: L,
        who: &Sleeper,
        cell: usize,
        mut floor: i32,
        pairs: &mut u32,
        mut visit: impl FnMut(Candidate) -> i32,
    ) -> i32 {
        let market = self.market;
        if market.cheapest[cell] > who.budget || market.best_uptime[cell] < who.min_uptime {
            return floor;
        }
        let profile = who.shape.profile();
        let shelf = self.shelf(&who.shape);
        let region = market.tables.near(profile, who.shape.home)[cell % market.width];
        let luck = self.luck(&who.shape);
        let mut query = Query {
            key: who.key,
            base: 0,
            weight: market.luck[profile],
            budget: who.budget,
            min_uptime: who.min_uptime,
            gpus: who.shape.gpus,
        };
        let size = who.shape.size();
        let groups = &market.cells[cell];
        let groups = groups.start as usize / LANES..groups.end as usize / LANES;
        for (at, tops) in groups.clone().zip(&shelf.tops(market, size)[groups]) {
            let mut open = lanes.tops(tops, floor - luck - region);
            while open != 0 {
                let lane = open.trailing_zeros() as usize;
                open &= open - 1;
                // The floor may have risen since the eight were looked at.
                if tops[lane] + region + luck < floor {
                    continue;
                }
                let at = at * LANES + lane;
                let free = market.groups[at].free;
                let fit = market.tables.fit(profile, who.shape.gpus, free);
                query.base = region.cast_unsigned() + fit;
                let reach = query.base.cast_signed() + luck;
                for block in shelf.blocks_from(market, size, at) {
                    if reach + block.part[0].cast_signed() < floor {
                        break;
                    }
                    *pairs += LANES as u32;
                    let (mut mask, scores) = lanes.slots(&query, block, floor);
                    while mask != 0 {
                        let lane = mask.trailing_zeros() as usize;
                        mask &= mask - 1;
                        let machine = block.machine[lane];
                        if scores[lane] >= floor && self.fits(who.rank, machine) {
                            floor = visit(Candidate {
                                score: who.part + scores[lane].cast_unsigned(),
                                tie: fold(who.key, block.key[lane]),
                                machine,
                            });
                        }
                    }
                }
            }
        }
        floor
    }

    /// Whether the machine has room for the request and the pair exists, but for what blocks tell.
    #[inline(always)]
    fn fits(&self, rank: u32, machine: u32) -> bool {
        let ask = &self.book.asks[rank as usize];
        self.stock.left[machine as usize].holds(&ask.demand())
            && self.market.admits(self.snapshot, ask, machine)
    }
}
