//! Lists of windows DOWN, proposals, and strikes that go to L1.

use std::collections::BTreeSet;

use quorate_bls::Signature;
use quorate_canon::{HealthEpoch, OfferId, OperatorIndex};
use quorate_health::{DownList, Window};
use quorate_store::StoreError;

use super::{CURSORS, DOWNS, PROPOSED, STRIKES, Store};
use crate::chain::Struck;

/// The cursor of strikes: the L2 block to look from.
const STRUCK: &[u8] = b"struck";

/// A proposal as it is stored: its list, who is expected to sign, whether it stands on L2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposed {
    /// The list.
    pub list: DownList,
    /// Whose signature is expected.
    pub expected: BTreeSet<OperatorIndex>,
    /// Whether it stands on L2.
    pub certified: bool,
}

/// How far a strike has come on L1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StrikeStage {
    /// Not judged yet.
    Open,
    /// The operator was punished.
    Punished,
    /// The time for it is over, or L1 would not take it.
    Lapsed,
}

impl StrikeStage {
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Open => 0,
            Self::Punished => 1,
            Self::Lapsed => 2,
        }
    }

    pub(super) const fn of_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Open),
            1 => Some(Self::Punished),
            2 => Some(Self::Lapsed),
            _ => None,
        }
    }
}

impl Store {
    /// Stores an operator's list and its signature, durably.
    pub fn put_downs(
        &self,
        operator: OperatorIndex,
        list: &DownList,
        signature: &Signature,
    ) -> Result<(), StoreError> {
        let mut key = list.epoch().get().to_be_bytes().to_vec();
        key.extend(operator.get().to_be_bytes());
        key.extend(list.digest().0);
        let mut payload = signature.to_bytes96().to_vec();
        payload.extend(list.to_bytes());
        self.database
            .transact(|transaction| transaction.put(DOWNS, &key, &payload))
    }

    /// The lists of an epoch, by operator. A record that does not read is left out: the operator
    /// hands it in again.
    pub fn downs(
        &self,
        epoch: HealthEpoch,
    ) -> Result<Vec<(OperatorIndex, DownList, Signature)>, StoreError> {
        let rows = self
            .database
            .transact(|transaction| transaction.scan(DOWNS, &epoch.get().to_be_bytes()))?;
        Ok(rows.iter().filter_map(read_downs).collect())
    }

    /// Stores the proposals of an epoch, in order.
    pub fn put_proposed(
        &self,
        epoch: HealthEpoch,
        proposals: &[Proposed],
    ) -> Result<(), StoreError> {
        self.database.transact(|transaction| {
            for (number, proposed) in (0_u32..).zip(proposals) {
                let mut key = epoch.get().to_be_bytes().to_vec();
                key.extend(number.to_be_bytes());
                transaction.put(PROPOSED, &key, &proposed_bytes(proposed))?;
            }
            Ok(())
        })
    }

    /// The proposals of an epoch, in order; up to the first that does not read.
    pub fn proposed(&self, epoch: HealthEpoch) -> Result<Vec<Proposed>, StoreError> {
        let rows = self
            .database
            .transact(|transaction| transaction.scan(PROPOSED, &epoch.get().to_be_bytes()))?;
        Ok(rows
            .iter()
            .map_while(|(_, payload)| read_proposed(payload))
            .collect())
    }

    /// Forgets lists and proposals of epochs before this one.
    pub fn drop_downs_before(&self, epoch: HealthEpoch) -> Result<(), StoreError> {
        let first = epoch.get().to_be_bytes();
        self.database.transact(|transaction| {
            for table in [DOWNS, PROPOSED] {
                for key in transaction.keys(table, &[])? {
                    if key.get(..4).is_some_and(|epoch| epoch < first.as_slice()) {
                        transaction.delete(table, &key)?;
                    }
                }
            }
            Ok(())
        })
    }

    /// The L2 block to look for strikes from; `None` before the first look.
    pub fn struck_from(&self) -> Result<Option<u64>, StoreError> {
        let payload = self
            .database
            .transact(|transaction| transaction.get(CURSORS, STRUCK))?;
        let bytes = payload.and_then(|payload| payload.try_into().ok());
        Ok(bytes.map(u64::from_be_bytes))
    }

    /// Opens cases of strikes that are not known yet and notes where to look next, all or nothing.
    /// One of (operator, epoch, machine): L1 takes no more. Gives those that are new.
    pub fn open_strikes(&self, struck: &[Struck], next: u64) -> Result<Vec<Struck>, StoreError> {
        self.database.transact(|transaction| {
            let mut new = Vec::new();
            for strike in struck {
                let key = strike_key(strike);
                if transaction.get(STRIKES, &key)?.is_none() {
                    transaction.put(STRIKES, &key, &strike_bytes(strike, StrikeStage::Open))?;
                    new.push(strike.clone());
                }
            }
            transaction.put(CURSORS, STRUCK, &next.to_be_bytes())?;
            Ok(new)
        })
    }

