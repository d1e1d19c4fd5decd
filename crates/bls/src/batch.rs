//! Many signatures on one message.

use blst::blst_fp12;

use crate::{
    Domain, PublicKey, Signature, SignaturePoint,
    raw::{self, G1, G2, g1, g2},
};

/// Why a batch was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// There is nothing to verify.
    #[error("batch is empty")]
    Empty,
    /// These positions, ascending, hold signatures that are not their keys'.
    #[error("{} signatures are forged", .0.len())]
    Forged(Vec<usize>),
    /// All signatures are good, but they cancel to infinity, which is no aggregate.
    #[error("signatures cancel to infinity")]
    Cancelled,
}

/// `e(S, g2) = e(H(m), K)` for one purpose and message.
pub(crate) struct Equation {
    minus_hash: G1,
}

impl Equation {
    pub(crate) fn new(domain: Domain, message: &[u8]) -> Self {
        let hash = g1::negate(raw::hash_to_g1(message, domain.tag()));
        // Hashing to infinity has probability 2^-255; the affine zero point then makes every
        // pairing with it one, and no finite signature passes.
        Self { minus_hash: g1::affine(&hash).unwrap_or_default() }
    }

    /// `e(S, g2) x e(-H(m), K)`: one exactly if the equation holds.
    pub(crate) fn defect(&self, signature: &G1, key: &G2) -> blst_fp12 {
        raw::pairing_product([(signature, &raw::g2_generator()), (&self.minus_hash, key)])
    }

    pub(crate) fn holds(&self, signature: &G1, key: &G2) -> bool {
        self.defect(signature, key) == blst_fp12::default()
    }
}

/// Adds the signatures, checks the subgroup once on the sum, and verifies it with one pairing
/// check under `keys`, the sum of the signers' keys. Returns the aggregate.
#[must_use]
pub fn verify_sum(
    domain: Domain,
    message: &[u8],
    keys: &PublicKey,
    signatures: &[SignaturePoint],
) -> Option<Signature> {
    let points: Vec<_> = signatures.iter().map(SignaturePoint::point).collect();
    let sum = Signature::from_point(g1::affine(&g1::sum(&points))?).ok()?;
    Equation::new(domain, message).holds(sum.point(), keys.point()).then_some(sum)
}

/// One check of the sum; when it fails, names forgers.
///
/// # Errors
/// [`BatchError`].
pub fn verify_same_message(
    domain: Domain,
    message: &[u8],
    votes: &[(PublicKey, Signature)],
) -> Result<Signature, BatchError> {
    let signatures: Vec<_> = votes.iter().map(|(_, signature)| *signature).collect();
    verify_each(domain, message, votes)?;
    crate::aggregate(&signatures).ok_or(BatchError::Cancelled)
}

/// Verifies every signature for itself.
///
/// # Errors
/// [`BatchError`].
pub fn verify_each(
    domain: Domain,
    message: &[u8],
    votes: &[(PublicKey, Signature)],
) -> Result<(), BatchError> {
    if votes.is_empty() {
        return Err(BatchError::Empty);
    }
    let equation = Equation::new(domain, message);
    let forged: Vec<usize> = votes
        .iter()
        .enumerate()
        .filter(|(_, (key, signature))| !equation.holds(signature.point(), key.point()))
        .map(|(index, _)| index)
        .collect();
    if forged.is_empty() { Ok(()) } else { Err(BatchError::Forged(forged)) }
}
