//! What can be done inside one transaction.

use std::path::Path;

use rusqlite::OptionalExtension;

use crate::{Result, StoreError, Table, record};

/// An exclusive transaction: nothing of it is visible, nor durable, before all of it is.
///
/// Keys sort by their bytes, so big-endian numbers scan in order.
#[derive(Debug)]
pub struct Transaction<'c> {
    inner: rusqlite::Transaction<'c>,
    path: &'c Path,
}

impl<'c> Transaction<'c> {
    pub(crate) fn new(inner: rusqlite::Transaction<'c>, path: &'c Path) -> Self {
        Self { inner, path }
    }

    pub(crate) fn commit(self) -> Result<()> {
        let path = self.path;
        self.inner
            .commit()
            .map_err(|source| StoreError::sqlite(path, source))
    }

    /// The payload stored under `key`, if any.
    ///
    /// # Errors
    /// [`StoreError::DamagedRecord`] when it is not what was stored; or SQLite's.
    pub fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let sql = format!("SELECT record FROM {} WHERE key = ?1", table.name());
        let found: Option<Vec<u8>> = self
            .inner
            .prepare_cached(&sql)
            .and_then(|mut query| query.query_row([key], |row| row.get(0)).optional())
            .map_err(|source| self.error(source))?;
        found
            .map(|found| record::open(table, key, found))
            .transpose()
    }

    /// Stores `payload` under a key that has none yet, and says whether it did: `false` means
    /// that the key is taken, and nothing was changed.
    ///
    /// # Errors
    /// SQLite's.
    pub fn insert(&self, table: Table, key: &[u8], payload: &[u8]) -> Result<bool> {
        let rows = self.execute(
            &format!(
                "INSERT INTO {} (key, record) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                table.name()
            ),
            (key, record::seal(table, key, payload)),
        )?;
        Ok(rows == 1)
    }

    /// Stores `payload` under `key`, in place of what was there.
    ///
    /// # Errors
    /// SQLite's.
    pub fn put(&self, table: Table, key: &[u8], payload: &[u8]) -> Result<()> {
        self.execute(
            &format!(
                "INSERT OR REPLACE INTO {} (key, record) VALUES (?1, ?2)",
                table.name()
            ),
            (key, record::seal(table, key, payload)),
        )?;
        Ok(())
    }

    /// Removes what is stored under `key`, and says whether there was anything.
    ///
    /// # Errors
    /// SQLite's.
    pub fn delete(&self, table: Table, key: &[u8]) -> Result<bool> {
        let sql = format!("DELETE FROM {} WHERE key = ?1", table.name());
        Ok(self.execute(&sql, [key])? == 1)
    }

    /// All records whose key begins with `prefix` (all of them for an empty one), by key
    /// ascending.
    ///
    /// # Errors
    /// [`StoreError::DamagedRecord`] for the first record that is not what was stored; or
    /// SQLite's.
    pub fn scan(&self, table: Table, prefix: &[u8]) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        // Keys of a prefix stand together, up to the first key that sorts behind all of them.
        let sql = format!(
            "SELECT key, record FROM {} WHERE key >= ?1 AND (?2 IS NULL OR key < ?2) ORDER BY key",
            table.name()
        );
        let rows: Vec<(Vec<u8>, Vec<u8>)> = self
            .inner
            .prepare_cached(&sql)
            .and_then(|mut query| {
                query
                    .query_map((prefix, behind(prefix)), |row| {
                        Ok((row.get(0)?, row.get(1)?))
                    })?
                    .collect()
            })
            .map_err(|source| self.error(source))?;
        rows.into_iter()
            .map(|(key, found)| {
                let payload = record::open(table, &key, found)?;
                Ok((key, payload))
            })
            .collect()
    }

    /// The keys that begin with `prefix` (all of them for an empty one), ascending. Payloads are
    /// neither read nor checked: for tables whose records are large.
    ///
    /// # Errors
    /// SQLite's.
    pub fn keys(&self, table: Table, prefix: &[u8]) -> Result<Vec<Vec<u8>>> {
        let sql = format!(
            "SELECT key FROM {} WHERE key >= ?1 AND (?2 IS NULL OR key < ?2) ORDER BY key",
            table.name()
        );
        self.inner
            .prepare_cached(&sql)
            .and_then(|mut query| {
                query
                    .query_map((prefix, behind(prefix)), |row| row.get(0))?
                    .collect()
            })
            .map_err(|source| self.error(source))
    }

    /// The record with the greatest key, if there is any.
    ///
    /// # Errors
    /// As [`scan`](Self::scan).
    pub fn last(&self, table: Table) -> Result<Option<(Vec<u8>, Vec<u8>)>> {
        let sql = format!(
            "SELECT key, record FROM {} ORDER BY key DESC LIMIT 1",
            table.name()
        );
        let found: Option<(Vec<u8>, Vec<u8>)> = self
            .inner
            .prepare_cached(&sql)
            .and_then(|mut query| {
                query
                    .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()
            })
            .map_err(|source| self.error(source))?;
        found
            .map(|(key, found)| {
                let payload = record::open(table, &key, found)?;
                Ok((key, payload))
            })
            .transpose()
    }

    fn execute(&self, sql: &str, values: impl rusqlite::Params) -> Result<usize> {
        self.inner
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(values))
            .map_err(|source| self.error(source))
    }

    fn error(&self, source: rusqlite::Error) -> StoreError {
        StoreError::sqlite(self.path, source)
    }
}

/// The least key that is greater than every key with this prefix, if there is one.
fn behind(prefix: &[u8]) -> Option<Vec<u8>> {
    let end = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut key = prefix[..=end].to_vec();
    key[end] += 1;
    Some(key)
}
