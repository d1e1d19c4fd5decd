//! Where keys lie.

use std::path::PathBuf;

use quorate_bls::SecretKey;
use quorate_keys::{Exposure, Password, bls, ecdsa};
use quorate_service::{ConfigError, SecretSource};
use serde::Deserialize;

/// A keystore and the source of its password.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeySection {
    /// The keystore's file.
    pub keystore: PathBuf,
    /// Its password: `{ file = "..." }` or `{ env = "QUORATE_SECRET_..." }`.
    pub password: SecretSource,
}

impl KeySection {
    /// Decrypts a BLS key (EIP-2335).
    ///
    /// # Errors
    /// [`ConfigError::Secret`], naming the file.
    pub fn bls(&self) -> Result<SecretKey, ConfigError> {
        let password = self.password()?;
        bls::Keystore::read(&self.keystore, Exposure::Refuse)
            .and_then(|keystore| keystore.decrypt(&password))
            .map_err(|error| self.error(&error))
    }

    /// Decrypts an ECDSA key (Web3 Secret Storage, version 3).
    ///
    /// # Errors
    /// [`ConfigError::Secret`], naming the file.
    pub fn ecdsa(&self) -> Result<ecdsa::SecretKey, ConfigError> {
        let password = self.password()?;
        ecdsa::Keystore::read(&self.keystore, Exposure::Refuse)
            .and_then(|keystore| keystore.decrypt(&password))
            .map_err(|error| self.error(&error))
    }

    fn password(&self) -> Result<Password, ConfigError> {
        Ok(Password::new(self.password.read()?.reveal().to_owned()))
    }

    fn error(&self, error: &quorate_keys::KeyError) -> ConfigError {
        ConfigError::Secret {
            name: self.keystore.display().to_string(),
            detail: error.to_string(),
        }
    }
}
