//! One row of the table.

use std::sync::Arc;
use std::time::Instant;

use quorate_matching::{Snapshot, match_round};
use quorate_solver::{Effort, Prepared};

use crate::market::Market;

/// The figures of one market. Times are seconds, the best of several.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) requests: usize,
    pub(crate) offers: usize,
    pub(crate) matches: usize,
    /// Both input roots, on two threads.
    pub(crate) roots: f64,
    /// What does not depend on the seed, on two threads.
    pub(crate) prepare: f64,
    pub(crate) match_1: f64,
    pub(crate) match_2: f64,
    /// List, tree and outcome root, on two threads.
    pub(crate) list: f64,
    /// On two threads.
    pub(crate) check: f64,
    pub(crate) effort: Effort,
    /// Resident at most, with the inputs; and the inputs alone. MB of 10^6 bytes.
    pub(crate) peak: u64,
    pub(crate) inputs: u64,
}

impl Row {
    /// From the orders to the root that operators sign.
    pub(crate) fn whole(&self) -> f64 {
        self.roots + self.prepare + self.match_2 + self.list
    }
}

const THREADS: usize = 2;

/// Measures so often, and takes the best of each time.
pub(crate) fn measure(name: &str, market: &Market, times: usize, compare: bool) -> Row {
    let mut row = Row {
        name: name.to_owned(),
        requests: market.snapshot.requests().len(),
        offers: market.snapshot.offers().len(),
        matches: 0,
        roots: f64::MAX,
        prepare: f64::MAX,
        match_1: f64::MAX,
        match_2: f64::MAX,
        list: f64::MAX,
        check: f64::MAX,
        effort: Effort::default(),
        peak: 0,
        inputs: memory("VmRSS:"),
    };
    forget_peak();
    for _ in 0..times {
        once(market, &mut row);
    }
    row.peak = memory("VmHWM:");
    // The copy of the inputs that hashing takes is none that a round needs.
    for _ in 0..times {
        row.roots = row.roots.min(roots(market, THREADS));
    }
    if compare {
        let Market {
            snapshot,
            policy,
            context,
            seed,
        } = market;
        let expected = match_round(snapshot, policy, context, seed);
        let prepared = Prepared::new(Arc::clone(snapshot), policy, context, THREADS);
        assert!(
            prepared.solve(seed, THREADS) == expected,
            "the two solvers differ"
        );
    }
    row
}

fn once(market: &Market, row: &mut Row) {
    let Market {
        snapshot,
        policy,
        context,
        seed,
    } = market;
    let new = || Prepared::new(Arc::clone(snapshot), policy, context, THREADS);
    let prepared = best(&mut row.prepare, new);
    let one = best(&mut row.match_1, || prepared.solve(seed, 1));
    drop(one);
    let (outcome, effort) = best(&mut row.match_2, || prepared.solve_counting(seed, THREADS));
    row.effort = effort;
    row.matches = outcome.matches.len();
    let list = best(&mut row.list, || prepared.list(&outcome, THREADS));
    let list = list.unwrap_or_else(|error| panic!("{error}"));
    let verdict = best(&mut row.check, || prepared.check(seed, &list, THREADS));
    assert!(verdict.is_ok(), "{verdict:?}");
}

/// Seconds that it takes to put the market's orders into order and to hash them.
fn roots(market: &Market, threads: usize) -> f64 {
    let offers = market.snapshot.offers().to_vec();
    let requests = market.snapshot.requests().to_vec();
    let mut time = f64::MAX;
    let made = best(&mut time, || Snapshot::new_on(offers, requests, threads));
    assert!(made.is_ok(), "{made:?}");
    time
}

/// Keeps the best time.
fn best<T>(time: &mut f64, work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let result = work();
    *time = time.min(began.elapsed().as_secs_f64());
    result
}

/// A line of the process's own account, in MB of 10^6 bytes; 0 where the system keeps none.
fn memory(line: &str) -> u64 {
    line_of("/proc/self/status", line)
}

/// What the system could give, in the same MB; 0 where it does not say.
pub(crate) fn free_memory() -> u64 {
    line_of("/proc/meminfo", "MemAvailable:")
}

fn line_of(file: &str, line: &str) -> u64 {
    let status = std::fs::read_to_string(file).unwrap_or_default();
    let found = status.lines().find_map(|text| text.strip_prefix(line));
    let number = found.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
    number.unwrap_or(0) * 1_024 / 1_000_000
}

/// Lets the peak begin anew, where the system can.
fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}
