//! Receipts: epoch ‖ window ‖ operator -> signature ‖ time.

use std::sync::atomic::Ordering;

use quorate_canon::{HealthEpoch, OperatorIndex, Timestamp};
use quorate_health::Window;
use quorate_store::StoreError;

use super::{RECEIPTS, Store};

/// A receipt that is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredReceipt {
    /// The health epoch.
    pub epoch: HealthEpoch,
    /// The window.
    pub window: Window,
    /// Who signed it.
    pub operator: OperatorIndex,
    /// The signature, uncompressed.
    pub signature: [u8; 96],
    /// When it came.
    pub at: Timestamp,
}

/// What became of a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Stored now, durably.
    New,
    /// Stored before.
    Known,
    /// No place is left.
    Full,
}

impl Store {
    /// Stores a receipt that was verified.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was stored.
    pub fn keep_receipt(&self, receipt: &StoredReceipt) -> Result<Kept, StoreError> {
        let key = key(receipt.epoch, receipt.window, receipt.operator);
        let mut record = receipt.signature.to_vec();
        record.extend_from_slice(&receipt.at.get().to_be_bytes());
        let full = self.receipts() >= self.most;
        let kept = self.database.transact(|store| {
            if full {
                let known = store.get(RECEIPTS, &key)?.is_some();
                return Ok::<_, StoreError>(if known { Kept::Known } else { Kept::Full });
            }
            Ok(if store.insert(RECEIPTS, &key, &record)? {
                Kept::New
            } else {
                Kept::Known
            })
        })?;
        if kept == Kept::New {
            self.receipts.fetch_add(1, Ordering::Relaxed);
        }
        Ok(kept)
    }

    /// The receipts of a window.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn receipts_of(
        &self,
        epoch: HealthEpoch,
        window: Window,
    ) -> Result<Vec<StoredReceipt>, StoreError> {
        let prefix = key(epoch, window, OperatorIndex::new(0));
        let found = self
            .database
            .transact(|store| store.scan(RECEIPTS, &prefix[..6]))?;
        Ok(found.iter().filter_map(read).collect())
    }

    /// Forgets the receipts of all epochs before this one; how many there were.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn forget_receipts_before(&self, epoch: HealthEpoch) -> Result<usize, StoreError> {
        let forgotten = self.database.transact(|store| {
            let mut forgotten = 0;
            for (key, _) in store.scan(RECEIPTS, &[])? {
                if key.as_slice() >= epoch.get().to_be_bytes().as_slice() {
                    break;
                }
                store.delete(RECEIPTS, &key)?;
                forgotten += 1;
            }
            Ok::<usize, StoreError>(forgotten)
        })?;
        self.receipts.fetch_sub(forgotten, Ordering::Relaxed);
        Ok(forgotten)
    }
}

fn key(epoch: HealthEpoch, window: Window, operator: OperatorIndex) -> [u8; 10] {
    let mut key = [0; 10];
    key[..4].copy_from_slice(&epoch.get().to_be_bytes());
    key[4..6].copy_from_slice(&window.0.to_be_bytes());
    key[6..].copy_from_slice(&operator.get().to_be_bytes());
    key
}

fn read((key, record): &(Vec<u8>, Vec<u8>)) -> Option<StoredReceipt> {
    let key: [u8; 10] = key.as_slice().try_into().ok()?;
    let (signature, at) = record.split_first_chunk::<96>()?;
    let (epoch, rest) = key.split_first_chunk::<4>()?;
    let (window, operator) = rest.split_first_chunk::<2>()?;
    Some(StoredReceipt {
        epoch: HealthEpoch::new(u32::from_be_bytes(*epoch)),
        window: Window(u16::from_be_bytes(*window)),
        operator: OperatorIndex::new(u32::from_be_bytes(operator.try_into().ok()?)),
        signature: *signature,
        at: Timestamp::new(super::number(at)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt(epoch: u32, window: u16, operator: u32) -> StoredReceipt {
        StoredReceipt {
            epoch: HealthEpoch::new(epoch),
            window: Window(window),
            operator: OperatorIndex::new(operator),
            signature: [7; 96],
            at: Timestamp::new(9),
        }
    }

    fn store(most: usize) -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("agent.sqlite"), most).unwrap();
        (folder, store)
    }

    #[test]
    fn a_receipt_is_new_once_and_found_by_its_window() {
        let (_folder, store) = store(10);
        assert_eq!(store.keep_receipt(&receipt(3, 256, 1)).unwrap(), Kept::New);
        assert_eq!(
            store.keep_receipt(&receipt(3, 256, 1)).unwrap(),
            Kept::Known
        );
        assert_eq!(store.keep_receipt(&receipt(3, 1, 2)).unwrap(), Kept::New);
        let found = store.receipts_of(HealthEpoch::new(3), Window(256)).unwrap();
        assert_eq!(found, [receipt(3, 256, 1)]);
    }

    #[test]
    fn a_full_store_takes_no_more_until_epochs_are_forgotten() {
        let (_folder, store) = store(2);
        assert_eq!(store.keep_receipt(&receipt(3, 0, 1)).unwrap(), Kept::New);
        assert_eq!(store.keep_receipt(&receipt(4, 0, 1)).unwrap(), Kept::New);
        assert_eq!(store.keep_receipt(&receipt(4, 0, 2)).unwrap(), Kept::Full);
        assert_eq!(store.keep_receipt(&receipt(4, 0, 1)).unwrap(), Kept::Known);
        assert_eq!(
            store.forget_receipts_before(HealthEpoch::new(4)).unwrap(),
            1
        );
        assert_eq!(store.receipts(), 1);
        assert_eq!(store.keep_receipt(&receipt(4, 0, 2)).unwrap(), Kept::New);
        let old = store.receipts_of(HealthEpoch::new(3), Window(0)).unwrap();
        assert!(old.is_empty());
    }
}
