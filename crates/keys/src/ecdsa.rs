//! ECDSA keystores: Web3 Secret Storage, version 3, as geth writes it.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha3::{Digest, Keccak256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{Exposure, Kdf, KeyError, Password, Result, cipher, fields, files, random};

const VERSION: u64 = 3;

/// A secp256k1 secret key, valid. Wiped when dropped; never shown by `Debug`.
#[derive(Clone)]
pub struct SecretKey {
    bytes: Zeroizing<[u8; 32]>,
    address: [u8; 20],
}

impl SecretKey {
    /// Takes a scalar of 32 bytes, big-endian.
    ///
    /// # Errors
    /// [`KeyError::NotASecret`] when it is zero or not below the group's order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self> {
        let secret = k256::SecretKey::from_slice(bytes)
            .map_err(|_| KeyError::NotASecret("not a secp256k1 scalar"))?;
        Ok(Self {
            bytes: Zeroizing::new(*bytes),
            address: address(&secret),
        })
    }

    /// Makes a new key from the operating system's randomness.
    ///
    /// # Errors
    /// [`KeyError::Randomness`].
    pub fn generate() -> Result<Self> {
        loop {
            let bytes = Zeroizing::new(random::bytes::<32>()?);
            // Not a scalar: less than once in 2^127 draws.
            if let Ok(secret) = Self::from_bytes(&bytes) {
                return Ok(secret);
            }
        }
    }

    /// The scalar, for the signer that uses it. A copy that the caller makes is the caller's
    /// to wipe.
    #[must_use]
    pub fn expose_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// The account's address.
    #[must_use]
    pub fn address(&self) -> [u8; 20] {
        self.address
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(0x{})", hex::encode(self.address))
    }
}

/// The last 20 bytes of the Keccak-256 of the uncompressed key without its first byte.
fn address(secret: &k256::SecretKey) -> [u8; 20] {
    use k256::elliptic_curve::sec1::ToEncodedPoint;
    let point = secret.public_key().to_encoded_point(false);
    let hash = Keccak256::digest(&point.as_bytes()[1..]);
    let mut address = [0; 20];
    address.copy_from_slice(&hash[12..]);
    address
}

/// An encrypted ECDSA key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Keystore {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    address: String,
    // Some early tools wrote a capital letter.
    #[serde(alias = "Crypto")]
    crypto: Crypto,
    #[serde(default)]
    id: String,
    version: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Crypto {
    cipher: String,
    cipherparams: CipherParams,
    ciphertext: String,
    kdf: String,
    kdfparams: Map<String, Value>,
    mac: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct CipherParams {
    iv: String,
}

impl Keystore {
    /// Encrypts a key under a fresh salt and counter.
    ///
    /// # Errors
    /// [`KeyError::Kdf`] for a `kdf` beyond the limits, [`KeyError::Randomness`].
    pub fn encrypt(secret: &SecretKey, password: &Password, kdf: Kdf) -> Result<Self> {
        let salt = random::bytes::<32>()?;
        let counter = random::bytes::<{ cipher::WIDTH }>()?;
        let derived = kdf.derive(password.plain(), &salt)?;
        let (key, check) = cipher::halves(&derived);
        let mut text = secret.bytes.clone();
        cipher::apply(&key, &counter, text.as_mut());
        let (function, kdfparams) = kdf.describe(&salt);
        Ok(Self {
            address: hex::encode(secret.address),
            crypto: Crypto {
                cipher: "aes-128-ctr".to_owned(),
                cipherparams: CipherParams {
                    iv: hex::encode(counter),
                },
                ciphertext: hex::encode(text.as_ref()),
                kdf: function.to_owned(),
                kdfparams,
                mac: hex::encode(mac(check, text.as_ref())),
            },
            id: uuid::Uuid::new_v4().to_string(),
            version: VERSION,
        })
    }

    /// Decrypts the key and checks it against the keystore's own `address`, if it has one.
    ///
    /// # Errors
    /// [`KeyError::WrongPassword`], [`KeyError::OtherKey`], and those of a malformed or hostile
    /// file.
    pub fn decrypt(&self, password: &Password) -> Result<SecretKey> {
        let claimed = self.address()?;
        let secret = SecretKey::from_bytes(&*self.crypto.decrypt(password)?)?;
        match claimed {
            Some(claimed) if claimed != secret.address => Err(KeyError::OtherKey {
                claimed: hex::encode(claimed),
                derived: hex::encode(secret.address),
            }),
            _ => Ok(secret),
        }
    }

    /// The address that the keystore claims to hold the key of. Believed only once
    /// [`decrypt`](Self::decrypt) has succeeded.
    ///
    /// # Errors
    /// [`KeyError::Length`], [`KeyError::NotHex`].
    pub fn address(&self) -> Result<Option<[u8; 20]>> {
        if self.address.is_empty() {
            return Ok(None);
        }
        fields::array("address", &self.address).map(Some)
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
        fields::known("cipher", &self.cipher, "aes-128-ctr")?;
        let counter = fields::array("iv", &self.cipherparams.iv)?;
        let mut text = Zeroizing::new(fields::array::<32>("ciphertext", &self.ciphertext)?);
        let expected = fields::array::<32>("mac", &self.mac)?;
        let (kdf, salt) = Kdf::parse(&self.kdf, &self.kdfparams)?;

        let derived = kdf.derive(password.plain(), &salt)?;
        let (key, check) = cipher::halves(&derived);
        if !bool::from(mac(check, text.as_ref()).ct_eq(&expected)) {
            return Err(KeyError::WrongPassword);
        }
        cipher::apply(&key, &counter, text.as_mut());
        Ok(text)
    }
}

/// `Keccak-256(second half of the derived key ‖ ciphertext)`.
fn mac(check: &[u8], text: &[u8]) -> [u8; 32] {
    Keccak256::new()
        .chain_update(check)
        .chain_update(text)
        .finalize()
        .into()
}
