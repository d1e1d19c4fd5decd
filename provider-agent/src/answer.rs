//! Answers operators: a signed report for a probe, a place on disk for a receipt.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use quorate_bls::{Domain, PublicKey, Signature, verify};
use quorate_canon::{HealthEpoch, OfferId, Timestamp};
use quorate_health::{Place, Question, Receipt, SignedReport, Subject, Window};
use quorate_rpc::wire::Delivery;
use quorate_rpc::{AgentHandler, AgentRefusal, WireError};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::cards::{Cards, NoReading};
use crate::chain::{Chain, Rules};
use crate::clock::now;
use crate::observe::Observe;
use crate::rate::Rates;
use crate::shared::{LastProbe, Shared};
use crate::signing::MachineKey;
use crate::store::{Kept, Store, StoredReceipt};
use crate::tables::Tables;

/// How far a question's window may lie from the machine's clock, seconds. Only a clock that is far off
/// ever meets this: a report tells the time itself, and the operator judges it.
const SLACK: u64 = 300;

/// What the handler needs.
#[derive(Debug)]
pub struct Parts {
    /// The cards.
    pub cards: Cards,
    /// The machine key.
    pub key: MachineKey,
    /// Where receipts go.
    pub store: Store,
    /// What is known of the machine.
    pub shared: Shared,
    /// Log lines and metrics.
    pub observe: Observe,
    /// Probes and receipts worked on at a time, each.
    pub at_once: usize,
    /// Probes and receipts of one address in a second.
    pub per_second: u32,
}

/// The agent as operators see it.
pub struct Answerer {
    parts: Parts,
    chain: Arc<dyn Chain>,
    tables: Tables,
    rates: Rates,
    probes: Semaphore,
    receipts: Semaphore,
}

impl std::fmt::Debug for Answerer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.parts.fmt(f)
    }
}

impl Answerer {
    /// A handler over a chain.
    #[must_use]
    pub fn new(parts: Parts, chain: Arc<dyn Chain>) -> Self {
        Self {
            rates: Rates::new(parts.per_second),
            probes: Semaphore::new(parts.at_once),
            receipts: Semaphore::new(parts.at_once),
            tables: Tables::default(),
            parts,
            chain,
        }
    }

    /// A place at one of the two counters.
    fn enter<'a>(
        &self,
        counter: &'a Semaphore,
        peer: Option<IpAddr>,
    ) -> Result<SemaphorePermit<'a>, AgentRefusal> {
        if !self.rates.take(peer, Instant::now()) {
            return Err(AgentRefusal::Busy("too many calls from one address"));
        }
        counter
            .try_acquire()
            .map_err(|_| AgentRefusal::Busy("too many calls at once"))
    }

    /// The machine, if the subject is it.
    fn ours(&self, subject: Subject) -> Result<OfferId, AgentRefusal> {
        let Subject::Machine(asked) = subject;
        let ours = self.parts.shared.known().offer;
        let ours = ours.ok_or_else(|| unable("this machine is not registered yet"))?;
        if ours == asked {
            Ok(ours)
        } else {
            Err(wrong(format!("machine: got {asked}, this is {ours}")))
        }
    }

    async fn answer(&self, question: Question) -> Result<SignedReport, AgentRefusal> {
        self.ours(question.subject)?;
        let now = now();
        let rules = self.parts.shared.known().rules.clone();
        if let Some(rules) = rules {
            timely(&rules, question.epoch, question.window, now)?;
        }
        let snapshot = self.parts.cards.read().await.map_err(|error| match error {
            NoReading::Busy => AgentRefusal::Busy("too many wait for a reading"),
            other => unable(other),
        })?;
        let report = snapshot.report(&question, crate::clock::now());
        let signed = self.parts.key.sign(report).map_err(unable)?;
        let probe = LastProbe {
            at: now,
            epoch: question.epoch,
            window: question.window,
            receipt: None,
        };
        self.parts.shared.known().probed(question.operator, probe);
        Ok(signed)
    }

    async fn keep(&self, delivery: Delivery) -> Result<bool, AgentRefusal> {
        let place = delivery.receipt.0;
        self.ours(place.subject)?;
        let known = {
            let known = self.parts.shared.known();
            (known.rules.clone(), known.unsettled)
        };
        let rules = known
            .0
            .ok_or_else(|| unable("the chain was not read yet"))?;
        acceptable(&rules, &place, known.1, now())?;
        let epoch = rules.epochs.stake_epoch(place.epoch).map_err(unable)?;
        let table = self.tables.of(self.chain.as_ref(), epoch).await;
        let table = table
            .map_err(unable)?
            .ok_or_else(|| unable(format!("no stake table of epoch {epoch} on L2")))?;
        let operator = delivery.operator;
        let key = table
            .key(operator)
            .cloned()
            .ok_or_else(|| wrong(format!("operator {operator} is not in the stake table")))?;
        let store = self.parts.store.clone();
        // Pairing and disk block for milliseconds: not where probes are answered.
        let kept = tokio::task::spawn_blocking(move || verify_and_keep(&store, &key, &delivery));
        let kept = kept.await.map_err(unable)??;
        self.parts.shared.known().received(operator, now());
        match kept {
            Kept::New => Ok(true),
            Kept::Known => Ok(false),
            Kept::Full => Err(AgentRefusal::Busy("no place for more receipts")),
        }
    }
}

