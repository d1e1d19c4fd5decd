//! Whose ledger it is.

use quorate_bls::PublicKey;
use quorate_canon::{
    FixedWidth,
    codec::{Reader, Writer},
};
use quorate_protocol::Domain;

use crate::{Result, SignerError};

/// The key and the network that a ledger belongs to. Written at its creation, never changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The public key of the one key that signs.
    pub key: PublicKey,
    /// Chains, contracts and operator set that it signs for.
    pub domain: Domain,
}

impl Identity {
    /// The key, uncompressed (192 bytes), then the domain.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut out = Writer::with_capacity(PublicKey::BYTES + Domain::WIDTH);
        out.put(&self.key.to_bytes192());
        out.value(&self.domain);
        out.into_bytes()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let damaged = |what: String| SignerError::Damaged(format!("identity: {what}"));
        let mut input = Reader::new(bytes);
        let key = input.take().map_err(|e| damaged(e.to_string()))?;
        let domain = input.value().map_err(|e| damaged(e.to_string()))?;
        input.finish().map_err(|e| damaged(e.to_string()))?;
        Ok(Self {
            key: PublicKey::from_bytes192(&key).map_err(|e| damaged(e.to_string()))?,
            domain,
        })
    }
}

/// A key in messages: its compressed form in hex.
pub(crate) fn show(key: &PublicKey) -> String {
    format!("0x{}", hex::encode(key.to_compressed()))
}
