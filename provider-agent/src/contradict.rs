//! Hands receipts to aggregators against operators that called the machine DOWN, certified or not.
//!
//! A list with too few seats behind it never stands on L2, and there is nothing to appeal against; yet
//! whoever signed it and gave a receipt for the same window has lied, and both words together cost it
//! stake. The lists are with the aggregators, the receipts are here.
//!
//! An aggregator is a stranger. It may be dead, slow, or make things up: each has a task of its own, its
//! answers are bounded in size and in time, and whom it names costs a lookup. It may also collect
//! receipts under a pretext. That gains it nothing: a receipt is evidence against nobody but an operator
//! that signed the opposite too, and of such operators the more people know, the better.

mod case;
mod choose;
mod fate;
mod said;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use quorate_canon::{HealthEpoch, OfferId, Timestamp};
use quorate_rpc::wire::ContradictionVerdict;
use quorate_rpc::{Accusers, Client, ClientLimits, ClientTls, Contradiction, RpcError};
use quorate_service::Shutdown;
use tokio::time::{Instant, timeout};
use url::Url;

use crate::AgentError;
use crate::chain::{Chain, ChainTrouble};
use crate::observe::Observe;
use crate::shared::Shared;
use crate::store::{Contradicted, Store, StoredReceipt};

use case::Case;
pub use choose::choose;
use fate::{Fate, fate};
pub use said::Said;

/// What all contradictors of an agent are made of.
#[derive(Clone)]
pub struct Parts {
    /// The machine.
    pub offer: OfferId,
    /// What is known of it: the newest block, and which epochs are settled.
    pub shared: Shared,
    /// The store of receipts.
    pub store: Store,
    /// Reads the rules of epochs.
    pub chain: Arc<dyn Chain>,
    /// Log lines and metrics.
    pub observe: Observe,
    /// Whom the log named already.
    pub said: Said,
    /// Pause between two looks whether there is something to ask, and the first one between two
    /// questions about the same epoch.
    pub poll: Duration,
}

/// Asks one aggregator who called the machine DOWN, and hands in what says otherwise.
pub struct Contradictor {
    parts: Parts,
    client: Client,
    /// How long a call may take, to the last byte of its answer.
    patience: Duration,
    cases: BTreeMap<HealthEpoch, Case>,
    /// Whether it failed to answer last.
    silent: bool,
}

impl std::fmt::Debug for Contradictor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contradictor")
            .field("aggregator", &self.client.endpoint())
            .field("cases", &self.cases)
            .finish_non_exhaustive()
    }
}

impl Contradictor {
    /// One for each aggregator. Connects to none yet; call it inside a runtime.
    ///
    /// # Errors
    /// [`RpcError`] for an address that cannot be used, or roots that do not load.
    pub fn all(
        parts: &Parts,
        aggregators: &[Url],
        tls: &ClientTls,
        limits: &ClientLimits,
    ) -> Result<Vec<Self>, RpcError> {
        aggregators
            .iter()
            .map(|url| {
                Ok(Self {
                    parts: parts.clone(),
                    client: Client::new(url, tls, limits.clone())?,
                    patience: limits.call_timeout,
                    cases: BTreeMap::new(),
                    silent: false,
                })
            })
            .collect()
    }

    /// Asks until the end is asked for.
    ///
    /// # Errors
    /// [`AgentError`] of the store.
    pub async fn run(mut self, shutdown: Shutdown) -> Result<(), AgentError> {
        loop {
            match shutdown.or(self.turn()).await {
                None => return Ok(()),
                Some(done) => done?,
            }
            if !shutdown.sleep(self.parts.poll).await {
                return Ok(());
            }
        }
    }

    /// Asks about every epoch that is over, not settled and due.
    ///
    /// # Errors
    /// [`AgentError`] of the store. Whom nobody answers is asked at a later turn.
    pub async fn turn(&mut self) -> Result<(), AgentError> {
        let Some((unsettled, running, time)) = self.epochs() else {
            return Ok(());
        };
        self.cases.retain(|epoch, _| *epoch >= unsettled);
        self.parts.said.forget_before(unsettled);
        for epoch in unsettled.get()..running.get() {
            match self.epoch(HealthEpoch::new(epoch), time).await {
                // The follower says it aloud; here an epoch's rules are read at a later turn.
                Err(AgentError::Chain(trouble)) => {
                    tracing::debug!(epoch, %trouble, "rules of a health epoch not read");
                }
                done => done?,
            }
        }
        Ok(())
    }

    /// The first epoch that is not settled, the one that runs, and the time, all by the chain; nothing
    /// until it was read.
    fn epochs(&self) -> Option<(HealthEpoch, HealthEpoch, Timestamp)> {
        let known = self.parts.shared.known();
        let time = known.head?.timestamp;
        let (running, _) = known.rules.as_ref()?.clock().at(time).ok()?;
        Some((known.unsettled?, running, time))
    }

