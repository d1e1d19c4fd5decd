//! The check of one beacon.

use quorate_bls::{Domain, PublicKey, Signature};
use quorate_canon::{Digest, hash::sha256};

use crate::{ChainInfo, InfoError};

/// The signature of one round, as drand hands it out. Whether it is one, [`Beacon::verify`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beacon {
    /// Round, from 1.
    pub round: u64,
    /// Signature in G1, compressed.
    pub signature: [u8; 48],
}

/// Why a beacon is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Rounds begin at 1.
    #[error("beacon round: got 0, expected at least 1")]
    RoundZero,
    /// The bytes are no point of the group.
    #[error("beacon signature of round {round}: {error}")]
    Encoding {
        /// Round that was claimed.
        round: u64,
        /// What is wrong with the bytes.
        error: quorate_bls::BlsError,
    },
    /// The signature is not the chain's over this round.
    #[error("beacon signature of round {0} does not verify under the pinned key")]
    Signature(u64),
    /// The chain's parameters cannot be used.
    #[error(transparent)]
    Info(#[from] InfoError),
}

impl Beacon {
    /// `SHA-256(signature)`, drand's randomness: computed, whatever a relay says.
    #[must_use]
    pub fn randomness(&self) -> Digest {
        sha256(&[&self.signature])
    }

    /// Checks the signature under a chain's key: over `SHA-256(round u64)`, domain tag NUL.
    ///
    /// # Errors
    /// [`VerifyError`] unless this is the one valid signature of the round.
    pub fn verify(&self, key: &PublicKey) -> Result<(), VerifyError> {
        if self.round == 0 {
            return Err(VerifyError::RoundZero);
        }
        let signature = Signature::from_compressed48(&self.signature).map_err(|error| {
            VerifyError::Encoding {
                round: self.round,
                error,
            }
        })?;
        let message = sha256(&[&self.round.to_be_bytes()]);
        if quorate_bls::verify(Domain::DrandNul, key, &message.0, &signature) {
            Ok(())
        } else {
            Err(VerifyError::Signature(self.round))
        }
    }
}

/// [`Beacon::verify`] with the key out of `info`. For many beacons, take [`ChainInfo::key`] once.
///
/// # Errors
/// [`VerifyError`].
pub fn verify_beacon(info: &ChainInfo, beacon: &Beacon) -> Result<(), VerifyError> {
    beacon.verify(&info.key()?)
}
