//! What the prober says of itself: one verb for each thing that happens.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::{
    counter::Counter, family::Family, gauge::Gauge, histogram::Histogram,
};
use quorate_canon::{HealthEpoch, OfferId};
use quorate_health::{Place, Subject, Verdict, Window};
use quorate_service::{Metrics, metrics::seconds};
use tracing::{error, info, warn};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct VerdictLabel {
    verdict: &'static str,
    code: u8,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct WhatLabel {
    what: &'static str,
}

/// Metrics and log lines of the prober.
#[derive(Clone, Debug)]
pub struct ProbeObserve {
    verdicts: Family<VerdictLabel, Counter>,
    words: Family<WhatLabel, Counter>,
    lists: Family<WhatLabel, Counter>,
    latency: Histogram,
    late: Counter,
    machines: Gauge,
    left_out: Gauge,
    epoch: Gauge,
}

impl ProbeObserve {
    /// Registers the metrics.
    #[must_use]
    pub fn new(metrics: &Metrics) -> Self {
        Self {
            verdicts: metrics.register(
                "operator_probe_verdicts",
                "Verdicts of probes, with the code of their reason (docs/health.md); 0 for a PASS",
                Family::default(),
            ),
            words: metrics.register(
                "operator_words",
                "Words about machines: receipts signed, delivered, DOWN, refused by the ledger",
                Family::default(),
            ),
            lists: metrics.register(
                "operator_down_lists",
                "Lists of windows DOWN: signed, not agreed with, taken or refused by aggregators",
                Family::default(),
            ),
            latency: metrics.register(
                "operator_probe_seconds",
                "From the beginning of a probe to its answer or deadline",
                seconds(),
            ),
            late: metrics.register(
                "operator_probes_late",
                "Probes that were not sent in time because too many ran: UNKNOWN",
                Counter::default(),
            ),
            machines: metrics.register(
                "operator_machines_probed",
                "Machines of the present window on whose committees this operator sits",
                Gauge::default(),
            ),
            left_out: metrics.register(
                "operator_machines_left_out",
                "Machines beyond health.most_machines",
                Gauge::default(),
            ),
            epoch: metrics.register(
                "operator_health_epoch",
                "The health epoch that is probed",
                Gauge::default(),
            ),
        }
    }

    /// An epoch can be probed.
    pub fn planned(&self, epoch: HealthEpoch, windows: u16) {
        self.epoch.set(epoch.get().into());
        info!(%epoch, windows, "health epoch begins");
    }

    /// An epoch cannot be probed yet.
    pub fn not_planned(&self, epoch: HealthEpoch, detail: &str) {
        warn!(%epoch, detail, "health epoch cannot be probed yet, trying again");
    }

    /// A window begins.
    pub fn window(&self, machines: usize, left_out: usize) {
        self.machines
            .set(i64::try_from(machines).unwrap_or(i64::MAX));
        self.left_out
            .set(i64::try_from(left_out).unwrap_or(i64::MAX));
        if left_out > 0 {
            warn!(
                machines,
                left_out, "more machines than health.most_machines: the last ones are not probed"
            );
        }
    }

    /// A probe was judged. `detail` is what the connection said, if it said anything.
    pub fn judged(&self, place: &Place, verdict: &Verdict, took: Duration, detail: &str) {
        self.latency.observe(took.as_secs_f64());
        let (name, code) = match verdict {
            Verdict::Pass => ("pass", 0),
            Verdict::Fail(reason) => ("fail", reason.code()),
            Verdict::Unknown(why) => ("unknown", why.code()),
        };
        let label = VerdictLabel {
            verdict: name,
            code,
        };
        self.verdicts.get_or_create(&label).inc();
        if let Verdict::Fail(reason) = verdict {
            let Subject::Machine(machine) = place.subject;
            let (epoch, window, ms) = (place.epoch, place.window, took.as_millis());
            warn!(%machine, %epoch, %window, code, ms, detail, "FAIL: {reason}");
        }
    }

    /// A probe could not be sent in time.
    pub fn late(&self) {
        self.late.inc();
    }

    /// A receipt was signed.
    pub fn receipt_signed(&self) {
        self.word("receipt");
    }

    /// An agent has stored a receipt.
    pub fn receipt_delivered(&self) {
        self.word("delivered");
    }

    /// A receipt was not delivered before its window ended.
    pub fn receipt_kept(&self, machine: OfferId, window: Window) {
        self.word("undelivered");
        info!(%machine, %window, "receipt not delivered: its agent did not take it");
    }

    /// The word DOWN stands in the ledger.
    pub fn down(&self, place: &Place) {
        self.word("down");
        let (Subject::Machine(machine), epoch, window) = (place.subject, place.epoch, place.window);
        warn!(%machine, %epoch, %window, "DOWN");
    }

    /// The ledger refused a word, or failed.
    pub fn refused(&self, machine: OfferId, window: Window, detail: &str) {
        self.word("refused");
        warn!(%machine, %window, detail, "word refused by the ledger");
    }

    /// A list was signed, and is sent.
    pub fn list_signed(&self, epoch: HealthEpoch, entries: usize, own: bool) {
        self.list("signed");
        info!(%epoch, entries, own, "list of windows DOWN signed");
    }

    /// A list of an aggregator says what this operator does not.
    pub fn list_declined(&self, epoch: HealthEpoch, detail: &str) {
        self.list("declined");
        info!(%epoch, detail, "list of windows DOWN not signed");
    }

    /// An aggregator took a list.
    pub fn list_taken(&self, epoch: HealthEpoch, aggregator: &str) {
        self.list("taken");
        info!(%epoch, aggregator, "list of windows DOWN taken");
    }

    /// An aggregator refused a list.
    pub fn list_refused(&self, epoch: HealthEpoch, aggregator: &str, code: u32, detail: &str) {
        self.list("refused");
        warn!(%epoch, aggregator, code, detail, "list of windows DOWN refused; docs/reasons.md lists the codes");
    }

    /// Signing and handing in an epoch's lists failed, and begins anew.
    pub fn attest_restarted(&self, epoch: HealthEpoch, detail: &str) {
        self.list("failed");
        error!(%epoch, detail, "lists of windows DOWN failed, beginning anew; this is a bug, please report it");
    }

    /// The prober failed and begins anew; rounds go on meanwhile.
    pub fn restarted(&self, detail: &str) {
        warn!(
            detail,
            "prober failed, beginning anew; rounds are not touched"
        );
    }

    fn word(&self, what: &'static str) {
        self.words.get_or_create(&WhatLabel { what }).inc();
    }

    fn list(&self, what: &'static str) {
        self.lists.get_or_create(&WhatLabel { what }).inc();
    }
}
