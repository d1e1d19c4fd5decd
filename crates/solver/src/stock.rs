//! What is left of the machines while a round runs, with the most that each group still offers.
//!
//! Heads are upper bounds: the best part among the machines that still have so many GPUs left, plus
//! their fit. They never rise while a round runs. Each profile has a shelf of its own, on which the
//! machines of a group stand by what they add to the score of that profile's requests.

use std::ops::Range;

use quorate_matching::Capacity;

use crate::block::{Block, LANES, Slot};
use crate::lanes::{NONE, fetch};
use crate::market::{Market, NOWHERE, SIZES};
use crate::pool;

/// How many machines ahead memory is asked for what they need, and twice as many for where that is.
const AHEAD: usize = 8;

/// A profile's view of what is left.
#[derive(Debug, Clone)]
pub(crate) struct Shelf {
    profile: usize,
    pub(crate) blocks: Vec<Block>,
    /// By machine: its slot.
    place: Vec<u32>,
    /// By size and group: the best head, or [`NONE`].
    tops: Vec<i32>,
    /// By group and size: the slot that has it.
    first: Vec<[u32; SIZES]>,
    /// By size and cell: the best head.
    heads: Vec<i32>,
    /// By group: how many slots are in use; they stand first.
    used: Vec<u32>,
    /// By group: how many of them are full.
    full: Vec<u32>,
}

/// What is left of all machines.
#[derive(Debug, Clone)]
pub(crate) struct Stock {
    /// By machine.
    pub(crate) left: Vec<Capacity>,
    pub(crate) shelves: [Shelf; 4],
}

impl Stock {
    /// All machines as they are at T, without keys.
    pub(crate) fn new(market: &Market, least: &Capacity, threads: usize) -> Self {
        let mut shelves = pool::run(threads, 4, |profile| {
            Some(Shelf::new(profile, market, least))
        });
        Self {
            left: market.free.clone(),
            shelves: std::array::from_fn(|profile| {
                let made = shelves.get_mut(profile).and_then(Option::take);
                made.unwrap_or_else(|| Shelf::new(profile, market, least))
            }),
        }
    }

    /// The same with the offers' keys, by machine.
    pub(crate) fn with_keys(&self, keys: &[u64], threads: usize) -> Self {
        let mut shelves = pool::run(threads, 4, |profile| {
            let mut shelf = self.shelves[profile].clone();
            for block in &mut shelf.blocks {
                for lane in 0..LANES {
                    block.key[lane] = keys[block.machine[lane] as usize];
                }
            }
            Some(shelf)
        });
        Self {
            left: self.left.clone(),
            shelves: std::array::from_fn(|profile| {
                let made = shelves.get_mut(profile).and_then(Option::take);
                made.unwrap_or_else(|| self.shelves[profile].clone())
            }),
        }
    }

    /// Takes a request's share of a machine.
    pub(crate) fn take(&mut self, machine: u32, demand: &Capacity) {
        let left = &mut self.left[machine as usize];
        *left = left.saturating_sub(demand);
    }
}

impl Shelf {
    fn new(profile: usize, market: &Market, least: &Capacity) -> Self {
        let blocks = market.groups.last().map_or(0, |group| group.blocks.end);
        let mut shelf = Self {
            profile,
            blocks: vec![Block::default(); blocks as usize],
            place: vec![NOWHERE; market.machines.len()],
            tops: vec![NONE; SIZES * market.groups.len()],
            first: vec![[NOWHERE; SIZES]; market.groups.len()],
            heads: vec![NONE; SIZES * market.cells.len()],
            used: market.groups.iter().map(|group| group.count).collect(),
            full: vec![0; market.groups.len()],
        };
        shelf.fill(market, least);
        for group in 0..market.groups.len() {
            shelf.find_tops(market, group);
        }
        for cell in 0..market.cells.len() {
            (0..SIZES).for_each(|size| shelf.join(market, cell, size));
        }
        shelf
    }

    fn fill(&mut self, market: &Market, least: &Capacity) {
        let mut order: Vec<(u32, u32, u32)> = (0_u32..)
            .zip(&market.group_of)
            .filter(|(_, group)| **group != NOWHERE)
            .map(|(at, group)| {
                (
                    *group,
                    u32::MAX - market.parts[at as usize][self.profile],
                    at,
                )
            })
            .collect();
        order.sort_unstable();
        for same in order.chunk_by(|a, b| a.0 == b.0) {
            let group = same[0].0 as usize;
            let first = market.groups[group].blocks.start * LANES as u32;
            for (slot, (_, _, machine)) in (first..).zip(same) {
                let at = *machine as usize;
                let side = &market.machines[at];
                let left = gpus_left(&market.free[at], least);
                self.full[group] += u32::from(left == 0);
                self.place[at] = slot;
                self.set(
                    slot,
                    &Slot {
                        key: 0,
                        part: market.parts[at][self.profile],
                        ask: side.ask,
                        machine: *machine,
                        uptime: side.uptime,
                        left,
                    },
                );
            }
        }
    }

    /// The heads of the groups for a size, eight by eight.
    pub(crate) fn tops(&self, market: &Market, size: usize) -> &[[i32; LANES]] {
        let all = &self.tops[size * market.groups.len()..][..market.groups.len()];
        all.as_chunks().0
    }

    /// The heads of all cells for a size.
    pub(crate) fn heads(&self, market: &Market, size: usize) -> &[i32] {
        &self.heads[size * market.cells.len()..][..market.cells.len()]
    }

