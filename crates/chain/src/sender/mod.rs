//! Sending transactions: one manager a key.
//!
//! alloy's own fillers are not used: their cached nonce moves before the broadcast, and a failed
//! send leaves a gap for good. Here:
//!
//! - A call is simulated first; what would revert is not sent, and the reason comes back typed.
//! - Nonces are given out under one lock, counted from the chain's own count, never from a cache
//!   that outlives the transactions in flight.
//! - A transaction is signed, written to the [journal](TxSender::open), and only then broadcast. An
//!   error of the broadcast says nothing: the transaction may have been accepted. It keeps its
//!   nonce and is watched; any of its hashes that is mined ends it.
//! - What is not mined in time is sent again with fees 13 % higher, up to a cap.
//! - A call may have a deadline in the chain's own time. Then, and when a simulation says that it
//!   would revert by now, its nonce is filled with an empty transaction, so that none after it waits.
//! - Each call runs in a task of its own: a caller that goes away loses the answer, nothing else.

mod broadcast;
mod call;
mod error;
mod fees;
mod journal;
mod lane;
mod slot;
mod vigil;
mod wire;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use alloy::primitives::{Address, Bytes};
use alloy::signers::local::PrivateKeySigner;
use tokio::sync::{Semaphore, watch};
use tracing::{info, warn};

use crate::Rpc;
use journal::{Entry, Journal};
use lane::Lane;
use slot::{Ending, Slot};

pub use call::{Call, Receipt, SenderConfig};
pub use error::{Revert, SendError};

/// Runs a call as `from` would send it, on the newest state, and sends nothing: no key is needed.
///
/// # Errors
/// [`SendError::Revert`] with the contract's reason if it would revert; [`SendError::Rpc`] if the
/// chain does not answer.
pub async fn try_call(rpc: &Rpc, from: Address, call: &Call) -> Result<Bytes, SendError> {
    rpc.simulate(&call.request(from), None).await
}

/// The gas that a call takes as `from` would send it, on the newest state; sends nothing, and needs
/// no key.
///
/// # Errors
/// As [`try_call`].
pub async fn estimate_call(rpc: &Rpc, from: Address, call: &Call) -> Result<u64, SendError> {
    rpc.estimate(&call.request(from)).await
}

/// What a call came to.
type Outcome = Result<Receipt, SendError>;

/// How often a call is begun anew when its nonce was taken by somebody else.
const BEGINNINGS: usize = 4;

/// The manager of one key on one chain. Clones share it; a second manager of the same key, in this
/// process or another, costs both of them lost nonces.
#[derive(Clone)]
pub struct TxSender(Arc<Inner>);

struct Inner {
    rpc: Rpc,
    signer: PrivateKeySigner,
    config: SenderConfig,
    journal: Journal,
    lane: tokio::sync::Mutex<Lane>,
    in_flight: Semaphore,
    running: Mutex<HashMap<String, watch::Receiver<Option<Outcome>>>>,
}

impl std::fmt::Debug for TxSender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TxSender")
            .field("address", &self.address())
            .field("rpc", &self.0.rpc)
            .finish_non_exhaustive()
    }
}

impl TxSender {
    /// A manager for the key `signer`. With a `journal`, transactions are written to that SQLite
    /// file before they are broadcast, and those that an earlier process left unfinished are taken
    /// up again. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`SendError::Journal`] if the journal cannot be opened, is in use, or belongs to another key
    /// or chain.
    pub fn open(
        rpc: Rpc,
        signer: PrivateKeySigner,
        config: SenderConfig,
        journal: Option<&Path>,
    ) -> Result<Self, SendError> {
        let journal = Journal::open(journal, rpc.chain_id(), signer.address())?;
        let unfinished = journal.pending()?;
        let in_flight = Semaphore::new(config.in_flight.max(1));
        let sender = Self(Arc::new(Inner {
            rpc,
            signer,
            config,
            journal,
            lane: tokio::sync::Mutex::new(Lane::of(unfinished.iter().map(|slot| slot.nonce))),
            in_flight,
            running: Mutex::new(HashMap::new()),
        }));
        for slot in unfinished {
            info!(key = %slot.key, nonce = slot.nonce, "transaction taken up again");
            sender.resume(slot);
        }
        Ok(sender)
    }

    /// The address that pays.
    #[must_use]
    pub fn address(&self) -> Address {
        self.0.signer.address()
    }

    /// The chain that is sent to.
    #[must_use]
    pub fn rpc(&self) -> &Rpc {
        &self.0.rpc
    }

