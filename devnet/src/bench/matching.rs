//! One round's matching, without its limit, and the complete check of its outcome.

use std::time::{Duration, Instant};

use quorate_canon::{
    Address, Bps, HealthEpoch, OfferId, RequestId, Round, Stake, Timestamp, Version,
};
use quorate_matching::{
    MachineState, Offer, OfferInput, OutcomeList, ProviderState, Request, RequestInput,
    RoundContext, ScorePolicy, Seed, Snapshot, check_outcome, match_round,
    policy::{defaults::policy_v1, models::MODELS},
};

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

/// All rows of this group. Takes a core for some seconds.
///
/// # Errors
/// When the trace is not as published, or an outcome does not pass its check.
pub(super) fn measure(tick: impl Fn()) -> Result<Vec<Row>, Error> {
    let mut rows = of("the whole trace", trace()?)?;
    tick();
    for models in [24, 1] {
        let what = format!("synthetic, models: {models}, regions: 32");
        rows.extend(of(&what, synthetic(models)?)?);
        tick();
    }
    Ok(rows)
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
    let (outcome, matching) = timed(|| match_round(&snapshot, &policy, &context, &seed));
    let peak = usage(std::process::id())?.peak;
    let (list, listing) = timed(|| OutcomeList::new(&outcome, &snapshot));
    let list = list.map_err(failed)?;
    let (verdict, checking) = timed(|| check_outcome(&snapshot, &policy, &context, &seed, &list));
    verdict.map_err(failed)?;

    let matched = as_f64(u64::from(list.count()));
    let memory = as_f64(peak.saturating_sub(before)) / 1e6;
    Ok(vec![
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
