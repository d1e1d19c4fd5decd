//! Has everyone punished who signed a refuted header: struck on L2, proven and slashed on L1, one
//! transaction each. What was done is asked of the chains, so that nothing is done twice and a
//! restart goes on where it was.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures::{StreamExt as _, stream};
use quorate_canon::{Digest, OperatorIndex, Round, Timestamp};
use quorate_protocol::{Offence, Schedule, WrongSeed};
use quorate_service::Shutdown;

use super::patience::Patience;
use super::{Trial, TrialStage};
use crate::{
    chain::{Action, Chain, Fault},
    clock::now,
    observe::Observe,
    settle::Beacons,
    store::{Store, blocking},
};

/// Seconds that a transaction has.
const PATIENCE: u64 = 300;
/// Seconds that the beacon is waited for: its round is long past.
const BEACON: u64 = 30;
/// Signers that are punished at a time, and asked about at a time.
pub(super) const AT_A_TIME: usize = 8;

/// The work on trials.
pub struct Trials<C, B> {
    /// The chains.
    pub(super) chain: Arc<C>,
    /// The beacon, for wrong seeds.
    beacons: Arc<B>,
    /// Where trials lie.
    pub(super) store: Arc<Store>,
    /// Metrics and logs.
    pub(super) observe: Observe,
    /// When rounds close, and which beacon round is theirs.
    pub(super) schedule: Schedule,
    /// Seconds after a round's close in which L1 takes evidence and executes verdicts.
    pub(super) kept: u64,
    /// Pause between two looks.
    pause: Duration,
    /// What failed: steps of a trial, and punishing its signers.
    pub(super) patience: Patience<(Round, Step)>,
    /// Signers that L1 has punished as gravely as they can be for their header.
    pub(super) punished: BTreeSet<(Digest, OperatorIndex, Offence)>,
}

/// A part of a trial that may fail by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Indict,
    Strike,
    Prove,
    Seed,
    Verdict,
    Punish(OperatorIndex),
}

impl Step {
    /// Its name in logs.
    const fn name(self) -> &'static str {
        match self {
            Self::Indict => "trial",
            Self::Strike => "strike",
            Self::Prove => "proof of signers",
            Self::Seed => "proof of a wrong seed",
            Self::Verdict => "verdict",
            Self::Punish(_) => "punishment",
        }
    }
}

