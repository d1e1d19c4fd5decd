//! Finds refuted rounds on L2 and opens their trials.

use std::sync::Arc;

use quorate_canon::{Round, Timestamp};

use super::Trial;
use super::trials::{Step, Trials};
use crate::chain::{Chain, Fault, Standing};
use crate::clock::now;
use crate::settle::Beacons;
use crate::store::{HeaderId, blocking};

/// Looks at L2 in a row, of a bounded number of blocks each, before trials are worked on again.
const LOOKS: u32 = 16;

impl<C: Chain, B: Beacons> Trials<C, B> {
    /// Looks for refutations from where the last look ended, and notes them: a round whose signers
    /// cannot be found now keeps no other back, and nobody gets away because an endpoint erred.
    pub(super) async fn scan(&self) -> Result<(), Fault> {
        for _ in 0..LOOKS {
            let store = Arc::clone(&self.store);
            let from = blocking(move || store.refutations_from())
                .await
                .map_err(Fault::Unreachable)?;
            let since = Timestamp::new(now().get().saturating_sub(self.kept));
            let scan = self.chain.refutations(from, since).await?;
            let store = Arc::clone(&self.store);
            blocking(move || store.note_refutations(&scan.refuted, scan.next))
                .await
                .map_err(Fault::Unreachable)?;
            if scan.complete {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Opens the trials of refuted rounds. One that fails is tried again, later each time, until its
    /// time is over.
    pub(super) async fn indict_all(&mut self) {
        let store = Arc::clone(&self.store);
        let refuted = match blocking(move || store.refutations()).await {
            Ok(refuted) => refuted,
            Err(error) => return self.observe.store_failed(error),
        };
        for (round, code) in refuted {
            let key = (round, Step::Indict);
            if !self.patience.may_try(&key) {
                continue;
            }
            let mut result = self.indict(round, code).await;
            if let Err(fault) = &result {
                self.observe.refutation_not_read(round, fault);
                if self.is_too_late(round) {
                    self.observe.trial_lapsed(round);
                    result = self.forget(round, None).await;
                }
            }
            self.note(key, result);
        }
    }

    /// Opens the trial of a refuted round, unless it is open already, or nobody signed: then the
    /// proposer's bond pays.
    async fn indict(&self, round: Round, code: u8) -> Result<(), Fault> {
        let on_chain = self.chain.round(round).await?;
        let digest = on_chain.digest;
        let store = Arc::clone(&self.store);
        let known = blocking(move || store.has_trial(HeaderId { round, digest }))
            .await
            .map_err(Fault::Unreachable)?;
        if known {
            return self.forget(round, None).await;
        }
        // Of a proposal that was certified later, an endpoint that is behind shows the proposal.
        if on_chain.standing != Standing::Refuted {
            return Err(Fault::Unreachable(format!(
                "round {round} is {:?} at an endpoint of L2, and refuted by its logs",
                on_chain.standing
            )));
        }
        let Some(signers) = self.chain.signers(round, &on_chain).await? else {
            let why = format!("round {round} was proposed, nobody signed");
            self.observe.hindered("trial", why);
            return self.forget(round, None).await;
        };
        let count = signers.operators().count();
        self.forget(round, Some(Trial::new(signers, code))).await?;
        self.observe.round_refuted(round, code, count);
        Ok(())
    }

    /// Forgets a refutation that has led to a trial, or leads to none.
    async fn forget(&self, round: Round, trial: Option<Trial>) -> Result<(), Fault> {
        let store = Arc::clone(&self.store);
        blocking(move || store.indicted(round, trial.as_ref()))
            .await
            .map_err(Fault::Unreachable)
    }
}
