//! Secrets come from files or variables, never from the configuration itself, and never reach a log.

use std::{fmt, fs, path::PathBuf};

use serde::Deserialize;
use zeroize::Zeroizing;

use crate::ConfigError;

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum SecretSource {
    /// In a file, for its owner only; one line end after it is not part of it.
    File(PathBuf),
    /// In a variable, whose name begins with `QUORATE_SECRET_`.
    Env(String),
}

/// A secret text: zeroed when dropped, not shown by `Debug`.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text. Do not store or print what this returns.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl SecretSource {
    /// Reads the secret.
    ///
    /// # Errors
    /// If the file cannot be read or others may read it, if the variable is not set or its name has
    /// not the prefix, or if the secret is empty.
    pub fn read(&self) -> Result<Secret, ConfigError> {
        let (name, text) = match self {
            Self::File(path) => (path.display().to_string(), read_file(path)),
            Self::Env(name) => (name.clone(), read_variable(name)),
        };
        let error = |detail: String| ConfigError::Secret {
            name: name.clone(),
            detail,
        };
        let text = text.map_err(error)?;
        let trimmed = text.strip_suffix('\n').map_or(text.as_str(), |line| {
            line.strip_suffix('\r').unwrap_or(line)
        });
        if trimmed.is_empty() {
            return Err(error("it is empty".into()));
        }
        Ok(Secret::new(trimmed))
    }
}

fn read_variable(name: &str) -> Result<Zeroizing<String>, String> {
    if !name.starts_with(crate::config::SECRET_PREFIX) {
        return Err(format!(
            "variables of secrets begin with {}",
            crate::config::SECRET_PREFIX
        ));
    }
    std::env::var(name)
        .map(Zeroizing::new)
        .map_err(|error| error.to_string())
}

fn read_file(path: &std::path::Path) -> Result<Zeroizing<String>, String> {
    check_mode(path)?;
    fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(|error| error.to_string())
}

/// Refuses a file that others than its owner may read.
#[cfg(unix)]
fn check_mode(path: &std::path::Path) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(path)
        .map_err(|error| error.to_string())?
        .permissions()
        .mode()
        & 0o777;
    if mode & 0o077 == 0 {
        Ok(())
    } else {
        Err(format!("mode is {mode:o}, expected 600 or less"))
    }
}

#[cfg(not(unix))]
fn check_mode(_: &std::path::Path) -> Result<(), String> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn file(text: &str, mode: u32) -> (tempfile::TempDir, SecretSource) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (dir, SecretSource::File(path))
    }

    #[test]
    fn a_file_gives_its_line() {
        let (_dir, source) = file("hunter2\n", 0o600);
        assert_eq!(source.read().unwrap().reveal(), "hunter2");
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let (_dir, source) = file("hunter2", 0o640);
        let error = source.read().unwrap_err().to_string();
        assert!(
            error.contains("640") && !error.contains("hunter2"),
            "{error}"
        );
    }

    #[test]
    fn an_empty_secret_is_refused() {
        let (_dir, source) = file("\n", 0o600);
        assert!(source.read().is_err());
    }

    #[test]
    fn debug_does_not_show_it() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(..)");
    }

    #[test]
    fn a_variable_without_the_prefix_is_refused() {
        assert!(SecretSource::Env("HOME".into()).read().is_err());
    }

    #[test]
    fn sources_are_written_as_tables() {
        #[derive(Deserialize)]
        struct Holder {
            password: SecretSource,
        }
        let holder: Holder = toml::from_str("password = { file = \"/p\" }").unwrap();
        assert_eq!(holder.password, SecretSource::File("/p".into()));
        assert!(toml::from_str::<Holder>("password = \"hunter2\"").is_err());
    }
}
