//! Takes operators to L1 whose receipts struck their own seats on L2: two words of one operator about
//! one window. L2's logs hold both, so that anybody can do this, from any moment on.

use std::{sync::Arc, time::Duration};

use quorate_canon::{HealthEpoch, Timestamp};
use quorate_chain::health::epoch_clock;
use quorate_health::Subject;
use quorate_protocol::Schedule;
use quorate_service::Shutdown;

use crate::chain::actions::{FalseAttestation, SignedList};
use crate::chain::{Action, Fault, HealthChain, Struck};
use crate::clock::now;
use crate::observe::Observe;
use crate::store::{Store, StrikeStage, blocking};

/// Seconds that a transaction has.
const PATIENCE: u64 = 300;
/// Looks at L2 in a row before strikes are worked on again.
const LOOKS: u32 = 16;
/// What `Slasher` says of an offence that was paid for.
const PAID: &str = "AlreadyPunished";

/// The work on strikes.
pub struct Court<C> {
    /// The chains.
    pub chain: Arc<C>,
    /// Where strikes lie.
    pub store: Arc<Store>,
    /// Metrics and logs.
    pub observe: Observe,
    /// The network's schedule.
    pub schedule: Schedule,
    /// Pause between two looks.
    pub pause: Duration,
    /// Seconds after a health epoch's start in which L1 takes evidence about it.
    pub kept: u64,
}

impl<C: HealthChain> Court<C> {
    /// Works until the end is asked for.
    pub async fn run(self, shutdown: Shutdown) {
        loop {
            if shutdown.or(self.work_off()).await.is_none() || !shutdown.sleep(self.pause).await {
                return;
            }
        }
    }

    /// Looks for new strikes, then at every open one once.
    pub async fn work_off(&self) {
        if let Err(fault) = self.scan().await {
            self.observe.hindered("strikes", fault);
        }
        let store = Arc::clone(&self.store);
        let strikes = match blocking(move || store.strikes()).await {
            Ok(strikes) => strikes,
            Err(error) => return self.observe.store_failed(error),
        };
        let open = strikes
            .into_iter()
            .filter(|(_, stage)| *stage == StrikeStage::Open);
        for (struck, _) in open {
            match self.advance(&struck).await {
                Ok(stage) => {
                    let store = Arc::clone(&self.store);
                    let kept = blocking(move || store.put_strike(&struck, stage)).await;
                    if let Err(error) = kept {
                        self.observe.store_failed(error);
                    }
                }
                Err(fault) => self.observe.hindered("false attestation", fault),
            }
        }
    }

    async fn scan(&self) -> Result<(), Fault> {
        for _ in 0..LOOKS {
            let store = Arc::clone(&self.store);
            let from = blocking(move || store.struck_from())
                .await
                .map_err(Fault::Unreachable)?;
            let since = Timestamp::new(now().get().saturating_sub(self.kept));
            let scan = self.chain.struck(from, since).await?;
            let (store, complete) = (Arc::clone(&self.store), scan.complete);
            let new = blocking(move || store.open_strikes(&scan.struck, scan.next))
                .await
                .map_err(Fault::Unreachable)?;
            // The last blocks are looked at again and again: each strike is told once.
            for struck in &new {
                self.observe.seats_struck(struck);
            }
            if complete {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Has an operator punished; the stage that it has come to.
    async fn advance(&self, struck: &Struck) -> Result<StrikeStage, Fault> {
        let begin = self.start_of(struck.epoch)?;
        if now().get() > begin.get().saturating_add(self.kept) {
            return Ok(StrikeStage::Lapsed);
        }
        let listed = self
            .chain
            .certified_list(struck.epoch, struck.number, begin)
            .await?;
        let subject = Subject::Machine(struck.machine);
        let entries = listed.list.entries();
        let entry = entries.iter().position(|entry| entry.subject == subject);
        let entry = entry.and_then(|entry| u16::try_from(entry).ok());
        let Some(entry) = entry else {
            // L2 would not have struck it: the logs contradict themselves.
            return Ok(StrikeStage::Lapsed);
        };
        let digest = listed.list.digest();
        if !self.chain.has_signed(digest, struck.operator).await? {
            let signed = SignedList {
                list: listed.list.clone(),
                bitmap: listed.bitmap,
                aggregate: listed.aggregate,
            };
            self.act(Action::ProveAttesters(Box::new(signed))).await?;
        }
        let proof = FalseAttestation {
            operator: struck.operator,
            list: listed.list,
            entry,
            window: struck.window,
            receipt: struck.receipt.clone(),
        };
        match self
            .act(Action::ProveFalseAttestation(Box::new(proof)))
            .await
        {
            Ok(()) => self.observe.attester_punished(struck),
            Err(Fault::Refused(why)) if why.contains(PAID) => {}
            Err(fault) => return Err(fault),
        }
        Ok(StrikeStage::Punished)
    }

    fn start_of(&self, epoch: HealthEpoch) -> Result<Timestamp, Fault> {
        epoch_clock(&self.schedule)
            .start(epoch)
            .map_err(|error| Fault::BadData(error.to_string()))
    }

    async fn act(&self, action: Action) -> Result<(), Fault> {
        let deadline = Timestamp::new(now().get().saturating_add(PATIENCE));
        let result = self.chain.act(&action, deadline).await;
        self.observe.acted(&action, &result);
        result.map(drop)
    }
}
