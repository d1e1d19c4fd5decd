//! Proof of possession: without it a key chosen as a function of others' keys could sign for them.

use sha2::{Digest, Sha256};

use crate::{Domain, PublicKey, SecretKey, Signature, verify};

/// `tag("quorate/pop/v1")`: the text, padded with zeros to 32 bytes.
const TAG: &[u8; 32] = b"quorate/pop/v1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// Where, and as whom, a key is registered. A proof is good for this place and this operator only,
/// so that one cannot be copied to another chain, registry or operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registration {
    /// Chain id of L1.
    pub l1_chain: u64,
    /// The `ServiceManager` on L1.
    pub service_manager: [u8; 20],
    /// The operator's address on L1.
    pub operator: [u8; 20],
}

impl Registration {
    /// The message that a proof of possession signs (docs/formats.md, section 9).
    #[must_use]
    pub fn message(&self, key: &PublicKey) -> [u8; 32] {
        Sha256::new()
            .chain_update(TAG)
            .chain_update(self.l1_chain.to_be_bytes())
            .chain_update(self.service_manager)
            .chain_update(self.operator)
            .chain_update(key.to_bytes192())
            .finalize()
            .into()
    }

    /// Proves possession of a secret key.
    #[must_use]
    pub fn prove(&self, secret: &SecretKey) -> Signature {
        secret.sign(Domain::Possession, &self.message(&secret.public_key()))
    }
}

/// Whether `proof` proves possession of `key`'s secret for this registration.
#[must_use]
pub fn verify_possession(registration: &Registration, key: &PublicKey, proof: &Signature) -> bool {
    verify(Domain::Possession, key, &registration.message(key), proof)
}
