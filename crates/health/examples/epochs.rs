//! A hundred thousand provider-epochs with every fault that the design names, through the real rules
//! and the recommended policy:
//! `cargo run --release -p quorate-health --example epochs -- [epochs] [--seed N] [--json]`.
//!
//! Prints a row for each fault and ends with an error if anything was false or missed. What the words
//! of the table mean, and which windows may be either: `tests/simulation/mod.rs`.
#![allow(
    dead_code,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "shared with a test: what fails here is the code"
)]

#[path = "../tests/simulation/mod.rs"]
mod simulation;

use std::process::ExitCode;
use std::time::Instant;

use serde_json::json;
use simulation::{Counts, Rows, run};

type Column = (&'static str, fn(&Counts) -> u64);

/// The table after the fault's name.
const COLUMNS: [Column; 15] = [
    ("epochs", |c| c.epochs),
    ("windows", |c| c.windows),
    ("verdicts", |c| c.verdicts),
    ("FAIL", |c| c.fails),
    ("UNKNOWN", |c| c.unknowns),
    ("lost", |c| c.lost),
    ("false FAIL", |c| c.false_fails),
    ("false PASS", |c| c.false_passes),
    ("false UNKNOWN", |c| c.false_unknowns),
    ("must be DOWN", |c| c.due),
    ("DOWN", |c| c.down),
    ("false DOWN", |c| c.false_downs),
    ("outages", |c| c.outages),
    ("missed", |c| c.missed_outages),
    ("slashable", |c| c.slashable),
];

fn main() -> ExitCode {
    let Some(asked) = Asked::read(std::env::args().skip(1)) else {
        eprintln!("usage: epochs [provider-epochs] [--seed N] [--json]");
        return ExitCode::from(2);
    };
    let began = Instant::now();
    let rows = run(asked.epochs, asked.seed);
    let took = began.elapsed().as_secs_f64();
    let mut sum = Counts::default();
    for (_, counts) in &rows {
        sum.add(counts);
    }
    if asked.json {
        println!("{}", as_json(&rows, &sum, asked.seed));
    } else {
        print_table(&rows, &sum);
        println!("seed {}, {took:.1} s", asked.seed);
    }
    if sum.is_right() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

struct Asked {
    epochs: u64,
    seed: u64,
    json: bool,
}

impl Asked {
    fn read(mut args: impl Iterator<Item = String>) -> Option<Self> {
        let mut asked = Self {
            epochs: 100_000,
            seed: 1,
            json: false,
        };
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--json" => asked.json = true,
                "--seed" => asked.seed = args.next()?.parse().ok()?,
                epochs => asked.epochs = epochs.parse().ok()?,
            }
        }
        Some(asked)
    }
}

fn as_json(rows: &Rows, sum: &Counts, seed: u64) -> serde_json::Value {
    let cells = |counts: &Counts| -> serde_json::Map<_, _> {
        let cells = COLUMNS.iter();
        cells
            .map(|(name, cell)| ((*name).to_owned(), json!(cell(counts))))
            .collect()
    };
    let rows: Vec<_> = rows
        .iter()
        .map(|(fault, counts)| json!({ "fault": fault.name(), "counts": cells(counts) }))
        .collect();
    json!({ "seed": seed, "rows": rows, "all": cells(sum) })
}

fn print_table(rows: &Rows, sum: &Counts) {
    let mut lines = vec![("fault", COLUMNS.map(|(name, _)| name.to_owned()))];
    for (fault, counts) in rows {
        lines.push((
            fault.name(),
            COLUMNS.map(|(_, cell)| cell(counts).to_string()),
        ));
    }
    lines.push(("all", COLUMNS.map(|(_, cell)| cell(sum).to_string())));
    let name = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (fault, cells) in &lines {
        print!("{fault:name$}");
        for (column, cell) in cells.iter().enumerate() {
            let width = lines.iter().map(|(_, cells)| cells[column].len()).max();
            print!("  {cell:>width$}", width = width.unwrap_or(0));
        }
        println!();
    }
}
