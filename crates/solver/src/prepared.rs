//! A round made ready before its seed is out.

use std::sync::Arc;

use quorate_matching::{
    Fault, Keys, ListError, Outcome, OutcomeList, RoundContext, ScorePolicy, Seed, Snapshot,
};

use crate::ask::Book;
use crate::check::check;
use crate::lanes::Width;
use crate::listing::list;
use crate::market::Market;
use crate::search::View;
use crate::stock::Stock;
use crate::sweep::{Effort, Start, sweep};
use crate::{pool, reasons};

/// All of a round but its seed, ready to be matched and checked.
///
/// A seed can be known only after the orders are fixed, so whoever holds the orders works out
/// beforehand all that the seed does not touch. One value serves any number of seeds and any number
/// of callers at a time: nothing in it changes.
#[derive(Debug)]
pub struct Prepared {
    snapshot: Arc<Snapshot>,
    policy: ScorePolicy,
    context: RoundContext,
    /// None where the plain solver has to do.
    ready: Option<Ready>,
}

impl Prepared {
    /// Works out on `threads` threads what does not depend on the seed; 0 threads count as 1.
    ///
    /// The threads are started and ended within, here and below. A policy that its own check
    /// refuses, or a request for no GPU, which no chain holds, is left to the plain solver.
    #[must_use]
    pub fn new(
        snapshot: Arc<Snapshot>,
        policy: &ScorePolicy,
        context: &RoundContext,
        threads: usize,
    ) -> Self {
        Self {
            ready: Ready::new(&snapshot, policy, context, threads),
            snapshot,
            policy: policy.clone(),
            context: *context,
        }
    }

    /// The inputs.
    #[must_use]
    pub const fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// The score policy.
    #[must_use]
    pub const fn policy(&self) -> &ScorePolicy {
        &self.policy
    }

    /// The round's numbers.
    #[must_use]
    pub const fn context(&self) -> &RoundContext {
        &self.context
    }

    /// The outcome for a seed: the value of [`quorate_matching::match_round`], on any number of
    /// threads.
    #[must_use]
    pub fn solve(&self, seed: &Seed, threads: usize) -> Outcome {
        self.solve_counting(seed, threads).0
    }

    /// As [`solve`](Self::solve), with what it took; nothing is counted where the plain solver does
    /// it.
    #[must_use]
    pub fn solve_counting(&self, seed: &Seed, threads: usize) -> (Outcome, Effort) {
        let Self {
            snapshot,
            policy,
            context,
            ready,
        } = self;
        match ready {
            Some(ready) => ready.solve(snapshot, seed, threads),
            None => {
                let outcome = quorate_matching::match_round(snapshot, policy, context, seed);
                (outcome, Effort::default())
            }
        }
    }

    /// The list that an outcome of this round commits to: the value of [`OutcomeList::new`].
    ///
    /// # Errors
    /// If the outcome is not one of this round's inputs.
    pub fn list(&self, outcome: &Outcome, threads: usize) -> Result<OutcomeList, ListError> {
        match &self.ready {
            Some(ready) => list(ready, &self.snapshot, outcome, threads.max(1)),
            None => OutcomeList::new(outcome, &self.snapshot),
        }
    }

    /// Whether the list is the outcome for a seed. Complete, and independent of how outcomes are
    /// found, as [`quorate_matching::check_outcome`] is; of several faults it may name another one.
    ///
    /// # Errors
    /// One fault of the list, if it is not the outcome.
    pub fn check(&self, seed: &Seed, list: &OutcomeList, threads: usize) -> Result<(), Fault> {
        let Self {
            snapshot,
            policy,
            context,
            ready,
        } = self;
        match ready {
            Some(ready) => check(ready, snapshot, policy, context, seed, list, threads.max(1)),
            None => quorate_matching::check_outcome(snapshot, policy, context, seed, list),
        }
    }
}

/// What is ready of a round, beside its inputs.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) market: Market,
    pub(crate) book: Book,
    /// As at T, without keys.
    pub(crate) stock: Stock,
    pub(crate) width: Width,
}

