//! Whether a pair outside the list blocks it.

use std::ops::Range;

use quorate_matching::{Capacity, Entry, Fault, OutcomeList, PairRank, eligible, fold};

use super::Round;
use super::close::{Closes, Gains};
use super::entries::{Claim, exact_score};
use crate::ask::{Ask, Shape};
use crate::block::LANES;
use crate::lanes::{Lanes, Query, Work};
use crate::pool;
use crate::search::{Near, View};
use crate::stock::Stock;

/// Requests that one job looks at.
const CHUNK: usize = 2_048;

/// Looks at every pair that may block. Of several faults, one of the first request's.
pub(super) fn check(
    round: &Round<'_>,
    list: &OutcomeList,
    claim: &Claim,
    floor: Option<PairRank>,
) -> Result<(), Fault> {
    let ready = round.ready;
    let closes = Closes::new(round, list, claim);
    let gains = Gains::all(round, &closes);
    let stock = ready.stock.with_keys(round.machine_keys, round.threads);
    let count = ready.book.asks.len();
    let found = pool::run(round.threads, count.div_ceil(CHUNK), |job| {
        let end = count.min((job + 1) * CHUNK);
        ready.width.run(Search {
            round,
            list,
            claim,
            floor,
            closes: &closes,
            gains: &gains,
            stock: &stock,
            ranks: job * CHUNK..end,
        })
    });
    match found.into_iter().flatten().min_by_key(|rank| rank.request) {
        Some(rank) => Err(Fault::Blocking(rank)),
        None => Ok(()),
    }
}

struct Search<'s> {
    round: &'s Round<'s>,
    list: &'s OutcomeList,
    claim: &'s Claim,
    floor: Option<PairRank>,
    closes: &'s Closes,
    gains: &'s [Gains],
    stock: &'s Stock,
    ranks: Range<usize>,
}

impl Work for Search<'_> {
    type Output = Option<PairRank>;

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> Option<PairRank> {
        let book = &self.round.ready.book;
        let asks = &book.asks[self.ranks.clone()];
        let mut first: Option<PairRank> = None;
        let mut cells = Vec::new();
        for class in asks.chunk_by(|a, b| a.class == b.class) {
            // The first of them has the largest part.
            let shape = &book.class(&class[0]).shape;
            self.cells(lanes, shape, class[0].part, &mut cells);
            if cells.is_empty() {
                continue;
            }
            for ask in class.iter().filter(|ask| !ask.hopeless) {
                let found = self.request(lanes, ask, shape, &cells);
                let lower = |a: PairRank, b: PairRank| if a.request <= b.request { a } else { b };
                first = match (first, found) {
                    (Some(a), Some(b)) => Some(lower(a, b)),
                    (a, b) => a.or(b),
                };
            }
        }
        first
    }
}

