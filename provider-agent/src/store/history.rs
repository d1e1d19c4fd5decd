//! What happened to the machine on chain. Every event is kept under its own name, so that reading the
//! same blocks again changes nothing.

use alloy::primitives::U256;
use quorate_canon::{HealthEpoch, OperatorIndex, RequestId, Timestamp};
use quorate_health::Window;
use quorate_store::sqlite::Transaction;
use quorate_store::{StoreError, Table};

use super::{CONTRADICTED, CURSOR, DOWNS, LEASES, LISTS, META, STRUCK, Store, number};
use crate::chain::Event;

/// Bytes of a lease whose money has not left: its first and its last second. A byte more, and it has.
const OWED: usize = 16;

/// A lease of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseRecord {
    /// Its request.
    pub request: RequestId,
    /// When it began.
    pub opened: Timestamp,
    /// When it ended, if it has.
    pub closed: Option<Timestamp>,
}

/// A certified list that calls the machine DOWN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertifiedDown {
    /// The health epoch.
    pub epoch: HealthEpoch,
    /// Which list of the epoch.
    pub number: u32,
    /// The windows, one bit each.
    pub windows: U256,
    /// The list's signers, one bit each.
    pub signers: Vec<u8>,
}

impl Store {
    /// Keeps the events of the blocks up to `to`, and that they were read; gives those that are new. What
    /// is of an epoch before `oldest` is passed over: it was forgotten.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was kept.
    pub fn keep_events(
        &self,
        events: &[Event],
        oldest: HealthEpoch,
        to: u64,
    ) -> Result<Vec<Event>, StoreError> {
        self.database.transact(|store| {
            let new = keep_all(store, events, oldest)?;
            store.put(META, CURSOR, &to.to_be_bytes())?;
            Ok(new)
        })
    }

    /// The same for blocks that were read before.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was kept.
    pub fn keep_events_again(
        &self,
        events: &[Event],
        oldest: HealthEpoch,
    ) -> Result<Vec<Event>, StoreError> {
        self.database
            .transact(|store| keep_all(store, events, oldest))
    }

    /// All leases whose money has not left yet, by request.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn leases(&self) -> Result<Vec<LeaseRecord>, StoreError> {
        let found = self.database.transact(|store| store.scan(LEASES, &[]))?;
        Ok(found
            .iter()
            .filter(|(_, record)| record.len() == OWED)
            .filter_map(|(key, record)| {
                let (opened, closed) = record.split_first_chunk::<8>()?;
                let closed = number(closed)?;
                Some(LeaseRecord {
                    request: RequestId::new(number(key)?),
                    opened: Timestamp::new(u64::from_be_bytes(*opened)),
                    closed: (closed != 0).then(|| Timestamp::new(closed)),
                })
            })
            .collect())
    }

    /// Notes that a lease's money has left. Its blocks are read again, and then it must not come back:
    /// it is kept, and not given any more, until [`Self::forget_leases_before`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn forget_lease(&self, request: RequestId) -> Result<(), StoreError> {
        let key = request.get().to_be_bytes();
        self.database.transact(|store| {
            if let Some(mut record) = store.get(LEASES, &key)?.filter(|r| r.len() == OWED) {
                record.push(1);
                store.put(LEASES, &key, &record)?;
            }
            Ok(())
        })
    }

    /// Forgets the leases that ended before a time and whose money has left.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn forget_leases_before(&self, time: Timestamp) -> Result<(), StoreError> {
        self.database.transact(|store| {
            for (key, record) in store.scan(LEASES, &[])? {
                let closed = record.get(8..16).and_then(number);
                if record.len() != OWED && closed.is_none_or(|closed| closed < time.get()) {
                    store.delete(LEASES, &key)?;
                }
            }
            Ok(())
        })
    }

    /// The lists that call the machine DOWN, of epochs that are not forgotten.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn downs(&self) -> Result<Vec<CertifiedDown>, StoreError> {
        self.database.transact(|store| {
            let mut downs = Vec::new();
            for (key, record) in store.scan(DOWNS, &[])? {
                let (Some((epoch, at)), Some((windows, _))) = (
                    key.split_first_chunk::<4>(),
                    record.split_first_chunk::<32>(),
                ) else {
                    continue;
                };
                let Ok(at) = at.try_into() else { continue };
                downs.push(CertifiedDown {
                    epoch: HealthEpoch::new(u32::from_be_bytes(*epoch)),
                    number: u32::from_be_bytes(at),
                    windows: U256::from_be_bytes(*windows),
                    signers: store.get(LISTS, &key)?.unwrap_or_default(),
                });
            }
            Ok(downs)
        })
    }

    /// Whose seats were struck for a window of a list, and whether it fell.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn struck(
        &self,
        epoch: HealthEpoch,
        number: u32,
        window: Window,
    ) -> Result<(Vec<OperatorIndex>, bool), StoreError> {
        let prefix = [list_key(epoch, number).as_slice(), &window.0.to_be_bytes()].concat();
        let found = self
            .database
            .transact(|store| store.scan(STRUCK, &prefix))?;
        let fell = found.iter().any(|(_, record)| record.as_slice() == [1]);
        let operators = found.iter().filter_map(|(key, _)| {
            let operator = key.get(10..)?.try_into().ok()?;
            Some(OperatorIndex::new(u32::from_be_bytes(operator)))
        });
        Ok((operators.collect(), fell))
    }

    /// Forgets lists, strikes and contradictions of all epochs before this one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn forget_history_before(&self, epoch: HealthEpoch) -> Result<(), StoreError> {
        let limit = epoch.get().to_be_bytes();
        self.database.transact(|store| {
            for table in [LISTS, DOWNS, STRUCK, CONTRADICTED] {
                for (key, _) in store.scan(table, &[])? {
                    if key.as_slice() >= limit.as_slice() {
                        break;
                    }
                    store.delete(table, &key)?;
                }
            }
            Ok(())
        })
    }
}

