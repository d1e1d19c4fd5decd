//! The questions about words on machines, each answered in one exclusive transaction.

use quorate_canon::{HealthEpoch, Mask256, Timestamp};
use quorate_health::{DownEntry, DownList, Network, Place, Receipt, Subject};
use quorate_protocol::{Schedule, require_domain};
use quorate_store::sqlite::Transaction;

use super::words::{
    Words, downs_of, floor, forget_below, get_words, listed, put_words, raise_floor, raise_listed,
};
use super::{SigningLedger, WordPermit};
use crate::{Result, SignerError};

/// When a process began to speak, and the clock that its words have to fit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Since<'a> {
    pub(crate) schedule: &'a Schedule,
    pub(crate) head: Timestamp,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    Receipt,
    Down,
}

impl SigningLedger {
    /// Records receipts, each for itself, and permits to sign them. When this returns, all permitted
    /// ones are on disk.
    pub(crate) fn say_receipts(
        &self,
        since: &Since<'_>,
        receipts: &[(Receipt, Timestamp)],
    ) -> Result<Vec<Result<WordPermit>>> {
        self.transact(|transaction| {
            let said = receipts.iter().map(|(receipt, window_start)| {
                let place = &receipt.0;
                match self.say(transaction, since, Said::Receipt, place, *window_start) {
                    Ok(()) => Ok(Ok(WordPermit::new(receipt.digest()))),
                    Err(refused) if refused.is_refusal() => Ok(Err(refused)),
                    Err(fault) => Err(fault),
                }
            });
            said.collect()
        })
    }

    /// Permits to sign receipts again that were said, each for itself. Nothing is recorded, and nothing
    /// newly said, so neither the time nor a list that was signed since matters.
    pub(crate) fn repeat_receipts(&self, receipts: &[Receipt]) -> Result<Vec<Result<WordPermit>>> {
        self.transact(|transaction| {
            let said = receipts.iter().map(|receipt| {
                match self.require_receipt(transaction, &receipt.0) {
                    Ok(()) => Ok(Ok(WordPermit::new(receipt.digest()))),
                    Err(refused) if refused.is_refusal() => Ok(Err(refused)),
                    Err(fault) => Err(fault),
                }
            });
            said.collect()
        })
    }

    /// Records a word DOWN.
    pub(crate) fn say_down(
        &self,
        since: &Since<'_>,
        place: &Place,
        window_start: Timestamp,
    ) -> Result<()> {
        self.transact(|transaction| self.say(transaction, since, Said::Down, place, window_start))
    }

    /// Permits to sign a list, if it says nothing of a machine that this key's words do not say. From
    /// then on no receipt is signed of its epoch or one before.
    pub(crate) fn permit_list(
        &self,
        list: &DownList,
        member_of: impl Fn(Subject) -> bool,
    ) -> Result<WordPermit> {
        self.require_network(list.network())?;
        self.transact(|transaction| {
            require_above_floor(transaction, list.epoch())?;
            for entry in list.entries() {
                let words = get_words(transaction, list.epoch(), entry.subject)?;
                require_said(list.epoch(), entry, &words, member_of(entry.subject))?;
            }
            raise_listed(transaction, list.epoch())?;
            Ok(WordPermit::new(list.digest()))
        })
    }

    /// What this key has said about a subject in a health epoch.
    ///
    /// # Errors
    /// The store's, [`SignerError::Damaged`].
    pub fn words(&self, epoch: HealthEpoch, subject: Subject) -> Result<Words> {
        self.transact(|transaction| get_words(transaction, epoch, subject))
    }

    /// All windows that this key calls DOWN in a health epoch, by subject: what its own lists are made
    /// of.
    ///
    /// # Errors
    /// The store's, [`SignerError::Damaged`].
    pub fn downs(&self, epoch: HealthEpoch) -> Result<Vec<DownEntry>> {
        self.transact(|transaction| downs_of(transaction, epoch))
    }

    /// The health epoch up to which nothing is said or signed any more, by an import or by
    /// [`Self::forget_words`].
    ///
    /// # Errors
    /// The store's, [`SignerError::Damaged`].
    pub fn words_watermark(&self) -> Result<Option<HealthEpoch>> {
        self.transact(floor)
    }