impl<C: Chain, B: Beacons> Trials<C, B> {
    /// The work on the store's trials. `kept` as in [`super::docket::Docket::new`].
    pub fn new(
        chain: Arc<C>,
        beacons: Arc<B>,
        store: Arc<Store>,
        observe: Observe,
        schedule: Schedule,
        pause: Duration,
        kept: u64,
    ) -> Self {
        Self {
            chain,
            beacons,
            store,
            observe,
            schedule,
            kept,
            pause,
            patience: Patience::new(pause),
            punished: BTreeSet::new(),
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

    /// Looks for new trials, then at every pending one once.
    pub async fn work_off(&mut self) {
        if let Err(fault) = self.scan().await {
            self.observe.hindered("refutations", fault);
        }
        self.indict_all().await;
        let store = Arc::clone(&self.store);
        let trials = match blocking(move || store.trials()).await {
            Ok(trials) => trials,
            Err(error) => return self.observe.store_failed(error),
        };
        for trial in trials.into_iter().filter(Trial::is_pending) {
            self.advance(trial).await;
        }
    }

    /// Brings a trial as far as it goes now. Each step may fail by itself.
    async fn advance(&mut self, mut trial: Trial) {
        let before = trial.clone();
        if self.is_too_late(trial.round()) {
            trial.stage = TrialStage::Lapsed;
            self.observe.trial_lapsed(trial.round());
        } else {
            self.steps(&mut trial).await;
        }
        if trial != before {
            let store = Arc::clone(&self.store);
            if let Err(error) = blocking(move || store.put_trial(&trial)).await {
                self.observe.store_failed(error);
            }
        }
    }

    async fn steps(&mut self, trial: &mut Trial) {
        let round = trial.round();
        if !trial.struck && self.patience.may_try(&(round, Step::Strike)) {
            let result = self.strike(trial).await;
            trial.struck = self.note((round, Step::Strike), result);
        }
        if trial.stage == TrialStage::Open && self.patience.may_try(&(round, Step::Prove)) {
            let result = self.prove(trial).await;
            if self.note((round, Step::Prove), result) {
                trial.stage = TrialStage::Proven;
            }
        }
        let wrong_seed = trial.offence() == Offence::WrongSeed;
        if wrong_seed && self.patience.may_try(&(round, Step::Seed)) {
            let result = self.prove_seed(trial).await;
            self.note((round, Step::Seed), result);
        }
        let proven = trial.stage == TrialStage::Proven;
        if proven && self.punish(trial).await && trial.struck {
            trial.stage = TrialStage::Ended;
        }
    }

    /// Takes a step's result into account; false if it failed.
    pub(super) fn note(&mut self, key: (Round, Step), result: Result<(), Fault>) -> bool {
        match result {
            Ok(()) => {
                self.patience.succeeded(&key);
                true
            }
            Err(fault) => {
                self.observe.hindered(key.1.name(), fault);
                self.patience.failed(key);
                false
            }
        }
    }

    /// Has the signers count no more on L2, unless they all do not already.
    async fn strike(&self, trial: &Trial) -> Result<(), Fault> {
        let since = now().get().saturating_sub(self.schedule.genesis.get());
        let length = u64::from(self.schedule.stake_epoch);
        let epoch = quorate_canon::Epoch::new(since.checked_div(length).unwrap_or(0));
        let asked = self.ask_all(trial, |chain, operator| async move {
            chain.is_struck(operator, epoch).await
        });
        if asked.await? {
            return Ok(());
        }
        self.act(Action::Strike(Box::new(trial.signers.clone())))
            .await
    }

    /// Shows L1 who signed, unless it knows.
    async fn prove(&self, trial: &Trial) -> Result<(), Fault> {
        let digest = trial.signers.header.digest();
        let asked = self.ask_all(trial, |chain, operator| async move {
            chain.has_signed(digest, operator).await
        });
        if asked.await? {
            return Ok(());
        }
        let action = Action::ProveSigners(Box::new(trial.signers.clone()));
        self.act(action).await
    }

    /// Shows L1 by the beacon's own signature that the header's seed is another: L1 judges that by
    /// itself and need not wait for L2's word.
    async fn prove_seed(&self, trial: &Trial) -> Result<(), Fault> {
        let header = trial.signers.header;
        let known = self.chain.verdict(header.round, header.digest()).await?;
        if known == Some(Offence::WrongSeed) {
            return Ok(());
        }
        let beacon_round = self
            .schedule
            .beacon_round(header.round)
            .map_err(|error| Fault::BadData(error.to_string()))?;
        let deadline = Timestamp::new(now().get().saturating_add(BEACON));
        let beacon_signature = self
            .beacons
            .signature(beacon_round, deadline)
            .await
            .map_err(Fault::Unreachable)?;
        let evidence = WrongSeed {
            header,
            beacon_signature,
        };
        self.act(Action::ProveWrongSeed(Box::new(evidence))).await
    }

    /// Whether something holds for all signers.
    async fn ask_all<F: Future<Output = Result<bool, Fault>>>(
        &self,
        trial: &Trial,
        ask: impl Fn(Arc<C>, OperatorIndex) -> F,
    ) -> Result<bool, Fault> {
        let mut answers = stream::iter(trial.signers.operators())
            .map(|operator| ask(Arc::clone(&self.chain), operator))
            .buffer_unordered(AT_A_TIME);
        while let Some(answer) = answers.next().await {
            if !answer? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether L1 takes no evidence about a round any more.
    pub(super) fn is_too_late(&self, round: Round) -> bool {
        let close = self.schedule.close(round);
        close.is_ok_and(|close| now().get() > close.get().saturating_add(self.kept))
    }

    pub(super) async fn act(&self, action: Action) -> Result<(), Fault> {
        let deadline = Timestamp::new(now().get().saturating_add(PATIENCE));
        let result = self.chain.act(&action, deadline).await;
        self.observe.acted(&action, &result);
        result.map(drop)
    }
}
