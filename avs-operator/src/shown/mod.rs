//! Shows the operator's work: when L2 has drawn the sample of a stake epoch, the operator's receipts of
//! sampled probes go to every aggregator, which puts them together and shows them there
//! (docs/formats.md, section 15). Nothing new is said: the ledger gives receipts again that it has on
//! record as said, and only those. When the epoch is counted, the operator's share is told.
//!
//! It stands beside the [prober](crate::prober), has no part in what that does, and keeps nothing on
//! disk: after a restart the same receipts are handed in again, in the same bytes.

mod handing;
mod observe;
mod shower;
mod source;
mod work;

use std::sync::Arc;
use std::time::Duration;

use quorate_health::EpochClock;
use quorate_rpc::Client;
use quorate_service::Shutdown;
use tokio::task::JoinHandle;

use crate::post::now;
use crate::prober::{schedule::Plans, words::Attester};

pub use observe::ShownObserve;
pub use shower::Shower;
pub use source::{ChainSource, Counted, Source, longest};
pub use work::ShownError;

/// Pause before a task that failed begins anew.
const RESTART: Duration = Duration::from_secs(5);

/// What showing needs.
#[derive(Debug)]
pub struct Parts<S, P> {
    /// Who has spoken.
    pub attester: Arc<dyn Attester>,
    /// Where plans of health epochs come from.
    pub plans: Arc<P>,
    /// Where samples come from.
    pub source: Arc<S>,
    /// The clock of epochs.
    pub clock: EpochClock,
    /// The aggregators.
    pub aggregators: Vec<Client>,
    /// Pause between two looks at L2, and between two attempts to hand receipts in.
    pub pause: Duration,
    /// Logs and metrics.
    pub observe: ShownObserve,
}

impl<S, P> Clone for Parts<S, P> {
    fn clone(&self) -> Self {
        Self {
            attester: Arc::clone(&self.attester),
            plans: Arc::clone(&self.plans),
            source: Arc::clone(&self.source),
            clock: self.clock,
            aggregators: self.aggregators.clone(),
            pause: self.pause,
            observe: self.observe.clone(),
        }
    }
}

/// Shows work in a task of its own until the end is asked for.
pub fn spawn<S: Source, P: Plans>(parts: Parts<S, P>, shutdown: Shutdown) -> JoinHandle<()> {
    tokio::spawn(async move {
        while !shutdown.is_asked() {
            let run = tokio::spawn(run(parts.clone(), shutdown.clone()));
            if let Err(error) = run.await {
                parts.observe.restarted(&error.to_string());
                shutdown.sleep(RESTART).await;
            }
        }
    })
}

async fn run<S: Source, P: Plans>(parts: Parts<S, P>, shutdown: Shutdown) {
    let pause = parts.pause;
    let mut shower = Shower::new(parts);
    while shutdown.or(shower.turn(now())).await.is_some() {
        if !shutdown.sleep(pause).await {
            return;
        }
    }
}
