//! On L1: hands counted epochs to the core, and ejects who was below the floor for too long.

use quorate_canon::{Epoch, OperatorIndex};

use super::clerk::{Clerk, Step};
use crate::chain::{Fault, TallyChain, WorkAction};
use crate::settle::Beacons;

impl<C: TallyChain, B: Beacons> Clerk<C, B> {
    /// Looks at every epoch that L1 may have heard of, in order; one that fails keeps no other back.
    pub(super) async fn pay(&mut self, epochs: &[Epoch]) {
        for epoch in epochs {
            let step = Step::Submit(*epoch);
            if self.submitted.contains(epoch) || !self.patience.may_try(&step) {
                continue;
            }
            match self.submit(*epoch).await {
                Ok(true) => {
                    self.patience.succeeded(&step);
                    self.submitted.insert(*epoch);
                }
                // L2's word takes days to come: asked for later each time.
                Ok(false) => self.patience.failed(step),
                Err(fault) => {
                    self.desks.observe.hindered("rewards", fault);
                    self.patience.failed(step);
                }
            }
        }
    }

    /// Whether an epoch was submitted and nobody is left to be ejected for it.
    async fn submit(&mut self, epoch: Epoch) -> Result<bool, Fault> {
        let chain = &self.desks.chain;
        if !chain.is_submitted(epoch).await? {
            if !chain.is_heard(epoch).await? {
                return Ok(false);
            }
            self.others_may_be_faster(WorkAction::Submit(epoch), "AlreadySubmitted")
                .await?;
        }
        self.eject(epoch).await
    }

    /// Ejects whoever's run has reached the patience; whether all that could be done is done.
    async fn eject(&mut self, epoch: Epoch) -> Result<bool, Fault> {
        let patience = self.desks.chain.patience().await?;
        let Some(table) = self.desks.chain.table(epoch).await? else {
            return Ok(true);
        };
        let mut done = true;
        for operator in (0..table.count()).map(OperatorIndex::new) {
            let run = self.desks.chain.run_of(operator).await?;
            if run == 0 || run < patience {
                continue;
            }
            let step = Step::Eject(operator);
            if !self.patience.may_try(&step) {
                continue;
            }
            match self.act(WorkAction::Eject(operator, epoch)).await {
                Ok(()) => self.desks.observe.operator_ejected(operator, run),
                // It has left, or somebody else was faster.
                Err(Fault::Refused(why)) => {
                    self.desks.observe.hindered("eject", why);
                    self.patience.failed(step);
                }
                Err(fault) => {
                    self.desks.observe.hindered("eject", fault);
                    done = false;
                }
            }
        }
        Ok(done)
    }
}
