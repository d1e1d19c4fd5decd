//! What the standard library leaves to the caller when a file must survive a power loss and
//! be read by nobody else.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::{Result, StoreError};

/// Permissions of every file that this crate creates: owner only.
pub const PRIVATE: u32 = 0o600;

/// Creates an empty file that only the owner can read. The file must not exist.
pub(crate) fn create_private(path: &Path) -> Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(PRIVATE)
        .open(path)
        .map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => StoreError::Exists {
                path: path.to_owned(),
            },
            _ => StoreError::io(path, source),
        })
}

/// Gives a complete file its final name, durably and without ever overwriting another: a
/// link, where a rename would replace what is there.
pub(crate) fn publish(unfinished: &Path, path: &Path) -> Result<()> {
    fs::hard_link(unfinished, path).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => StoreError::Exists {
            path: path.to_owned(),
        },
        _ => StoreError::io(path, source),
    })?;
    fs::remove_file(unfinished).map_err(|source| StoreError::io(unfinished, source))?;
    sync_parent(path)
}

/// Writes the folder's entry for `path` to the disk.
pub(crate) fn sync_parent(path: &Path) -> Result<()> {
    let parent = parent(path);
    File::open(parent)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| StoreError::io(parent, source))
}

/// Takes away what group and others may do with an existing file.
pub(crate) fn make_private(path: &Path) -> Result<()> {
    let metadata = fs::metadata(path).map_err(|source| StoreError::io(path, source))?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    tracing::warn!(path = %path.display(), mode = format!("{mode:o}"), "others could reach this file; made private");
    fs::set_permissions(path, fs::Permissions::from_mode(PRIVATE))
        .map_err(|source| StoreError::io(path, source))
}

/// A name beside `path` for a file that is not complete yet. The time makes it unique: in a
/// container every process has the same number.
pub(crate) fn unfinished(path: &Path) -> PathBuf {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let unique = format!(".unfinished-{}-{}", std::process::id(), now.as_nanos());
    with_suffix(path, &unique)
}

/// `path` with `suffix` behind its last component.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The folder that holds `path`; the current one for a bare name.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
