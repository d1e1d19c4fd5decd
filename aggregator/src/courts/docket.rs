//! Takes cases to L1: an equivocation is proven at once, a divergence charged at once and punished
//! when L2's word is there.

use std::{sync::Arc, time::Duration};

use quorate_canon::{OperatorIndex, Round, Timestamp};
use quorate_protocol::{Evidence, Fault as Guilt, Schedule};
use quorate_service::Shutdown;
use tokio::sync::Notify;

use super::{Case, Stage, patience::Patience};
use crate::{
    chain::{Action, Chain, Fault, actions::charge_id},
    clock::now,
    observe::Observe,
    store::{Store, blocking},
};

/// Seconds that a transaction of a case has.
const PATIENCE: u64 = 300;
/// Why a case is closed that would cost gas and move nothing.
const NOTHING: &str = "the operator has nothing left to lose for this stake epoch";

/// The docket: pending cases, worked off one by one.
pub struct Docket<C> {
    chain: Arc<C>,
    store: Arc<Store>,
    observe: Observe,
    /// Pause between two looks at all cases, and the first pause of a case that failed.
    pause: Duration,
    /// A case that is still pending so many seconds after it could be judged has lapsed.
    kept: u64,
    /// When rounds close, and which stake epoch is theirs.
    schedule: Schedule,
    patience: Patience<(Round, OperatorIndex, u8)>,
}

impl<C: Chain> Docket<C> {
    /// A docket over the store's cases. `kept` is the span, in seconds after a round's close, in
    /// which L1 takes evidence.
    pub fn new(
        chain: Arc<C>,
        store: Arc<Store>,
        observe: Observe,
        pause: Duration,
        kept: u64,
        schedule: Schedule,
    ) -> Self {
        Self {
            chain,
            store,
            observe,
            pause,
            kept,
            schedule,
            patience: Patience::new(pause),
        }
    }

    /// Works until the end is asked for; `found` wakes it.
    pub async fn run(mut self, found: Arc<Notify>, shutdown: Shutdown) {
        while !shutdown.is_asked() {
            if shutdown.or(self.work_off()).await.is_none() {
                return;
            }
            let wake = tokio::time::timeout(self.pause, found.notified());
            if shutdown.or(wake).await.is_none() {
                return;
            }
        }
    }

    /// Looks at every pending case once. One that fails waits, each time longer, and keeps no
    /// other back.
    pub async fn work_off(&mut self) {
        let store = Arc::clone(&self.store);
        let cases = match blocking(move || store.cases()).await {
            Ok(cases) => cases,
            Err(error) => return self.observe.store_failed(error),
        };
        for case in cases.into_iter().filter(Case::is_pending) {
            let key = (case.round(), case.operator, case.evidence.offence() as u8);
            if !self.patience.may_try(&key) {
                continue;
            }
            match self.advance(case).await {
                Ok(()) => self.patience.succeeded(&key),
                Err(fault) => {
                    self.observe.hindered("case", fault);
                    self.patience.failed(key);
                }
            }
        }
    }

    /// Brings one case as far as it goes now.
    async fn advance(&self, mut case: Case) -> Result<(), Fault> {
        loop {
            let before = case.stage;
            case.stage = self.step(&case).await?;
            if case.stage == before {
                return Ok(());
            }
            let store = Arc::clone(&self.store);
            blocking(move || store.put_case(&case))
                .await
                .map_err(Fault::Unreachable)?;
        }
    }

    /// The next stage of a case; the same one if nothing can be done now.
    async fn step(&self, case: &Case) -> Result<Stage, Fault> {
        if !case.is_pending() {
            return Ok(case.stage);
        }
        // Graver evidence is worth bringing still: L1 takes the difference.
        let paid = self.chain.offence(case.operator, case.round()).await?;
        if paid.is_some_and(|paid| paid.percent() >= case.evidence.offence().percent()) {
            return Ok(Stage::Punished);
        }
        if self.is_too_late(case) {
            return Ok(self.lapsed(case, "it is too late"));
        }
        // A charge moves nothing by itself: it is asked again when its word is there.
        if case.stage == Stage::Open && !self.can_lose(case).await? {
            return Ok(self.lapsed(case, NOTHING));
        }
        match (case.stage, &case.evidence) {
            (Stage::Open, Evidence::Equivocation(evidence)) => {
                self.act(Action::ProveEquivocation(
                    case.operator,
                    Box::new(*evidence),
                ))
                .await?;
                self.observe.offence_punished(case.operator, &case.evidence);
                Ok(Stage::Punished)
            }
            (Stage::Open, Evidence::Divergence(evidence)) => {
                let id = charge_id(case.operator, &evidence.certified);
                match self
                    .act(Action::ChargeDivergence(case.operator, Box::new(*evidence)))
                    .await
                {
                    // Somebody else charged it before.
                    Err(Fault::Refused(why)) if why.contains("ChargeKnown") => {}
                    other => other?,
                }
                Ok(Stage::Charged(id))
            }
            (Stage::Charged(id), Evidence::Divergence(evidence)) => {
                let Some(word) = self.chain.word(case.round()).await? else {
                    return Ok(case.stage);
                };
                let charge = Guilt {
                    offence: case.evidence.offence(),
                    operator: case.operator,
                    round: case.round(),
                    awaits: Some(evidence.certified.digest()),
                };
                if !charge.may_execute(Some(&word)) {
                    return Ok(self.lapsed(case, "L2's word is another"));
                }
                if !self.can_lose(case).await? {
                    return Ok(self.lapsed(case, NOTHING));
                }
                self.act(Action::Execute(id)).await?;
                self.observe.offence_punished(case.operator, &case.evidence);
                Ok(Stage::Punished)
            }
            _ => Ok(self.lapsed(case, "its evidence is no charge's")),
        }
    }

    /// Whether a slash would take anything from the accused.
    async fn can_lose(&self, case: &Case) -> Result<bool, Fault> {
        let epoch = self.schedule.epoch_of(case.round());
        let epoch = epoch.map_err(|error| Fault::BadData(error.to_string()))?;
        self.chain.can_lose(case.operator, epoch).await
    }

    /// The end of a case that leads to nothing.
    fn lapsed(&self, case: &Case, why: &'static str) -> Stage {
        self.observe.case_lapsed(case.operator, &case.evidence, why);
        Stage::Lapsed
    }

    fn is_too_late(&self, case: &Case) -> bool {
        let close = self.schedule.close(case.round());
        close.is_ok_and(|close| now().get() > close.get().saturating_add(self.kept))
    }

    async fn act(&self, action: Action) -> Result<(), Fault> {
        let deadline = Timestamp::new(now().get().saturating_add(PATIENCE));
        let result = self.chain.act(&action, deadline).await;
        self.observe.acted(&action, &result);
        result.map(drop)
    }
}
