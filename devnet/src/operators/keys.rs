//! An operator's keys, made and kept as a real operator keeps them.

use std::{
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use alloy::{primitives::Address, signers::local::PrivateKeySigner};
use quorate_bls::SecretKey;
use quorate_keys::{Kdf, KeyError, Password, bls, ecdsa};

use crate::Error;

/// The cost of the devnet's keystores: the keys are worth nothing, and the tests open many.
const KDF: Kdf = Kdf::Scrypt {
    n: 4_096,
    r: 8,
    p: 1,
};

/// Both keys of an operator and the files that hold them.
pub struct OperatorKeys {
    /// "operator-0" and so on.
    pub name: String,
    /// The keystore of the BLS key (EIP-2335).
    pub bls_path: PathBuf,
    /// The keystore of the key that sends transactions (Web3 Secret Storage).
    pub ecdsa_path: PathBuf,
    /// The file with the password of both.
    pub password_path: PathBuf,
    bls: SecretKey,
    signer: PrivateKeySigner,
}

impl std::fmt::Debug for OperatorKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OperatorKeys")
            .field("name", &self.name)
            .field("address", &self.address())
            .finish()
    }
}

impl OperatorKeys {
    /// Makes new keys and writes both keystores and their password below `dir/name`.
    ///
    /// # Errors
    /// When a file is there already or cannot be written.
    pub fn create(dir: &Path, name: &str) -> Result<Self, Error> {
        let dir = dir.join(name);
        fs::create_dir_all(&dir).map_err(Error::file(&dir))?;
        let (bls_path, ecdsa_path) = (dir.join("bls.json"), dir.join("ecdsa.json"));
        let password_path = dir.join("password");

        let bls = bls::generate().map_err(key)?;
        let secret = ecdsa::SecretKey::generate().map_err(key)?;
        let text = password()?;
        write_private(&password_path, &text)?;
        let password = Password::new(text);
        bls::Keystore::encrypt(&bls, &password, KDF)
            .and_then(|k| k.write_new(&bls_path))
            .map_err(key)?;
        ecdsa::Keystore::encrypt(&secret, &password, KDF)
            .and_then(|k| k.write_new(&ecdsa_path))
            .map_err(key)?;
        let signer = PrivateKeySigner::from_slice(secret.expose_bytes())
            .map_err(|e| Error::Key(e.to_string()))?;
        Ok(Self {
            name: name.to_owned(),
            bls_path,
            ecdsa_path,
            password_path,
            bls,
            signer,
        })
    }

    /// The operator's address on L1.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.signer.address()
    }

    /// The BLS key: for the registration's proof, and for the operators that lie.
    #[must_use]
    pub const fn bls(&self) -> &SecretKey {
        &self.bls
    }

    /// The key that sends transactions.
    #[must_use]
    pub const fn signer(&self) -> &PrivateKeySigner {
        &self.signer
    }
}

/// A key that sends transactions, in its keystore: a provider's, or an agent's. A clone is the same
/// files: who has them has the key.
#[derive(Clone)]
pub struct EcdsaKeys {
    /// The keystore (Web3 Secret Storage).
    pub path: PathBuf,
    /// The file with its password.
    pub password_path: PathBuf,
    signer: PrivateKeySigner,
}

impl std::fmt::Debug for EcdsaKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EcdsaKeys({})", self.address())
    }
}

impl EcdsaKeys {
    /// Makes a new key and writes keystore and password below `dir/name`.
    ///
    /// # Errors
    /// When a file is there already or cannot be written.
    pub fn create(dir: &Path, name: &str) -> Result<Self, Error> {
        let dir = dir.join(name);
        fs::create_dir_all(&dir).map_err(Error::file(&dir))?;
        let (path, password_path) = (dir.join("ecdsa.json"), dir.join("password"));
        let secret = ecdsa::SecretKey::generate().map_err(key)?;
        let text = password()?;
        write_private(&password_path, &text)?;
        ecdsa::Keystore::encrypt(&secret, &Password::new(text), KDF)
            .and_then(|store| store.write_new(&path))
            .map_err(key)?;
        let signer = PrivateKeySigner::from_slice(secret.expose_bytes())
            .map_err(|e| Error::Key(e.to_string()))?;
        Ok(Self {
            path,
            password_path,
            signer,
        })
    }

    /// Its address.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.signer.address()
    }

    /// The key.
    #[must_use]
    pub const fn signer(&self) -> &PrivateKeySigner {
        &self.signer
    }
}

/// 128 random bits as text.
fn password() -> Result<String, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|e| Error::Key(e.to_string()))?;
    Ok(hex::encode(bytes))
}

fn write_private(path: &Path, text: &str) -> Result<(), Error> {
    let mut options = fs::File::options();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(Error::file(path))?;
    file.write_all(text.as_bytes()).map_err(Error::file(path))
}

fn key(error: KeyError) -> Error {
    Error::Key(error.to_string())
}

#[cfg(test)]
mod tests {
    use quorate_keys::{Exposure, PasswordSource};

    use super::*;

    #[test]
    fn the_files_open_to_the_same_keys() {
        let dir = tempfile::tempdir().expect("dir");
        let keys = OperatorKeys::create(dir.path(), "operator-0").expect("keys");
        let password = PasswordSource::File(keys.password_path.clone())
            .read(Exposure::Refuse)
            .expect("password");
        let bls = bls::Keystore::read(&keys.bls_path, Exposure::Refuse)
            .and_then(|k| k.decrypt(&password));
        assert_eq!(bls.expect("bls").public_key(), keys.bls().public_key());
        let ecdsa = ecdsa::Keystore::read(&keys.ecdsa_path, Exposure::Refuse)
            .and_then(|k| k.decrypt(&password));
        assert_eq!(ecdsa.expect("ecdsa").address(), keys.address().into_array());
    }

    #[test]
    fn keys_are_never_written_over() {
        let dir = tempfile::tempdir().expect("dir");
        OperatorKeys::create(dir.path(), "operator-0").expect("keys");
        assert!(OperatorKeys::create(dir.path(), "operator-0").is_err());
    }
}
