//! BLS keystores: [EIP-2335](https://eips.ethereum.org/EIPS/eip-2335), version 4.
//!
//! The standard was written for keys in G1. Ours lie in G2, so `pubkey` holds the 96 bytes of
//! the compressed G2 key. A keystore whose `pubkey` has 48 bytes is an Ethereum validator's: it
//! is refused, because one key must not serve two protocols.

use std::path::Path;

use quorate_bls::SecretKey;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{Exposure, Kdf, KeyError, Password, Result, cipher, fields, files, random};

const VERSION: u64 = 4;
const PUBLIC_KEY_BYTES: usize = 96;

/// Makes a new key from the operating system's randomness, by EIP-2333.
///
/// # Errors
/// [`KeyError::Randomness`].
pub fn generate() -> Result<SecretKey> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut()).map_err(KeyError::Randomness)?;
    Ok(SecretKey::from_seed(seed.as_ref())?)
}

/// An encrypted BLS key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Keystore {
    crypto: Crypto,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(default)]
    pubkey: String,
    path: String,
    uuid: String,
    version: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Crypto {
    kdf: Module,
    checksum: Module,
    cipher: Module,
}

/// The standard gives all three parts the same form.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Module {
    function: String,
    params: Map<String, Value>,
    message: String,
}

impl Keystore {
    /// Encrypts a key under a fresh salt and counter.
    ///
    /// # Errors
    /// [`KeyError::Kdf`] for a `kdf` beyond the limits, [`KeyError::Randomness`].
    pub fn encrypt(secret: &SecretKey, password: &Password, kdf: Kdf) -> Result<Self> {
        let salt = random::bytes::<32>()?;
        let counter = random::bytes::<{ cipher::WIDTH }>()?;
        let derived = kdf.derive(&password.normalized(), &salt)?;
        let (key, check) = cipher::halves(&derived);
        let mut text = secret.to_bytes();
        cipher::apply(&key, &counter, text.as_mut());
        Ok(Self {
            crypto: Crypto {
                checksum: Module::new("sha256", Map::new(), &checksum(check, text.as_ref())),
                cipher: Module::new("aes-128-ctr", counter_params(&counter), text.as_ref()),
                kdf: kdf_module(kdf, &salt),
            },
            description: String::new(),
            pubkey: hex::encode(secret.public_key().to_compressed()),
            path: String::new(),
            uuid: uuid::Uuid::new_v4().to_string(),
            version: VERSION,
        })
    }

    /// Decrypts the key and checks it against the keystore's own `pubkey`, if it has one.
    ///
    /// # Errors
    /// [`KeyError::WrongPassword`], [`KeyError::OtherKey`], and those of a malformed or hostile
    /// file.
    pub fn decrypt(&self, password: &Password) -> Result<SecretKey> {
        let claimed = self.public_key()?;
        let bytes = self.crypto.decrypt(password)?;
        let secret = SecretKey::from_bytes(&bytes)?;
        let derived = secret.public_key().to_compressed();
        match claimed {
            Some(claimed) if claimed != derived => Err(KeyError::OtherKey {
                claimed: hex::encode(claimed),
                derived: hex::encode(derived),
            }),
            _ => Ok(secret),
        }
    }

    /// The compressed public key that the keystore claims to hold. Believed only once
    /// [`decrypt`](Self::decrypt) has succeeded.
    ///
    /// # Errors
    /// [`KeyError::Length`] for any other kind of key, [`KeyError::NotHex`].
    pub fn public_key(&self) -> Result<Option<[u8; PUBLIC_KEY_BYTES]>> {
        if self.pubkey.is_empty() {
            return Ok(None);
        }
        let bytes = fields::bytes("pubkey", &self.pubkey)?;
        let key = bytes.as_slice().try_into().map_err(|_| KeyError::Length {
            field: "pubkey",
            got: bytes.len(),
            expected: "96 (48 is a validator's key)",
        })?;
        Ok(Some(key))
    }

    /// Reads a keystore from its JSON text.
    ///
    /// # Errors
    /// [`KeyError::Malformed`], [`KeyError::Version`].
    pub fn from_json(json: &[u8]) -> Result<Self> {
        let keystore: Self = serde_json::from_slice(json)?;
        if keystore.version != VERSION {
            return Err(KeyError::Version {
                got: keystore.version,
                expected: VERSION,
            });
        }
        Ok(keystore)
    }

    /// The keystore's JSON text.
    ///
    /// # Errors
    /// [`KeyError::Malformed`], which no keystore causes.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        Ok(serde_json::to_vec_pretty(self)?)
    }

    /// Reads a keystore file.
    ///
    /// # Errors
    /// [`KeyError::Io`], [`KeyError::Exposed`], [`KeyError::TooLarge`], and those of
    /// [`from_json`](Self::from_json).
    pub fn read(path: &Path, exposure: Exposure) -> Result<Self> {
        Self::from_json(&files::read(path, exposure)?)
    }

    /// Writes a keystore file that must not exist yet, durably, for its owner only.
    ///
    /// # Errors
    /// [`KeyError::Exists`], [`KeyError::Io`].
    pub fn write_new(&self, path: &Path) -> Result<()> {
        files::write_new(path, &self.to_json()?)
    }
}

impl Crypto {
    fn decrypt(&self, password: &Password) -> Result<Zeroizing<[u8; 32]>> {
        fields::known("checksum", &self.checksum.function, "sha256")?;
        fields::known("cipher", &self.cipher.function, "aes-128-ctr")?;
        let counter = fields::array("iv", &fields::text(&self.cipher.params, "iv")?)?;
        let mut text = Zeroizing::new(fields::array::<32>("cipher message", &self.cipher.message)?);
        let expected = fields::array::<32>("checksum message", &self.checksum.message)?;
        let (kdf, salt) = Kdf::parse(&self.kdf.function, &self.kdf.params)?;

        let derived = kdf.derive(&password.normalized(), &salt)?;
        let (key, check) = cipher::halves(&derived);
        if !bool::from(checksum(check, text.as_ref()).ct_eq(&expected)) {
            return Err(KeyError::WrongPassword);
        }
        cipher::apply(&key, &counter, text.as_mut());
        Ok(text)
    }
}

impl Module {
    fn new(function: &str, params: Map<String, Value>, message: &[u8]) -> Self {
        Self {
            function: function.to_owned(),
            params,
            message: hex::encode(message),
        }
    }
}

fn kdf_module(kdf: Kdf, salt: &[u8]) -> Module {
    let (function, params) = kdf.describe(salt);
    Module::new(function, params, &[])
}

fn counter_params(counter: &[u8]) -> Map<String, Value> {
    Map::from_iter([("iv".to_owned(), Value::from(hex::encode(counter)))])
}

/// `SHA-256(second half of the derived key ‖ ciphertext)`.
fn checksum(check: &[u8], text: &[u8]) -> [u8; 32] {
    Sha256::new()
        .chain_update(check)
        .chain_update(text)
        .finalize()
        .into()
}
