//! One round's matching, without its limit, and the complete check of its outcome: on the trace, on
//! few offers of many models and of one, and, by the solver's own benchmark, over sizes up to a
//! million requests and on awkward markets.

use std::{
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use quorate_canon::{
    Address, Bps, HealthEpoch, OfferId, RequestId, Round, Stake, Timestamp, Version,
};
use quorate_matching::{
    MachineState, Offer, OfferInput, ProviderState, Request, RequestInput, RoundContext,
    ScorePolicy, Seed, Snapshot,
    policy::{defaults::policy_v1, models::MODELS},
};
use quorate_solver::Prepared;
use serde::Deserialize;

use super::{
    Row,
    ground::failed,
    process::{forget_peak, usage},
    row::as_f64,
    stall::{draw, offer, request},
};
use crate::{
    Error,
    trace::{Mapping, Script, TraceSeed, Window},
};

const NOW: u64 = 1_800_000_000;
const SYNTHETIC: u64 = 10_000;
/// The two cores that the targets are given for.
const THREADS: usize = 2;

/// How the row begins that says what of a vote grows with the market, at the size of the targets.
pub(super) const VOTE_AT_SCALE: &str =
    "match, list and outcome root, 2 threads, 1000000 requests x 100000 offers, 24 models";

/// All rows of this group. Takes two cores for about two minutes.
///
/// # Errors
/// When the trace is not as published, the solver's benchmark is not built or fails, or an outcome
/// does not pass its check.
pub(super) fn measure(tick: impl Fn()) -> Result<Vec<Row>, Error> {
    let mut rows = of("the whole trace", trace()?)?;
    tick();
    for models in [24, 1] {
        let what = format!("synthetic, models: {models}, regions: 32");
        rows.extend(of(&what, synthetic(models)?)?);
        tick();
    }
    rows.extend(scale()?);
    tick();
    Ok(rows)
}

/// A row of the solver's benchmark: times in seconds, memory in MB.
#[derive(Debug, Deserialize)]
struct Scale {
    market: String,
    requests: u64,
    offers: u64,
    prepare_s: f64,
    match_1_s: f64,
    match_2_s: f64,
    check_s: f64,
    list_s: f64,
    roots_s: f64,
    whole_s: f64,
    peak_mb: u64,
    pairs: u64,
}

/// Runs the solver's benchmark in a process of its own, so that peaks of memory are its own too.
fn scale() -> Result<Vec<Row>, Error> {
    let here = std::env::current_exe().map_err(failed)?;
    let bench = here.with_file_name("examples").join("markets");
    let name = bench.display().to_string();
    let run = Command::new(&bench).arg("--json").output();
    let run = run.map_err(|e| {
        let built = "cargo build --release -p quorate-solver --example markets";
        Error::program(&name, format!("{e}: build it with {built}"))
    })?;
    if !run.status.success() {
        let reason = String::from_utf8_lossy(&run.stderr).trim().to_owned();
        return Err(Error::program(name, reason));
    }
    let rows: Vec<Scale> =
        serde_json::from_slice(&run.stdout).map_err(|e| Error::program(name, e.to_string()))?;
    let before = std::iter::once(None).chain(rows.iter().map(Some));
    let each = rows.iter().zip(before);
    Ok(each.flat_map(|(row, before)| row.rows(before)).collect())
}

impl Scale {
    /// Whether the targets are given for this size.
    fn is_aimed_at(&self) -> bool {
        self.market.is_empty() && (self.requests, self.offers) == (1_000_000, 100_000)
    }

    fn rows(&self, before: Option<&Self>) -> Vec<Row> {
        let market = match self.market.as_str() {
            "" => "24 models, 32 regions",
            name => name,
        };
        let size = format!(
            "{} requests x {} offers, {market}",
            self.requests, self.offers
        );
        let row = |what: &str, seconds: f64, target: Option<f64>| {
            let (name, value) = (format!("{what}, {size}"), seconds * 1e3);
            match target.filter(|_| self.is_aimed_at()) {
                Some(target) => Row::at_most(name, value, "ms", target),
                None => Row::info(name, value, "ms"),
            }
        };
        let vote = self.match_2_s + self.list_s;
        let mut rows = vec![
            row("prepare before the beacon, 2 threads", self.prepare_s, None),
            row("match, 1 thread", self.match_1_s, None),
            row("match, 2 threads", self.match_2_s, Some(500.0)),
            row("match, list and outcome root, 2 threads", vote, Some(750.0)),
            row(
                "complete check, 2 threads",
                self.check_s,
                Some(self.match_2_s * 1e3),
            ),
            row("both input roots, 2 threads", self.roots_s, None),
            row("whole round, 2 threads", self.whole_s, Some(1_100.0)),
            Row::info(format!("pairs scored, {size}"), as_f64(self.pairs), "pairs"),
        ];
        let (name, peak) = (
            format!("memory with the inputs, {size}"),
            as_f64(self.peak_mb),
        );
        rows.push(if self.is_aimed_at() {
            Row::at_most(name, peak, "MB", 1_000_u32)
        } else {
            Row::info(name, peak, "MB")
        });
        if let Some(before) = before.filter(|before| before.market == self.market) {
            let name = format!("growth of matching against the size before, {size}");
            let growth = self.match_2_s / before.match_2_s;
            rows.push(Row::info(name, growth, "times"));
        }
        rows
    }
}

fn of(what: &str, snapshot: Snapshot) -> Result<Vec<Row>, Error> {
    let policy = ScorePolicy {
        max_matches: 0,
        ..policy_v1().score
    };
    let context = RoundContext {
        round: Round::new(12),
        time: Timestamp::new(NOW - 1),
        genesis: Timestamp::new(NOW - 60),
        period: 5,
        health_epoch: HealthEpoch::new(0),
    };
    let seed = Seed(draw("seed", 1));
    let name = format!(
        "{what}: {} offers x {} requests",
        snapshot.offers().len(),
        snapshot.requests().len()
    );

    forget_peak()?;
    let before = usage(std::process::id())?.resident;
    let inputs = Arc::new(snapshot);
    let (round, preparing) = timed(|| Prepared::new(inputs, &policy, &context, THREADS));
    let (outcome, matching) = timed(|| round.solve(&seed, THREADS));
    let peak = usage(std::process::id())?.peak;
    let (list, listing) = timed(|| round.list(&outcome, THREADS));
    let list = list.map_err(failed)?;
    let (verdict, checking) = timed(|| round.check(&seed, &list, THREADS));
    verdict.map_err(failed)?;

    let matched = as_f64(u64::from(list.count()));
    let memory = as_f64(peak.saturating_sub(before)) / 1e6;
    Ok(vec![
        Row::info(format!("prepare {name}"), ms(preparing), "ms"),
        Row::info(format!("match {name}"), ms(matching), "ms"),
        Row::info(format!("matches in it, {what}"), matched, "requests"),
        Row::info(format!("memory of matching, {what}"), memory, "MB"),
        Row::info(format!("list and its root, {what}"), ms(listing), "ms"),
        Row::at_most(
            format!("complete check of the outcome, {what}; target: the time of matching"),
            ms(checking),
            "ms",
            ms(matching),
        ),
    ])
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    let result = work();
    (result, began.elapsed())
}

fn ms(span: Duration) -> f64 {
    super::process::round_to(span.as_secs_f64() * 1e3, 3)
}

/// All machines and all tasks of the trace in one round.
fn trace() -> Result<Snapshot, Error> {
    let mapping = Mapping {
        seed: TraceSeed(1),
        start: NOW,
    };
    let script = Script::new(Window::FULL, mapping)?;
    let machines = script.machines.into_iter().map(|m| (m.provider, m.offer));
    let requests = script.tasks.into_iter().map(|task| task.request);
    snapshot(machines, requests)
}

/// Orders of so many models: the fewer, the more pairs are eligible.
fn synthetic(models: usize) -> Result<Snapshot, Error> {
    let models = MODELS.get(..models).unwrap_or(MODELS);
    let model = |i: u64| {
        let at = usize::try_from(i).unwrap_or(0) % models.len();
        &models[at]
    };
    let offers = (0..SYNTHETIC).map(|i| {
        let gpus = 1 << (draw("gpus", i)[0] % 4);
        let provider = usize::from(draw("provider", i)[0]);
        (provider, offer(model(i), gpus, i, NOW))
    });
    let requests = (0..SYNTHETIC).map(|i| {
        let percent = 85 + u64::from(draw("budget", i)[0] % 64);
        request(model(u64::from(draw("model", i)[0])), percent, i, NOW)
    });
    snapshot(offers, requests)
}

/// Numbers orders as the market would, with providers of more stake than any tier asks for.
fn snapshot(
    offers: impl Iterator<Item = (usize, Offer)>,
    requests: impl Iterator<Item = Request>,
) -> Result<Snapshot, Error> {
    let created = Timestamp::new(NOW - 30);
    let offers = (1..).zip(offers).map(|(id, (provider, offer))| {
        let number = u64::try_from(provider).unwrap_or(0);
        let observed = draw("observed", number);
        OfferInput {
            offer: Offer {
                id: OfferId::new(id),
                version: Version::new(1),
                provider: address("provider", number),
                ..offer
            },
            created,
            machine: MachineState {
                uptime: Bps::new(9_000 + u16::from(observed[0]) * 3),
                flags: 0,
            },
            provider: ProviderState {
                stake: Stake::new(
                    1_000_000_000_000_000 + u64::from(observed[1]) * 1_000_000_000_000,
                ),
                registered_gpus: 1_000,
                reputation: Bps::new(u16::from(observed[2]) * 39),
                ..ProviderState::default()
            },
            ..OfferInput::default()
        }
    });
    let requests = (1..).zip(requests).map(|(id, request)| RequestInput {
        request: Request {
            id: RequestId::new(id),
            version: Version::new(1),
            tenant: address("tenant", id % 8),
            payer: address("tenant", id % 8),
            ..request
        },
        created,
    });
    Snapshot::new(offers.collect(), requests.collect()).map_err(failed)
}

fn address(purpose: &str, number: u64) -> Address {
    let bytes = draw(purpose, number);
    Address(std::array::from_fn(|i| bytes[i]))
}
