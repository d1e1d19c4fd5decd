//! What other weights would make of the trace: how much is placed, and what tenants get.

use quorate_canon::MicroDollars;
use quorate_matching::{Factors, Match, Outcome, ScorePolicy, factors, score};
use serde_json::{Value, json};

use crate::Market;

/// The order of the factors in a row of weights.
const UPTIME: usize = 2;
const WHOLE: u16 = 10_000;

/// A policy under a name.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// What it is.
    pub name: String,
    /// The policy.
    pub policy: ScorePolicy,
}

/// The policies that are compared, the default one first.
#[must_use]
pub fn candidates() -> Vec<Candidate> {
    let base = ScorePolicy {
        max_matches: 0,
        ..ScorePolicy::default_v1()
    };
    let mut all = vec![candidate("default", &base, base.weights, base.offsets)];
    for share in [50, 80, 90, 95] {
        let weights = base.weights.map(|row| towards_uptime(row, share));
        // Uptime weighs the same for all profiles, so what they differ in shrinks with the rest.
        let offsets = base.offsets.map(|o| o * u64::from(100 - share) / 100);
        all.push(candidate(
            &format!("{share} % uptime, rest default"),
            &base,
            weights,
            offsets,
        ));
    }
    let rows: [(&str, [u16; 8]); 7] = [
        ("region only", [WHOLE, 0, 0, 0, 0, 0, 0, 0]),
        ("price only", [0, WHOLE, 0, 0, 0, 0, 0, 0]),
        ("uptime only", [0, 0, WHOLE, 0, 0, 0, 0, 0]),
        ("reputation only", [0, 0, 0, WHOLE, 0, 0, 0, 0]),
        ("availability only", [0, 0, 0, 0, WHOLE, 0, 0, 0]),
        ("lottery at its most", [0, 0, 0, 0, 0, 8_000, 0, 2_000]),
        (
            "uptime 99 %, reputation 1 %",
            [0, 0, 9_900, 100, 0, 0, 0, 0],
        ),
    ];
    all.extend(rows.map(|(name, row)| candidate(name, &base, [row; 4], [0; 4])));
    all
}

fn candidate(
    name: &str,
    base: &ScorePolicy,
    weights: [[u16; 8]; 4],
    offsets: [u64; 4],
) -> Candidate {
    Candidate {
        name: name.into(),
        policy: ScorePolicy {
            weights,
            offsets,
            ..base.clone()
        },
    }
}

/// `share` per cent of the weight to uptime, the rest as it was.
fn towards_uptime(row: [u16; 8], share: u16) -> [u16; 8] {
    let mut mixed = row.map(|weight| weight / 100 * (100 - share));
    mixed[UPTIME] += WHOLE - mixed.iter().sum::<u16>();
    mixed
}

/// What a policy makes of a market. Means are over the GPUs placed; welfare is by the market's own
/// policy, so that it can be compared.
#[must_use]
pub fn measure(market: &Market, policy: &ScorePolicy) -> Value {
    let outcome = Market {
        policy: policy.clone(),
        ..market.clone()
    }
    .solve(2);
    let figures = Figures::of(market, &outcome);
    json!({
        "gpus": figures.gpus,
        "requests": outcome.matches.len(),
        "welfare": figures.welfare,
        "gpu_welfare": figures.gpu_welfare,
        "region": figures.mean(figures.region),
        "uptime": figures.mean(figures.uptime),
        "reputation": figures.mean(figures.reputation),
        "ask_of_reference": figures.mean(figures.ask),
    })
}

/// Sums over an outcome's matches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// GPUs placed.
    pub gpus: u64,
    /// Scores by the market's policy.
    pub welfare: u64,
    /// Scores times GPUs.
    pub gpu_welfare: u64,
    region: u64,
    uptime: u64,
    reputation: u64,
    /// Asks in ten-thousandths of the reference price.
    ask: u64,
}

impl Figures {
    /// Of an outcome of this market, by any policy.
    #[must_use]
    pub fn of(market: &Market, outcome: &Outcome) -> Self {
        let mut sums = Self::default();
        for pair in &outcome.matches {
            sums.add(market, pair);
        }
        sums
    }

    fn add(&mut self, market: &Market, pair: &Match) {
        let Market {
            snapshot,
            policy,
            context,
            seed,
        } = market;
        let orders = (snapshot.request(pair.request), snapshot.offer(pair.offer));
        let (Some(request), Some(offer)) = orders else {
            return;
        };
        let tie = quorate_matching::tie(request, offer, seed);
        let factors: Factors = factors(request, offer, policy, context, tie);
        let score = score(request, &factors, policy, context);
        let gpus = u64::from(request.request.gpus.get());
        let reference = policy
            .reference_of(offer.offer.model)
            .map_or(1, MicroDollars::get);
        self.gpus += gpus;
        self.welfare += score;
        self.gpu_welfare += score * gpus;
        self.region += gpus * u64::from(factors.region);
        self.uptime += gpus * u64::from(factors.uptime);
        self.reputation += gpus * u64::from(factors.reputation);
        self.ask += gpus * (offer.offer.ask.get() * u64::from(WHOLE) / reference);
    }

    /// A sum of factors as a share of a whole, for each GPU placed.
    fn mean(&self, sum: u64) -> f64 {
        let all = self.gpus.max(1) * u64::from(WHOLE);
        // Rounded to millionths before it is a float.
        let millionths = u128::from(sum) * 1_000_000 / u128::from(all);
        f64::from(u32::try_from(millionths).unwrap_or(u32::MAX)) / 1e6
    }
}