/// Keeps events; gives those that are new.
fn keep_all(
    store: &Transaction<'_>,
    events: &[Event],
    oldest: HealthEpoch,
) -> Result<Vec<Event>, StoreError> {
    let mut new = Vec::new();
    for event in events {
        let forgotten = epoch_of(event).is_some_and(|epoch| epoch < oldest);
        if !forgotten && keep(store, event)? {
            new.push(event.clone());
        }
    }
    Ok(new)
}

/// The health epoch that an event is about.
const fn epoch_of(event: &Event) -> Option<HealthEpoch> {
    match event {
        Event::ListCertified { epoch, .. }
        | Event::Down { epoch, .. }
        | Event::Struck { epoch, .. } => Some(*epoch),
        Event::LeaseOpened { .. } | Event::LeaseClosed { .. } | Event::Slashed { .. } => None,
    }
}

/// Keeps one event; whether it is new.
fn keep(store: &Transaction<'_>, event: &Event) -> Result<bool, StoreError> {
    match event {
        Event::LeaseOpened { request, time } => {
            let key = request.get().to_be_bytes();
            let record = [time.get().to_be_bytes(), [0; 8]].concat();
            store.insert(LEASES, &key, &record)
        }
        Event::LeaseClosed { request, time, .. } => {
            let key = request.get().to_be_bytes();
            let record = store.get(LEASES, &key)?;
            // Otherwise its money has left already.
            let Some(mut record) = record.filter(|record| record.len() == OWED) else {
                return Ok(false);
            };
            record.truncate(8);
            record.extend_from_slice(&time.get().to_be_bytes());
            change(store, LEASES, &key, &record)
        }
        Event::ListCertified {
            epoch,
            number,
            signers,
        } => change(store, LISTS, &list_key(*epoch, *number), signers),
        Event::Down {
            epoch,
            number,
            windows,
            ..
        } => {
            let record = windows.to_be_bytes::<32>();
            change(store, DOWNS, &list_key(*epoch, *number), &record)
        }
        Event::Struck {
            epoch,
            number,
            window,
            operator,
            fell,
        } => {
            let key = struck_key(*epoch, *number, *window, *operator);
            change(store, STRUCK, &key, &[u8::from(*fell)])
        }
        Event::Slashed { until, .. } => {
            let key = [b"slashed".as_slice(), &until.get().to_be_bytes()].concat();
            store.insert(META, &key, &[])
        }
    }
}

/// Puts a record; whether that changed anything.
fn change(
    store: &Transaction<'_>,
    table: Table,
    key: &[u8],
    record: &[u8],
) -> Result<bool, StoreError> {
    if store.get(table, key)?.is_some_and(|found| found == record) {
        return Ok(false);
    }
    store.put(table, key, record)?;
    Ok(true)
}