impl Search<'_> {
    fn view(&self) -> View<'_> {
        View {
            snapshot: self.round.snapshot,
            market: &self.round.ready.market,
            book: &self.round.ready.book,
            stock: self.stock,
        }
    }

    /// The cells in which a request with this part may reach a machine's close.
    #[inline(always)]
    fn cells<L: Lanes>(&self, lanes: L, shape: &Shape, part: u32, cells: &mut Vec<Near>) {
        let view = self.view();
        let heads = self.gains[shape.profile()].heads(self.round, shape.size());
        let floor = -(part.cast_signed() + view.luck(shape));
        cells.clear();
        view.rows(shape, heads, |first, heads, near, mask| {
            let mut mask = lanes.cells(heads, near, floor) & mask;
            while mask != 0 {
                let at = mask.trailing_zeros() as usize;
                mask &= mask - 1;
                let bound = heads[at] + near[at];
                let cell = (first + at) as u32;
                cells.push(Near { bound, cell });
            }
        });
    }

    /// A pair of the request that blocks.
    #[inline(always)]
    fn request<L: Lanes>(
        &self,
        lanes: L,
        ask: &Ask,
        shape: &Shape,
        cells: &[Near],
    ) -> Option<PairRank> {
        let served = self.claim.served[ask.position as usize];
        // The pair has to stand above this to block.
        let above = served.max(self.floor);
        let above_score = above.map_or(0, |rank| i32::try_from(rank.score).unwrap_or(i32::MAX));
        let own = above_score.saturating_sub_unsigned(ask.part).max(0);
        let least = (above_score, above.map_or(0, |rank| rank.tie));
        let view = self.view();
        let market = view.market;
        let (part, luck) = (ask.part.cast_signed(), view.luck(shape));
        let (profile, size) = (shape.profile(), shape.size());
        let shelf = &self.stock.shelves[profile];
        let gains = &self.gains[profile];
        let mut query = Query {
            key: self.round.keys[ask.position as usize],
            base: 0,
            weight: market.luck[profile],
            budget: ask.budget,
            min_uptime: ask.min_uptime,
            gpus: shape.gpus,
        };
        for near in cells.iter().filter(|near| near.bound + part + luck >= 0) {
            let cell = near.cell as usize;
            let region = market.tables.near(profile, shape.home)[cell % market.width];
            if shelf.heads(market, size)[cell] + region + luck < own
                || market.cheapest[cell] > ask.budget
                || market.best_uptime[cell] < ask.min_uptime
            {
                continue;
            }
            let groups = &market.cells[cell];
            let groups = groups.start as usize / LANES..groups.end as usize / LANES;
            let tops = shelf.tops(market, size)[groups.clone()].iter();
            let tops = tops.zip(&gains.tops(self.round, size)[groups.clone()]);
            for (at, (tops, gain)) in groups.zip(tops) {
                let mut open = lanes.tops(tops, own - luck - region)
                    & lanes.tops(gain, -(part + luck + region));
                while open != 0 {
                    let group = at * LANES + open.trailing_zeros() as usize;
                    open &= open - 1;
                    let fit = market
                        .tables
                        .fit(profile, shape.gpus, market.groups[group].free);
                    query.base = region.cast_unsigned() + fit;
                    let reach = query.base.cast_signed() + luck;
                    let blocks = shelf.places_from(market, size, group);
                    for first in blocks.clone().step_by(LANES) {
                        if reach + shelf.blocks[first].part[0].cast_signed() < own {
                            break;
                        }
                        let gain = gains.blocks(size, first..blocks.end.min(first + LANES));
                        let mut open = lanes.tops(&gain, -(part + reach));
                        while open != 0 {
                            let at = first + open.trailing_zeros() as usize;
                            open &= open - 1;
                            let block = &shelf.blocks[at];
                            let (mut mask, scores) = lanes.slots(&query, block, own);
                            while mask != 0 {
                                let lane = mask.trailing_zeros() as usize;
                                mask &= mask - 1;
                                let tie = fold(query.key, block.key[lane]);
                                let pair = (part + scores[lane], tie);
                                let machine = block.machine[lane];
                                if pair < least || pair < self.closes.of(machine, size) {
                                    continue;
                                }
                                let found = self.judge(ask, machine, above);
                                if found.is_some() {
                                    return found;
                                }
                            }
                        }
                    }
                }
            }
        }
        None
    }

    /// The pair's rank, if it blocks: by the rules themselves, and by the exact room.
    fn judge(&self, ask: &Ask, machine: u32, above: Option<PairRank>) -> Option<PairRank> {
        let round = self.round;
        let position = round.ready.market.positions[machine as usize] as usize;
        let request = &round.snapshot.requests()[ask.position as usize];
        let offer = &round.snapshot.offers()[position];
        let key = round.machine_keys[machine as usize];
        let tie = fold(round.keys[ask.position as usize], key);
        let rank = PairRank {
            score: exact_score(round, request, offer, tie),
            tie,
            request: request.request.id,
            offer: offer.offer.id,
        };
        let span = &self.claim.spans[position];
        let entries = &self.list.entries()[span.start as usize..span.end as usize];
        let blocks = above.is_none_or(|above| rank > above)
            && has_room(entries, &rank, &ask.demand(), &offer.free())
            && eligible(&request.request, offer, round.policy, round.context).is_ok();
        blocks.then_some(rank)
    }
}

/// Whether a machine of so much holds the demand beside those of its matches that stand above the
/// pair.
fn has_room(entries: &[Entry], rank: &PairRank, demand: &Capacity, free: &Capacity) -> bool {
    let above = entries.partition_point(|entry| entry.rank() > *rank);
    let used = above.checked_sub(1).and_then(|last| entries.get(last));
    let used = used.map_or(Capacity::ZERO, |entry| entry.used);
    used.checked_add(demand).is_some_and(|sum| free.holds(&sum))
}
