//! Passwords and where they come from.

use std::fmt;
use std::path::PathBuf;

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::{Exposure, KeyError, Result, files};

/// A password. Wiped when dropped; never shown by `Debug`.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes a password as it is.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The bytes that Web3 Secret Storage derives its key from: the text in UTF-8.
    pub(crate) fn plain(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The bytes that EIP-2335 derives its key from: NFKD, without the control codes C0, C1
    /// and delete, in UTF-8.
    pub(crate) fn normalized(&self) -> Zeroizing<Vec<u8>> {
        // NFKD can lengthen a text (at most eighteenfold); no reallocation, no copies left.
        let mut bytes = Zeroizing::new(Vec::with_capacity(self.0.len() * 18));
        let mut buffer = [0; 4];
        for character in self.0.nfkd().filter(|c| !c.is_control()) {
            bytes.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
        }
        bytes
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// Where a password is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordSource {
    /// A file that holds the password and nothing else; one line ending behind it is dropped.
    File(PathBuf),
    /// An environment variable.
    Env(String),
}

impl PasswordSource {
    /// Reads the password. `exposure` says what to do about a file that others can reach.
    ///
    /// # Errors
    /// Each names the file or variable that was tried: [`KeyError::Io`],
    /// [`KeyError::Exposed`], [`KeyError::NoVariable`], [`KeyError::PasswordNotText`],
    /// [`KeyError::PasswordEmpty`].
    pub fn read(&self, exposure: Exposure) -> Result<Password> {
        let text = match self {
            Self::File(path) => {
                let bytes = files::read(path, exposure)?;
                let text = std::str::from_utf8(&bytes).map_err(|_| self.not_text())?;
                Zeroizing::new(strip_line_ending(text).to_owned())
            }
            Self::Env(variable) => Zeroizing::new(match std::env::var(variable) {
                Ok(text) => text,
                Err(std::env::VarError::NotPresent) => {
                    return Err(KeyError::NoVariable {
                        variable: variable.clone(),
                    });
                }
                Err(std::env::VarError::NotUnicode(_)) => return Err(self.not_text()),
            }),
        };
        if text.is_empty() {
            return Err(KeyError::PasswordEmpty {
                origin: self.to_string(),
            });
        }
        Ok(Password(text))
    }

    fn not_text(&self) -> KeyError {
        KeyError::PasswordNotText {
            origin: self.to_string(),
        }
    }
}

impl fmt::Display for PasswordSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Env(variable) => write!(f, "environment variable {variable}"),
        }
    }
}

fn strip_line_ending(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &[u8]) -> (tempfile::TempDir, PasswordSource) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        files::write_new(&path, content).unwrap();
        (folder, PasswordSource::File(path))
    }

    fn read(content: &[u8]) -> Result<Password> {
        let (_folder, source) = file(content);
        source.read(Exposure::Refuse)
    }

    #[test]
    fn one_line_ending_behind_the_password_is_dropped() {
        assert_eq!(read(b"correct horse\n").unwrap().plain(), b"correct horse");
        assert_eq!(
            read(b"correct horse\r\n").unwrap().plain(),
            b"correct horse"
        );
        assert_eq!(read(b"correct horse").unwrap().plain(), b"correct horse");
        assert_eq!(read(b"two\n\n").unwrap().plain(), b"two\n");
        assert_eq!(read(b" spaces \n").unwrap().plain(), b" spaces ");
    }

    #[test]
    fn an_empty_password_is_refused() {
        assert!(matches!(read(b"\n"), Err(KeyError::PasswordEmpty { .. })));
    }

    #[test]
    fn a_password_that_is_not_text_is_refused() {
        assert!(matches!(
            read(b"\xff\xfe"),
            Err(KeyError::PasswordNotText { .. })
        ));
    }

    #[test]
    fn errors_name_what_was_tried() {
        let missing = PasswordSource::File("/nonexistent/password".into());
        let error = missing.read(Exposure::Refuse).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/password"));
        let unset = PasswordSource::Env("QUORATE_TEST_UNSET_VARIABLE".into());
        let error = unset.read(Exposure::Refuse).unwrap_err();
        assert!(error.to_string().contains("QUORATE_TEST_UNSET_VARIABLE"));
    }

    #[test]
    fn a_variable_that_is_set_is_the_password() {
        // Cargo sets this one for every test.
        let source = PasswordSource::Env("CARGO_PKG_NAME".into());
        let password = source.read(Exposure::Refuse).unwrap();
        assert_eq!(password.plain(), b"quorate-keys");
    }

    #[test]
    fn debug_shows_nothing_of_the_password() {
        let password = Password::new("hunter2".into());
        assert_eq!(format!("{password:?}"), "Password(..)");
    }

    #[test]
    fn normalization_is_that_of_the_standard() {
        let password = Password::new("𝔱𝔢𝔰𝔱𝔭𝔞𝔰𝔰𝔴𝔬𝔯𝔡🔑".into());
        let expected = hex::decode("7465737470617373776f7264f09f9491").unwrap();
        assert_eq!(*password.normalized(), expected);
    }

    #[test]
    fn control_codes_are_stripped() {
        let password = Password::new("a\u{0}b\u{1f}c\u{7f}d\u{80}e\u{9f}f\n".into());
        assert_eq!(*password.normalized(), b"abcdef");
    }

    #[test]
    fn the_longest_expansion_fits_the_buffer() {
        // U+FDFA becomes eighteen characters of up to two bytes each, from three bytes.
        let password = Password::new("\u{fdfa}".repeat(10));
        assert!(password.normalized().len() <= 30 * 18);
    }
}
