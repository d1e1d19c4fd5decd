//! The one error type of this crate.

use std::io;
use std::path::{Path, PathBuf};

/// Shorthand for results of this crate.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// Why a store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database file does not exist, and the caller did not ask to create it.
    #[error("no database at {}", path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },

    /// A file that would have to be overwritten exists already. It may be the database, or a
    /// journal that an earlier database left beside it and that must not be applied to a new
    /// one.
    #[error("{} exists already", path.display())]
    Exists {
        /// The file that is in the way.
        path: PathBuf,
    },

    /// Another process, or another handle in this one, has the store open.
    #[error("{} is in use by another process", path.display())]
    Locked {
        /// The store.
        path: PathBuf,
    },

    /// The file is an SQLite database of something else.
    #[error("{} is not this database: application id {got:#010x}, expected {expected:#010x}", path.display())]
    WrongApplication {
        /// The database.
        path: PathBuf,
        /// The application id in its header.
        got: i32,
        /// The application id of the schema.
        expected: i32,
    },

    /// A newer program wrote this database.
    #[error("{} has schema version {got}, this program knows versions up to {known}", path.display())]
    TooNew {
        /// The database.
        path: PathBuf,
        /// The schema version in its header.
        got: i64,
        /// The newest version that this program knows.
        known: i64,
    },

    /// The database fails its own integrity check, or is no database at all.
    #[error("{} is damaged: {detail}", path.display())]
    Damaged {
        /// The store.
        path: PathBuf,
        /// What the check said.
        detail: String,
    },

    /// A record's checksum does not fit its bytes, its key or its table.
    #[error("record {key} of table {table} is damaged")]
    DamagedRecord {
        /// The table it was read from.
        table: &'static str,
        /// The key it was read under, in hex.
        key: String,
    },

    /// The disk is full.
    #[error("no space left for {}", path.display())]
    Full {
        /// The store.
        path: PathBuf,
    },

    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },

    /// SQLite refused for a reason that has no variant of its own.
    #[error("{}: {source}", path.display())]
    Sqlite {
        /// The database.
        path: PathBuf,
        /// What it said.
        source: rusqlite::Error,
    },

    /// sled refused.
    #[error("{}: {source}", path.display())]
    Sled {
        /// The store's folder.
        path: PathBuf,
        /// What it said.
        source: sled::Error,
    },
}

impl StoreError {
    /// Whether the same call may succeed later without anybody repairing anything but the
    /// machine's resources.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Full { .. } | Self::Locked { .. })
    }

    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull => Self::Full { path },
            _ => Self::Io { path, source },
        }
    }

    pub(crate) fn sqlite(path: &Path, source: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{
            DatabaseBusy, DatabaseCorrupt, DatabaseLocked, DiskFull, NotADatabase,
        };
        let path = path.to_owned();
        if let rusqlite::Error::InvalidColumnType(..) = source {
            let detail = source.to_string();
            return Self::Damaged { path, detail };
        }
        match source.sqlite_error_code() {
            Some(DatabaseBusy | DatabaseLocked) => Self::Locked { path },
            Some(DiskFull) => Self::Full { path },
            Some(DatabaseCorrupt | NotADatabase) => Self::Damaged {
                path,
                detail: source.to_string(),
            },
            _ => Self::Sqlite { path, source },
        }
    }

    pub(crate) fn sled(path: &Path, source: sled::Error) -> Self {
        let path = path.to_owned();
        match source {
            sled::Error::Io(source) => Self::io(&path, source),
            source => Self::Sled { path, source },
        }
    }
}
