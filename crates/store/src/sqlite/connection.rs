//! One connection: its lock and what its durability rests on.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::{Result, StoreError};

/// Opens the file and takes its lock.
pub(super) fn connect(path: &Path) -> Result<Connection> {
    let error = |source| StoreError::sqlite(path, source);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(error)?;
    connection
        .busy_timeout(std::time::Duration::ZERO)
        .map_err(error)?;
    // Exclusive before WAL: then there is no shared memory, and the lock is held from the
    // first access on.
    for (pragma, value) in [
        ("locking_mode", "EXCLUSIVE"),
        ("journal_mode", "WAL"),
        ("synchronous", "FULL"),
        ("fullfsync", "ON"),
        ("checkpoint_fullfsync", "ON"),
        ("cell_size_check", "ON"),
        ("trusted_schema", "OFF"),
    ] {
        connection
            .pragma_update_and_check(None, pragma, value, |_| Ok(()))
            .or_else(ignore_silence)
            .map_err(error)?;
    }
    confirm(&connection, path)?;
    connection
        .transaction_with_behavior(TransactionBehavior::Exclusive)
        .and_then(rusqlite::Transaction::commit)
        .map_err(error)?;
    Ok(connection)
}

/// Some pragmas answer with their new value, some with nothing.
fn ignore_silence(error: rusqlite::Error) -> rusqlite::Result<()> {
    match error {
        rusqlite::Error::QueryReturnedNoRows => Ok(()),
        error => Err(error),
    }
}

/// SQLite ignores a pragma that it cannot follow (WAL on a file system without locks): what
/// durability rests on is read back.
fn confirm(connection: &Connection, path: &Path) -> Result<()> {
    let error = |source| StoreError::sqlite(path, source);
    let journal: String = connection
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .map_err(error)?;
    let synchronous: i64 = connection
        .pragma_query_value(None, "synchronous", |row| row.get(0))
        .map_err(error)?;
    if journal == "wal" && synchronous == 2 {
        return Ok(());
    }
    Err(StoreError::Damaged {
        path: path.to_owned(),
        detail: format!(
            "journal mode {journal} and synchronous {synchronous}, expected wal and 2: \
             is this a local file system?"
        ),
    })
}
