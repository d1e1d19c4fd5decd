//! What is worth noticing about the relay.

use alloy::primitives::{B256, U256};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
};
use quorate_service::Metrics;
use tracing::{debug, info, warn};

use super::carrier::Paid;
use super::refusal::Refusal;

type Amount = Gauge<f64, std::sync::atomic::AtomicU64>;

/// How a call ended.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct ResultLabel {
    /// `carried`, or the code of a refusal.
    pub result: &'static str,
}

/// The relay's metrics; cheap to clone.
#[derive(Clone, Debug)]
pub struct Observe {
    calls: Family<ResultLabel, Counter>,
    gas: Counter,
    spent: Amount,
    budget: Amount,
    underway: Gauge,
}

impl Observe {
    /// Registers the metrics.
    #[must_use]
    pub fn new(metrics: &Metrics) -> Self {
        let name = |name: &str| format!("aggregator_relay_{name}");
        Self {
            calls: metrics.register_family(
                &name("calls"),
                "Signed calls that were brought here, by how they ended",
                &["result"],
                Family::default(),
            ),
            gas: metrics.register(
                &name("gas"),
                "Gas of signed calls that were carried",
                Counter::default(),
            ),
            spent: metrics.register(
                &name("spent_ether"),
                "What carrying has cost today, with what is set aside for calls under way",
                Amount::default(),
            ),
            budget: metrics.register(
                &name("budget_ether"),
                "What carrying may cost in a day",
                Amount::default(),
            ),
            underway: metrics.register(
                &name("underway"),
                "Signed calls under way",
                Gauge::default(),
            ),
        }
    }

    /// A call was carried.
    pub fn carried(&self, function: &str, request: B256, paid: &Paid) {
        self.count("carried");
        self.gas.inc_by(paid.gas);
        info!(
            function, %request, transaction = %paid.transaction, block = paid.block, gas = paid.gas,
            "signed call carried"
        );
    }

    /// A call was not taken, or came to nothing.
    pub fn refused(&self, refusal: &Refusal) {
        self.count(refusal.code());
        match refusal {
            Refusal::Reverted { .. } | Refusal::NotMined(_) | Refusal::NotReady(_) => {
                warn!(code = refusal.code(), why = %refusal, "signed call lost");
            }
            _ => debug!(code = refusal.code(), why = %refusal, "signed call refused"),
        }
    }

    /// What the day has cost so far.
    pub fn money(&self, spent: U256, budget: U256) {
        self.spent.set(ether(spent));
        self.budget.set(ether(budget));
    }

    /// How many are under way.
    pub fn underway(&self, calls: usize) {
        self.underway.set(i64::try_from(calls).unwrap_or(i64::MAX));
    }

    /// Something of the relay's own failed.
    pub fn failed(&self, what: &'static str, why: &str) {
        warn!(what, why, "relay");
    }

    fn count(&self, result: &'static str) {
        self.calls.get_or_create(&ResultLabel { result }).inc();
    }
}

/// Whole ether and fractions: for looking at, not for counting.
fn ether(wei: U256) -> f64 {
    f64::from(wei) / 1e18
}
