//! Watches the agent's own machine, as operators do, and pauses it at once on its own FAIL.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use quorate_canon::{HealthEpoch, OfferId, OperatorIndex, Timestamp};
use quorate_health::{
    Checks, HealthPolicy, Nonce, Previous, Question, Reason, Report, Subject, Window,
};
use quorate_service::Shutdown;

use crate::AgentError;
use crate::cards::Cards;
use crate::chain::{Action, Chain, Hand};
use crate::clock::now;
use crate::compose::own_faults;
use crate::observe::Observe;
use crate::shared::Shared;
use crate::store::Store;
use crate::watch::{Sight, Step, Watch};

/// How old the report is that rates are taken against, seconds.
const RATE_SPAN: u64 = 300;
/// Flag of a machine in maintenance: it wins nothing, and is not judged.
const MAINTENANCE: u8 = 1 << 1;
/// The operator that no network has: the agent's own questions.
const NOBODY: OperatorIndex = OperatorIndex::new(u32::MAX);

/// The watch over one's own machine.
pub struct Guard {
    /// The cards.
    pub cards: Cards,
    /// What is known of the machine.
    pub shared: Shared,
    /// Where pauses are kept.
    pub store: Store,
    /// Reads.
    pub chain: Arc<dyn Chain>,
    /// Sends.
    pub hand: Arc<dyn Hand>,
    /// Log lines and metrics.
    pub observe: Observe,
    /// Decides.
    pub watch: Watch,
    /// A file that is there while a person wants the machine paused.
    pub hold: PathBuf,
    /// What rates are taken against.
    pub before: Option<Previous>,
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard")
            .field("watch", &self.watch)
            .finish_non_exhaustive()
    }
}

impl Guard {
    /// Watches until the end is asked for.
    ///
    /// # Errors
    /// [`AgentError`] of the store.
    pub async fn run(mut self, every: Duration, shutdown: Shutdown) -> Result<(), AgentError> {
        loop {
            if shutdown.or(self.look()).await.transpose()?.is_none() || !shutdown.sleep(every).await
            {
                return Ok(());
            }
        }
    }

    /// Looks once, and does what is to be done.
    ///
    /// # Errors
    /// [`AgentError`] of the store. Trouble with chain or cards is no error: it is said, and tried
    /// again.
    pub async fn look(&mut self) -> Result<(), AgentError> {
        let now = now();
        let Some(faulty) = self.judge(now).await else {
            return Ok(());
        };
        let (offer, paused) = {
            let known = self.shared.known();
            let Some((offer, machine)) = known.offer.zip(known.machine.as_ref()) else {
                return Ok(());
            };
            if !machine.is_registered() || !machine.open {
                return Ok(());
            }
            let excused = machine.flags & MAINTENANCE != 0;
            (offer, (machine.is_paused(), excused))
        };
        let (paused, excused) = paused;
        let held = self.hold.exists();
        let sight = Sight {
            now,
            faulty: faulty && !excused,
            paused,
            held,
        };
        let before = self.watch.pauses().clone();
        match self.watch.look(sight) {
            Step::Keep => {}
            Step::Pause => self.pause(offer, sight).await,
            Step::Resume => self.resume(offer).await,
        }
        if *self.watch.pauses() != before {
            self.store.keep_pauses(self.watch.pauses())?;
        }
        Ok(())
    }

    /// Whether an operator would find anything wrong; `None` while nothing is known to judge by.
    async fn judge(&mut self, now: Timestamp) -> Option<bool> {
        let offer = self.shared.known().offer?;
        let policy = self.shared.known().rules.as_ref()?.health.clone();
        let question = own_question(offer, now);
        let report = match self.cards.read().await {
            Ok(snapshot) => snapshot.report(&question, now),
            Err(why) => {
                let mut known = self.shared.known();
                known.unread = Some(why.to_string());
                return Some(true);
            }
        };
        let mut faults = self.faults(&report, &policy)?;
        if faults.iter().any(Reason::excused_in_use) {
            // A lease may have begun since the chain was read; its tenant is then there by right.
            if let Ok(machine) = self.chain.machine(offer).await {
                self.shared.known().saw(machine, now);
                faults = self.faults(&report, &policy)?;
            }
        }
        self.remember(report, now);
        let mut known = self.shared.known();
        let paused = known
            .machine
            .as_ref()
            .is_some_and(|machine| machine.is_paused());
        self.observe.judged(&known.faults, &faults, paused);
        let faulty = !faults.is_empty();
        known.faults = faults;
        known.unread = None;
        Some(faulty)
    }

    fn faults(&self, report: &Report, policy: &HealthPolicy) -> Option<Vec<Reason>> {
        let known = self.shared.known();
        let expected = known.machine.as_ref()?.expected(&known.cards);
        let lease = known.lease();
        Some(own_faults(
            report,
            &expected,
            lease,
            self.before.clone(),
            policy,
        ))
    }

    /// Keeps a report for rates, a new one every few minutes.
    fn remember(&mut self, report: Report, now: Timestamp) {
        let due = self
            .before
            .as_ref()
            .is_none_or(|before| now.get().saturating_sub(before.answered.get()) >= RATE_SPAN);
        if due {
            self.before = Some(Previous {
                report: Box::new(report),
                answered: now,
            });
        }
    }

    async fn pause(&mut self, offer: OfferId, sight: Sight) {
        let action = Action::Pause {
            offer,
            paused: true,
        };
        match self.hand.act(&action).await {
            Ok(done) => {
                self.set_paused(true);
                if sight.faulty {
                    self.watch.paused(sight.now);
                    self.observe.paused(&done, &self.why());
                } else {
                    self.watch.held();
                    self.observe.paused(&done, "somebody wants it paused");
                }
            }
            Err(trouble) => self.observe.unsent("pause", &trouble),
        }
    }

    async fn resume(&self, offer: OfferId) {
        let action = Action::Pause {
            offer,
            paused: false,
        };
        match self.hand.act(&action).await {
            Ok(done) => {
                self.set_paused(false);
                self.observe.resumed(&done);
            }
            Err(trouble) => self.observe.unsent("resume", &trouble),
        }
    }

    fn why(&self) -> String {
        let known = self.shared.known();
        let fault = known.faults.first().map(ToString::to_string);
        known
            .unread
            .clone()
            .or(fault)
            .unwrap_or_else(|| "unknown".to_owned())
    }

    /// Until the chain is read again, what was sent is what it has.
    fn set_paused(&self, paused: bool) {
        let mut known = self.shared.known();
        let machine = known.machine.as_mut();
        if let Some(registration) = machine.and_then(|machine| machine.registration.as_mut()) {
            registration.paused = paused;
        }
    }
}

/// The agent's question to itself.
fn own_question(offer: OfferId, now: Timestamp) -> Question {
    let mut nonce = [0; 16];
    nonce[8..].copy_from_slice(&now.get().to_be_bytes());
    Question {
        subject: Subject::Machine(offer),
        operator: NOBODY,
        epoch: HealthEpoch::new(0),
        window: Window(0),
        nonce: Nonce(nonce),
        lease: quorate_health::LeaseState::Free,
        checks: Checks::REPORT,
    }
}