    /// All strikes.
    pub fn strikes(&self) -> Result<Vec<(Struck, StrikeStage)>, StoreError> {
        let rows = self
            .database
            .transact(|transaction| transaction.scan(STRIKES, &[]))?;
        Ok(rows
            .iter()
            .filter_map(|(key, payload)| read_strike(key, payload))
            .collect())
    }

    /// Stores how far a strike has come.
    pub fn put_strike(&self, struck: &Struck, stage: StrikeStage) -> Result<(), StoreError> {
        let (key, payload) = (strike_key(struck), strike_bytes(struck, stage));
        self.database
            .transact(|transaction| transaction.put(STRIKES, &key, &payload))
    }
}

fn read_downs((key, payload): &(Vec<u8>, Vec<u8>)) -> Option<(OperatorIndex, DownList, Signature)> {
    let operator = u32::from_be_bytes(key.get(4..8)?.try_into().ok()?);
    let (signature, list) = payload.split_first_chunk::<96>()?;
    let list = DownList::from_bytes(list).ok()?;
    let signature = Signature::from_bytes96(signature).ok()?;
    Some((OperatorIndex::new(operator), list, signature))
}

fn proposed_bytes(proposed: &Proposed) -> Vec<u8> {
    let mut bytes = vec![u8::from(proposed.certified)];
    let count = u32::try_from(proposed.expected.len()).unwrap_or(u32::MAX);
    bytes.extend(count.to_be_bytes());
    for operator in &proposed.expected {
        bytes.extend(operator.get().to_be_bytes());
    }
    bytes.extend(proposed.list.to_bytes());
    bytes
}

fn read_proposed(payload: &[u8]) -> Option<Proposed> {
    let (certified, rest) = payload.split_first()?;
    let (count, rest) = rest.split_first_chunk::<4>()?;
    let count = usize::try_from(u32::from_be_bytes(*count)).ok()?;
    let (operators, list) = rest.split_at_checked(count.checked_mul(4)?)?;
    let expected = operators
        .chunks_exact(4)
        .filter_map(|bytes| Some(u32::from_be_bytes(bytes.try_into().ok()?)))
        .map(OperatorIndex::new);
    Some(Proposed {
        list: DownList::from_bytes(list).ok()?,
        expected: expected.collect(),
        certified: *certified != 0,
    })
}

fn strike_key(struck: &Struck) -> Vec<u8> {
    let mut key = struck.epoch.get().to_be_bytes().to_vec();
    key.extend(struck.machine.get().to_be_bytes());
    key.extend(struck.operator.get().to_be_bytes());
    key
}

fn strike_bytes(struck: &Struck, stage: StrikeStage) -> Vec<u8> {
    let mut bytes = vec![stage.code()];
    bytes.extend(struck.number.to_be_bytes());
    bytes.extend(struck.window.0.to_be_bytes());
    bytes.extend(&struck.receipt);
    bytes
}

fn read_strike(key: &[u8], payload: &[u8]) -> Option<(Struck, StrikeStage)> {
    let (epoch, key) = key.split_first_chunk::<4>()?;
    let (machine, operator) = key.split_first_chunk::<8>()?;
    let (stage, rest) = payload.split_first()?;
    let (number, rest) = rest.split_first_chunk::<4>()?;
    let (window, receipt) = rest.split_first_chunk::<2>()?;
    let stage = StrikeStage::of_code(*stage)?;
    let struck = Struck {
        epoch: HealthEpoch::new(u32::from_be_bytes(*epoch)),
        number: u32::from_be_bytes(*number),
        machine: OfferId::new(u64::from_be_bytes(*machine)),
        window: Window(u16::from_be_bytes(*window)),
        operator: OperatorIndex::new(u32::from_be_bytes(operator.try_into().ok()?)),
        receipt: receipt.to_vec(),
    };
    Some((struck, stage))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn struck(window: u16) -> Struck {
        Struck {
            epoch: HealthEpoch::new(3),
            number: 1,
            machine: OfferId::new(9),
            window: Window(window),
            operator: OperatorIndex::new(2),
            receipt: vec![7; 128],
        }
    }

    #[test]
    fn an_operator_is_tried_once_for_a_machine_and_epoch() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("a.sqlite")).unwrap();
        let new = store.open_strikes(&[struck(4), struck(5)], 77).unwrap();
        assert_eq!(new, [struck(4)]);
        assert_eq!(store.strikes().unwrap(), [(struck(4), StrikeStage::Open)]);
        assert_eq!(store.struck_from().unwrap(), Some(77));
        store.put_strike(&struck(4), StrikeStage::Punished).unwrap();
        assert_eq!(store.open_strikes(&[struck(6)], 78).unwrap(), []);
        assert_eq!(
            store.strikes().unwrap(),
            [(struck(4), StrikeStage::Punished)]
        );
    }
}
