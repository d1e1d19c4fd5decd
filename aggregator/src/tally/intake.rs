//! Takes receipts of sampled probes from operators. Signatures are verified before they are kept;
//! what is kept is at most one of each member of a committee. A stranger causes no question to a
//! chain, and nobody's garbage counts against another's address.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quorate_bls::{self as bls, PublicKey, Signature};
use quorate_canon::{Digest, Epoch, OperatorIndex, Timestamp};
use quorate_rpc::{ReceiptRejection, SignedReceipts, wire::ReceiptsVerdict};

use super::Sheet;
use crate::chain::Counted;
use crate::clock::now;
use crate::observe::Observe;
use crate::store::{Store, blocking};
use crate::suspects::{Checking, Sender, Unchecked};

/// Signatures of sampled receipts, by sample and operator.
type Receipts = BTreeMap<u16, BTreeMap<OperatorIndex, Signature>>;

/// A stake epoch whose work is shown.
#[derive(Debug)]
struct Entry {
    sheet: Arc<Sheet>,
    receipts: Receipts,
}

/// Whether all of a request is here now, or was before; or why something of it is not.
type Taken = Result<bool, Refusal>;
/// Why something was not taken.
type Refusal = (ReceiptRejection, String);

/// One receipt to be verified.
struct Check {
    sample: u16,
    digest: Digest,
    key: PublicKey,
    bytes: [u8; 96],
}

/// The stake epochs that are open here.
#[derive(Debug, Default)]
struct Open {
    epochs: BTreeMap<Epoch, Entry>,
    /// Those before this one are closed for good.
    first: Epoch,
    /// The last one that was counted.
    counted: Option<(Epoch, Counted)>,
}

impl Open {
    /// An epoch that takes receipts at `clock`.
    fn entry(&self, epoch: Epoch, clock: Timestamp) -> Result<&Entry, Refusal> {
        if epoch < self.first {
            return Err(closed(epoch));
        }
        let Some(entry) = self.epochs.get(&epoch) else {
            let detail = format!("the sample of stake epoch {epoch} is not known here");
            return Err((ReceiptRejection::NotDrawn, detail));
        };
        if clock > entry.sheet.until {
            return Err(closed(epoch));
        }
        Ok(entry)
    }
}

/// How the work on stake epochs stands, for people to see.
#[derive(Clone, Debug, Default)]
pub struct Overview {
    /// Epochs whose work is shown, until when, and how many receipts are here.
    pub open: Vec<(Epoch, Timestamp, usize)>,
    /// The last epoch that was counted.
    pub counted: Option<(Epoch, Counted)>,
}

/// The desk where receipts are handed in.
#[derive(Debug)]
pub struct Intake {
    store: Arc<Store>,
    observe: Observe,
    open: Mutex<Open>,
    checking: Checking<Epoch>,
}

impl Intake {
    /// A desk that takes nothing yet.
    pub fn new(store: Arc<Store>, observe: Observe) -> Self {
        Self {
            store,
            observe,
            open: Mutex::default(),
            checking: Checking::default(),
        }
    }

    /// Takes receipts, all or none. Accepted means: stored durably.
    pub async fn take(&self, receipts: SignedReceipts, peer: Option<IpAddr>) -> ReceiptsVerdict {
        match self.try_take(receipts, peer, now()).await {
            Ok(true) => ReceiptsVerdict::Accepted,
            Ok(false) => ReceiptsVerdict::Duplicate,
            Err((reason, detail)) => {
                self.observe.receipts_rejected(reason, &detail);
                ReceiptsVerdict::rejected(reason, detail)
            }
        }
    }

    async fn try_take(
        &self,
        receipts: SignedReceipts,
        peer: Option<IpAddr>,
        clock: Timestamp,
    ) -> Taken {
        let (epoch, operator) = (receipts.epoch, receipts.operator);
        let checks = self.screen(&receipts, clock)?;
        if checks.is_empty() {
            return Ok(false);
        }
        let sender = Sender {
            span: epoch,
            source: peer,
            operator,
        };
        let count = checks.len();
        let checked = self.checking.check(sender, count, || verify(checks)).await;
        let good = checked.map_err(|unchecked| match unchecked {
            Unchecked::Bad(sample) => {
                let detail = format!(
                    "not operator {operator}'s signature of the receipt of sample {sample} of \
                     stake epoch {epoch}"
                );
                (ReceiptRejection::BadSignature, detail)
            }
            Unchecked::CutOff(failures) => {
                let detail = format!("{failures} bad receipts under index {operator}");
                (ReceiptRejection::TooManyFailures, detail)
            }
            Unchecked::Busy(why) => (ReceiptRejection::Overloaded, why),
        })?;
        self.keep(epoch, operator, good).await?;
        Ok(true)
    }

