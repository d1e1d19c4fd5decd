//! How long a round takes: `cargo run --release -p quorate-solver --example bench`.
//!
//! Arguments: sizes as `requests:offers`; without any, the table over both. `--threads N` (2).
//! `--check` compares each outcome with that of the plain solver, outside the times.

mod market;

use std::process::ExitCode;
use std::time::Instant;

use market::Market;

const SIZES: [(usize, usize); 7] = [
    (1_000, 100),
    (10_000, 1_000),
    (100_000, 1_000),
    (100_000, 10_000),
    (1_000_000, 1_000),
    (1_000_000, 10_000),
    (1_000_000, 100_000),
];

fn main() -> ExitCode {
    let mut sizes = Vec::new();
    let mut threads = 2;
    let mut check = false;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--threads" {
            threads = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(2);
            continue;
        }
        if argument == "--check" {
            check = true;
            continue;
        }
        let parts = argument.split_once(':');
        let Some((Ok(requests), Ok(offers))) = parts.map(|(m, n)| (m.parse(), n.parse())) else {
            eprintln!("{argument}: expected requests:offers");
            return ExitCode::FAILURE;
        };
        sizes.push((requests, offers));
    }
    if sizes.is_empty() {
        sizes = SIZES.to_vec();
    }
    println!("{}, {threads} threads", machine());
    println!("| requests | offers | inputs MB | best s | median s | resident peak MB | matches |");
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for (requests, offers) in sizes {
        row(requests, offers, threads, check);
    }
    ExitCode::SUCCESS
}

fn row(requests: usize, offers: usize, threads: usize, check: bool) {
    let market = Market::new(7, requests, offers);
    let inputs = memory("VmRSS:");
    let mut times = Vec::new();
    let mut matches = 0;
    for _ in 0..5 {
        let start = Instant::now();
        let prepared = quorate_solver::Prepared::new(
            std::sync::Arc::clone(&market.snapshot),
            &market.policy,
            &market.context,
            threads,
        );
        eprintln!("prepare {:.4}", start.elapsed().as_secs_f64());
        let start = Instant::now();
        let outcome = prepared.solve(&market.seed, threads);
        times.push(start.elapsed().as_secs_f64());
        matches = outcome.matches.len();
        let start = Instant::now();
        let list = prepared.list(&outcome, threads).unwrap();
        eprintln!("list {:.4}", start.elapsed().as_secs_f64());
        let start = Instant::now();
        prepared.check(&market.seed, &list, threads).unwrap();
        eprintln!("check {:.4}", start.elapsed().as_secs_f64());
        if check && times.len() == 1 {
            let expected = quorate_matching::match_round(
                &market.snapshot,
                &market.policy,
                &market.context,
                &market.seed,
            );
            assert!(outcome == expected, "the two solvers differ");
        }
    }
    times.sort_by(f64::total_cmp);
    let (best, median, peak) = (times[0], times[2], memory("VmHWM:"));
    println!("| {requests} | {offers} | {inputs} | {best:.4} | {median:.4} | {peak} | {matches} |");
}

/// The processor and how many threads it runs, as far as the system tells.
fn machine() -> String {
    let about = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = about.lines().find(|line| line.starts_with("model name"));
    let name = model.and_then(|line| line.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    format!(
        "{}, {cores} cores",
        name.map_or("unknown processor", |(_, name)| name)
    )
}

/// A line of the process's own account, in MB; 0 where the system keeps none.
fn memory(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let found = status.lines().find_map(|text| text.strip_prefix(line));
    let number = found.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
    number.unwrap_or(0) / 1_024
}