    /// Sends a call and waits for its receipt. A call with a key that was sent before, also by an
    /// earlier process with the same journal, is not sent again: its receipt comes back, or this
    /// waits for it.
    ///
    /// # Errors
    /// [`SendError`]; after [`SendError::Deadline`] and [`SendError::TimedOut`] the transaction may
    /// still be mined.
    pub async fn send(&self, call: Call) -> Outcome {
        let mut answer = self.start(call);
        let outcome = answer
            .wait_for(Option::is_some)
            .await
            .map(|outcome| outcome.clone());
        outcome.ok().flatten().unwrap_or(Err(SendError::Stopped))
    }

    /// Forgets a finished call: the same key can be sent again.
    ///
    /// # Errors
    /// [`SendError::Journal`].
    pub fn forget(&self, key: &str) -> Result<(), SendError> {
        self.0.journal.forget_done(key)
    }

    fn start(&self, call: Call) -> watch::Receiver<Option<Outcome>> {
        let mut running = self
            .0
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = call.key.as_ref().and_then(|key| running.get(key)) {
            return answer.clone();
        }
        let (report, answer) = watch::channel(None);
        if let Some(key) = &call.key {
            running.insert(key.clone(), answer.clone());
        }
        drop(running);
        let inner = Arc::clone(&self.0);
        tokio::spawn(async move {
            let outcome = inner.run(&call, &report).await;
            inner.finish(call.key.as_deref(), &report, outcome);
        });
        answer
    }

    /// Watches a slot of an earlier process to its end.
    fn resume(&self, slot: Slot) {
        let (report, answer) = watch::channel(None);
        let call = slot.call();
        if let Some(key) = &call.key {
            let mut running = self
                .0
                .running
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            running.insert(key.clone(), answer);
        }
        let inner = Arc::clone(&self.0);
        tokio::spawn(async move {
            let outcome = match inner.watch(slot, &report).await {
                Ending::Mined(receipt) => inner.judge(&call, receipt).await,
                Ending::GivenUp(error) => Err(error),
                Ending::Lost => inner.run(&call, &report).await,
            };
            inner.finish(call.key.as_deref(), &report, outcome);
        });
    }
}

impl Inner {
    /// A call from its simulation to its end.
    async fn run(&self, call: &Call, report: &watch::Sender<Option<Outcome>>) -> Outcome {
        let since = tokio::time::Instant::now();
        if let Some(receipt) = self.finished_before(call).await? {
            return Ok(receipt);
        }
        let _permit = self
            .in_flight
            .acquire()
            .await
            .map_err(|_| SendError::Stopped)?;
        for _ in 0..BEGINNINGS {
            let gas = self.prepare(call, since).await?;
            let slot = self.begin(call, gas, since).await?;
            match self.watch(slot, report).await {
                Ending::Mined(receipt) => return self.judge(call, receipt).await,
                Ending::GivenUp(error) => return Err(error),
                Ending::Lost => {
                    warn!(address = %self.signer.address(), "nonce lost, beginning anew")
                }
            }
        }
        Err(SendError::KeyShared)
    }

    /// The receipt of a call that was mined before, by its journal entry.
    async fn finished_before(&self, call: &Call) -> Result<Option<Receipt>, SendError> {
        let Some(key) = &call.key else {
            return Ok(None);
        };
        match self.journal.get(key)? {
            Some(Entry::Done(hash)) => Ok(self.rpc.receipt(hash).await?),
            Some(Entry::Pending(_)) | None => Ok(None),
        }
    }

    /// A mined transaction that failed gets its reason from a simulation in its own block.
    async fn judge(&self, call: &Call, receipt: Receipt) -> Outcome {
        if receipt.succeeded() {
            return Ok(receipt);
        }
        let request = call.request(self.signer.address());
        let revert = match self.rpc.simulate(&request, Some(receipt.block())).await {
            Err(SendError::Revert(revert)) => revert,
            _ => Revert::unknown(),
        };
        Err(SendError::Reverted {
            hash: receipt.hash,
            revert,
        })
    }

    fn finish(&self, key: Option<&str>, report: &watch::Sender<Option<Outcome>>, outcome: Outcome) {
        if let Some(key) = key {
            self.running
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(key);
        }
        answer(report, outcome);
    }
}

/// Gives the caller its answer; the first one stands.
fn answer(report: &watch::Sender<Option<Outcome>>, outcome: Outcome) {
    report.send_if_modified(|answer| {
        let first = answer.is_none();
        if first {
            *answer = Some(outcome);
        }
        first
    });
}