    /// What is to be verified.
    fn screen(&self, receipts: &SignedReceipts, clock: Timestamp) -> Result<Vec<Check>, Refusal> {
        let (epoch, operator) = (receipts.epoch, receipts.operator);
        let open = self.lock();
        let entry = open.entry(epoch, clock)?;
        let key = entry.sheet.table.signer(operator).map(|(key, _)| *key);
        let key = key.map_err(|error| (ReceiptRejection::NoStake, error.to_string()))?;
        let mut checks = Vec::new();
        for (sample, bytes) in &receipts.receipts {
            let probe = entry.sheet.probes.get(sample);
            let Some(probe) = probe.filter(|probe| probe.members.contains(&operator)) else {
                let detail = format!(
                    "stake epoch {epoch} has no sample {sample} on whose committee operator \
                     {operator} sits"
                );
                return Err((ReceiptRejection::NoSuchSample, detail));
            };
            let of_sample = entry.receipts.get(sample);
            if of_sample.is_some_and(|known| known.contains_key(&operator)) {
                continue;
            }
            checks.push(Check {
                sample: *sample,
                digest: probe.receipt.digest(),
                key,
                bytes: *bytes,
            });
        }
        Ok(checks)
    }

    /// Stores verified receipts, then counts them: who hears "accepted" finds them here after any
    /// crash.
    async fn keep(
        &self,
        epoch: Epoch,
        operator: OperatorIndex,
        good: Vec<(u16, Signature)>,
    ) -> Result<(), Refusal> {
        let (store, kept) = (Arc::clone(&self.store), good.clone());
        blocking(move || store.put_receipts(epoch, operator, &kept))
            .await
            .map_err(|error| (ReceiptRejection::Overloaded, error))?;
        self.observe.receipts_taken(epoch, operator, good.len());
        if let Some(entry) = self.lock().epochs.get_mut(&epoch) {
            for (sample, signature) in good {
                let of_sample = entry.receipts.entry(sample).or_default();
                of_sample.insert(operator, signature);
            }
        }
        Ok(())
    }

    /// Takes receipts of an epoch from now on; takes up what was stored before a restart.
    pub(super) async fn open(&self, sheet: Arc<Sheet>) -> Result<(), String> {
        let (store, epoch) = (Arc::clone(&self.store), sheet.epoch);
        let stored = blocking(move || store.receipts(epoch)).await?;
        let mut receipts = Receipts::new();
        for (sample, operator, signature) in stored {
            let of_sample = receipts.entry(sample).or_default();
            of_sample.insert(operator, signature);
        }
        let entry = Entry { sheet, receipts };
        self.lock().epochs.entry(epoch).or_insert(entry);
        Ok(())
    }

    /// The sheet of an epoch that is open here.
    pub(super) fn sheet(&self, epoch: Epoch) -> Option<Arc<Sheet>> {
        let open = self.lock();
        open.epochs
            .get(&epoch)
            .map(|entry| Arc::clone(&entry.sheet))
    }

    /// The receipts of a sampled probe.
    pub(super) fn receipts(&self, epoch: Epoch, sample: u16) -> BTreeMap<OperatorIndex, Signature> {
        let open = self.lock();
        let entry = open.epochs.get(&epoch);
        let receipts = entry.and_then(|entry| entry.receipts.get(&sample));
        receipts.cloned().unwrap_or_default()
    }

    /// How it stands.
    pub fn overview(&self) -> Overview {
        let open = self.lock();
        let of_epoch = |(epoch, entry): (&Epoch, &Entry)| {
            let receipts = entry.receipts.values().map(BTreeMap::len).sum();
            (*epoch, entry.sheet.until, receipts)
        };
        Overview {
            open: open.epochs.iter().map(of_epoch).collect(),
            counted: open.counted.clone(),
        }
    }

    /// Notes what L2 has counted of an epoch.
    pub(super) fn note(&self, epoch: Epoch, counted: Counted) {
        let mut open = self.lock();
        if open.counted.as_ref().is_none_or(|(last, _)| *last <= epoch) {
            open.counted = Some((epoch, counted));
        }
    }

    /// Closes stake epochs before this one.
    pub(super) fn close_before(&self, epoch: Epoch) {
        let mut open = self.lock();
        open.first = open.first.max(epoch);
        open.epochs = open.epochs.split_off(&epoch);
        drop(open);
        self.checking.forget_before(epoch);
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn closed(epoch: Epoch) -> Refusal {
    let detail = format!("work of stake epoch {epoch} is shown no more");
    (ReceiptRejection::EpochClosed, detail)
}

/// The signatures, or the sample of the first that is not its operator's. Each message is another
/// one, so each is verified for itself.
fn verify(checks: Vec<Check>) -> Result<Vec<(u16, Signature)>, u16> {
    let signature = |check: Check| {
        let signature = Signature::from_bytes96(&check.bytes).ok();
        let message = check.digest.get();
        let signed =
            signature.filter(|it| bls::verify(bls::Domain::Vote, &check.key, &message, it));
        match signed {
            Some(signature) => Ok((check.sample, signature)),
            None => Err(check.sample),
        }
    };
    checks.into_iter().map(signature).collect()
}
