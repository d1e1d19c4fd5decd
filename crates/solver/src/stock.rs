//! What is left of the machines while a round runs, with the most that each cell still offers.
//!
//! A *shelf* belongs to a profile and a size: on it the machines of a cell stand by what they and
//! the fit add to the score of such requests. Heads are upper bounds: what the best machine that
//! still has so many GPUs left adds. They never rise while a round runs. Machines that have not so
//! many left may stand on a shelf for a while; whoever reads it looks at what is left.

use std::sync::{Mutex, PoisonError};

use quorate_matching::Capacity;

use crate::block::{Block, LANES, NOBODY, Slot};
use crate::lanes::NONE;
use crate::market::{Market, NO_CELL};
use crate::pool;
use crate::sizes::Sizes;

/// Machines of a cell, as slots of its shelf.
#[derive(Debug, Default, Clone, Copy)]
struct List {
    /// The best that still has room.
    first: u32,
    end: u32,
    /// How many between have none.
    full: u32,
}

/// The machines as requests of one profile and size see them.
#[derive(Debug, Clone)]
pub(crate) struct Shelf {
    /// The smallest number of GPUs that such requests ask for.
    gpus: u8,
    /// What may come to the parts of its slots: the fit, where several sizes share the shelf.
    pub(crate) slack: u32,
    pub(crate) blocks: Vec<Block>,
    /// By cell.
    lists: Vec<List>,
    /// By cell: the most that it offers before nearness and lottery, or [`NONE`].
    pub(crate) heads: Vec<i32>,
}

/// What is left of all machines.
#[derive(Debug, Clone)]
pub(crate) struct Stock {
    /// By machine.
    pub(crate) left: Vec<Capacity>,
    /// By profile and size.
    pub(crate) shelves: Vec<Shelf>,
}

/// A machine of which something was taken, with the GPUs that it had left before and has after.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    machine: u32,
    before: u8,
    after: u8,
}

impl Stock {
    /// All machines as they are at T, without keys.
    pub(crate) fn new(market: &Market, sizes: &Sizes, least: &Capacity, threads: usize) -> Self {
        let jobs = 4 * sizes.shelves();
        Self {
            left: market.free.clone(),
            shelves: pool::run(threads, jobs, |job| {
                Shelf::new(
                    market,
                    sizes,
                    least,
                    job / sizes.shelves(),
                    job % sizes.shelves(),
                )
            }),
        }
    }

    /// The same with the offers' keys, by machine.
    pub(crate) fn with_keys(&self, keys: &[u64], threads: usize) -> Self {
        let shelves = pool::run(threads, self.shelves.len(), |at| {
            let mut shelf = self.shelves[at].clone();
            for block in &mut shelf.blocks {
                for lane in 0..LANES {
                    let key = keys.get(block.machine[lane] as usize);
                    block.key[lane] = key.copied().unwrap_or(0);
                }
            }
            shelf
        });
        Self {
            left: self.left.clone(),
            shelves,
        }
    }

    /// Takes a request's share of a machine.
    pub(crate) fn take(&mut self, machine: u32, demand: &Capacity, least: &Capacity) -> Taken {
        let left = &mut self.left[machine as usize];
        let before = gpus_left(left, least);
        *left = left.saturating_sub(demand);
        let after = gpus_left(left, least);
        Taken {
            machine,
            before,
            after,
        }
    }

    /// Brings the shelves up to what is left of these machines.
    pub(crate) fn refresh(
        &mut self,
        market: &Market,
        least: &Capacity,
        taken: &[Taken],
        threads: usize,
    ) {
        let left = &self.left;
        // Each job takes one shelf, so no lock is ever waited for.
        let shelves: Vec<_> = self.shelves.iter_mut().map(Mutex::new).collect();
        pool::run(threads, shelves.len(), |at| {
            let mut shelf = shelves[at].lock().unwrap_or_else(PoisonError::into_inner);
            shelf.refresh(market, left, least, taken);
        });
    }
}