    /// Forgets the words of all health epochs below `epoch`, for good: from now on nothing of them is
    /// said or signed. Returns of how many subjects and epochs there were words.
    ///
    /// # Errors
    /// The store's, [`SignerError::Damaged`].
    pub fn forget_words(&self, epoch: HealthEpoch) -> Result<usize> {
        self.transact(|transaction| {
            if let Some(last) = epoch.checked_sub(1) {
                raise_floor(transaction, last)?;
            }
            Ok(forget_below(transaction, epoch)?)
        })
    }

    fn say(
        &self,
        transaction: &Transaction<'_>,
        since: &Since<'_>,
        said: Said,
        place: &Place,
        window_start: Timestamp,
    ) -> Result<()> {
        self.require_network(&place.network)?;
        require_above_floor(transaction, place.epoch)?;
        let window = u8::try_from(place.window.0)
            .map_err(|_| SignerError::NoSuchWindow { got: place.window })?;
        let mut words = get_words(transaction, place.epoch, place.subject)?;
        let (same, other) = match said {
            Said::Receipt => (&mut words.receipts, &words.downs),
            Said::Down => (&mut words.downs, &words.receipts),
        };
        if other.bit(window) {
            return Err(SignerError::OtherWord { place: *place });
        }
        if same.bit(window) {
            return Ok(());
        }
        require_time(since, place.epoch, window_start)?;
        if said == Said::Receipt {
            require_unlisted(transaction, place.epoch)?;
        }
        *same = same.with(window);
        Ok(put_words(transaction, place.epoch, place.subject, &words)?)
    }

    /// The word of a place is a receipt, and nobody else can have said another: what lies at or below the
    /// mark was forgotten, or another ledger has a part in it.
    fn require_receipt(&self, transaction: &Transaction<'_>, place: &Place) -> Result<()> {
        self.require_network(&place.network)?;
        require_above_floor(transaction, place.epoch)?;
        let window = u8::try_from(place.window.0)
            .map_err(|_| SignerError::NoSuchWindow { got: place.window })?;
        let words = get_words(transaction, place.epoch, place.subject)?;
        match words.receipts.bit(window) {
            true => Ok(()),
            false if words.downs.bit(window) => Err(SignerError::OtherWord { place: *place }),
            false => Err(SignerError::NotSaid { place: *place }),
        }
    }

    fn require_network(&self, network: &Network) -> Result<()> {
        require_domain(network, &self.identity().domain).map_err(SignerError::OtherNetwork)
    }
}

fn require_above_floor(transaction: &Transaction<'_>, epoch: HealthEpoch) -> Result<()> {
    match floor(transaction)? {
        Some(watermark) if epoch <= watermark => {
            Err(SignerError::WordsBelowWatermark { epoch, watermark })
        }
        _ => Ok(()),
    }
}

fn require_unlisted(transaction: &Transaction<'_>, epoch: HealthEpoch) -> Result<()> {
    match listed(transaction)? {
        Some(listed) if epoch <= listed => Err(SignerError::AfterList { epoch, listed }),
        _ => Ok(()),
    }
}

/// The window belongs to the epoch, and began after the start: what an earlier process said about it
/// may be lost.
fn require_time(since: &Since<'_>, epoch: HealthEpoch, window_start: Timestamp) -> Result<()> {
    let of = since
        .schedule
        .health_epoch_at(window_start)
        .map_err(quorate_protocol::rules::Refusal::from)?;
    if of != epoch || window_start < since.schedule.genesis {
        return Err(SignerError::OutsideEpoch {
            epoch,
            window_start,
        });
    }
    if window_start <= since.head {
        return Err(SignerError::WindowBeforeStart {
            window_start,
            start_head: since.head,
        });
    }
    Ok(())
}

/// A receipt rules an entry out whether its committee has a seat for us or not.
fn require_said(epoch: HealthEpoch, entry: &DownEntry, words: &Words, member: bool) -> Result<()> {
    let subject = entry.subject;
    if entry.windows.intersects(&words.receipts) {
        return Err(SignerError::ContradictsReceipt { subject, epoch });
    }
    let own: Mask256 = words.downs;
    if member && !entry.windows.is_subset_of(&own) {
        return Err(SignerError::NotOurWord {
            subject,
            epoch,
            got: entry.windows,
            own,
        });
    }
    Ok(())
}
