//! The one error type of this crate.

use std::io;
use std::path::{Path, PathBuf};

use quorate_bls::BlsError;

/// Shorthand for results of this crate.
pub type Result<T, E = KeyError> = std::result::Result<T, E>;

/// Why a key or a password could not be had. No message contains any of either.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },

    /// A key would be written over an existing file.
    #[error("{} exists already and is not overwritten", path.display())]
    Exists {
        /// The file that is in the way.
        path: PathBuf,
    },

    /// Group or others can reach a file with a secret in it.
    #[error("{} has mode {mode:o}: others can reach it; chmod 600", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },

    /// The file is larger than any keystore or password.
    #[error("{} is larger than {limit} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most that is read.
        limit: u64,
    },

    /// The environment variable that should hold the password is not set.
    #[error("environment variable {variable}, which should hold the password, is not set")]
    NoVariable {
        /// Its name.
        variable: String,
    },

    /// A password is not UTF-8.
    #[error("password from {origin} is not UTF-8")]
    PasswordNotText {
        /// Where it came from.
        origin: String,
    },

    /// A password is empty.
    #[error("password from {origin} is empty")]
    PasswordEmpty {
        /// Where it came from.
        origin: String,
    },

    /// The file is not JSON of the expected form.
    #[error("not a keystore: {0}")]
    Malformed(#[from] serde_json::Error),

    /// The keystore is of a version that this module does not read.
    #[error("keystore version {got}, expected {expected}")]
    Version {
        /// The version in the file.
        got: u64,
        /// The version that this module reads.
        expected: u64,
    },

    /// The keystore names an algorithm that its standard does not.
    #[error("unknown {what} {got:?}, expected {expected}")]
    Unknown {
        /// What the name is of.
        what: &'static str,
        /// The name in the file.
        got: String,
        /// What is known.
        expected: &'static str,
    },

    /// A field has a length that its standard does not allow.
    #[error("{field} is {got} bytes, expected {expected}")]
    Length {
        /// The field.
        field: &'static str,
        /// Bytes found.
        got: usize,
        /// What is allowed.
        expected: &'static str,
    },

    /// A parameter is not there, or not of its kind.
    #[error("parameter {parameter} is not {expected}")]
    Parameter {
        /// The parameter.
        parameter: &'static str,
        /// What it should be.
        expected: &'static str,
    },

    /// A field is not hexadecimal.
    #[error("{field} is not hexadecimal")]
    NotHex {
        /// The field.
        field: &'static str,
    },

    /// The key derivation is impossible, or asks for more memory or time than is granted to a
    /// file.
    #[error("key derivation refused: {0}")]
    Kdf(String),

    /// The password is wrong, or the keystore was changed. No checksum can tell which.
    #[error("wrong password, or the keystore is damaged")]
    WrongPassword,

    /// The decrypted bytes are no secret key.
    #[error("keystore holds no valid secret key: {0}")]
    NotASecret(&'static str),

    /// The decrypted scalar is no BLS key.
    #[error("keystore holds no valid BLS key: {0}")]
    Bls(#[from] BlsError),

    /// The keystore's key is not the one that the keystore claims to hold.
    #[error("keystore claims key {claimed}, its secret belongs to {derived}")]
    OtherKey {
        /// Public key or address in the file, hex.
        claimed: String,
        /// Public key or address of the secret, hex.
        derived: String,
    },

    /// The operating system gave no randomness.
    #[error("no randomness: {0}")]
    Randomness(getrandom::Error),
}

impl KeyError {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::AlreadyExists => Self::Exists { path },
            _ => Self::Io { path, source },
        }
    }
}
