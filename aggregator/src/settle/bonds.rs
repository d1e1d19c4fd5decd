//! Fetches the bonds of proposals when their rounds are final, or were certified after all.

use std::{sync::Arc, time::Duration};

use quorate_canon::{Round, Timestamp};
use quorate_protocol::Schedule;
use quorate_service::Shutdown;

use crate::{
    chain::{Action, Chain, Fault, Payer, Standing},
    clock::now,
    observe::Observe,
    store::{Store, blocking},
};

/// Seconds by which an endpoint may be behind.
const SLACK: u64 = 10;
/// Seconds that a transaction has.
const PATIENCE: u64 = 120;

/// Fetches bonds.
pub struct Bonds<C> {
    /// The chains.
    pub chain: Arc<C>,
    /// Where proposals are noted.
    pub store: Arc<Store>,
    /// Metrics and logs.
    pub observe: Observe,
    /// When rounds end.
    pub schedule: Schedule,
    /// Pause between two looks.
    pub pause: Duration,
}

impl<C: Chain> Bonds<C> {
    /// Works until the end is asked for.
    pub async fn run(self, shutdown: Shutdown) {
        loop {
            if shutdown.or(self.work_off()).await.is_none() || !shutdown.sleep(self.pause).await {
                return;
            }
        }
    }

    /// Looks at every proposal once; one that fails keeps no other back.
    pub async fn work_off(&self) {
        let store = Arc::clone(&self.store);
        let rounds = match blocking(move || store.proposals()).await {
            Ok(rounds) => rounds,
            Err(error) => return self.observe.store_failed(error),
        };
        for round in rounds {
            match self.fetch(round).await {
                Ok(false) => {}
                Ok(true) => {
                    let store = Arc::clone(&self.store);
                    if let Err(error) = blocking(move || store.drop_proposal(round)).await {
                        self.observe.store_failed(error);
                    }
                }
                Err(fault) => self.observe.hindered("bond", fault),
            }
        }
    }

    /// Fetches the bond of a round; true if nothing is left to do for it.
    async fn fetch(&self, round: Round) -> Result<bool, Fault> {
        // Our proposal may be on its way until then.
        let deadline = self.schedule.deadline(round);
        let over = deadline.is_ok_and(|end| now().get() > end.get().saturating_add(SLACK));
        if !over {
            return Ok(false);
        }
        if self.chain.bond(round).await? == Some(Payer::Us) {
            if !self.chain.is_final(round).await? {
                return self.is_lost(round).await;
            }
            self.act(Action::SettleBond(round)).await?;
        }
        // Credited now, or before: when a certificate took the proposal's place.
        if !self.chain.credit().await?.is_zero() {
            self.act(Action::Withdraw(round)).await?;
        }
        Ok(true)
    }

    /// Whether the bond of a round that is not final will not come back.
    async fn is_lost(&self, round: Round) -> Result<bool, Fault> {
        let on_chain = self.chain.round(round).await?;
        // After the deadline a round that is not posted in full is void.
        let lost = on_chain.standing != Standing::Settled;
        if lost {
            self.observe.bond_lost(round);
        }
        Ok(lost)
    }

    async fn act(&self, action: Action) -> Result<(), Fault> {
        let deadline = Timestamp::new(now().get().saturating_add(PATIENCE));
        let result = self.chain.act(&action, deadline).await;
        self.observe.acted(&action, &result);
        result.map(drop)
    }
}