    async fn epoch(&mut self, epoch: HealthEpoch, time: Timestamp) -> Result<(), AgentError> {
        if !self.cases.contains_key(&epoch) {
            let case = self.case(epoch).await?;
            self.cases.insert(epoch, case);
        }
        // Taken out while it is worked on: `self` is needed for the rest.
        let Some(mut case) = self.cases.remove(&epoch) else {
            return Ok(());
        };
        let result = if case.is_due(time, Instant::now()) {
            self.ask(epoch, &mut case).await
        } else {
            Ok(())
        };
        self.cases.insert(epoch, case);
        result
    }

    /// An epoch under its own rules: those of the running one may be others.
    async fn case(&self, epoch: HealthEpoch) -> Result<Case, AgentError> {
        let own = |error: quorate_health::HealthError| ChainTrouble::Own(error.to_string());
        let rules = self.parts.shared.known().rules.clone();
        let clock = rules.map(|rules| rules.epochs);
        let clock = clock.ok_or_else(|| ChainTrouble::Silent("no rules yet".to_owned()))?;
        let start = clock.start(epoch).map_err(own)?;
        let rules = self.parts.chain.rules(start).await?;
        Ok(Case::new(epoch, &rules, self.parts.poll).map_err(own)?)
    }

    /// Asks about one epoch, and does what follows.
    async fn ask(&mut self, epoch: HealthEpoch, case: &mut Case) -> Result<(), AgentError> {
        let call = self.client.accusers(epoch, self.parts.offer);
        let answer = within(self.patience, call).await;
        let done = match answer {
            Ok(accusers) => self.answered(epoch, case, &accusers).await?,
            Err(why) => {
                self.unheard(&why);
                false
            }
        };
        if done {
            case.close();
        } else {
            case.put_off(Instant::now());
        }
        Ok(())
    }

    /// Contradicts all whom it can; whether the epoch is done with here.
    async fn answered(
        &mut self,
        epoch: HealthEpoch,
        case: &mut Case,
        answer: &Accusers,
    ) -> Result<bool, AgentError> {
        let news = self.parts.said.news(epoch, &answer.accusers);
        let aggregator = self.client.endpoint();
        self.parts.observe.accused(epoch, aggregator, &news);
        let mut left = answer.accusers.clone();
        left.retain(|accuser| !case.settled.contains(&accuser.operator));
        let receipts = choose(&left, case.windows, |window| {
            self.parts.store.receipts_of(epoch, window)
        })?;
        let mut done = answer.closed;
        for receipt in &receipts {
            match self.hand_in(receipt).await? {
                Fate::Settled => _ = case.settled.insert(receipt.operator),
                Fate::Again => done = false,
                Fate::Silent => return Ok(false),
                Fate::Closed => {
                    done = true;
                    break;
                }
            }
        }
        self.heard();
        Ok(done)
    }

    async fn hand_in(&mut self, receipt: &StoredReceipt) -> Result<Fate, AgentError> {
        let contradiction = Contradiction {
            epoch: receipt.epoch,
            machine: self.parts.offer,
            window: receipt.window,
            operator: receipt.operator,
            receipt: receipt.signature,
        };
        let call = self.client.submit_contradiction(&contradiction);
        let answer = within(self.patience, call).await;
        let aggregator = self.client.endpoint();
        let observe = &self.parts.observe;
        observe.contradicted(aggregator, &contradiction, answer.as_ref());
        let verdict = match answer {
            Ok(verdict) => verdict,
            Err(why) => {
                self.unheard(&why);
                return Ok(Fate::Silent);
            }
        };
        if !matches!(verdict, ContradictionVerdict::Rejected { .. }) {
            self.parts.store.keep_contradicted(&Contradicted {
                epoch: receipt.epoch,
                operator: receipt.operator,
                window: receipt.window,
            })?;
        }
        Ok(fate(&verdict))
    }

    fn heard(&mut self) {
        if std::mem::replace(&mut self.silent, false) {
            self.parts.observe.heard_again(self.client.endpoint());
        }
    }

    fn unheard(&mut self, why: &str) {
        let first = !std::mem::replace(&mut self.silent, true);
        let observe = &self.parts.observe;
        observe.unheard(self.client.endpoint(), why, first);
    }
}

/// Characters of a stranger's words that are repeated.
const WORDS: usize = 512;

/// Waits for the whole answer of a call, or says why there is none. The client's own limit ends with the
/// answer's head: who sends that and then nothing would hold the task for ever.
pub(crate) async fn within<T>(
    patience: Duration,
    call: impl Future<Output = Result<T, RpcError>>,
) -> Result<T, String> {
    match timeout(patience, call).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(plain(&error.to_string())),
        Err(_) => Err(format!("no whole answer in {patience:?}")),
    }
}

/// As much of a stranger's words as a log or a terminal takes, without what a terminal would obey.
fn plain(words: &str) -> String {
    let each = words.chars().take(WORDS);
    each.map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_words_are_cut_and_obeyed_by_no_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\nc"), "a [2Jb c");
        let long = "\u{fc}".repeat(WORDS + 9);
        assert_eq!(plain(&long), "\u{fc}".repeat(WORDS));
    }
}
