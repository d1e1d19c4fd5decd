//! The store for what can be derived again.
//!
//! sled 0.34 may lose acknowledged writes when the power fails, and some of its files cannot
//! be opened after an unlucky stop. So nothing lies here that the chains do not hold too, and
//! a store that does not open is moved aside: the caller starts from an empty one.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use crate::{Result, StoreError, Table, files, record};

/// sled's own default is a gigabyte.
const CACHE_BYTES: u64 = 16 << 20;
const FLUSH_EVERY_MS: u64 = 500;
const META: Table = Table::new("meta");
const FORMAT: &[u8] = b"format";

/// What the caller found when it opened the store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "an empty store has to be filled again"]
pub enum Opened {
    /// There was none; it is empty.
    Fresh,
    /// It is there, as it was left, up to the last writes before a power loss.
    Existing,
    /// It could not be used and was moved aside; the new one is empty.
    Rebuilt {
        /// Where the old one lies now. The next one moved aside replaces it.
        moved_to: PathBuf,
        /// Why.
        reason: String,
    },
}

/// A store of records that can be derived again.
#[derive(Debug)]
pub struct Derived {
    // Dropped in this order: the lock last.
    database: sled::Db,
    path: PathBuf,
    _lock: File,
}

impl Derived {
    /// Opens the store in the folder `path`, or an empty one. `format` names the layout of
    /// the caller's records: a store of another layout is moved aside too.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another process has it open; [`StoreError::Io`] when not
    /// even an empty one can be made.
    pub fn open(path: &Path, format: u32) -> Result<(Self, Opened)> {
        fs::create_dir_all(files::parent(path))
            .map_err(|source| StoreError::io(files::parent(path), source))?;
        let lock = lock(path)?;
        let existed = path.exists();
        let (database, opened) = match open_checked(path, format) {
            Ok(database) if existed => (database, Opened::Existing),
            Ok(database) => (database, Opened::Fresh),
            Err(error) if existed && is_of_the_store(&error) => {
                let reason = error.to_string();
                let moved_to = move_aside(path)?;
                tracing::warn!(path = %path.display(), moved_to = %moved_to.display(), %reason, "derived store moved aside; starting empty");
                (
                    open_checked(path, format)?,
                    Opened::Rebuilt { moved_to, reason },
                )
            }
            Err(error) => return Err(error),
        };
        let store = Self {
            database,
            path: path.to_owned(),
            _lock: lock,
        };
        Ok((store, opened))
    }

    /// The payload stored under `key`, if any.
    ///
    /// # Errors
    /// [`StoreError::DamagedRecord`]: [`clear`](Self::clear) the table and derive it again.
    pub fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let found = self.tree(table)?.get(key).map_err(|e| self.error(e))?;
        found
            .map(|found| record::open(table, key, found.to_vec()))
            .transpose()
    }

    /// Stores `payload` under `key`, in place of what was there.
    ///
    /// # Errors
    /// sled's.
    pub fn put(&self, table: Table, key: &[u8], payload: &[u8]) -> Result<()> {
        self.tree(table)?
            .insert(key, record::seal(table, key, payload))
            .map_err(|e| self.error(e))?;
        Ok(())
    }

    /// Removes what is stored under `key`, and says whether there was anything.
    ///
    /// # Errors
    /// sled's.
    pub fn delete(&self, table: Table, key: &[u8]) -> Result<bool> {
        let removed = self.tree(table)?.remove(key).map_err(|e| self.error(e))?;
        Ok(removed.is_some())
    }

    /// All records whose key begins with `prefix` (all of them for an empty one), by key
    /// ascending; read as the iterator is driven.
    ///
    /// # Errors
    /// Of the table here, of each record in its item.
    pub fn scan(
        &self,
        table: Table,
        prefix: &[u8],
    ) -> Result<impl Iterator<Item = Result<(Vec<u8>, Vec<u8>)>> + '_> {
        Ok(self.tree(table)?.scan_prefix(prefix).map(move |item| {
            let (key, found) = item.map_err(|e| self.error(e))?;
            let payload = record::open(table, &key, found.to_vec())?;
            Ok((key.to_vec(), payload))
        }))
    }

    /// Empties a table.
    ///
    /// # Errors
    /// sled's.
    pub fn clear(&self, table: Table) -> Result<()> {
        self.tree(table)?.clear().map_err(|e| self.error(e))
    }

    /// Writes everything out, as far as sled does.
    ///
    /// # Errors
    /// sled's.
    pub fn flush(&self) -> Result<()> {
        self.database.flush().map_err(|e| self.error(e))?;
        Ok(())
    }

    fn tree(&self, table: Table) -> Result<sled::Tree> {
        self.database
            .open_tree(table.name())
            .map_err(|e| self.error(e))
    }

    fn error(&self, source: sled::Error) -> StoreError {
        StoreError::sled(&self.path, source)
    }
}

