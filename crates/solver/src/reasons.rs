//! Why the requests without a match have none.

use quorate_canon::RequestId;
use quorate_matching::{Capacity, Outcome, UnmatchedReason};

use crate::ask::{Ask, Asks};
use crate::market::Market;
use crate::pool;
use crate::sweep::{Fate, Swept};

const CHUNK: usize = 8_192;

/// Completes the matches with the reasons of the others.
pub(crate) fn complete(market: &Market<'_>, asks: &Asks, swept: Swept, threads: usize) -> Outcome {
    let limit = market.policy.match_limit();
    let stopped = limit.is_some_and(|limit| swept.matches.len() >= limit as usize);
    let free: Vec<Capacity> = market
        .snapshot
        .offers()
        .iter()
        .map(|input| input.free())
        .collect();
    let judge = Judge {
        market,
        free: &free,
        stopped,
    };
    let fates = &swept.fates;
    let parts = pool::run(threads, fates.len().div_ceil(CHUNK), |at| {
        let end = fates.len().min((at + 1) * CHUNK);
        let some = at * CHUNK..end;
        let reason = |at: usize| {
            let request = at as u32;
            match fates[at] {
                Fate::Matched => None,
                fate => Some(judge.reason(request, asks.get(request), fate)),
            }
        };
        some.filter_map(reason).collect::<Vec<_>>()
    });
    Outcome {
        matches: swept.matches,
        unmatched: parts.concat(),
    }
}

struct Judge<'m, 'a> {
    market: &'m Market<'a>,
    /// What was free at T.
    free: &'m [Capacity],
    stopped: bool,
}

impl Judge<'_, '_> {
    fn reason(&self, request: u32, ask: &Ask, fate: Fate) -> (RequestId, UnmatchedReason) {
        let id = self.market.snapshot.requests()[request as usize].request.id;
        let reason = if self.stopped && self.some_machine(request, ask, &self.market.left) {
            UnmatchedReason::LimitReached
        } else if fate == Fate::Eligible || self.some_machine(request, ask, self.free) {
            UnmatchedReason::Outranked
        } else {
            UnmatchedReason::NothingEligible
        };
        (id, reason)
    }

    /// Whether an eligible machine has so much room for the request.
    fn some_machine(&self, request: u32, ask: &Ask, room: &[Capacity]) -> bool {
        let market = self.market;
        let slots = &market.slots[0];
        let demand = ask.demand();
        let cells = market.spans.iter().filter(|(bit, _)| ask.models & bit != 0);
        cells
            .flat_map(|(_, cells)| &market.cells[cells.clone()])
            .filter(|cell| {
                ask.regions & cell.region_bit != 0
                    && cell.cheapest <= ask.budget
                    && cell.best_uptime >= ask.min_uptime
            })
            .flat_map(|cell| &market.groups[cell.groups.clone()])
            .filter(|group| group.free >= ask.gpus)
            .flat_map(|group| group.slots.clone())
            .any(|slot| {
                slots.ask[slot] <= ask.budget
                    && slots.uptime[slot] >= u32::from(ask.min_uptime)
                    && room[slots.offer[slot] as usize].holds(&demand)
                    && market.admits(request, ask, slots.offer[slot])
            })
    }
}
