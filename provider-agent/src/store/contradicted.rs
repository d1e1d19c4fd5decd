//! Operators whose contradiction an aggregator has: epoch ‖ operator -> window.

use quorate_canon::{HealthEpoch, OperatorIndex};
use quorate_health::Window;
use quorate_store::StoreError;

use super::{CONTRADICTED, Store};

/// An operator that called the machine DOWN in a window that it gave a receipt for; an aggregator has
/// both words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contradicted {
    /// The health epoch.
    pub epoch: HealthEpoch,
    /// Who.
    pub operator: OperatorIndex,
    /// The window whose receipt was handed in.
    pub window: Window,
}

impl Store {
    /// Notes that an aggregator has a contradiction. Of one operator and epoch the first is kept.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn keep_contradicted(&self, contradicted: &Contradicted) -> Result<(), StoreError> {
        let key = [
            contradicted.epoch.get().to_be_bytes(),
            contradicted.operator.get().to_be_bytes(),
        ]
        .concat();
        let record = contradicted.window.0.to_be_bytes();
        self.database
            .transact(|store| store.insert(CONTRADICTED, &key, &record))
            .map(drop)
    }

    /// Whom some aggregator has a contradiction of, in epochs that are not forgotten; by epoch and
    /// operator.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn contradicted(&self) -> Result<Vec<Contradicted>, StoreError> {
        let found = self
            .database
            .transact(|store| store.scan(CONTRADICTED, &[]))?;
        Ok(found.iter().filter_map(read).collect())
    }
}

fn read((key, record): &(Vec<u8>, Vec<u8>)) -> Option<Contradicted> {
    let (epoch, operator) = key.split_first_chunk::<4>()?;
    Some(Contradicted {
        epoch: HealthEpoch::new(u32::from_be_bytes(*epoch)),
        operator: OperatorIndex::new(u32::from_be_bytes(operator.try_into().ok()?)),
        window: Window(u16::from_be_bytes(record.as_slice().try_into().ok()?)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contradicted(epoch: u32, operator: u32, window: u16) -> Contradicted {
        Contradicted {
            epoch: HealthEpoch::new(epoch),
            operator: OperatorIndex::new(operator),
            window: Window(window),
        }
    }

    #[test]
    fn each_operator_is_kept_once_an_epoch_and_survives_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.sqlite");
        let store = Store::open(&path, 10).unwrap();
        for each in [
            contradicted(4, 300, 255),
            contradicted(4, 300, 1),
            contradicted(3, 7, 0),
        ] {
            store.keep_contradicted(&each).unwrap();
        }
        drop(store);
        let store = Store::open(&path, 10).unwrap();
        let kept = [contradicted(3, 7, 0), contradicted(4, 300, 255)];
        assert_eq!(store.contradicted().unwrap(), kept);
        store.forget_history_before(HealthEpoch::new(4)).unwrap();
        assert_eq!(store.contradicted().unwrap(), kept[1..]);
    }
}