/// A lock of our own beside the folder: sled's error does not tell "in use" from "damaged",
/// and a store in use must not be moved aside.
fn lock(path: &Path) -> Result<File> {
    let lock_path = files::with_suffix(path, ".lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(files::PRIVATE)
        .open(&lock_path)
        .map_err(|source| StoreError::io(&lock_path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(StoreError::io(&lock_path, source)),
    }
}

/// Opens sled and compares the layout. sled panics on some damaged files; that is an error
/// like any other here.
fn open_checked(path: &Path, format: u32) -> Result<sled::Db> {
    let open = || {
        let database = sled::Config::new()
            .path(path)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(Some(FLUSH_EVERY_MS))
            .mode(sled::Mode::LowSpace)
            .open()
            .map_err(|source| StoreError::sled(path, source))?;
        check_format(&database, path, format)?;
        Ok(database)
    };
    catch_unwind(AssertUnwindSafe(open)).unwrap_or_else(|_| {
        Err(StoreError::Damaged {
            path: path.to_owned(),
            detail: "sled panicked while opening it".to_owned(),
        })
    })
}

fn check_format(database: &sled::Db, path: &Path, format: u32) -> Result<()> {
    let error = |source| StoreError::sled(path, source);
    let meta = database.open_tree(META.name()).map_err(error)?;
    let expected = format.to_be_bytes();
    match meta.get(FORMAT).map_err(error)? {
        Some(found) if record::open(META, FORMAT, found.to_vec())? == expected => Ok(()),
        Some(_) => Err(StoreError::Damaged {
            path: path.to_owned(),
            detail: format!("records of another layout, expected layout {format}"),
        }),
        None if database.was_recovered() => Err(StoreError::Damaged {
            path: path.to_owned(),
            detail: "no layout is recorded in it".to_owned(),
        }),
        None => {
            meta.insert(FORMAT, record::seal(META, FORMAT, &expected))
                .map_err(error)?;
            database.flush().map_err(error)?;
            Ok(())
        }
    }
}

/// Whether a new store could do better: not when the disk is full or the user is another.
fn is_of_the_store(error: &StoreError) -> bool {
    match error {
        StoreError::Full { .. } => false,
        StoreError::Io { source, .. } => source.kind() != io::ErrorKind::PermissionDenied,
        _ => true,
    }
}

/// Renames the folder. One is kept, for whoever wants to look into it; an older one goes.
fn move_aside(path: &Path) -> Result<PathBuf> {
    let target = files::with_suffix(path, ".damaged");
    let removed = if target.is_dir() {
        fs::remove_dir_all(&target)
    } else {
        fs::remove_file(&target)
    };
    match removed {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            return Err(StoreError::io(&target, source));
        }
        _ => {}
    }
    fs::rename(path, &target).map_err(|source| StoreError::io(path, source))?;
    files::sync_parent(path)?;
    Ok(target)
}
