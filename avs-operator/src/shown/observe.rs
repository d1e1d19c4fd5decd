//! What showing work says of itself.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge};
use quorate_canon::Epoch;
use quorate_service::Metrics;
use tracing::{info, warn};

use super::source::Counted;
use super::work::Work;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct WhatLabel {
    what: &'static str,
}

/// Metrics and log lines about shown work.
#[derive(Clone, Debug)]
pub struct ShownObserve {
    sampled: Family<WhatLabel, Counter>,
    handed_in: Family<WhatLabel, Counter>,
    share: Gauge,
}

impl ShownObserve {
    /// Registers the metrics.
    #[must_use]
    pub fn new(metrics: &Metrics) -> Self {
        Self {
            sampled: metrics.register(
                "operator_sampled_probes",
                "Sampled probes on whose committees this operator sits: its receipt, its DOWN, neither",
                Family::default(),
            ),
            handed_in: metrics.register(
                "operator_receipts_handed_in",
                "Messages with receipts of sampled probes: taken, refused, not taken in time by an aggregator",
                Family::default(),
            ),
            share: metrics.register(
                "operator_work_share",
                "This operator's share of its work in the last stake epoch that was counted, basis points",
                Gauge::default(),
            ),
        }
    }

    /// What there is to show of a sample is known.
    pub fn sampled(&self, work: &Work) {
        let silent = silent(work);
        for (what, count) in [
            ("receipt", work.receipts.len()),
            ("down", work.down),
            ("silent", silent),
        ] {
            let label = WhatLabel { what };
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            self.sampled.get_or_create(&label).inc_by(count);
        }
    }

    /// The first aggregator has the receipts, or there are none. Once an epoch.
    pub fn shown(&self, epoch: Epoch, work: &Work) {
        let (receipts, seated) = (work.receipts.len(), work.seated);
        info!(%epoch, down = work.down, silent = silent(work), "work shown: receipts of {receipts} of {seated} sampled probes on whose committees this operator sits");
    }

    /// An aggregator took the receipts.
    pub fn taken(&self) {
        self.count("taken");
    }

    /// An aggregator refused the receipts for good.
    pub fn refused(&self, epoch: Epoch, aggregator: &str, code: u32, detail: &str) {
        self.count("refused");
        warn!(%epoch, aggregator, code, detail, "receipts of sampled probes refused; docs/reasons.md lists the codes");
    }

    /// An aggregator did not take the receipts while they could be shown.
    pub fn lapsed(&self, epoch: Epoch, aggregator: &str) {
        self.count("lapsed");
        warn!(%epoch, aggregator, "receipts of sampled probes not handed in: the aggregator did not take them in time");
    }

    /// A stake epoch was counted, and L1 told. Where nobody is judged, the last share stands.
    pub fn counted(&self, epoch: Epoch, counted: &Counted) {
        let Counted {
            rounds,
            probes,
            share,
        } = *counted;
        if rounds == 0 {
            info!(%epoch, "no work counted: no sampled round counts, and nobody is judged");
            return;
        }
        self.share.set(share.get().into());
        info!(%epoch, rounds, probes, "work counted: this operator's share is {share}");
    }

    /// What is to be shown of an epoch is not known yet.
    pub fn hindered(&self, epoch: Epoch, detail: &str) {
        warn!(%epoch, detail, "work of the stake epoch cannot be shown yet, trying again");
    }

    /// The task failed and begins anew; rounds and probes go on meanwhile.
    pub fn restarted(&self, detail: &str) {
        warn!(
            detail,
            "showing work failed, beginning anew; rounds and probes are not touched"
        );
    }

    fn count(&self, what: &'static str) {
        self.handed_in.get_or_create(&WhatLabel { what }).inc();
    }
}

fn silent(work: &Work) -> usize {
    let said = work.receipts.len().saturating_add(work.down);
    work.seated.saturating_sub(said)
}
