//! Why the requests without a match have none.

use std::borrow::Cow;
use std::ops::Range;

use quorate_canon::RequestId;
use quorate_matching::{Outcome, UnmatchedReason};

use crate::ask::Ask;
use crate::lanes::{Lanes, Width, Work};
use crate::pool;
use crate::search::{Near, View};
use crate::sleeper::Sleeper;
use crate::sweep::Swept;

const CHUNK: usize = 8_192;

/// Whether any offer is eligible for each request, by rank; what is left is looked at, and no
/// lottery.
pub(crate) fn served_by_any(view: &View<'_>, width: Width, threads: usize) -> Vec<bool> {
    let count = view.book.asks.len();
    let parts = pool::run(threads, count.div_ceil(CHUNK), |job| {
        let end = count.min((job + 1) * CHUNK);
        width.run(AnyOf {
            view,
            ranks: job * CHUNK..end,
        })
    });
    parts.concat()
}

/// Completes the matches with the reasons of the others.
pub(crate) fn complete(view: &View<'_>, swept: Swept, width: Width, threads: usize) -> Outcome {
    let stopped = view
        .market
        .limit
        .is_some_and(|limit| swept.matches.len() >= limit as usize);
    let book = view.book;
    let mut why = Cow::Borrowed(&book.unserved);
    if stopped {
        let view = View {
            stock: &swept.stock,
            ..*view
        };
        let room = served_by_any(&view, width, threads);
        for (ask, _) in book.asks.iter().zip(room).filter(|(_, room)| *room) {
            why.to_mut()[ask.position as usize] = UnmatchedReason::LimitReached;
        }
    }
    let all = book.ids.iter().zip(&swept.served).zip(&*why);
    let unmatched = all.filter(|((_, served), _)| !**served);
    Outcome {
        matches: swept.matches,
        unmatched: unmatched
            .map(|((id, _), why)| (RequestId::new(*id), *why))
            .collect(),
    }
}

struct AnyOf<'v> {
    view: &'v View<'v>,
    ranks: Range<usize>,
}

impl Work for AnyOf<'_> {
    type Output = Vec<bool>;

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> Vec<bool> {
        let mut cells = Vec::new();
        let mut class = u32::MAX;
        let asks = &self.view.book.asks[self.ranks.clone()];
        let one = |(rank, ask): (usize, &Ask)| {
            let shape = &self.view.book.class(ask).shape;
            if ask.class != class {
                class = ask.class;
                self.view.cells(lanes, shape, 0, &mut cells);
            }
            // Whatever the lottery gives: the floor is 0.
            self.any(lanes, &Sleeper::new(rank as u32, ask, shape, 0), &cells)
        };
        (self.ranks.start..).zip(asks).map(one).collect()
    }
}

impl AnyOf<'_> {
    /// Whether a machine in these cells is eligible and has room.
    #[inline(always)]
    fn any<L: Lanes>(&self, lanes: L, who: &Sleeper, cells: &[Near]) -> bool {
        cells.iter().any(|near| {
            let mut found = false;
            self.view
                .search_cell(lanes, who, near.cell as usize, 0, &mut 0, |_| {
                    found = true;
                    i32::MAX
                });
            found
        })
    }
}