fn list_key(epoch: HealthEpoch, number: u32) -> Vec<u8> {
    [epoch.get().to_be_bytes(), number.to_be_bytes()].concat()
}

fn struck_key(epoch: HealthEpoch, number: u32, window: Window, operator: OperatorIndex) -> Vec<u8> {
    [
        list_key(epoch, number).as_slice(),
        &window.0.to_be_bytes(),
        &operator.get().to_be_bytes(),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("agent.sqlite"), 10).unwrap();
        (folder, store)
    }

    fn events() -> Vec<Event> {
        let (epoch, number) = (HealthEpoch::new(3), 1);
        vec![
            Event::LeaseOpened {
                request: RequestId::new(5),
                time: Timestamp::new(50),
            },
            Event::LeaseClosed {
                request: RequestId::new(5),
                time: Timestamp::new(60),
                reason: crate::chain::LeaseEnd(1),
            },
            Event::ListCertified {
                epoch,
                number,
                signers: vec![7],
            },
            Event::Down {
                epoch,
                number,
                windows: U256::from(6),
                seats: 30,
            },
            Event::Struck {
                epoch,
                number,
                window: Window(2),
                operator: OperatorIndex::new(9),
                fell: true,
            },
        ]
    }

    fn kept(store: &Store) -> Vec<Event> {
        let oldest = HealthEpoch::new(0);
        store.keep_events(&events(), oldest, 77).unwrap()
    }

    #[test]
    fn reading_the_same_blocks_again_changes_nothing() {
        let (_folder, store) = store();
        let mut seen = Vec::new();
        for new in [5, 0] {
            assert_eq!(kept(&store).len(), new);
            let struck = store.struck(HealthEpoch::new(3), 1, Window(2)).unwrap();
            seen.push((store.leases().unwrap(), store.downs().unwrap(), struck));
        }
        assert_eq!(seen[0], seen[1]);
        let (leases, downs, struck) = &seen[0];
        assert_eq!(leases[0].closed, Some(Timestamp::new(60)));
        assert_eq!(
            (downs[0].windows, &downs[0].signers),
            (U256::from(6), &vec![7])
        );
        assert_eq!(*struck, (vec![OperatorIndex::new(9)], true));
        assert_eq!(store.cursor().unwrap(), Some(77));
    }

    #[test]
    fn settled_epochs_are_forgotten_and_leases_are_not() {
        let (_folder, store) = store();
        kept(&store);
        store.forget_history_before(HealthEpoch::new(3)).unwrap();
        assert_eq!(store.downs().unwrap().len(), 1);
        store.forget_history_before(HealthEpoch::new(4)).unwrap();
        assert!(store.downs().unwrap().is_empty());
        assert_eq!(store.leases().unwrap().len(), 1);
    }

    #[test]
    fn what_was_forgotten_does_not_come_back_when_its_blocks_are_read_again() {
        let (_folder, store) = store();
        kept(&store);
        store.forget_lease(RequestId::new(5)).unwrap();
        store.forget_history_before(HealthEpoch::new(4)).unwrap();
        let oldest = HealthEpoch::new(4);
        let new = store.keep_events_again(&events(), oldest).unwrap();
        assert_eq!(new, []);
        assert!(store.leases().unwrap().is_empty() && store.downs().unwrap().is_empty());
        assert_eq!(store.cursor().unwrap(), Some(77));
    }

    #[test]
    fn leases_whose_money_has_left_are_forgotten_for_good_in_time() {
        let (_folder, store) = store();
        let back = || {
            let events = &events()[..2];
            let new = store.keep_events_again(events, HealthEpoch::new(0));
            new.unwrap().len()
        };
        assert_eq!(back(), 2);
        store.forget_leases_before(Timestamp::new(1_000)).unwrap();
        assert_eq!(store.leases().unwrap().len(), 1, "its money is here");
        store.forget_lease(RequestId::new(5)).unwrap();
        store.forget_leases_before(Timestamp::new(60)).unwrap();
        assert_eq!(back(), 0, "it ended at 60");
        store.forget_leases_before(Timestamp::new(61)).unwrap();
        assert_eq!(back(), 2);
    }
}
