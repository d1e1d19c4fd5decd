//! Takes operators to L1 that said two words about one window: those whose receipts struck their own
//! seats on L2, whose logs hold both words for everybody, and those whose receipt was handed in here
//! against a list that too few agreed with.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::{StreamExt as _, stream};
use quorate_canon::{Digest, Epoch, HealthEpoch, Timestamp};
use quorate_chain::health::epoch_clock;
use quorate_health::Subject;
use quorate_protocol::Schedule;
use quorate_service::Shutdown;

use crate::chain::actions::{FalseAttestation, SignedList};
use crate::chain::{Action, Fault, HealthChain, Struck};
use crate::clock::now;
use crate::courts::patience::Patience;
use crate::observe::Observe;
use crate::store::{Contradicted, ContradictionKey, Store, StrikeStage, blocking};

/// Seconds that a transaction has.
const PATIENCE: u64 = 300;
/// Looks at L2 in a row before strikes are worked on again.
const LOOKS: u32 = 16;
/// What `Slasher` says of an offence that was paid for.
const PAID: &str = "AlreadyPunished";

/// Lists whose signers are worked on at a time.
const AT_A_TIME: usize = 8;

/// The work on strikes and contradictions.
pub struct Court<C> {
    /// The chains.
    chain: Arc<C>,
    /// Where strikes lie.
    store: Arc<Store>,
    /// Metrics and logs.
    observe: Observe,
    /// The network's schedule.
    schedule: Schedule,
    /// Pause between two looks.
    pause: Duration,
    /// Seconds after a health epoch's start in which L1 takes evidence about it.
    kept: u64,
    /// What failed.
    patience: Patience<MatterId>,
}

/// A false attestation that is to be punished.
enum Matter {
    /// It struck seats on L2.
    Strike(Struck),
    /// It was handed in here.
    Contradiction(Contradicted),
}

/// Names a matter: the same operator, epoch and machine may have one of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum MatterId {
    Strike(ContradictionKey),
    Contradiction(ContradictionKey),
}

/// Names the list of a matter. L1 has to see it once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum ListId {
    Certified(HealthEpoch, u32),
    HandedIn(Digest),
}

impl Matter {
    const fn id(&self) -> MatterId {
        match self {
            Self::Strike(it) => MatterId::Strike((it.epoch, it.machine, it.operator)),
            Self::Contradiction(case) => MatterId::Contradiction(case.key()),
        }
    }

    fn list(&self) -> ListId {
        match self {
            Self::Strike(struck) => ListId::Certified(struck.epoch, struck.number),
            Self::Contradiction(case) => ListId::HandedIn(case.list.list.digest()),
        }
    }
}

impl<C: HealthChain> Court<C> {
    /// The work on the store's strikes and contradictions. `kept` are the seconds after a health epoch's
    /// start in which L1 takes evidence about it.
    pub const fn new(
        chain: Arc<C>,
        store: Arc<Store>,
        observe: Observe,
        schedule: Schedule,
        pause: Duration,
        kept: u64,
    ) -> Self {
        Self {
            chain,
            store,
            observe,
            schedule,
            pause,
            kept,
            patience: Patience::new(pause),
        }
    }

    /// Works until the end is asked for.
    pub async fn run(mut self, shutdown: Shutdown) {
        loop {
            if shutdown.or(self.work_off()).await.is_none() || !shutdown.sleep(self.pause).await {
                return;
            }
        }
    }

    /// Looks for new strikes, then at every open matter once. One that fails waits, each time longer;
    /// those about one list go one after the other, and keep none about another list back.
    pub async fn work_off(&mut self) {
        if let Err(fault) = self.scan().await {
            self.observe.hindered("strikes", fault);
        }
        let store = Arc::clone(&self.store);
        let open = blocking(move || Ok((store.strikes()?, store.open_contradictions()?))).await;
        let (strikes, contradictions) = match open {
            Ok(open) => open,
            Err(error) => return self.observe.store_failed(error),
        };
        let strikes = strikes
            .into_iter()
            .filter(|(_, stage)| *stage == StrikeStage::Open)
            .map(|(struck, _)| Matter::Strike(struck));
        let mut lists: BTreeMap<ListId, Vec<Matter>> = BTreeMap::new();
        for matter in strikes.chain(contradictions.into_iter().map(Matter::Contradiction)) {
            if self.patience.may_try(&matter.id()) {
                lists.entry(matter.list()).or_default().push(matter);
            }
        }
        let this = &*self;
        let mut results = stream::iter(lists.into_values())
            .map(|matters| async move {
                let mut results = Vec::with_capacity(matters.len());
                for matter in matters {
                    let id = matter.id();
                    results.push((id, this.work_on(matter).await));
                }
                results
            })
            .buffer_unordered(AT_A_TIME);
        let mut done = Vec::new();
        while let Some(results) = results.next().await {
            done.extend(results);
        }
        drop(results);
        for (id, result) in done {
            match result {
                Ok(()) => self.patience.succeeded(&id),
                Err(fault) => {
                    self.observe.hindered("false attestation", fault);
                    self.patience.failed(id);
                }
            }
        }
    }