impl Ready {
    /// `None` where the plain solver has to do.
    pub(crate) fn new(
        snapshot: &Snapshot,
        policy: &ScorePolicy,
        context: &RoundContext,
        threads: usize,
    ) -> Option<Self> {
        policy.validate().ok()?;
        let threads = threads.max(1);
        let market = Market::new(snapshot, policy, context, threads);
        let book = Book::new(snapshot, &market, policy, context, threads)?;
        let stock = Stock::new(&market, &book.least, threads);
        let mut ready = Self {
            market,
            book,
            stock,
            width: Width::widest(),
        };
        let view = ready.view(snapshot, &ready.stock);
        let served = reasons::served_by_any(&view, ready.width, threads);
        ready.book.note_served(&served);
        Some(ready)
    }

    fn view<'v>(&'v self, snapshot: &'v Snapshot, stock: &'v Stock) -> View<'v> {
        View {
            snapshot,
            market: &self.market,
            book: &self.book,
            stock,
        }
    }

    /// The keys of requests, by position, and of offers, by machine.
    pub(crate) fn keys(&self, seed: &Seed, threads: usize) -> (Vec<u64>, Vec<u64>) {
        let keys = draw(&self.book.ids, threads, || Keys::of_requests(seed));
        (keys, self.market.keys(seed))
    }

    pub(crate) fn solve(
        &self,
        snapshot: &Snapshot,
        seed: &Seed,
        threads: usize,
    ) -> (Outcome, Effort) {
        let threads = threads.max(1);
        let (keys, machine_keys) = self.keys(seed, threads);
        let stock = self.stock.with_keys(&machine_keys, threads);
        let swept = sweep(Start {
            snapshot,
            market: &self.market,
            book: &self.book,
            keys: &keys,
            machine_keys: &machine_keys,
            stock,
            width: self.width,
            threads,
        });
        let view = self.view(snapshot, &self.stock);
        let effort = swept.effort;
        let outcome = reasons::complete(&view, swept, self.width, threads);
        (outcome, effort)
    }
}

/// The keys of these ids.
///
/// Keys that follow each other closely are drawn with those between them, which is cheaper than to
/// begin anew.
fn draw(ids: &[u64], threads: usize, keys: impl Fn() -> Keys + Sync) -> Vec<u64> {
    const CHUNK: usize = 1 << 16;
    /// A block of the stream holds eight keys, and four are made at a time.
    const CLOSE: u64 = 32;
    let parts = pool::run(threads, ids.len().div_ceil(CHUNK), |at| {
        let mut keys = keys();
        let end = ids.len().min((at + 1) * CHUNK);
        let some = ids[at * CHUNK..end].iter();
        let mut next = 0;
        let one = |id: &u64| {
            if let Some(between) = id.checked_sub(next).filter(|gap| *gap < CLOSE) {
                for id in id - between..*id {
                    keys.key(id);
                }
            }
            next = id.wrapping_add(1);
            keys.key(*id)
        };
        some.map(one).collect::<Vec<_>>()
    });
    parts.concat()
}

#[cfg(test)]
#[path = "../examples/markets/market.rs"]
#[allow(dead_code, reason = "shared with the benchmark")]
mod market;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use quorate_matching::{OutcomeList, check_outcome, match_round};

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 12,
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn all_widths_find_and_check_the_same(
            number: u64, offers in 1_usize..200, requests in 1_usize..900,
        ) {
            let market::Market { snapshot, policy, context, seed } =
                market::Market::new(number, requests, offers);
            let expected = match_round(&snapshot, &policy, &context, &seed);
            let right = OutcomeList::new(&expected, &snapshot).unwrap();
            let mut fewer = expected.clone();
            fewer.matches.pop();
            let wrong = OutcomeList::new(&fewer, &snapshot).unwrap();
            let told = check_outcome(&snapshot, &policy, &context, &seed, &wrong).is_err();
            let mut effort = None;
            for width in Width::all() {
                let ready = Ready { width, ..Ready::new(&snapshot, &policy, &context, 2).unwrap() };
                let (got, took) = ready.solve(&snapshot, &seed, 2);
                prop_assert_eq!(&got, &expected, "{:?}", width);
                prop_assert_eq!(*effort.get_or_insert(took), took);
                let judge = |list| check(&ready, &snapshot, &policy, &context, &seed, list, 2);
                prop_assert_eq!(judge(&right), Ok(()));
                prop_assert_eq!(judge(&wrong).is_err(), told);
            }
        }
    }
}