fn verify_and_keep(
    store: &Store,
    key: &PublicKey,
    delivery: &Delivery,
) -> Result<Kept, AgentRefusal> {
    let signature = Signature::from_bytes96(&delivery.signature)
        .map_err(|error| wrong(format!("signature: {error}")))?;
    let digest = delivery.receipt.digest();
    if !verify(Domain::Vote, key, &digest.0, &signature) {
        return Err(wrong("the signature is not the operator's".to_owned()));
    }
    let Receipt(place) = delivery.receipt;
    let receipt = StoredReceipt {
        epoch: place.epoch,
        window: place.window,
        operator: delivery.operator,
        signature: delivery.signature,
        at: now(),
    };
    store.keep_receipt(&receipt).map_err(unable)
}

/// Whether a question is of about now.
fn timely(
    rules: &Rules,
    epoch: HealthEpoch,
    window: Window,
    now: Timestamp,
) -> Result<(), AgentRefusal> {
    // A window that the policy does not have may be of the epoch before a change of the policy.
    let clock = rules.clock();
    let Ok((from, until)) = clock
        .span(epoch, window)
        .or_else(|_| clock.span(epoch, Window(0)))
    else {
        return Err(wrong(format!("health epoch {epoch} is beyond all time")));
    };
    let slack = SLACK.max(until.get().saturating_sub(from.get()));
    let (early, late) = (
        from.get().saturating_sub(slack),
        until.get().saturating_add(slack),
    );
    if (early..late).contains(&now.get()) {
        Ok(())
    } else {
        Err(wrong(format!(
            "window {window} of health epoch {epoch} is from {from} to {until}, and it is {now} here: \
             a question of another time, or a clock that is off"
        )))
    }
}

/// Whether a receipt is of this network and of a window that has begun and is not settled.
fn acceptable(
    rules: &Rules,
    place: &Place,
    unsettled: Option<HealthEpoch>,
    now: Timestamp,
) -> Result<(), AgentRefusal> {
    if place.network != rules.network {
        return Err(wrong("a receipt of another network".to_owned()));
    }
    let (begun, _) = rules
        .clock()
        .at(now.checked_add(SLACK).unwrap_or(now))
        .map_err(unable)?;
    let span = rules.clock().span(place.epoch, place.window);
    let (from, _) = span.map_err(|error| wrong(error.to_string()))?;
    if place.epoch > begun || from.get() > now.get().saturating_add(SLACK) {
        return Err(wrong(format!(
            "window {} of health epoch {} has not begun",
            place.window, place.epoch
        )));
    }
    // Without the chain's word an epoch before the last is not taken.
    let oldest = unsettled.unwrap_or(HealthEpoch::new(begun.get().saturating_sub(2)));
    if place.epoch < oldest {
        return Err(wrong(format!(
            "health epoch {} is settled, receipts are taken from {oldest} on",
            place.epoch
        )));
    }
    Ok(())
}

fn wrong(words: String) -> AgentRefusal {
    AgentRefusal::Wrong(words)
}

fn unable(words: impl ToString) -> AgentRefusal {
    AgentRefusal::Unable(words.to_string())
}

impl AgentHandler for Answerer {
    async fn probe(
        &self,
        question: Question,
        peer: Option<IpAddr>,
    ) -> Result<SignedReport, AgentRefusal> {
        let answer = match self.enter(&self.probes, peer) {
            Ok(permit) => {
                let answer = self.answer(question).await;
                drop(permit);
                answer
            }
            Err(refusal) => Err(refusal),
        };
        self.parts.observe.probe(&question, answer.as_ref().err());
        answer
    }

    async fn deliver(
        &self,
        delivery: Delivery,
        peer: Option<IpAddr>,
    ) -> Result<bool, AgentRefusal> {
        let kept = match self.enter(&self.receipts, peer) {
            Ok(permit) => {
                let kept = self.keep(delivery).await;
                drop(permit);
                kept
            }
            Err(refusal) => Err(refusal),
        };
        self.parts.observe.receipt(&delivery, kept.as_ref());
        kept
    }

    fn malformed(&self, error: &WireError) {
        self.parts.observe.malformed(error);
    }
}
