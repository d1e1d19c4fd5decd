//! Secret keys.

use blst::min_sig;

use crate::{BlsError, Domain, PublicKey, Signature};

/// A secret scalar in `1..r`. Wiped when dropped; never shown by `Debug`.
pub struct SecretKey {
    inner: min_sig::SecretKey,
}

impl SecretKey {
    /// Reads a scalar of 32 bytes, big-endian.
    ///
    /// # Errors
    /// [`BlsError::SecretOutOfRange`] unless the scalar is in `1..r`.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, BlsError> {
        let inner =
            min_sig::SecretKey::from_bytes(bytes).map_err(|_| BlsError::SecretOutOfRange)?;
        Ok(Self { inner })
    }

    /// The scalar, 32 bytes, big-endian. The caller sees to it that the copy is wiped.
    #[must_use]
    pub fn to_bytes(&self) -> zeroize::Zeroizing<[u8; 32]> {
        zeroize::Zeroizing::new(self.inner.to_bytes())
    }

    /// The master key of EIP-2333 for a seed of at least 32 bytes.
    ///
    /// # Errors
    /// [`BlsError::SeedTooShort`].
    pub fn from_seed(seed: &[u8]) -> Result<Self, BlsError> {
        let inner = min_sig::SecretKey::derive_master_eip2333(seed)
            .map_err(|_| BlsError::SeedTooShort { got: seed.len() })?;
        Ok(Self { inner })
    }

    /// The child with this index, by EIP-2333.
    #[must_use]
    pub fn child(&self, index: u32) -> Self {
        Self {
            inner: self.inner.derive_child_eip2333(index),
        }
    }

    /// The public key.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey::from_valid(*<&blst::blst_p2_affine>::from(&self.inner.sk_to_pk()))
    }

    /// Signs a message for one purpose. Deterministic.
    ///
    /// This is the bare signature. Votes are signed through the signing ledger only, which asks
    /// first whether the operator has already spoken.
    #[must_use]
    pub fn sign(&self, domain: Domain, message: &[u8]) -> Signature {
        let signature = self.inner.sign(message, domain.tag(), &[]);
        Signature::from_valid(*<&blst::blst_p1_affine>::from(&signature))
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretKey").finish_non_exhaustive()
    }
}
