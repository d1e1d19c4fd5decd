//! The machine key: signs reports.

use alloy::primitives::B256;
use alloy::signers::SignerSync as _;
use alloy::signers::local::PrivateKeySigner;
use quorate_canon::Address;
use quorate_chain::to_address;
use quorate_health::{Report, SignedReport};
use quorate_keys::ecdsa;

use crate::chain::ChainTrouble;

/// The machine key, ready to sign.
#[derive(Debug, Clone)]
pub struct MachineKey(PrivateKeySigner);

impl MachineKey {
    /// Takes a key.
    ///
    /// # Errors
    /// [`ChainTrouble::Own`], which no key of a keystore causes.
    pub fn new(key: &ecdsa::SecretKey) -> Result<Self, ChainTrouble> {
        PrivateKeySigner::from_slice(key.expose_bytes())
            .map(Self)
            .map_err(|error| ChainTrouble::Own(error.to_string()))
    }

    /// Its address, which the offer names.
    #[must_use]
    pub fn address(&self) -> Address {
        to_address(self.0.address())
    }

    /// Signs a report: r, s in the lower half, v of 27 or 28.
    ///
    /// # Errors
    /// [`ChainTrouble::Own`] if the key cannot sign, which the curve allows once in 2^127 digests.
    pub fn sign(&self, report: Report) -> Result<SignedReport, ChainTrouble> {
        let digest = B256::new(report.digest().0);
        let signature = self
            .0
            .sign_hash_sync(&digest)
            .map_err(|error| ChainTrouble::Own(error.to_string()))?;
        let signature = signature.normalized_s().as_bytes();
        Ok(SignedReport { report, signature })
    }
}