    /// Where the blocks of a group stand, from its best machine for a size on.
    #[inline(always)]
    pub(crate) fn places_from(&self, market: &Market, size: usize, group: usize) -> Range<usize> {
        let first = self.first[group][size] as usize / LANES;
        let used = self.used[group].div_ceil(LANES as u32);
        let end = (market.groups[group].blocks.start + used) as usize;
        first.min(end)..end
    }

    /// The blocks of a group from its best machine for a size on.
    #[inline(always)]
    pub(crate) fn blocks_from(&self, market: &Market, size: usize, group: usize) -> &[Block] {
        &self.blocks[self.places_from(market, size, group)]
    }

    fn set(&mut self, slot: u32, value: &Slot) {
        self.blocks[slot as usize / LANES].set(slot as usize % LANES, value);
    }

    /// Works the tops of a group out anew.
    fn find_tops(&mut self, market: &Market, group: usize) {
        let first = market.groups[group].blocks.start * LANES as u32;
        for size in 0..SIZES {
            let from = if size == 0 {
                first
            } else {
                self.first[group][size - 1]
            };
            self.find_top(market, group, size, from);
        }
    }

    /// Finds the best machine of a group for a size, from a slot on.
    fn find_top(&mut self, market: &Market, at: usize, size: usize, from: u32) {
        let group = &market.groups[at];
        let end = group.blocks.start + self.used[at].div_ceil(LANES as u32);
        let found = self.seek(from, end, size);
        self.first[at][size] = found.unwrap_or(NOWHERE);
        self.tops[size * market.groups.len() + at] = found.map_or(NONE, |slot| {
            let fit = if size + 1 == SIZES {
                market.tables.most_fit(self.profile)
            } else {
                market.tables.fit(self.profile, size as u8 + 1, group.free)
            };
            let part = self.blocks[slot as usize / LANES].part[slot as usize % LANES];
            (part + fit).cast_signed()
        });
    }

    /// The next slot, from one on and before a block, that has more than `size` GPUs left.
    fn seek(&self, from: u32, end: u32, size: usize) -> Option<u32> {
        let mut lane = from as usize % LANES;
        for at in from / LANES as u32..end {
            if let Some(lane) = self.blocks[at as usize].seek(lane, size) {
                return Some(at * LANES as u32 + lane as u32);
            }
            lane = 0;
        }
        None
    }

    /// The head of a cell from those of its groups.
    fn join(&mut self, market: &Market, cell: usize, size: usize) {
        let groups = market.cells[cell].start as usize..market.cells[cell].end as usize;
        let tops = &self.tops[size * market.groups.len()..][groups];
        let best = tops.iter().copied().max();
        self.heads[size * market.cells.len() + cell] = best.unwrap_or(NONE);
    }

    /// Brings the shelf up to what is left of these machines.
    pub(crate) fn refresh(
        &mut self,
        market: &Market,
        left: &[Capacity],
        least: &Capacity,
        taken: &[u32],
    ) {
        let (mut next, mut soon) = (taken.iter().skip(2 * AHEAD), taken.iter().skip(AHEAD));
        for machine in taken {
            if let Some(next) = next.next() {
                fetch(&self.place[*next as usize]);
                fetch(&market.group_of[*next as usize]);
            }
            if let Some(soon) = soon.next() {
                fetch(&left[*soon as usize]);
                if let Some(first) = self.first.get(market.group_of[*soon as usize] as usize) {
                    fetch(first);
                }
                if let Some(block) = self.blocks.get(self.place[*soon as usize] as usize / LANES) {
                    fetch(&block.left);
                }
            }
            let slot = self.place[*machine as usize];
            if slot == NOWHERE {
                continue;
            }
            let lane = slot as usize % LANES;
            let block = &mut self.blocks[slot as usize / LANES];
            let before = usize::from(block.left[lane]);
            let now = gpus_left(&left[*machine as usize], least);
            block.left[lane] = now;
            let group = market.group_of[*machine as usize] as usize;
            let cell = market.groups[group].cell as usize;
            for size in usize::from(now)..before.min(SIZES) {
                if self.first[group][size] == slot {
                    // What has room for this size has room for the one below.
                    let below = size
                        .checked_sub(1)
                        .map_or(0, |size| self.first[group][size]);
                    self.find_top(market, group, size, below.max(slot + 1));
                    self.join(market, cell, size);
                }
            }
            if now == 0 && before > 0 {
                self.full[group] += 1;
                if self.full[group] * 2 >= self.used[group] && self.used[group] > LANES as u32 {
                    self.compact(market, group);
                }
            }
        }
    }

    /// Moves the machines of a group that still have room together. Heads stay what they are.
    fn compact(&mut self, market: &Market, group: usize) {
        let first = market.groups[group].blocks.start * LANES as u32;
        let end = first + self.used[group];
        let mut to = first;
        for from in first..end {
            let slot = self.blocks[from as usize / LANES].get(from as usize % LANES);
            if slot.left > 0 {
                self.place[slot.machine as usize] = to;
                self.set(to, &slot);
                to += 1;
            } else {
                self.place[slot.machine as usize] = NOWHERE;
            }
        }
        (to..end).for_each(|slot| self.set(slot, &Slot::default()));
        self.used[group] = to - first;
        self.full[group] = 0;
        self.find_tops(market, group);
    }
}

/// GPUs left, or none where the smallest request does not fit.
fn gpus_left(left: &Capacity, least: &Capacity) -> u8 {
    if left.holds(least) { left.gpus } else { 0 }
}
