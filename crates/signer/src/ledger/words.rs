//! What the ledger holds of an operator's words about machines: for each subject and health epoch two
//! masks of windows, and two marks over all of them.

use quorate_canon::{FixedWidth, HealthEpoch, Mask256};
use quorate_health::{DownEntry, Subject};
use quorate_store::StoreError;
use quorate_store::sqlite::Transaction;

use super::{WATERMARKS, WORDS};
use crate::{Result, SignerError};

/// No word of an epoch up to it is newly said, and nothing of it signed.
const FLOOR: &[u8] = &[2];
/// The highest epoch of which a list was signed.
const LISTED: &[u8] = &[3];

/// What this key has said about one subject in one health epoch. Window `w` is bit `w`; no window is in
/// both.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// Windows with a receipt.
    pub receipts: Mask256,
    /// Windows DOWN.
    pub downs: Mask256,
}

pub(crate) fn get_words(
    transaction: &Transaction<'_>,
    epoch: HealthEpoch,
    subject: Subject,
) -> Result<Words> {
    let key = key(epoch, subject);
    let found = transaction.get(WORDS, &key)?;
    found.map_or_else(|| Ok(Words::default()), |found| decode(&key, &found))
}

pub(crate) fn put_words(
    transaction: &Transaction<'_>,
    epoch: HealthEpoch,
    subject: Subject,
    words: &Words,
) -> Result<(), StoreError> {
    let payload = [words.receipts.get(), words.downs.get()].concat();
    transaction.put(WORDS, &key(epoch, subject), &payload)
}

/// The windows DOWN of an epoch, by subject.
pub(crate) fn downs_of(
    transaction: &Transaction<'_>,
    epoch: HealthEpoch,
) -> Result<Vec<DownEntry>> {
    let rows = transaction.scan(WORDS, &epoch.to_bytes())?;
    let mut entries = Vec::new();
    for (key, payload) in rows {
        let (_, subject) = parse(&key)?;
        let windows = decode(&key, &payload)?.downs;
        if !windows.is_zero() {
            entries.push(DownEntry { subject, windows });
        }
    }
    Ok(entries)
}

/// Forgets the words of all epochs below one, and says of how many subjects and epochs.
pub(crate) fn forget_below(
    transaction: &Transaction<'_>,
    epoch: HealthEpoch,
) -> Result<usize, StoreError> {
    let mut forgotten = 0;
    // Equal widths: keys compare as their epochs do.
    let below = epoch.to_bytes();
    for (key, _) in transaction.scan(WORDS, b"")? {
        if key.starts_with(&below) || key > below {
            break;
        }
        transaction.delete(WORDS, &key)?;
        forgotten += 1;
    }
    Ok(forgotten)
}

/// The highest epoch with any word, or with a signed list.
pub(crate) fn last_epoch(transaction: &Transaction<'_>) -> Result<Option<HealthEpoch>> {
    let last = transaction.last(WORDS)?;
    let word = last.map(|(key, _)| parse(&key)).transpose()?;
    Ok(word.map(|(epoch, _)| epoch).max(listed(transaction)?))
}

pub(crate) fn floor(transaction: &Transaction<'_>) -> Result<Option<HealthEpoch>> {
    mark(transaction, FLOOR)
}

pub(crate) fn raise_floor(transaction: &Transaction<'_>, epoch: HealthEpoch) -> Result<()> {
    raise(transaction, FLOOR, epoch)
}

pub(crate) fn listed(transaction: &Transaction<'_>) -> Result<Option<HealthEpoch>> {
    mark(transaction, LISTED)
}

pub(crate) fn raise_listed(transaction: &Transaction<'_>, epoch: HealthEpoch) -> Result<()> {
    raise(transaction, LISTED, epoch)
}

fn mark(transaction: &Transaction<'_>, kind: &[u8]) -> Result<Option<HealthEpoch>> {
    let found = transaction.get(WATERMARKS, kind)?;
    found
        .map(|found| {
            HealthEpoch::from_bytes(&found)
                .map_err(|error| SignerError::Damaged(format!("mark of words: {error}")))
        })
        .transpose()
}

/// Marks only rise.
fn raise(transaction: &Transaction<'_>, kind: &[u8], epoch: HealthEpoch) -> Result<()> {
    if mark(transaction, kind)?.is_some_and(|found| found >= epoch) {
        return Ok(());
    }
    Ok(transaction.put(WATERMARKS, kind, &epoch.to_bytes())?)
}

/// `epoch u32 ‖ subject 9`.
fn key(epoch: HealthEpoch, subject: Subject) -> Vec<u8> {
    [epoch.to_bytes(), subject.to_bytes()].concat()
}

fn parse(key: &[u8]) -> Result<(HealthEpoch, Subject)> {
    let damaged = || damaged(key);
    let (epoch, subject) = key
        .split_at_checked(HealthEpoch::WIDTH)
        .ok_or_else(damaged)?;
    Ok((
        HealthEpoch::from_bytes(epoch).map_err(|_| damaged())?,
        Subject::from_bytes(subject).map_err(|_| damaged())?,
    ))
}

/// `receipts 32 ‖ downs 32`.
fn decode(key: &[u8], payload: &[u8]) -> Result<Words> {
    let (receipts, downs) = payload
        .split_first_chunk::<32>()
        .and_then(|(receipts, downs)| Some((*receipts, downs.try_into().ok()?)))
        .ok_or_else(|| damaged(key))?;
    let words = Words {
        receipts: Mask256::new(receipts),
        downs: Mask256::new(downs),
    };
    if words.receipts.intersects(&words.downs) {
        return Err(damaged(key));
    }
    Ok(words)
}

fn damaged(key: &[u8]) -> SignerError {
    SignerError::Damaged(format!("words of 0x{}", hex::encode(key)))
}
