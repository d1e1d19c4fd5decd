//! Receipts that come close together are written to the ledger together: one write to the disk for
//! all of them, on a thread that may wait for it.

use std::sync::Arc;
use std::time::Duration;

use quorate_bls::Signature;
use quorate_canon::Timestamp;
use quorate_health::Receipt;
use tokio::sync::{mpsc, oneshot};

use super::words::Attester;

/// How long the first receipt waits for others.
const GATHER: Duration = Duration::from_millis(50);
/// Most receipts of one write.
const MOST: usize = 256;

struct Ask {
    receipt: Receipt,
    window_start: Timestamp,
    answer: oneshot::Sender<Result<Signature, String>>,
}

/// Signs receipts; cheap to clone. Ends when the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Scribe(mpsc::Sender<Ask>);

impl Scribe {
    /// Begins to write, in a task of its own.
    #[must_use]
    pub fn start(attester: Arc<dyn Attester>) -> Self {
        let (asks, asked) = mpsc::channel(MOST);
        tokio::spawn(write(attester, asked));
        Self(asks)
    }

    /// The signature of a receipt, once its word stands in the ledger; else why there is none.
    ///
    /// # Errors
    /// What the ledger says, in words.
    pub async fn sign(
        &self,
        receipt: Receipt,
        window_start: Timestamp,
    ) -> Result<Signature, String> {
        let (answer, answered) = oneshot::channel();
        let ask = Ask {
            receipt,
            window_start,
            answer,
        };
        let gone = || "the writer of words has ended".to_owned();
        self.0.send(ask).await.map_err(|_| gone())?;
        answered.await.unwrap_or_else(|_| Err(gone()))
    }
}

async fn write(attester: Arc<dyn Attester>, mut asked: mpsc::Receiver<Ask>) {
    while let Some(first) = asked.recv().await {
        tokio::time::sleep(GATHER).await;
        let mut asks = vec![first];
        while asks.len() < MOST
            && let Ok(ask) = asked.try_recv()
        {
            asks.push(ask);
        }
        let receipts: Vec<_> = asks
            .iter()
            .map(|ask| (ask.receipt, ask.window_start))
            .collect();
        let attester = Arc::clone(&attester);
        let signed = tokio::task::spawn_blocking(move || attester.passed(&receipts)).await;
        let signed = match signed {
            Ok(Ok(signed)) => signed,
            Ok(Err(error)) => refuse(&asks, &error.to_string()),
            Err(error) => refuse(&asks, &error.to_string()),
        };
        for (ask, signature) in asks.into_iter().zip(signed) {
            // Whoever asked may have given up.
            let _ = ask
                .answer
                .send(signature.map_err(|error| error.to_string()));
        }
    }
}

/// The store's fault as an answer to each.
fn refuse(asks: &[Ask], words: &str) -> Vec<Result<Signature, quorate_signer::SignerError>> {
    let fault = || quorate_signer::SignerError::Damaged(words.to_owned());
    asks.iter().map(|_| Err(fault())).collect()
}
