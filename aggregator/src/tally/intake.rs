//! Takes receipts of sampled probes from operators. Signatures are verified before they are kept;
//! what is kept is at most one of each member of a committee. A stranger causes no question to a
//! chain, and nobody's garbage counts against another's address.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quorate_bls::{self as bls, PublicKey, Signature};
use quorate_canon::{Digest, Epoch, OperatorIndex, Timestamp};
use quorate_rpc::{ReceiptRejection, SignedReceipts, wire::ReceiptsVerdict};
use tokio::sync::Semaphore;

use super::Sheet;
use super::entry::{Entry, Receipts, Source};
use crate::chain::Counted;
use crate::clock::now;
use crate::observe::Observe;
use crate::store::{Store, blocking};

/// Requests whose signatures are verified at a time.
const AT_A_TIME: usize = 4;

/// Whether all of a request is here now, or was before; or why something of it is not.
type Taken = Result<bool, (ReceiptRejection, String)>;

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
    checking: Arc<Semaphore>,
}

/// A request that counts against its sender; given back on drop, as when the caller hangs up while
/// it waits, unless its verification has begun.
struct Claim<'a> {
    intake: &'a Intake,
    epoch: Epoch,
    source: Source,
    stands: bool,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if self.stands {
            return;
        }
        if let Some(entry) = self.intake.lock().epochs.get_mut(&self.epoch) {
            entry.forgive(self.source);
        }
    }
}

impl Intake {
    /// A desk that takes nothing yet.
    pub fn new(store: Arc<Store>, observe: Observe) -> Self {
        Self {
            store,
            observe,
            open: Mutex::default(),
            checking: Arc::new(Semaphore::new(AT_A_TIME)),
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
        let source = (peer, operator);
        let checks = self.screen(&receipts, source, clock)?;
        if checks.is_empty() {
            return Ok(false);
        }
        let mut claim = Claim {
            intake: self,
            epoch,
            source,
            stands: false,
        };
        let overloaded = |error: String| (ReceiptRejection::Overloaded, error);
        let turn = Arc::clone(&self.checking).acquire_owned().await;
        let turn = turn.map_err(|error| overloaded(error.to_string()))?;
        claim.stands = true;
        let checked = tokio::task::spawn_blocking(move || {
            let checked = verify(checks);
            drop(turn);
            checked
        });
        let checked = checked
            .await
            .map_err(|error| overloaded(error.to_string()))?;
        let good = checked.map_err(|sample| {
            let detail = format!(
                "not operator {operator}'s signature of the receipt of sample {sample} of stake \
                 epoch {epoch}"
            );
            (ReceiptRejection::BadSignature, detail)
        })?;
        claim.stands = false;
        drop(claim);
        self.keep(epoch, operator, good).await?;
        Ok(true)
    }

    /// What is to be verified. Counts against the sender until it has turned out to be good: so a
    /// flood that comes at once is bounded as well.
    fn screen(
        &self,
        receipts: &SignedReceipts,
        source: Source,
        clock: Timestamp,
    ) -> Result<Vec<Check>, (ReceiptRejection, String)> {
        let (epoch, operator) = (receipts.epoch, receipts.operator);
        let mut open = self.lock();
        if epoch < open.first {
            return Err(closed(epoch));
        }
        let Some(entry) = open.epochs.get_mut(&epoch) else {
            let detail = format!("the sample of stake epoch {epoch} is not known here");
            return Err((ReceiptRejection::NotDrawn, detail));
        };
        if clock > entry.sheet.until {
            return Err(closed(epoch));
        }
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
        if !checks.is_empty() {
            entry.claim(source)?;
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
    ) -> Result<(), (ReceiptRejection, String)> {
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
        let entry = Entry::new(sheet, receipts);
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
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn closed(epoch: Epoch) -> (ReceiptRejection, String) {
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
