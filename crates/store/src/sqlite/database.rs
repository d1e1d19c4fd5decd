//! Opening, creating and locking a database.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, TransactionBehavior};

use super::connection::connect;
use super::{Schema, Transaction};
use crate::{Result, StoreError, files};

/// A database file, held exclusively until dropped. Shared between threads by reference: one
/// transaction runs at a time.
#[derive(Debug)]
pub struct Database {
    connection: Mutex<Connection>,
    path: PathBuf,
}

impl Database {
    /// Creates a database that must not exist yet, and opens it.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when the file, or a journal of an earlier one, is there.
    pub fn create(path: &Path, schema: &Schema) -> Result<Self> {
        Self::create_with(path, schema, |_| Ok(()))
    }

    /// As [`create`](Self::create), with first records: the database appears with what `fill`
    /// writes into it, or not at all.
    ///
    /// # Errors
    /// As [`create`](Self::create), and those of `fill`.
    pub fn create_with(
        path: &Path,
        schema: &Schema,
        fill: impl FnOnce(&Transaction<'_>) -> Result<()>,
    ) -> Result<Self> {
        for leftover in ["", "-wal", "-journal"] {
            refuse_existing(&files::with_suffix(path, leftover))?;
        }
        let unfinished = files::unfinished(path);
        let built =
            build(&unfinished, schema, fill).and_then(|()| files::publish(&unfinished, path));
        if built.is_err() {
            // Best effort: an unfinished file is never taken for a database.
            let _ = fs::remove_file(&unfinished);
        }
        built?;
        Self::open(path, schema)
    }

    /// Opens an existing database, brings its schema up to date and checks its structure.
    ///
    /// # Errors
    /// [`StoreError::Missing`], [`StoreError::Locked`] (at once, without waiting),
    /// [`StoreError::WrongApplication`], [`StoreError::TooNew`], [`StoreError::Damaged`].
    pub fn open(path: &Path, schema: &Schema) -> Result<Self> {
        match fs::metadata(path) {
            Ok(_) => files::make_private(path)?,
            Err(source) if source.kind() == io::ErrorKind::NotFound => {
                return Err(StoreError::Missing {
                    path: path.to_owned(),
                });
            }
            Err(source) => return Err(StoreError::io(path, source)),
        }
        let mut connection = connect(path)?;
        check_application(&connection, path, schema)?;
        migrate(&mut connection, path, schema)?;
        check_structure(&connection, path)?;
        Ok(Self {
            connection: Mutex::new(connection),
            path: path.to_owned(),
        })
    }

    /// Opens the database, or creates it when there is none. Not for the signing ledger, whose
    /// absence is an alarm.
    ///
    /// # Errors
    /// As [`open`](Self::open) and [`create`](Self::create).
    pub fn open_or_create(path: &Path, schema: &Schema) -> Result<Self> {
        match Self::open(path, schema) {
            Err(StoreError::Missing { .. }) => Self::create(path, schema),
            result => result,
        }
    }

    /// Runs `action` in one exclusive transaction. It is committed, durably, when `action`
    /// returns `Ok`, and leaves no trace when it returns `Err` or panics.
    ///
    /// # Errors
    /// `action`'s own; or the store's, in which case nothing was committed, unless the commit
    /// itself was cut off by an I/O error: then the outcome is unknown until it is read back.
    pub fn transact<T, E: From<StoreError>>(
        &self,
        action: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut connection = self.connection();
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Exclusive)
            .map_err(|source| StoreError::sqlite(&self.path, source))?;
        let transaction = Transaction::new(transaction, &self.path);
        let value = action(&transaction)?;
        transaction.commit()?;
        Ok(value)
    }

    /// Where the database lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A panic inside a transaction rolled it back as it unwound, so a poisoned lock guards a
    /// connection that is as good as before.
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn refuse_existing(path: &Path) -> Result<()> {
    match fs::symlink_metadata(path) {
        Ok(_) => Err(StoreError::Exists {
            path: path.to_owned(),
        }),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(StoreError::io(path, source)),
    }
}

/// Builds a complete database, synchronised and closed.
fn build(
    path: &Path,
    schema: &Schema,
    fill: impl FnOnce(&Transaction<'_>) -> Result<()>,
) -> Result<()> {
    // SQLite's journals take over the permissions of the file they belong to.
    let file = files::create_private(path)?;
    let error = |source| StoreError::sqlite(path, source);
    let mut connection = connect(path)?;
    connection
        .pragma_update(None, "application_id", schema.application_id)
        .map_err(error)?;
    migrate(&mut connection, path, schema)?;
    let transaction = connection.transaction().map_err(error)?;
    let transaction = Transaction::new(transaction, path);
    fill(&transaction)?;
    transaction.commit()?;
    // The last connection to close moves the WAL into the file.
    connection.close().map_err(|(_, source)| error(source))?;
    file.sync_all()
        .map_err(|source| StoreError::io(path, source))
}

fn check_application(connection: &Connection, path: &Path, schema: &Schema) -> Result<()> {
    let got: i32 = connection
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(|source| StoreError::sqlite(path, source))?;
    if got == schema.application_id {
        return Ok(());
    }
    Err(StoreError::WrongApplication {
        path: path.to_owned(),
        got,
        expected: schema.application_id,
    })
}

/// Applies the migrations that this database has not had, all in one transaction.
fn migrate(connection: &mut Connection, path: &Path, schema: &Schema) -> Result<()> {
    let error = |source| StoreError::sqlite(path, source);
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Exclusive)
        .map_err(error)?;
    let got: i64 = transaction
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(error)?;
    let known = schema.version();
    let Some(missing) = usize::try_from(got)
        .ok()
        .and_then(|had| schema.migrations.get(had..))
    else {
        return Err(StoreError::TooNew {
            path: path.to_owned(),
            got,
            known,
        });
    };
    if missing.is_empty() {
        return Ok(());
    }
    for migration in missing {
        transaction.execute_batch(&migration.sql()).map_err(error)?;
    }
    transaction
        .pragma_update(None, "user_version", known)
        .map_err(error)?;
    transaction.commit().map_err(error)
}

fn check_structure(connection: &Connection, path: &Path) -> Result<()> {
    let detail: String = connection
        .pragma_query_value(None, "quick_check", |row| row.get(0))
        .map_err(|source| StoreError::sqlite(path, source))?;
    if detail == "ok" {
        return Ok(());
    }
    Err(StoreError::Damaged {
        path: path.to_owned(),
        detail,
    })
}
