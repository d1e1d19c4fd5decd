//! How long a round takes: `cargo run --release -p quorate-solver --example markets`.
//!
//! Arguments: sizes as `requests:offers`; without any, the table over both and the awkward markets.
//! `--json` prints rows as JSON, `--times N` measures each so often and shows the best (3),
//! `--compare` holds each outcome against that of the plain solver, outside the times.

mod awkward;
mod market;
mod measure;
mod report;

use std::process::ExitCode;

use market::Market;
use measure::{Row, measure};

/// Requests and offers.
const SIZES: [(usize, usize); 11] = [
    (1_000, 100),
    (10_000, 100),
    (10_000, 1_000),
    (10_000, 10_000),
    (100_000, 1_000),
    (100_000, 10_000),
    (100_000, 100_000),
    (1_000_000, 1_000),
    (1_000_000, 10_000),
    (1_000_000, 100_000),
    (1_000_000, 1_000_000),
];

/// The last row, only where so much memory is free: it takes 6 GB, and as much again for a copy of
/// the inputs to hash.
const LARGEST: (usize, usize) = (10_000_000, 1_000_000);
const LARGEST_MB: u64 = 14_000;

struct Wanted {
    sizes: Vec<(usize, usize)>,
    json: bool,
    times: usize,
    compare: bool,
}

fn main() -> ExitCode {
    let wanted = match wanted(std::env::args().skip(1)) {
        Ok(wanted) => wanted,
        Err(message) => {
            eprintln!("bench: {message}");
            return ExitCode::FAILURE;
        }
    };
    let mut rows: Vec<Row> = Vec::new();
    let take = |name: &str, market: &Market, rows: &mut Vec<Row>| {
        // The largest take half a minute and more each time.
        let huge = market.snapshot.offers().len() >= 1_000_000;
        let times = if huge { 1 } else { wanted.times };
        let row = measure(name, market, times, wanted.compare);
        if !wanted.json {
            report::line(&row, rows.last());
        }
        rows.push(row);
    };
    if !wanted.json {
        report::header();
    }
    let all = wanted.sizes.is_empty();
    let mut sizes = if all { SIZES.to_vec() } else { wanted.sizes };
    if all && measure::free_memory() >= LARGEST_MB {
        sizes.push(LARGEST);
    } else if all {
        let (requests, offers) = LARGEST;
        eprintln!("bench: {requests} x {offers} left out: {LARGEST_MB} MB of memory are not free");
    }
    for (requests, offers) in &sizes {
        take("", &Market::new(7, *requests, *offers), &mut rows);
    }
    if all {
        for (name, market) in awkward::markets() {
            take(name, &market(), &mut rows);
        }
    }
    if wanted.json {
        println!("{}", report::json(&rows));
    }
    ExitCode::SUCCESS
}

fn wanted(mut arguments: impl Iterator<Item = String>) -> Result<Wanted, String> {
    let mut wanted = Wanted {
        sizes: Vec::new(),
        json: false,
        times: 3,
        compare: false,
    };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--json" => wanted.json = true,
            "--compare" => wanted.compare = true,
            "--times" => {
                let times = arguments.next().and_then(|n| n.parse().ok());
                wanted.times = times
                    .filter(|n| *n > 0)
                    .ok_or("--times: expected a number")?;
            }
            size => {
                let parts = size.split_once(':');
                let Some((Ok(requests), Ok(offers))) = parts.map(|(n, m)| (n.parse(), m.parse()))
                else {
                    return Err(format!("{size}: expected requests:offers"));
                };
                wanted.sizes.push((requests, offers));
            }
        }
    }
    Ok(wanted)
}
