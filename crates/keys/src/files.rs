//! Reading and writing files with secrets in them.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::{KeyError, Result};

/// The most that is read of a keystore or a password file, in bytes.
pub const MAX_FILE_BYTES: u64 = 64 * 1024;

/// What to do about a file that group or others can reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Exposure {
    /// Do not read it.
    #[default]
    Refuse,
    /// Read it and log a warning. For secrets that a container runtime mounts, whose mode the
    /// operator does not choose.
    Warn,
}

/// Reads a file of at most [`MAX_FILE_BYTES`]. The bytes are wiped when dropped.
pub(crate) fn read(path: &Path, exposure: Exposure) -> Result<Zeroizing<Vec<u8>>> {
    let error = |source| KeyError::io(path, source);
    let file = File::open(path).map_err(error)?;
    let metadata = file.metadata().map_err(error)?;
    check_exposure(path, metadata.mode() & 0o7777, exposure)?;
    // The whole capacity at once: a growing vector leaves copies behind.
    let limit = usize::try_from(MAX_FILE_BYTES).unwrap_or(usize::MAX);
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit + 1));
    file.take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(error)?;
    if bytes.len() > limit {
        return Err(KeyError::TooLarge {
            path: path.to_owned(),
            limit: MAX_FILE_BYTES,
        });
    }
    Ok(bytes)
}

fn check_exposure(path: &Path, mode: u32, exposure: Exposure) -> Result<()> {
    if mode & 0o077 == 0 {
        return Ok(());
    }
    match exposure {
        Exposure::Refuse => Err(KeyError::Exposed {
            path: path.to_owned(),
            mode,
        }),
        Exposure::Warn => {
            tracing::warn!(path = %path.display(), mode = format!("{mode:o}"), "others can reach this secret file");
            Ok(())
        }
    }
}

/// Writes a new file for the owner only: it appears under its name complete and durable, or
/// not at all, and never replaces another.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    let unfinished = unfinished(path);
    let result = write_synced(&unfinished, bytes).and_then(|()| {
        // A link fails where a rename would replace what is there.
        fs::hard_link(&unfinished, path).map_err(|source| KeyError::io(path, source))
    });
    // Best effort: what is left over is only a name without meaning.
    let _ = fs::remove_file(&unfinished);
    result?;
    let parent = parent(path);
    File::open(parent)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| KeyError::io(parent, source))
}

fn write_synced(path: &Path, bytes: &[u8]) -> Result<()> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        .map_err(|source| KeyError::io(path, source))
}

fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".unfinished-{}", uuid::Uuid::new_v4().simple()));
    PathBuf::from(name)
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_new_file_is_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.json");
        write_new(&path, b"secret").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        assert_eq!(*read(&path, Exposure::Refuse).unwrap(), b"secret");
    }

    #[test]
    fn an_existing_file_is_not_overwritten_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.json");
        write_new(&path, b"first").unwrap();
        assert!(matches!(
            write_new(&path, b"second"),
            Err(KeyError::Exists { .. })
        ));
        assert_eq!(*read(&path, Exposure::Refuse).unwrap(), b"first");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_others_can_reach_is_refused_unless_a_warning_is_enough() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.json");
        write_new(&path, b"secret").unwrap();
        for mode in [0o640, 0o604, 0o660, 0o601] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let refused = read(&path, Exposure::Refuse);
            assert!(matches!(refused, Err(KeyError::Exposed { mode: m, .. }) if m == mode));
            assert!(read(&path, Exposure::Warn).is_ok());
        }
    }

    #[test]
    fn a_file_at_the_limit_is_read_and_one_byte_more_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let limit = usize::try_from(MAX_FILE_BYTES).unwrap();
        let full = folder.path().join("full");
        write_new(&full, &vec![b'x'; limit]).unwrap();
        assert_eq!(read(&full, Exposure::Refuse).unwrap().len(), limit);
        let more = folder.path().join("more");
        write_new(&more, &vec![b'x'; limit + 1]).unwrap();
        assert!(matches!(
            read(&more, Exposure::Refuse),
            Err(KeyError::TooLarge { .. })
        ));
    }
}
