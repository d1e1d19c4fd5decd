//! Takes operators to L1 that said two words about one window: those whose receipts struck their own
//! seats on L2, whose logs hold both words for everybody, and those whose receipt was handed in here
//! against a list that too few agreed with.

use std::{sync::Arc, time::Duration};

use quorate_canon::{HealthEpoch, Timestamp};
use quorate_chain::health::epoch_clock;
use quorate_health::Subject;
use quorate_protocol::Schedule;
use quorate_service::Shutdown;
use quorate_store::StoreError;

use crate::chain::actions::{FalseAttestation, SignedList};
use crate::chain::{Action, Fault, HealthChain, Struck};
use crate::clock::now;
use crate::observe::Observe;
use crate::store::{Contradicted, Store, StrikeStage, blocking};

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
            let stage = self.advance(&struck).await;
            self.note(stage, move |store, stage| store.put_strike(&struck, stage))
                .await;
        }
        let store = Arc::clone(&self.store);
        let cases = match blocking(move || store.open_contradictions()).await {
            Ok(cases) => cases,
            Err(error) => return self.observe.store_failed(error),
        };
        for case in cases {
            let key = case.key();
            let stage = self.contradict(case).await;
            self.note(stage, move |store, stage| {
                store.end_contradiction(key, stage)
            })
            .await;
        }
    }

    /// Stores how far something has come; what failed is tried again.
    async fn note(
        &self,
        stage: Result<StrikeStage, Fault>,
        keep: impl FnOnce(&Store, StrikeStage) -> Result<(), StoreError> + Send + 'static,
    ) {
        let stage = match stage {
            Ok(stage) => stage,
            Err(fault) => return self.observe.hindered("false attestation", fault),
        };
        let store = Arc::clone(&self.store);
        if let Err(error) = blocking(move || keep(&store, stage)).await {
            self.observe.store_failed(error);
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

    /// Has an operator punished whose seats were struck; the stage that it has come to.
    async fn advance(&self, struck: &Struck) -> Result<StrikeStage, Fault> {
        let begin = self.start_of(struck.epoch)?;
        if self.is_too_late(begin) {
            return Ok(StrikeStage::Lapsed);
        }
        let listed = self
            .chain
            .certified_list(struck.epoch, struck.number, begin)
            .await?;
        let signed = SignedList {
            list: listed.list,
            bitmap: listed.bitmap,
            aggregate: listed.aggregate,
        };
        self.punish(Contradicted {
            epoch: struck.epoch,
            machine: struck.machine,
            window: struck.window,
            operator: struck.operator,
            receipt: struck.receipt.clone(),
            list: signed,
        })
        .await
    }

    /// Has an operator punished whose receipt was handed in against its list.
    async fn contradict(&self, case: Contradicted) -> Result<StrikeStage, Fault> {
        match self.is_too_late(self.start_of(case.epoch)?) {
            true => Ok(StrikeStage::Lapsed),
            false => self.punish(case).await,
        }
    }

    /// Shows L1 who signed the list, unless it knows, and then both words.
    async fn punish(&self, case: Contradicted) -> Result<StrikeStage, Fault> {
        let (list, subject) = (&case.list.list, Subject::Machine(case.machine));
        let entry = list
            .entries()
            .iter()
            .position(|entry| entry.subject == subject);
        let Some(entry) = entry.and_then(|entry| u16::try_from(entry).ok()) else {
            // L2 would not have struck it: the logs contradict themselves.
            return Ok(StrikeStage::Lapsed);
        };
        let proof = FalseAttestation {
            operator: case.operator,
            list: list.clone(),
            entry,
            window: case.window,
            receipt: case.receipt,
        };
        let (operator, epoch, machine) = (case.operator, case.epoch, case.machine);
        if !self.chain.has_signed(list.digest(), operator).await? {
            self.act(Action::ProveAttesters(Box::new(case.list)))
                .await?;
        }
        match self
            .act(Action::ProveFalseAttestation(Box::new(proof)))
            .await
        {
            Ok(()) => self.observe.attester_punished(operator, epoch, machine),
            Err(Fault::Refused(why)) if why.contains(PAID) => {}
            Err(fault) => return Err(fault),
        }
        Ok(StrikeStage::Punished)
    }

    /// Whether L1 takes evidence no more about an epoch that began then.
    fn is_too_late(&self, begin: Timestamp) -> bool {
        now().get() > begin.get().saturating_add(self.kept)
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
