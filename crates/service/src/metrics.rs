//! The metrics of a process, in OpenMetrics text.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Metric, Registry},
};

/// The registry of a process; cheap to clone.
#[derive(Clone, Default)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    described: Arc<Mutex<Vec<Described>>>,
}

/// A metric that was registered, for documents: the encoded page leaves out families that have
/// counted nothing yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// The name, without the ending that its kind gets.
    pub name: String,
    /// `counter`, `gauge` or `histogram`.
    pub kind: String,
    /// The labels, if it was registered with [`Metrics::register_family`].
    pub labels: &'static [&'static str],
    /// What it tells.
    pub help: String,
}

impl Metrics {
    /// An empty registry.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers `metric` as `quorate_<name>` and hands it back. The help text ends without a full stop.
    pub fn register<M: Metric + Clone>(&self, name: &str, help: &str, metric: M) -> M {
        self.register_family(name, help, &[], metric)
    }

    /// Registers a family, whose labels are named for [`Self::described`].
    pub fn register_family<M: Metric + Clone>(
        &self,
        name: &str,
        help: &str,
        labels: &'static [&'static str],
        metric: M,
    ) -> M {
        let name = format!("quorate_{name}");
        let described = Described {
            name: name.clone(),
            kind: metric.metric_type().as_str().to_owned(),
            labels,
            help: help.to_owned(),
        };
        self.described
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(described);
        self.add(name, help, &metric);
        metric
    }

    /// All metrics of ours that were registered, in that order.
    pub fn described(&self) -> Vec<Described> {
        self.described
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Registers one of EigenLayer's metrics, which every node of an AVS exports under these names.
    /// Our own must not begin with `eigen_`.
    fn add<M: Metric + Clone>(&self, name: String, help: &str, metric: &M) {
        let mut registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        registry.register(name, help, metric.clone());
    }

    /// All metrics as text.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        let mut page = String::new();
        text::encode(&mut page, &registry)?;
        Ok(page)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics(..)")
    }
}

/// Buckets for what takes between a millisecond and a minute, in seconds.
pub fn seconds() -> Histogram {
    Histogram::new([
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
    ])
}

/// Labels of [`EigenMetrics::stakes`].
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct QuorumLabels {
    /// The operator set.
    pub quorum_number: String,
    /// Its name.
    pub quorum_name: String,
}

/// Labels of the metrics of RPC calls.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct CallLabels {
    /// The method called.
    pub method: String,
    /// The software called.
    pub client_version: String,
}

/// What EigenLayer asks every operator's node to export.
#[derive(Clone, Debug)]
pub struct EigenMetrics {
    /// Stake of the operator in each operator set.
    pub stakes: Family<QuorumLabels, Gauge<f64, std::sync::atomic::AtomicU64>>,
    /// 0 to 100.
    pub performance: Gauge,
    /// Duration of RPC calls.
    pub calls: Family<CallLabels, Histogram>,
    /// Number of RPC calls.
    pub call_count: Family<CallLabels, Counter>,
}

impl EigenMetrics {
    /// Registers them.
    pub fn new(metrics: &Metrics) -> Self {
        let eigen = Self {
            stakes: Family::default(),
            performance: Gauge::default(),
            calls: Family::new_with_constructor(seconds as fn() -> Histogram),
            call_count: Family::default(),
        };
        metrics.add(
            "eigen_registered_stakes".into(),
            "Stake of the operator in each operator set",
            &eigen.stakes,
        );
        metrics.add(
            "eigen_performance_score".into(),
            "Share of rounds that the operator signed, 0 to 100",
            &eigen.performance,
        );
        metrics.add(
            "eigen_rpc_request_duration_seconds".into(),
            "Duration of JSON-RPC calls",
            &eigen.calls,
        );
        // The encoder adds `_total`.
        metrics.add(
            "eigen_rpc_request".into(),
            "JSON-RPC calls",
            &eigen.call_count,
        );
        eigen
    }

    /// Counts one call that began at `start`.
    pub fn called(&self, method: &str, client_version: &str, start: Instant) {
        let labels = CallLabels {
            method: method.to_owned(),
            client_version: client_version.to_owned(),
        };
        self.calls
            .get_or_create(&labels)
            .observe(start.elapsed().as_secs_f64());
        self.call_count.get_or_create(&labels).inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_metrics_bear_our_name_and_help() {
        let metrics = Metrics::new();
        metrics
            .register("votes", "Votes that came", Counter::<u64>::default())
            .inc();
        let page = metrics.encode().unwrap();
        assert!(
            page.contains("# HELP quorate_votes Votes that came."),
            "{page}"
        );
        assert!(page.contains("quorate_votes_total 1"), "{page}");
    }

    #[test]
    fn a_family_is_described_before_it_has_counted() {
        let metrics = Metrics::new();
        let family = Family::<CallLabels, Counter>::default();
        metrics.register_family("calls", "Calls by method", &["method"], family);
        assert!(!metrics.encode().unwrap().contains("quorate_calls"));
        let described = Described {
            name: "quorate_calls".into(),
            kind: "counter".into(),
            labels: &["method"],
            help: "Calls by method".into(),
        };
        assert_eq!(metrics.described(), [described]);
    }

    #[test]
    fn eigenlayer_s_metrics_have_the_names_that_it_asks_for() {
        let metrics = Metrics::new();
        let eigen = EigenMetrics::new(&metrics);
        eigen.called("eth_call", "anvil", Instant::now());
        eigen
            .stakes
            .get_or_create(&QuorumLabels {
                quorum_number: "0".into(),
                quorum_name: "gpu".into(),
            })
            .set(1.5);
        eigen.performance.set(100);
        let page = metrics.encode().unwrap();
        for line in [
            "eigen_registered_stakes{quorum_number=\"0\",quorum_name=\"gpu\"} 1.5",
            "eigen_performance_score 100",
            "eigen_rpc_request_total{method=\"eth_call\",client_version=\"anvil\"} 1",
            "eigen_rpc_request_duration_seconds_count{method=\"eth_call\",client_version=\"anvil\"} 1",
        ] {
            assert!(page.contains(line), "{line} not in\n{page}");
        }
    }
}
