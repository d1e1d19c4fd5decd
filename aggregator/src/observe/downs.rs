//! What is worth noticing about downtime.

use quorate_canon::{Digest, HealthEpoch, OfferId, OperatorIndex};
use quorate_protocol::Offence;
use quorate_rpc::{ContradictionRejection, ListRejection};
use tracing::{debug, info, warn};

use super::{Observe, OffenceLabel, ReasonLabel};
use crate::chain::Struck;
use crate::store::Contradicted;

impl Observe {
    /// A list was taken.
    pub fn downs_taken(&self, epoch: HealthEpoch, operator: OperatorIndex, entries: usize) {
        self.downs.inc();
        debug!(%epoch, %operator, entries, "list of windows DOWN");
    }

    /// A list was not taken.
    pub fn downs_rejected(&self, reason: ListRejection, detail: &str) {
        let label = ReasonLabel {
            reason: reason.name(),
        };
        self.downs_rejected.get_or_create(&label).inc();
        debug!(
            reason = reason.name(),
            code = reason.code(),
            detail,
            "list rejected"
        );
    }

    /// Lists were proposed for signing.
    pub fn downs_proposed(&self, epoch: HealthEpoch, lists: usize) {
        info!(%epoch, lists, "windows DOWN proposed");
    }

    /// A list was certified on L2.
    pub fn downs_certified(
        &self,
        epoch: HealthEpoch,
        digest: Digest,
        entries: usize,
        signers: usize,
    ) {
        self.downs_certified
            .inc_by(u64::try_from(entries).unwrap_or(u64::MAX));
        info!(%epoch, %digest, entries, signers, "windows DOWN certified");
    }

    /// L2 struck an operator's seats.
    pub fn seats_struck(&self, struck: &Struck) {
        self.seats_struck.inc();
        warn!(
            operator = %struck.operator, epoch = %struck.epoch, machine = %struck.machine,
            window = %struck.window, "seats struck by a receipt"
        );
    }

    /// A receipt was taken against a list of its operator.
    pub fn contradicted(&self, case: &Contradicted) {
        self.contradictions.inc();
        warn!(
            operator = %case.operator, epoch = %case.epoch, machine = %case.machine,
            window = %case.window, "an operator's receipt contradicts its list"
        );
    }

    /// A receipt against a list was not taken.
    pub fn contradiction_rejected(&self, reason: ContradictionRejection, detail: &str) {
        let label = ReasonLabel {
            reason: reason.name(),
        };
        self.contradictions_rejected.get_or_create(&label).inc();
        debug!(
            reason = reason.name(),
            code = reason.code(),
            detail,
            "contradiction rejected"
        );
    }

    /// An operator was punished for a false attestation.
    pub fn attester_punished(&self, operator: OperatorIndex, epoch: HealthEpoch, machine: OfferId) {
        let offence = Offence::FalseAttestation.name();
        self.punished.get_or_create(&OffenceLabel { offence }).inc();
        info!(%operator, %epoch, %machine, offence, "offence punished");
    }

    /// An operator was not punished for a false attestation: it would cost gas and move nothing.
    pub fn attester_spent(&self, operator: OperatorIndex, epoch: HealthEpoch, machine: OfferId) {
        let offence = Offence::FalseAttestation.name();
        info!(%operator, %epoch, %machine, offence, "nothing left to lose");
    }
}
