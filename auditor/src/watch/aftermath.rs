//! After a refutation: strikes, annulments, and the withdrawal of what was won.

use alloy::primitives::{Bytes, U256};
use quorate_canon::{Round, Timestamp};

use super::{
    court::{Act, Court, CourtError},
    docket::{Case, CaseId},
    drive::may_pass,
    engine::Watch,
    examine::blocking,
    line::{ActionLine, Deed, Fate},
    trial::Trial,
    world::{Stand, World},
};
use crate::AuditError;

impl<W: World, C: Court> Watch<W, C> {
    /// Strikes the signers of a refuted round and ends the leases of ineligible pairs.
    pub(super) async fn after_refutation(
        &mut self,
        id: CaseId,
        stand: &Stand,
        now: Timestamp,
    ) -> Result<(), AuditError> {
        let case = self.docket.get(&id).cloned();
        if let Some(case) = case.filter(|case| self.may_strike(stand, case, now)) {
            self.strike(id, stand, case).await?;
        }
        let case = self.docket.get(&id).cloned();
        if let Some(case) = case.filter(|case| self.may_annul(stand, case)) {
            self.annul(id, stand, case).await?;
        }
        Ok(())
    }

    /// Whether the signers are still to be struck. A strike holds to the end of the next epoch: two
    /// epochs after the refutation, L1 has long heard.
    pub(super) fn may_strike(&self, stand: &Stand, case: &Case, now: Timestamp) -> bool {
        let epoch = u64::from(self.world.schedule().stake_epoch);
        let recent = |refuted: Timestamp| now.get() <= refuted.get().saturating_add(2 * epoch);
        self.options.mode.sends()
            && !case.struck
            && case.signers.is_some()
            && stand.refuted.is_some_and(|(time, _)| recent(time))
    }

    /// Whether the leases of ineligible pairs are still to be ended.
    pub(super) fn may_annul(&self, stand: &Stand, case: &Case) -> bool {
        self.options.mode.sends() && self.options.annul && !case.annulled && stand.refuted.is_some()
    }

    async fn strike(
        &mut self,
        id: CaseId,
        stand: &Stand,
        mut case: Case,
    ) -> Result<(), AuditError> {
        let Some((bitmap, aggregate)) = case.signers.clone() else {
            return Ok(());
        };
        match self.court.is_struck(id.0, stand.block).await {
            Ok(false) => {}
            Ok(true) => {
                let why = "struck already".to_owned();
                self.observe
                    .action(ActionLine::new(id.0, Deed::Strike, Fate::LeftOut, why));
                case.struck = true;
                return self.docket.put(id, case);
            }
            Err(error) => {
                self.failed(id, Deed::Strike, &error);
                return Ok(());
            }
        }
        match self
            .send(id, &Act::Strike { bitmap, aggregate }, None)
            .await
        {
            Ok(_) => {}
            Err(error) => {
                self.failed(id, Deed::Strike, &error);
                if may_pass(&error) {
                    return Ok(());
                }
            }
        }
        case.struck = true;
        self.docket.put(id, case)
    }

    async fn annul(&mut self, id: CaseId, stand: &Stand, mut case: Case) -> Result<(), AuditError> {
        let witnesses = match self.ineligible(id.0, stand).await {
            Ok(witnesses) => witnesses,
            Err(error @ (AuditError::Store(_) | AuditError::Io { .. })) => return Err(error),
            Err(error) => {
                self.failed(id, Deed::Annul, &CourtError::Later(error.to_string()));
                return Ok(());
            }
        };
        let mut again = false;
        for (request, witness) in witnesses {
            let act = Act::Annul {
                request,
                header: case.header.clone(),
                witness,
            };
            if let Err(error) = self.send(id, &act, None).await {
                self.failed(id, Deed::Annul, &error);
                again |= may_pass(&error);
            }
        }
        case.annulled = !again;
        self.docket.put(id, case)
    }

    async fn ineligible(
        &self,
        round: Round,
        stand: &Stand,
    ) -> Result<Vec<(u64, Bytes)>, AuditError> {
        let record = self.world.record(round).await?;
        let inputs = self.world.inputs(round).await?;
        let posted = self.world.posted(&record.header, stand.block).await?;
        let strangers = self.world.strangers(&inputs.snapshot, &posted);
        let beacon = self.beacon.clone();
        let found = blocking(move || {
            let trial = Trial::new(record, inputs)?;
            Ok::<_, AuditError>(trial.ineligible(&beacon, &posted, &strangers))
        })
        .await??;
        let found = found.into_iter();
        Ok(found
            .map(|(request, witness)| (request.get(), witness.to_bytes().into()))
            .collect())
    }

    /// Takes home bonds and bounties, once no commitment is under way.
    pub(super) async fn withdraw(&mut self) -> Result<(), AuditError> {
        let under_way = self
            .docket
            .iter()
            .any(|(_, case)| case.open_salt().is_some());
        if !self.owed || under_way || !self.options.mode.is_bounty() {
            return Ok(());
        }
        let id = (Round::new(0), quorate_canon::Digest::ZERO);
        match self.court.credit().await {
            Ok(credit) if credit == U256::ZERO => self.owed = false,
            Ok(credit) => {
                let key = format!("withdraw/{}/{credit}", self.world.head().number);
                match self.court.send(id.0, &Act::Withdraw, key, None).await {
                    Ok(mined) => {
                        self.owed = false;
                        self.done(id.0, Deed::Withdraw, &mined, Some(format!("{credit} wei")));
                    }
                    Err(error) => self.failed(id, Deed::Withdraw, &error),
                }
            }
            Err(error) => self.failed(id, Deed::Withdraw, &error),
        }
        Ok(())
    }
}
