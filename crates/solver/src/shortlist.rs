//! A request's few best machines among those with room.

use quorate_matching::Capacity;

use crate::ask::Ask;
use crate::market::Market;
use crate::wide::{Query, sift};

/// How many machines a shortlist holds.
pub(crate) const SHORT: usize = 4;

/// A machine on a shortlist. Offers' ids ascend with positions, so this is the order of pairs.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Candidate {
    pub(crate) score: u32,
    pub(crate) tie: u64,
    pub(crate) offer: u32,
}

/// The best machines, best first.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Shortlist {
    best: [Candidate; SHORT],
    count: usize,
}

impl Shortlist {
    pub(crate) fn best(&self) -> &[Candidate] {
        &self.best[..self.count]
    }

    /// Whether machines beyond the list may be left.
    pub(crate) const fn full(&self) -> bool {
        self.count == SHORT
    }

    fn insert(&mut self, candidate: Candidate) {
        let mut at = if self.full() { SHORT - 1 } else { self.count };
        if self.full() && self.best[at] > candidate {
            return;
        }
        while at > 0 && self.best[at - 1] < candidate {
            self.best[at] = self.best[at - 1];
            at -= 1;
        }
        self.best[at] = candidate;
        self.count = SHORT.min(self.count + 1);
    }

    /// The score without the request's part below which nothing can enter.
    const fn floor(&self, part: u32) -> u32 {
        if self.full() {
            self.best[SHORT - 1].score - part
        } else {
            0
        }
    }
}

/// What a search needs of memory; kept from one to the next.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    cells: Vec<(u32, u32)>,
}

/// Searches for the best machines that the request is eligible for and that have room.
pub(crate) fn search(
    market: &Market<'_>,
    request: u32,
    ask: &Ask,
    scratch: &mut Scratch,
) -> Shortlist {
    let mut list = Shortlist::default();
    let demand = ask.demand();
    let cells = &mut scratch.cells;
    reachable(market, ask, cells);
    let luck = u32::from(market.policy.weights[ask.profile()][7]) * 10_000;
    let mut floor = 0;
    while let Some(at) = best_of(cells) {
        let (bound, cell) = cells.swap_remove(at);
        if bound + luck < floor {
            break;
        }
        floor = search_cell(market, request, ask, &demand, cell as usize, &mut list);
        cells.retain(|(bound, _)| bound + luck >= floor);
    }
    list
}

/// The cells that the request may go to, each with the most that it offers before the lottery.
fn reachable(market: &Market<'_>, ask: &Ask, cells: &mut Vec<(u32, u32)>) {
    cells.clear();
    let heads = &market.cell_heads[Market::row(ask) * market.cells.len()..];
    for (bit, span) in &market.spans {
        if ask.models & bit == 0 {
            continue;
        }
        for at in span.clone() {
            let cell = &market.cells[at];
            if heads[at] != 0
                && ask.regions & cell.region_bit != 0
                && cell.cheapest <= ask.budget
                && cell.best_uptime >= ask.min_uptime
            {
                let near = market.near(ask.profile(), ask.home, cell.region);
                cells.push((heads[at] - 1 + near, at as u32));
            }
        }
    }
}

fn best_of(cells: &[(u32, u32)]) -> Option<usize> {
    let all = cells.iter().enumerate();
    all.max_by_key(|(_, (bound, _))| *bound).map(|(at, _)| at)
}

fn search_cell(
    market: &Market<'_>,
    request: u32,
    ask: &Ask,
    demand: &Capacity,
    cell: usize,
    list: &mut Shortlist,
) -> u32 {
    let profile = ask.profile();
    let cell = &market.cells[cell];
    let heads = &market.group_heads[Market::row(ask) * market.groups.len()..];
    let near = market.near(profile, ask.home, cell.region);
    let weight = u32::from(market.policy.weights[profile][7]);
    let slots = &market.slots[profile];
    let mut floor = list.floor(ask.part);
    for at in cell.groups.clone() {
        if heads[at] == 0 || heads[at] - 1 + near + weight * 10_000 < floor {
            continue;
        }
        let group = &market.groups[at];
        let query = Query {
            key: ask.key,
            base: near + market.fit(profile, ask.gpus, group.free),
            weight,
            budget: ask.budget,
            min_uptime: u32::from(ask.min_uptime),
            gpus: u32::from(ask.gpus),
        };
        floor = sift(&query, slots, group.live(), floor, |slot, score, tie| {
            let offer = slots.offer[slot];
            if market.left[offer as usize].holds(demand) && market.admits(request, ask, offer) {
                let score = ask.part + score;
                list.insert(Candidate { score, tie, offer });
            }
            list.floor(ask.part)
        });
    }
    floor
}
