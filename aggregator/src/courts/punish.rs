//! Slashes the signers of a header that L1 has judged, one transaction each.

use futures::{StreamExt as _, stream};
use quorate_canon::{Digest, OperatorIndex, Round};
use quorate_protocol::Offence;

use super::Trial;
use super::trials::{AT_A_TIME, Step, Trials};
use crate::chain::{Action, Chain, Fault};
use crate::settle::Beacons;

impl<C: Chain, B: Beacons> Trials<C, B> {
    /// Punishes the signers once L1 has a verdict; whether all of them were, who can be.
    pub(super) async fn punish(&mut self, trial: &Trial) -> bool {
        let (round, digest) = (trial.round(), trial.signers.header.digest());
        let key = (round, Step::Verdict);
        if !self.patience.may_try(&key) {
            return false;
        }
        let offence = match self.chain.verdict(round, digest).await {
            Ok(Some(offence)) => offence,
            // L2's word takes days to come.
            Ok(None) => return false,
            Err(fault) => return self.note(key, Err(fault)),
        };
        let due: Vec<OperatorIndex> = trial
            .signers
            .operators()
            .filter(|operator| !self.punished.contains(&(digest, *operator, offence)))
            .collect();
        let now: Vec<OperatorIndex> = due
            .iter()
            .copied()
            .filter(|operator| self.patience.may_try(&(round, Step::Punish(*operator))))
            .collect();
        let this = &*self;
        let results: Vec<(OperatorIndex, Result<(), Fault>)> = stream::iter(now)
            .map(|operator| async move {
                let result = this.punish_one(round, digest, operator, offence).await;
                (operator, result)
            })
            .buffer_unordered(AT_A_TIME)
            .collect()
            .await;
        let mut done = 0;
        for (operator, result) in results {
            if self.note((round, Step::Punish(operator)), result) {
                self.punished.insert((digest, operator, offence));
                done += 1;
            }
        }
        done == due.len()
    }

    /// Punishes one signer, unless it has paid as much for this round, or nothing of it is left that a
    /// slash would take. L1's word for it counts, not
    /// the receipt.
    async fn punish_one(
        &self,
        round: Round,
        digest: Digest,
        operator: OperatorIndex,
        offence: Offence,
    ) -> Result<(), Fault> {
        if self.has_paid(round, operator, offence).await? {
            return Ok(());
        }
        let epoch = self.schedule.epoch_of(round);
        let epoch = epoch.map_err(|error| Fault::BadData(error.to_string()))?;
        if !self.chain.can_lose(operator, epoch).await? {
            self.observe.nothing_to_lose(operator, round, offence);
            return Ok(());
        }
        self.act(Action::ExecuteVerdict {
            digest,
            operator,
            offence,
        })
        .await?;
        if !self.has_paid(round, operator, offence).await? {
            let why = format!("operator {operator} of round {round} is not punished yet");
            return Err(Fault::Unreachable(why));
        }
        self.observe.verdict_executed(operator, round, offence);
        Ok(())
    }

    async fn has_paid(
        &self,
        round: Round,
        operator: OperatorIndex,
        offence: Offence,
    ) -> Result<bool, Fault> {
        let paid = self.chain.offence(operator, round).await?;
        Ok(paid.is_some_and(|paid| paid.percent() >= offence.percent()))
    }
}
