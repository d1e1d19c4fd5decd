//! Operators whose list and receipt contradict each other, and how far they have come on L1.

use quorate_canon::{HealthEpoch, OfferId, OperatorIndex};
use quorate_health::{DownList, Window};
use quorate_store::StoreError;

use super::{CONTRADICTIONS, Store, StrikeStage};
use crate::chain::actions::SignedList;

/// What names a contradiction: L1 punishes an operator once for a machine and an epoch.
pub type ContradictionKey = (HealthEpoch, OfferId, OperatorIndex);

/// Both words of an operator about one window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradicted {
    /// The health epoch.
    pub epoch: HealthEpoch,
    /// The machine.
    pub machine: OfferId,
    /// The window that its list calls DOWN.
    pub window: Window,
    /// Who.
    pub operator: OperatorIndex,
    /// Its signature of the receipt, EIP-2537.
    pub receipt: Vec<u8>,
    /// Its list, signed by it alone.
    pub list: SignedList,
}

impl Contradicted {
    /// What names it.
    #[must_use]
    pub const fn key(&self) -> ContradictionKey {
        (self.epoch, self.machine, self.operator)
    }
}

impl Store {
    /// Whether a contradiction of this operator is known.
    pub fn is_contradicted(&self, key: ContradictionKey) -> Result<bool, StoreError> {
        let found = self
            .database
            .transact(|transaction| transaction.get(CONTRADICTIONS, &key_bytes(key)))?;
        Ok(found.is_some())
    }

    /// Stores a contradiction durably; false if one of its operator is known.
    pub fn open_contradiction(&self, case: &Contradicted) -> Result<bool, StoreError> {
        let key = key_bytes(case.key());
        self.database
            .transact(|transaction| transaction.insert(CONTRADICTIONS, &key, &case_bytes(case)))
    }

    /// Those that are not at their end.
    pub fn open_contradictions(&self) -> Result<Vec<Contradicted>, StoreError> {
        let rows = self
            .database
            .transact(|transaction| transaction.scan(CONTRADICTIONS, &[]))?;
        Ok(rows
            .iter()
            .filter_map(|(key, payload)| read(key, payload))
            .collect())
    }

    /// Notes how one ended; the list is not needed any more.
    pub fn end_contradiction(
        &self,
        key: ContradictionKey,
        stage: StrikeStage,
    ) -> Result<(), StoreError> {
        let end = [stage.code()];
        self.database
            .transact(|transaction| transaction.put(CONTRADICTIONS, &key_bytes(key), &end))
    }
}

fn key_bytes((epoch, machine, operator): ContradictionKey) -> Vec<u8> {
    let mut key = epoch.get().to_be_bytes().to_vec();
    key.extend(machine.get().to_be_bytes());
    key.extend(operator.get().to_be_bytes());
    key
}

/// `stage ‖ window ‖ bytes of the bitmap u16 ‖ bitmap ‖ receipt 128 ‖ aggregate 128 ‖ list`.
fn case_bytes(case: &Contradicted) -> Vec<u8> {
    let mut bytes = vec![StrikeStage::Open.code()];
    bytes.extend(case.window.0.to_be_bytes());
    // Of 1,024 operators at most.
    let width = u16::try_from(case.list.bitmap.len()).unwrap_or(u16::MAX);
    bytes.extend(width.to_be_bytes());
    bytes.extend(&case.list.bitmap);
    bytes.extend(&case.receipt);
    bytes.extend(&case.list.aggregate);
    bytes.extend(case.list.list.to_bytes());
    bytes
}

/// An open one.
fn read(key: &[u8], payload: &[u8]) -> Option<Contradicted> {
    let (epoch, key) = key.split_first_chunk::<4>()?;
    let (machine, operator) = key.split_first_chunk::<8>()?;
    let (stage, rest) = payload.split_first()?;
    if StrikeStage::of_code(*stage)? != StrikeStage::Open {
        return None;
    }
    let (window, rest) = rest.split_first_chunk::<2>()?;
    let (width, rest) = rest.split_first_chunk::<2>()?;
    let (bitmap, rest) = rest.split_at_checked(u16::from_be_bytes(*width).into())?;
    let (receipt, rest) = rest.split_first_chunk::<128>()?;
    let (aggregate, list) = rest.split_first_chunk::<128>()?;
    Some(Contradicted {
        epoch: HealthEpoch::new(u32::from_be_bytes(*epoch)),
        machine: OfferId::new(u64::from_be_bytes(*machine)),
        window: Window(u16::from_be_bytes(*window)),
        operator: OperatorIndex::new(u32::from_be_bytes(operator.try_into().ok()?)),
        receipt: receipt.to_vec(),
        list: SignedList {
            list: DownList::from_bytes(list).ok()?,
            bitmap: bitmap.to_vec(),
            aggregate: aggregate.to_vec(),
        },
    })
}

#[cfg(test)]
mod tests {
    use quorate_canon::{Address, ChainId, Domain, Mask256};
    use quorate_health::{DownEntry, Subject};

    use super::*;

    fn case(operator: u32, window: u8) -> Contradicted {
        let network = Domain {
            l1_chain: ChainId::new(1),
            l2_chain: ChainId::new(2),
            rounds: Address([3; 20]),
            avs: Address([4; 20]),
            operator_set: 0,
        };
        let entry = DownEntry {
            subject: Subject::Machine(OfferId::new(9)),
            windows: Mask256::of(&[window]),
        };
        Contradicted {
            epoch: HealthEpoch::new(3),
            machine: OfferId::new(9),
            window: Window(window.into()),
            operator: OperatorIndex::new(operator),
            receipt: vec![7; 128],
            list: SignedList {
                list: DownList::new(network, HealthEpoch::new(3), vec![entry]).unwrap(),
                bitmap: vec![1, 2, 3],
                aggregate: vec![8; 128],
            },
        }
    }

    #[test]
    fn an_operator_is_tried_once_for_a_machine_and_epoch_and_after_a_restart_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite");
        let store = Store::open(&path).unwrap();
        assert!(store.open_contradiction(&case(2, 4)).unwrap());
        assert!(!store.open_contradiction(&case(2, 5)).unwrap());
        assert!(store.open_contradiction(&case(3, 5)).unwrap());
        drop(store);

        let store = Store::open(&path).unwrap();
        assert_eq!(
            store.open_contradictions().unwrap(),
            [case(2, 4), case(3, 5)]
        );
        store
            .end_contradiction(case(2, 4).key(), StrikeStage::Punished)
            .unwrap();
        assert_eq!(store.open_contradictions().unwrap(), [case(3, 5)]);
        assert!(store.is_contradicted(case(2, 4).key()).unwrap());
        assert!(!store.open_contradiction(&case(2, 6)).unwrap());
    }
}