    /// Brings a matter as far as it goes now, and stores how far that is.
    async fn work_on(&self, matter: Matter) -> Result<(), Fault> {
        let store = Arc::clone(&self.store);
        let stored = match matter {
            Matter::Strike(struck) => {
                let stage = self.advance(&struck).await?;
                blocking(move || store.put_strike(&struck, stage)).await
            }
            Matter::Contradiction(case) => {
                let key = case.key();
                let stage = self.contradict(case).await?;
                blocking(move || store.end_contradiction(key, stage)).await
            }
        };
        stored.map_err(|error| {
            self.observe.store_failed(&error);
            Fault::Unreachable(error)
        })
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
        let at_stake = self.stake_epoch_of(epoch)?;
        if !self.chain.can_lose(operator, at_stake).await? {
            self.observe.attester_spent(operator, epoch, machine);
            return Ok(StrikeStage::Lapsed);
        }
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

    /// The stake epoch whose cap a false attestation counts against, as `Slasher` works it out.
    fn stake_epoch_of(&self, epoch: HealthEpoch) -> Result<Epoch, Fault> {
        let seconds = u64::from(epoch.get()).checked_mul(u64::from(self.schedule.health_epoch));
        seconds
            .and_then(|seconds| seconds.checked_div(u64::from(self.schedule.stake_epoch)))
            .map(Epoch::new)
            .ok_or_else(|| Fault::BadData(format!("stake epoch of health epoch {epoch}")))
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

#[cfg(test)]
mod tests {
    use quorate_canon::{Mask256, OfferId, OperatorIndex};
    use quorate_health::{DownEntry, DownList, Window};
    use quorate_service::Metrics;

    use super::*;
    use crate::chain::simulated::SimulatedChain;
    use crate::testing::World;

    const EPOCH: HealthEpoch = HealthEpoch::new(0);

    struct Scene {
        _folder: tempfile::TempDir,
        chain: SimulatedChain,
        court: Court<SimulatedChain>,
    }

    /// Operators 0 and 1 signed a list each and struck their own seats, on machines 5 and 6.
    fn scene() -> Scene {
        let (world, chain) = (World::new(&[25; 4]), SimulatedChain::default());
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("a.sqlite")).unwrap();
        for operator in [0, 1] {
            let machine = OfferId::new(5 + u64::from(operator));
            let entry = DownEntry {
                subject: Subject::Machine(machine),
                windows: Mask256::of(&[3]),
            };
            let list = DownList::new(world.facts.domain, EPOCH, vec![entry]).unwrap();
            let mut chain = chain.world();
            chain.health.lists.push(SignedList {
                list,
                bitmap: vec![1 << operator],
                aggregate: vec![0; 128],
            });
            chain.health.struck.push(Struck {
                epoch: EPOCH,
                number: operator,
                machine,
                window: Window(3),
                operator: OperatorIndex::new(operator),
                receipt: vec![0; 128],
            });
        }
        let court = Court::new(
            Arc::new(chain.clone()),
            Arc::new(store),
            Observe::new(&Metrics::new()),
            world.facts.schedule,
            Duration::from_secs(3_600),
            86_400,
        );
        Scene {
            _folder: folder,
            chain,
            court,
        }
    }

    impl Scene {
        fn convicted(&self) -> Vec<u32> {
            let world = self.chain.world();
            let convicted = world.health.convicted.iter();
            convicted.map(|(operator, ..)| operator.get()).collect()
        }

        fn attempts(&self, name: &str) -> usize {
            let world = self.chain.world();
            world.attempts.iter().filter(|it| **it == name).count()
        }
    }

    #[tokio::test]
    async fn a_matter_that_failed_waits_and_the_other_does_not() {
        let mut scene = scene();
        let down = Fault::Unreachable("down".into());
        scene
            .chain
            .world()
            .faults
            .insert("prove_attesters", vec![down; 1]);
        for _ in 0..5 {
            scene.court.work_off().await;
        }
        assert_eq!(scene.convicted().len(), 1);
        assert_eq!(scene.attempts("prove_attesters"), 2, "one each");
        assert_eq!(scene.attempts("prove_false_attestation"), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_transaction_that_hangs_keeps_no_other_list_back() {
        let mut scene = scene();
        scene.chain.world().hanging.insert("prove_attesters", 1);
        let look = Duration::from_secs(60);
        let ended = tokio::time::timeout(look, scene.court.work_off()).await;
        assert!(ended.is_err(), "nothing hung");
        assert_eq!(scene.convicted().len(), 1);
    }

    #[tokio::test]
    async fn nothing_is_paid_where_nothing_can_be_lost() {
        let mut scene = scene();
        let spent = OperatorIndex::new(0);
        scene.chain.world().spent.insert(spent);
        for _ in 0..2 {
            scene.court.work_off().await;
        }
        assert_eq!(scene.convicted(), [1]);
        assert_eq!(scene.attempts("prove_attesters"), 1);
        let stages = scene.court.store.strikes().unwrap();
        let stages: Vec<_> = stages.into_iter().map(|(_, stage)| stage).collect();
        assert_eq!(stages, [StrikeStage::Lapsed, StrikeStage::Punished]);
    }
}
