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
    /// Nothing below this was looked for, without the request's part.
    least: u32,
    below: u32,
}

impl Shortlist {
    pub(crate) fn best(&self) -> &[Candidate] {
        &self.best[..self.count]
    }

    /// What is not on the list scores less than this; 0 if there is nothing else.
    pub(crate) const fn below(&self) -> u32 {
        self.below
    }

    const fn full(&self) -> bool {
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
            self.least
        }
    }
}

/// What a search needs of memory; kept from one to the next.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    cells: Vec<(u32, u32)>,
}

/// Searches for the best machines that the request is eligible for and that have room, down to a
/// score of `least`.
pub(crate) fn search(
    market: &Market<'_>,
    request: u32,
    ask: &Ask,
    least: u32,
    scratch: &mut Scratch,
) -> Shortlist {
    let mut list = Shortlist {
        least: least.saturating_sub(ask.part),
        ..Shortlist::default()
    };
    let demand = ask.demand();
    let cells = &mut scratch.cells;
    let luck = u32::from(market.policy.weights[ask.profile()][7]) * 10_000;
    let mut floor = list.least;
    let beyond = reachable(market, ask, floor.saturating_sub(luck), cells);
    list.below = match (cells.is_empty(), beyond) {
        (true, None) => 0,
        (true, Some(bound)) => ask.part + bound + luck + 1,
        (false, _) if floor == 0 => 0,
        (false, _) => ask.part + floor,
    };
    while let Some(at) = best_of(cells) {
        let (bound, cell) = cells.swap_remove(at);
        if bound + luck < floor {
            break;
        }
        floor = search_cell(market, request, ask, &demand, cell as usize, &mut list);
        cells.retain(|(bound, _)| bound + luck >= floor);
    }
    if list.full() {
        list.below = list.best[SHORT - 1].score + 1;
    }
    list
}

/// The cells that the request may go to, each with the most that it offers before the lottery if
/// that is at least `floor`. Returns the most that the others offer.
fn reachable(
    market: &Market<'_>,
    ask: &Ask,
    floor: u32,
    cells: &mut Vec<(u32, u32)>,
) -> Option<u32> {
    cells.clear();
    let mut beyond = None;
    let row = Market::row(ask) * market.cells.len();
    let near = market.near_row(ask.profile(), ask.home);
    for (bit, span) in &market.spans {
        if ask.models & bit == 0 {
            continue;
        }
        let heads = &market.cell_heads[row..][span.clone()];
        let all = market.cells[span.clone()].iter().zip(heads);
        for ((cell, head), at) in all.zip(span.start as u32..) {
            if *head != 0
                && ask.regions & cell.region_bit != 0
                && cell.cheapest <= ask.budget
                && cell.best_uptime >= ask.min_uptime
            {
                let bound = head - 1 + near[usize::from(cell.region)];
                if bound >= floor {
                    cells.push((bound, at));
                } else {
                    beyond = beyond.max(Some(bound));
                }
            }
        }
    }
    beyond
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
    let near = market.near_row(profile, ask.home)[usize::from(cell.region)];
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