impl Shelf {
    fn new(market: &Market, sizes: &Sizes, least: &Capacity, profile: usize, size: usize) -> Self {
        let gpus = sizes.least(size);
        let shared = sizes.is_shared(size);
        let part = |at: usize| {
            let free = market.free[at].gpus;
            let fit = if shared {
                0
            } else {
                market.tables.fit(profile, gpus, free)
            };
            market.parts[at][profile] + fit
        };
        let mut order: Vec<(u32, u32, u32)> = (0_u32..)
            .zip(&market.cell_of)
            .filter(|(_, cell)| **cell != NO_CELL)
            .filter(|(at, _)| gpus_left(&market.free[*at as usize], least) >= gpus)
            .map(|(at, cell)| (*cell, u32::MAX - part(at as usize), at))
            .collect();
        order.sort_unstable();
        let mut shelf = Self {
            gpus,
            slack: if shared {
                market.tables.most_fit(profile)
            } else {
                0
            },
            blocks: Vec::new(),
            lists: vec![List::default(); market.cells],
            heads: vec![NONE; market.cells],
        };
        for same in order.chunk_by(|a, b| a.0 == b.0) {
            let first = shelf.blocks.len() * LANES;
            let blocks = shelf.blocks.len() + same.len().div_ceil(LANES);
            shelf.blocks.resize(blocks, Block::default());
            for (slot, (_, down, at)) in (first..).zip(same) {
                let machine = &market.machines[*at as usize];
                shelf.blocks[slot / LANES].set(
                    slot % LANES,
                    &Slot {
                        key: 0,
                        part: u32::MAX - down,
                        ask: machine.ask,
                        machine: *at,
                        uptime: machine.uptime,
                    },
                );
            }
            let cell = same[0].0 as usize;
            shelf.lists[cell] = List {
                first: first as u32,
                end: (first + same.len()) as u32,
                full: 0,
            };
            shelf.find_head(cell);
        }
        shelf
    }

    /// The blocks of a cell from its best machine on.
    #[inline(always)]
    pub(crate) fn cell(&self, cell: usize) -> &[Block] {
        let list = &self.lists[cell];
        &self.blocks[list.first as usize / LANES..(list.end as usize).div_ceil(LANES)]
    }

    fn machine(&self, slot: u32) -> u32 {
        self.blocks[slot as usize / LANES].machine[slot as usize % LANES]
    }

    fn find_head(&mut self, cell: usize) {
        let List { first, end, .. } = self.lists[cell];
        self.heads[cell] = if first < end {
            let part = self.blocks[first as usize / LANES].part[first as usize % LANES];
            (part + self.slack).cast_signed()
        } else {
            NONE
        };
    }

    fn refresh(&mut self, market: &Market, left: &[Capacity], least: &Capacity, taken: &[Taken]) {
        for one in taken {
            if one.before < self.gpus || one.after >= self.gpus {
                continue;
            }
            let cell = market.cell_of[one.machine as usize] as usize;
            self.lists[cell].full += 1;
            let List { first, end, .. } = self.lists[cell];
            if first < end && self.machine(first) == one.machine {
                self.advance(cell, left, least);
            }
            let List { first, end, full } = self.lists[cell];
            if full * 4 >= end - first && full as usize >= LANES / 2 {
                self.compact(cell, left, least);
            }
        }
    }

    fn has_room(&self, machine: u32, left: &[Capacity], least: &Capacity) -> bool {
        let left = left.get(machine as usize);
        left.is_some_and(|left| gpus_left(left, least) >= self.gpus)
    }

    /// Goes on to the best machine that still has room.
    fn advance(&mut self, cell: usize, left: &[Capacity], least: &Capacity) {
        let mut list = self.lists[cell];
        while list.first < list.end && !self.has_room(self.machine(list.first), left, least) {
            list.first += 1;
            list.full = list.full.saturating_sub(1);
        }
        self.lists[cell] = list;
        self.find_head(cell);
    }

    /// Moves the machines of a cell that still have room together.
    fn compact(&mut self, cell: usize, left: &[Capacity], least: &Capacity) {
        let List { first, end, .. } = self.lists[cell];
        let start = first / LANES as u32 * LANES as u32;
        let mut to = start;
        for from in first..end {
            let slot = self.blocks[from as usize / LANES].get(from as usize % LANES);
            if self.has_room(slot.machine, left, least) {
                self.blocks[to as usize / LANES].set(to as usize % LANES, &slot);
                to += 1;
            }
        }
        for slot in to..end {
            let nobody = Slot {
                machine: NOBODY,
                ..Slot::default()
            };
            self.blocks[slot as usize / LANES].set(slot as usize % LANES, &nobody);
        }
        self.lists[cell] = List {
            first: start,
            end: to,
            full: 0,
        };
        self.find_head(cell);
    }
}

/// GPUs left, or none where the smallest request does not fit.
fn gpus_left(left: &Capacity, least: &Capacity) -> u8 {
    if left.holds(least) { left.gpus } else { 0 }
}
