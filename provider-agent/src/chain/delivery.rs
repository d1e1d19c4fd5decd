//! A signed call on its way through a relay, until the chain shows it.

use std::time::Duration;

use alloy::primitives::B256;
use quorate_chain::forward::{Carried, Forwarder, Outcome, Refused, Request};
use quorate_chain::sender::Receipt;
use tokio::time::{Instant, sleep};

use super::ChainTrouble;
use super::courier::{Courier, Setback};
use super::l2::Connected;
use super::promise::Promise;
use super::search::{carried_by, receipt_of};

/// Pause between two questions.
const PACE: Duration = Duration::from_secs(1);
/// How long a relay that is busy is asked again, and a transaction that it names is waited for.
const PATIENCE: Duration = Duration::from_secs(90);
/// A relay that says to come again after more seconds than these is not waited for.
const SOON: u64 = 10;

/// A call that is brought to a relay.
pub(super) struct Delivery<'a> {
    pub(super) on: &'a Connected,
    pub(super) courier: &'a Courier,
    pub(super) forwarder: &'a Forwarder,
    pub(super) promise: &'a Promise,
}

/// What a refusal asks for.
enum Next {
    /// Look for this transaction: the call was carried before.
    Look(B256),
    /// Bring it again after so long.
    Again(Duration),
    /// Nothing more.
    End,
}

fn next(refused: &Refused) -> Next {
    match (refused.code.as_str(), refused.transaction) {
        ("wrong_nonce", Some(hash)) => Next::Look(hash),
        // What was brought before was lost on its way.
        ("unknown", _) => Next::Again(PACE),
        _ => match refused.retry_after {
            Some(seconds) if seconds <= SOON => Next::Again(Duration::from_secs(seconds)),
            _ => Next::End,
        },
    }
}

impl Delivery<'_> {
    /// Brings the call until it is carried or refused, and gives its receipt.
    pub(super) async fn run(&self) -> Result<Receipt, ChainTrouble> {
        let request = self.forwarder.digest(&self.promise.call.request);
        let end = Instant::now() + PATIENCE;
        let mut answer = self.courier.bring(&self.promise.call).await;
        loop {
            if let Ok(Carried {
                outcome: Outcome::Carried,
                transaction: Some(hash),
                ..
            }) = answer
            {
                return self.confirmed(hash).await;
            }
            if let Err(Setback::Refused(refused)) = answer {
                match next(&refused) {
                    Next::Look(hash) => return self.confirmed(hash).await,
                    Next::Again(pause) if Instant::now() < end => sleep(pause).await,
                    _ => return Err(self.courier.trouble(Setback::Refused(refused))),
                }
                answer = self.courier.bring(&self.promise.call).await;
                continue;
            }
            // Under way, or nothing was heard: the chain knows better than the relay.
            if let Some(receipt) = carried_by(self.on, self.forwarder, self.promise).await? {
                return Ok(receipt);
            }
            if Instant::now() >= end {
                return Err(self.unclear(answer));
            }
            sleep(PACE).await;
            answer = self.courier.outcome(request).await;
        }
    }

    /// The receipt of the transaction that a relay names, if it carried this call.
    async fn confirmed(&self, hash: B256) -> Result<Receipt, ChainTrouble> {
        let (relay, end) = (self.courier.name(), Instant::now() + PATIENCE);
        let receipt = loop {
            match receipt_of(self.on, hash).await? {
                Some(receipt) => break receipt,
                None if Instant::now() >= end => {
                    return Err(ChainTrouble::Silent(format!(
                        "{relay} says that {hash} carried it, and the chain does not know that transaction"
                    )));
                }
                None => sleep(PACE).await,
            }
        };
        let Request { from, nonce, .. } = &self.promise.call.request;
        if receipt.succeeded() && self.forwarder.executed(&receipt.logs, *from, *nonce) {
            return Ok(receipt);
        }
        Err(ChainTrouble::Own(format!(
            "{relay} says that {hash} carried it, and that transaction did not"
        )))
    }

    /// It may still be carried.
    fn unclear(&self, answer: Result<Carried, Setback>) -> ChainTrouble {
        let said = match answer {
            Ok(_) => "it has sent it, and it is not mined".to_owned(),
            Err(setback) => self.courier.trouble(setback).to_string(),
        };
        ChainTrouble::Silent(format!(
            "not seen on chain after {} s: {said}; until {} it may still be carried: look before you repeat it",
            PATIENCE.as_secs(),
            self.promise.call.request.deadline
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str, retry_after: Option<u64>, transaction: Option<B256>) -> Refused {
        Refused {
            code: code.to_owned(),
            error: String::new(),
            remedy: String::new(),
            retry_after,
            transaction,
        }
    }

    #[test]
    fn what_passes_is_tried_again_and_nothing_else() {
        let again = |seconds| Duration::from_secs(seconds);
        for (code, after, expected) in [
            ("pending", Some(5), Some(again(5))),
            ("unknown", None, Some(PACE)),
            ("account_too_often", Some(40), None),
            ("budget", Some(4_000), None),
            ("bad_signature", None, None),
            ("wrong_nonce", None, None),
        ] {
            let got = match next(&refused(code, after, None)) {
                Next::Again(pause) => Some(pause),
                Next::End => None,
                Next::Look(_) => panic!("{code}: no transaction was named"),
            };
            assert_eq!(got, expected, "{code}");
        }
    }

    #[test]
    fn a_call_that_was_carried_before_is_looked_for() {
        let hash = B256::repeat_byte(1);
        let known = next(&refused("wrong_nonce", None, Some(hash)));
        assert!(matches!(known, Next::Look(found) if found == hash));
        // A transaction that reverted is no success.
        let reverted = next(&refused("reverted", None, Some(hash)));
        assert!(matches!(reverted, Next::End));
    }
}
