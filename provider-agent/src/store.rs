//! What the agent must not lose: receipts, what happened to its machine on chain, how far it has
//! followed, and its own pauses. One SQLite file, each change durable before it is answered for.

mod contradicted;
mod history;
mod receipts;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use quorate_canon::Timestamp;
use quorate_canon::codec::FixedWidth;
use quorate_store::StoreError;
use quorate_store::Table;
use quorate_store::sqlite::{Database, Migration, Schema};

use crate::chain::Rules;
use crate::watch::Pauses;

pub use contradicted::Contradicted;
pub use history::{CertifiedDown, LeaseRecord};
pub use receipts::{Kept, StoredReceipt};

const META: Table = Table::new("meta");
const RECEIPTS: Table = Table::new("receipts");
const LEASES: Table = Table::new("leases");
const LISTS: Table = Table::new("lists");
const DOWNS: Table = Table::new("downs");
const STRUCK: Table = Table::new("struck");
const CONTRADICTED: Table = Table::new("contradicted");

const SCHEMA: Schema = Schema {
    // "QAGT"
    application_id: 0x5141_4754,
    migrations: &[
        Migration::AddTable(META),
        Migration::AddTable(RECEIPTS),
        Migration::AddTable(LEASES),
        Migration::AddTable(LISTS),
        Migration::AddTable(DOWNS),
        Migration::AddTable(STRUCK),
        Migration::AddTable(CONTRADICTED),
    ],
};

const CURSOR: &[u8] = b"cursor";
const RULES: &[u8] = b"rules";
const PAUSES: &[u8] = b"pauses";
const SWEPT: &[u8] = b"swept";

/// The agent's store; cheap to clone. One process opens it at a time.
#[derive(Debug, Clone)]
pub struct Store {
    database: Arc<Database>,
    receipts: Arc<AtomicUsize>,
    most: usize,
}

impl Store {
    /// Opens the store, or makes it; it keeps at most so many receipts.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Locked`] if another agent runs on this folder.
    pub fn open(path: &Path, most: usize) -> Result<Self, StoreError> {
        let database = Database::open_or_create(path, &SCHEMA)?;
        let held =
            database.transact(|store| Ok::<_, StoreError>(store.scan(RECEIPTS, &[])?.len()))?;
        Ok(Self {
            database: Arc::new(database),
            receipts: Arc::new(AtomicUsize::new(held)),
            most,
        })
    }

    /// How many receipts are held.
    #[must_use]
    pub fn receipts(&self) -> usize {
        self.receipts.load(Ordering::Relaxed)
    }

    /// The last block that was followed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn cursor(&self) -> Result<Option<u64>, StoreError> {
        Ok(self.meta(CURSOR)?.and_then(|bytes| number(&bytes)))
    }

    /// When the last minutes of the chain were last read again to their end, by the chain's time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn swept(&self) -> Result<Option<Timestamp>, StoreError> {
        let time = self.meta(SWEPT)?.and_then(|bytes| number(&bytes));
        Ok(time.map(Timestamp::new))
    }

    /// Notes that.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn keep_swept(&self, time: Timestamp) -> Result<(), StoreError> {
        self.put_meta(SWEPT, &time.get().to_be_bytes())
    }

    /// The rules as they were last read.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn rules(&self) -> Result<Option<Rules>, StoreError> {
        Ok(self
            .meta(RULES)?
            .and_then(|bytes| Rules::from_bytes(&bytes).ok()))
    }

    /// Keeps the rules.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn keep_rules(&self, rules: &Rules) -> Result<(), StoreError> {
        self.put_meta(RULES, &rules.to_bytes())
    }

    /// The agent's own pauses.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn pauses(&self) -> Result<Pauses, StoreError> {
        let bytes = self.meta(PAUSES)?.unwrap_or_default();
        let (ours, times) = bytes.split_first().unwrap_or((&0, &[]));
        Ok(Pauses {
            ours: *ours == 1,
            times: times
                .chunks_exact(8)
                .filter_map(number)
                .map(Timestamp::new)
                .collect(),
        })
    }

    /// Keeps the agent's own pauses.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn keep_pauses(&self, pauses: &Pauses) -> Result<(), StoreError> {
        let mut bytes = vec![u8::from(pauses.ours)];
        for time in &pauses.times {
            bytes.extend_from_slice(&time.get().to_be_bytes());
        }
        self.put_meta(PAUSES, &bytes)
    }

    fn meta(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.database.transact(|store| store.get(META, key))
    }

    fn put_meta(&self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.database.transact(|store| store.put(META, key, value))
    }
}

/// A big-endian number of eight bytes.
fn number(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().ok().map(u64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_survive_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.sqlite");
        let pauses = Pauses {
            ours: true,
            times: vec![Timestamp::new(5), Timestamp::new(9)],
        };
        let store = Store::open(&path, 10).unwrap();
        assert_eq!(store.pauses().unwrap(), Pauses::default());
        store.keep_pauses(&pauses).unwrap();
        drop(store);
        assert_eq!(Store::open(&path, 10).unwrap().pauses().unwrap(), pauses);
    }

    #[test]
    fn a_store_of_before_contradictions_is_carried_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.sqlite");
        let before = Schema {
            migrations: &SCHEMA.migrations[..6],
            ..SCHEMA
        };
        drop(Database::open_or_create(&path, &before).unwrap());
        let store = Store::open(&path, 10).unwrap();
        assert!(store.contradicted().unwrap().is_empty());
    }

    #[test]
    fn a_second_agent_on_the_same_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.sqlite");
        let _first = Store::open(&path, 10).unwrap();
        let second = Store::open(&path, 10);
        assert!(matches!(second, Err(StoreError::Locked { .. })));
    }
}
