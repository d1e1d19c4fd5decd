//! Has L2's word sent up for rounds that L1 waits for: those with a charge or a trial, or all if
//! asked to.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use quorate_canon::{Round, Timestamp};
use quorate_service::Shutdown;

use super::Stage;
use crate::{
    chain::{Action, Chain, Fault, Standing},
    clock::now,
    collector::Mailbox,
    observe::Observe,
    store::{Store, blocking},
};

/// Seconds that a report has to be mined.
const PATIENCE: u64 = 120;

/// Reports rounds.
pub struct Words<C> {
    /// The chains.
    pub chain: Arc<C>,
    /// Where cases and reports lie.
    pub store: Arc<Store>,
    /// Metrics and logs.
    pub observe: Observe,
    /// Tells which rounds were settled, if all are to be reported.
    pub all: Option<Mailbox>,
    /// Pause between two looks.
    pub pause: Duration,
    /// Rounds seen settled and not reported yet.
    pub settled: BTreeSet<Round>,
}

impl<C: Chain> Words<C> {
    /// Works until the end is asked for.
    pub async fn run(mut self, shutdown: Shutdown) {
        loop {
            if shutdown.or(self.work_off()).await.is_none() || !shutdown.sleep(self.pause).await {
                return;
            }
        }
    }

    /// Looks at every round that waits, once; one that fails keeps no other back.
    pub async fn work_off(&mut self) {
        let rounds = match self.waiting().await {
            Ok(rounds) => rounds,
            Err(error) => return self.observe.store_failed(error),
        };
        for round in rounds {
            match self.report(round).await {
                Ok(true) => drop(self.settled.remove(&round)),
                Ok(false) => {}
                Err(fault) => self.observe.hindered("word", fault),
            }
        }
    }

    /// Rounds whose word is wanted.
    async fn waiting(&mut self) -> Result<BTreeSet<Round>, String> {
        if let Some(mailbox) = &self.all {
            let reports = mailbox.rounds().await;
            let settled = reports
                .iter()
                .filter(|report| report.phase == quorate_rpc::wire::Phase::Settled);
            self.settled.extend(settled.map(|report| report.round));
        }
        let store = Arc::clone(&self.store);
        let (cases, trials) = blocking(move || Ok((store.cases()?, store.trials()?))).await?;
        let charged = cases
            .iter()
            .filter(|case| matches!(case.stage, Stage::Charged(_)))
            .map(super::Case::round);
        let tried = trials
            .iter()
            .filter(|trial| trial.is_pending())
            .map(super::Trial::round);
        Ok(charged
            .chain(tried)
            .chain(self.settled.iter().copied())
            .collect())
    }

    /// Reports a round that has become final or was refuted; true if nothing is left to do for it.
    async fn report(&self, round: Round) -> Result<bool, Fault> {
        let store = Arc::clone(&self.store);
        if blocking(move || store.is_reported(round))
            .await
            .map_err(Fault::Unreachable)?
        {
            return Ok(true);
        }
        if self.chain.word(round).await?.is_none() {
            let refuted = self.chain.round(round).await?.standing == Standing::Refuted;
            if !refuted && !self.chain.is_final(round).await? {
                return Ok(false);
            }
            let action = Action::Report(round);
            let deadline = Timestamp::new(now().get().saturating_add(PATIENCE));
            let result = self.chain.act(&action, deadline).await;
            self.observe.acted(&action, &result);
            result?;
        }
        let store = Arc::clone(&self.store);
        blocking(move || store.put_report(round))
            .await
            .map_err(Fault::Unreachable)?;
        Ok(true)
    }
}
