//! `peers DIR`: writes instances, our figures on them, and the study of the weights into a folder.
//!
//! `bench/peers.py` runs it and then the other matchers on the same files.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::Context as _;
use peers::{
    Demand, Instance, Market, Trace, naive, random,
    weights::{Candidate, Figures, candidates, measure},
};
use serde_json::{Value, json};

const THREADS: usize = 2;
/// Ours takes milliseconds, so the best of several runs tells; the naive walk takes seconds.
const RUNS: usize = 9;
const NAIVE_RUNS: usize = 2;

fn main() -> anyhow::Result<()> {
    let dir = std::env::args_os().nth(1).map(PathBuf::from);
    let dir = dir.context("usage: peers DIR")?;
    std::fs::create_dir_all(&dir).with_context(|| dir.display().to_string())?;
    let mut instances = Vec::new();
    for (requests, offers, single) in [
        (1_000, 100, true),
        (2_000, 200, true),
        (4_000, 400, true),
        (4_000, 400, false),
        (20_000, 2_000, false),
    ] {
        let kind = if single {
            "one GPU each"
        } else {
            "1 to 8 GPUs"
        };
        let name = format!("random {requests} x {offers}, {kind}");
        let market = random(7, requests, offers, single)?;
        instances.push(export(&dir, &name, "random", &market)?);
    }
    let mut studies = Vec::new();
    for (name, kind, trace) in traces() {
        let market = trace.market()?;
        instances.push(export(&dir, &name, kind, &market)?);
        for Candidate {
            name: policy,
            policy: rules,
        } in candidates()
        {
            let figures = measure(&market, &rules);
            studies.push(json!({ "instance": name, "policy": policy, "figures": figures }));
        }
    }
    let summary = json!({ "threads": THREADS, "instances": instances, "weights": studies });
    let path = dir.join("instances.json");
    let text = serde_json::to_string_pretty(&summary)?;
    std::fs::write(&path, text + "\n").with_context(|| path.display().to_string())
}

/// The parts of the trace: whole at three loads; young; and a tenth, small enough for an optimum.
fn traces() -> Vec<(String, &'static str, Trace)> {
    let mut parts = Vec::new();
    for (demand, word) in [
        (Demand::AsPublished, "as published"),
        (Demand::HalfSeveral, "half several"),
    ] {
        let whole = |load| Trace {
            seed: 1,
            demand,
            load,
            machines: 100,
            observed: true,
        };
        for load in [80, 100, 130] {
            parts.push((format!("trace {word}, load {load} %"), "trace", whole(load)));
        }
        let young = Trace {
            observed: false,
            ..whole(100)
        };
        parts.push((format!("trace {word}, load 100 %, young"), "young", young));
        if demand == Demand::HalfSeveral {
            let tenth = Trace {
                machines: 10,
                ..whole(130)
            };
            parts.push((format!("trace {word}, load 130 %, a tenth"), "small", tenth));
        }
    }
    parts
}

/// Writes an instance and says what our matchers make of it.
fn export(dir: &Path, name: &str, kind: &str, market: &Market) -> anyhow::Result<Value> {
    let Market {
        snapshot,
        policy,
        context,
        seed,
    } = market;
    let (outcome, ours) = best(RUNS, || market.solve(THREADS));
    let ((pairs, matches), plain) = best(NAIVE_RUNS, || {
        let pairs = naive::pairs(snapshot, policy, context, seed);
        let matches = naive::walk(snapshot, policy, &pairs);
        (pairs, matches)
    });
    anyhow::ensure!(
        outcome.matches == matches,
        "{name}: the naive matcher differs from ours"
    );
    let file = format!(
        "{}.bin",
        name.replace([' ', ',', '%'], "-").replace("--", "-")
    );
    Instance::new(snapshot, &pairs, &matches)?.write(&dir.join(&file))?;
    let figures = Figures::of(market, &outcome);
    Ok(json!({
        "name": name,
        "kind": kind,
        "file": file,
        "requests": snapshot.requests().len(),
        "offers": snapshot.offers().len(),
        "pairs": pairs.len(),
        "ours_seconds": ours,
        "naive_seconds": plain,
        "placed_requests": outcome.matches.len(),
        "placed_gpus": figures.gpus,
        "welfare": figures.welfare,
        "gpu_welfare": figures.gpu_welfare,
    }))
}

/// What the work gives, and the seconds of the quickest of so many runs.
fn best<T>(runs: usize, work: impl Fn() -> T) -> (T, f64) {
    let timed = || {
        let began = Instant::now();
        let result = work();
        (result, began.elapsed().as_secs_f64())
    };
    (1..runs).fold(timed(), |(result, quickest), _| {
        (result, quickest.min(timed().1))
    })
}
