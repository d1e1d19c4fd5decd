//! `Health` and L1's judgement of attestations in memory, beside the other simulated contracts.

use std::collections::BTreeSet;

use quorate_canon::{HealthEpoch, OperatorIndex, Round, Timestamp};
use quorate_health::{HealthPolicy, Subject};
use quorate_protocol::Bitmap;

use super::actions::SignedList;
use super::simulated::{SimulatedChain, World};
use super::{Action, CertifiedList, Fault, HealthChain, Struck, StruckScan};

/// The state of `Health`.
#[derive(Debug)]
pub struct HealthWorld {
    /// The policy of every epoch.
    pub policy: HealthPolicy,
    /// Epochs that were opened.
    pub open: BTreeSet<HealthEpoch>,
    /// Lists that were certified, in order.
    pub lists: Vec<SignedList>,
    /// Operators whose seats were struck.
    pub struck: Vec<Struck>,
    /// False attestations that L1 has punished.
    pub convicted: BTreeSet<(OperatorIndex, HealthEpoch, Subject)>,
}

impl Default for HealthWorld {
    fn default() -> Self {
        Self {
            policy: HealthPolicy::recommended(),
            open: BTreeSet::new(),
            lists: Vec::new(),
            struck: Vec::new(),
            convicted: BTreeSet::new(),
        }
    }
}

impl World {
    /// Does an action about downtime.
    pub(super) fn apply_health(&mut self, action: &Action) -> Result<(), Fault> {
        match action {
            Action::OpenEpoch(epoch, _) => match self.health.open.insert(*epoch) {
                true => Ok(()),
                false => Err(Fault::Refused("AlreadyOpen".into())),
            },
            Action::CertifyDowns(signed) => {
                if !self.health.open.contains(&signed.list.epoch()) {
                    return Err(Fault::Refused("NotOpen".into()));
                }
                if self
                    .health
                    .lists
                    .iter()
                    .any(|list| list.list == signed.list)
                {
                    return Err(Fault::Refused("NothingCounts".into()));
                }
                self.health.lists.push((**signed).clone());
                Ok(())
            }
            Action::ProveAttesters(signed) => {
                let count = u32::try_from(8 * signed.bitmap.len()).unwrap();
                let bitmap = Bitmap::from_bytes(&signed.bitmap, count).unwrap();
                let digest = signed.list.digest();
                self.signers
                    .extend(bitmap.iter().map(|operator| (digest, operator)));
                Ok(())
            }
            Action::ProveFalseAttestation(proof) => {
                let digest = proof.list.digest();
                if !self.signers.contains(&(digest, proof.operator)) {
                    return Err(Fault::Refused("NotASigner".into()));
                }
                let entry = proof.list.entries()[usize::from(proof.entry)];
                if !entry.has(proof.window) {
                    return Err(Fault::Refused("NoFault".into()));
                }
                let offence = (proof.operator, proof.list.epoch(), entry.subject);
                match self.health.convicted.insert(offence) {
                    true => Ok(()),
                    false => Err(Fault::Refused("AlreadyPunished".into())),
                }
            }
            action => self.apply_duty(action),
        }
    }
}

impl HealthChain for SimulatedChain {
    async fn health_policy(&self, _: Round) -> Result<HealthPolicy, Fault> {
        Ok(self.ask()?.health.policy.clone())
    }

    async fn is_open(&self, epoch: HealthEpoch) -> Result<bool, Fault> {
        Ok(self.ask()?.health.open.contains(&epoch))
    }

    async fn struck(&self, _: Option<u64>, _: Timestamp) -> Result<StruckScan, Fault> {
        Ok(StruckScan {
            struck: self.ask()?.health.struck.clone(),
            next: 0,
            complete: true,
        })
    }

    async fn certified_list(
        &self,
        epoch: HealthEpoch,
        number: u32,
        _: Timestamp,
    ) -> Result<CertifiedList, Fault> {
        let world = self.ask()?;
        let mut lists = world.health.lists.iter();
        let of_epoch = lists
            .by_ref()
            .filter(|signed| signed.list.epoch() == epoch)
            .nth(number as usize);
        let signed = of_epoch.ok_or(Fault::BadData("no such list".into()))?;
        Ok(CertifiedList {
            list: signed.list.clone(),
            bitmap: signed.bitmap.clone(),
            aggregate: signed.aggregate.clone(),
        })
    }
}
