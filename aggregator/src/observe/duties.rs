//! What is worth noticing about machines and money, and why certifying failed.

use std::time::Instant;

use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge};
use quorate_bindings::reverts::error_name;
use quorate_canon::{Digest, HealthEpoch, OfferId};
use quorate_service::Metrics;
use tracing::{debug, info, warn};

use super::seldom::Seldom;
use super::{Observe, ReasonLabel};
use crate::chain::Fault;

/// The metrics of the duties.
#[derive(Clone, Debug)]
pub(super) struct DutyMetrics {
    certify_failed: Family<ReasonLabel, Counter>,
    slashed: Counter,
    opened: Counter,
    waiting: Gauge,
    jailed: Gauge,
    earned: Gauge,
    owed: Gauge,
    paid: Counter,
    warned: Seldom,
}

impl DutyMetrics {
    /// Registers them.
    pub(super) fn new(metrics: &Metrics) -> Self {
        let gauge = |name, help| metrics.register(name, help, Gauge::default());
        let counter = |name, help| metrics.register(name, help, Counter::default());
        Self {
            certify_failed: metrics.register_family(
                "aggregator_certify_failed",
                "Attempts to certify a list of windows DOWN that failed, by the contract's reason",
                &["reason"],
                Family::default(),
            ),
            slashed: counter(
                "aggregator_machines_slashed",
                "Machines that were slashed from here",
            ),
            opened: counter(
                "aggregator_epochs_opened",
                "Health epochs that were opened from here",
            ),
            waiting: gauge(
                "aggregator_machines_waiting",
                "Machines to look at, whose settled health epochs may not be observed",
            ),
            jailed: gauge("aggregator_machines_jailed", "Machines in jail"),
            earned: gauge(
                "aggregator_fees_earned_microdollars",
                "Earned by settling and not claimed yet",
            ),
            owed: gauge(
                "aggregator_fees_owed_microdollars",
                "Claimed before, and still owed by the pot",
            ),
            paid: counter(
                "aggregator_fees_paid_microdollars",
                "Credited in Escrow by claims from here",
            ),
            warned: Seldom::default(),
        }
    }
}

impl Observe {
    /// A list could not be certified, or its epoch not be opened. Each reason is told once a minute.
    pub fn certify_failed(&self, epoch: HealthEpoch, digest: Digest, fault: &Fault) {
        let reason = reason(fault);
        let label = ReasonLabel { reason };
        self.duties.certify_failed.get_or_create(&label).inc();
        if self.duties.warned.may_say(reason, Instant::now()) {
            warn!(%epoch, %digest, reason, %fault, "list of windows DOWN not certified");
        } else {
            debug!(%epoch, %digest, reason, %fault, "list of windows DOWN not certified");
        }
    }

    /// A machine was slashed from here.
    pub fn machine_slashed(&self, machine: OfferId, epoch: HealthEpoch) {
        self.duties.slashed.inc();
        info!(%machine, %epoch, "machine slashed");
    }

    /// A health epoch was opened from here.
    pub fn epoch_opened(&self, epoch: HealthEpoch) {
        self.duties.opened.inc();
        info!(%epoch, "health epoch opened");
    }

    /// How many machines wait to be looked at, and are jailed.
    pub fn machines(&self, waiting: usize, jailed: usize) {
        let count = |count| i64::try_from(count).unwrap_or(i64::MAX);
        self.duties.waiting.set(count(waiting));
        self.duties.jailed.set(count(jailed));
    }

    /// What was earned and not claimed, micro-dollars.
    pub fn fees_earned(&self, micro: u64) {
        self.duties.earned.set(signed(micro));
    }

    /// What the pot owes, micro-dollars.
    pub fn fees_owed(&self, micro: u64) {
        self.duties.owed.set(signed(micro));
    }

    /// A claim brought this much, micro-dollars.
    pub fn fees_paid(&self, micro: u64) {
        self.duties.paid.inc_by(micro);
        info!(micro, "fees credited");
    }
}

fn signed(micro: u64) -> i64 {
    i64::try_from(micro).unwrap_or(i64::MAX)
}

/// A fault's label: the contract's error, or `other` for what is none of ours.
fn reason(fault: &Fault) -> &'static str {
    match fault {
        Fault::Refused(why) => error_name(why).unwrap_or("other"),
        fault => fault.name(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_the_contract_s_error_and_labels_are_bounded() {
        let refused = |why: &str| reason(&Fault::Refused(why.into()));
        assert_eq!(refused("NothingCounts()"), "NothingCounts");
        let late = "OutOfTime(uint256,uint256,uint256) 0x01";
        assert_eq!(refused(late), "OutOfTime");
        assert_eq!(refused("anything that an endpoint makes up"), "other");
        assert_eq!(reason(&Fault::Expired), "expired");
    }

    #[test]
    fn a_failed_certificate_is_counted_by_its_reason() {
        let metrics = Metrics::new();
        let observe = Observe::new(&metrics);
        let fault = Fault::Refused("NotOpen(uint32) 0x07".into());
        observe.certify_failed(HealthEpoch::new(7), Digest::default(), &fault);
        observe.certify_failed(HealthEpoch::new(7), Digest::default(), &fault);
        let page = metrics.encode().unwrap();
        let line = "quorate_aggregator_certify_failed_total{reason=\"NotOpen\"} 2";
        assert!(page.contains(line), "{page}");
    }
}
