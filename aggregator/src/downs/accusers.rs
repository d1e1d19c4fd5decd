//! Tells who called a machine DOWN, by the lists that were handed in, and takes receipts of the same
//! operators for the same windows. A list that too few agreed with is never certified: no strike on L2
//! leads to those who signed it.

use std::{net::IpAddr, sync::Arc};

use quorate_bls::Signature;
use quorate_canon::{HealthEpoch, OfferId, OperatorIndex};
use quorate_health::{Place, Receipt, Subject};
use quorate_protocol::Bitmap;
use quorate_rpc::{
    Accuser, Accusers, Contradiction, ContradictionRejection, ListRejection,
    wire::ContradictionVerdict,
};

use super::desk::{NotSigned, signature};
use super::{Desk, Own, Terms};
use crate::chain::HealthChain;
use crate::chain::actions::SignedList;
use crate::clock::now;
use crate::settle::Beacons;
use crate::store::{Contradicted, blocking};
use crate::suspects::{Sender, Unchecked};

type Refusal = (ContradictionRejection, String);

impl<C: HealthChain, B: Beacons> Desk<C, B> {
    /// Who called a machine DOWN in an epoch, as far as is known here. Nobody, before the epoch is over
    /// and after its time for appeals.
    pub async fn accusers(&self, epoch: HealthEpoch, machine: OfferId) -> Accusers {
        let clock = now();
        let terms = match self.kept_terms(epoch, clock).await {
            Ok(terms) => terms,
            Err((reason, _)) => {
                return Accusers {
                    accusers: Vec::new(),
                    closed: reason == ListRejection::EpochClosed,
                };
            }
        };
        let words = self.read(epoch, |book| book.accusers(Subject::Machine(machine)));
        Accusers {
            accusers: words
                .unwrap_or_default()
                .into_iter()
                .map(|(operator, windows)| Accuser { operator, windows })
                .collect(),
            closed: clock > terms.times.until,
        }
    }

    /// Takes a receipt against a list. Accepted means: stored durably, and taken to L1 from there.
    pub async fn contradict(
        &self,
        contradiction: Contradiction,
        peer: Option<IpAddr>,
    ) -> ContradictionVerdict {
        match self.try_contradict(contradiction, peer).await {
            Ok(true) => ContradictionVerdict::Accepted,
            Ok(false) => ContradictionVerdict::Duplicate,
            Err((reason, detail)) => {
                self.observe.contradiction_rejected(reason, &detail);
                ContradictionVerdict::rejected(reason, detail)
            }
        }
    }

    async fn try_contradict(
        &self,
        contradiction: Contradiction,
        peer: Option<IpAddr>,
    ) -> Result<bool, Refusal> {
        if !self.switches.judges {
            let detail = ContradictionRejection::NotJudging.summary();
            return Err((ContradictionRejection::NotJudging, detail.to_owned()));
        }
        let (epoch, operator) = (contradiction.epoch, contradiction.operator);
        let terms = self.kept_terms(epoch, now()).await.map_err(refusal)?;
        let (subject, window) = (
            Subject::Machine(contradiction.machine),
            contradiction.window,
        );
        let accusation = self.read(epoch, |book| book.accusation(operator, subject, window));
        let Some(accusation) = accusation.flatten() else {
            let detail = format!(
                "no list here has operator {operator} call window {} of machine {} DOWN in epoch {epoch}",
                window.0, contradiction.machine
            );
            return Err((ContradictionRejection::NotAccused, detail));
        };
        // Before the signature: whoever repeats what is known costs a look at the disk.
        let key = (epoch, contradiction.machine, operator);
        let store = Arc::clone(&self.store);
        if blocking(move || store.is_contradicted(key))
            .await
            .map_err(overloaded)?
        {
            return Ok(false);
        }
        let receipt = self.verified(&contradiction, &terms, peer).await?;
        let case = Contradicted {
            epoch,
            machine: contradiction.machine,
            window,
            operator,
            receipt: receipt.to_eip2537().to_vec(),
            list: alone(operator, accusation, &terms).map_err(overloaded)?,
        };
        let (store, kept) = (Arc::clone(&self.store), case.clone());
        let new = blocking(move || store.open_contradiction(&kept))
            .await
            .map_err(overloaded)?;
        if new {
            self.observe.contradicted(&case);
        }
        Ok(new)
    }

    /// The receipt's signature, if it is the operator's over the receipt of that window.
    async fn verified(
        &self,
        contradiction: &Contradiction,
        terms: &Terms,
        peer: Option<IpAddr>,
    ) -> Result<Signature, Refusal> {
        let (epoch, operator) = (contradiction.epoch, contradiction.operator);
        let digest = Receipt(Place {
            network: terms.network,
            subject: Subject::Machine(contradiction.machine),
            epoch,
            window: contradiction.window,
        })
        .digest();
        // Its list was taken: it has a key.
        let key = terms.table.signer(operator).map(|(key, _)| *key);
        let key = key.map_err(|error| (ContradictionRejection::NotAccused, error.to_string()))?;
        let bytes = contradiction.receipt;
        let sender = Sender {
            span: epoch,
            source: peer,
            operator,
        };
        let verify = move || signature(&bytes, &key, digest);
        let checked = self.receipts.check(sender, 1, verify).await;
        checked.map_err(|unchecked| match unchecked {
            Unchecked::Bad(NotSigned) => {
                let window = contradiction.window.0;
                let detail =
                    format!("not operator {operator}'s signature of window {window}'s receipt");
                (ContradictionRejection::BadSignature, detail)
            }
            Unchecked::CutOff(failures) => {
                let detail = format!("{failures} bad signatures under index {operator}");
                (ContradictionRejection::TooManyFailures, detail)
            }
            Unchecked::Busy(why) => overloaded(why),
        })
    }
}

/// A list with one of its signers, as L1 takes it.
fn alone(operator: OperatorIndex, own: Own, terms: &Terms) -> Result<SignedList, String> {
    let mut bitmap = Bitmap::empty(terms.table.count());
    bitmap.insert(operator).map_err(|error| error.to_string())?;
    Ok(SignedList {
        list: own.list,
        bitmap: bitmap.to_bytes(),
        aggregate: own.signature.to_eip2537().to_vec(),
    })
}

fn overloaded(error: String) -> Refusal {
    (ContradictionRejection::Overloaded, error)
}

/// Why an epoch has no terms, in the words of the other table.
fn refusal((reason, detail): (ListRejection, String)) -> Refusal {
    let reason = match reason {
        ListRejection::EpochNotOver => ContradictionRejection::EpochNotOver,
        ListRejection::EpochClosed => ContradictionRejection::EpochClosed,
        ListRejection::Overloaded => ContradictionRejection::Overloaded,
        _ => ContradictionRejection::NotReady,
    };
    (reason, detail)
}
