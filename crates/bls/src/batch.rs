//! Many signatures on one message.

use crate::{
    Domain, PublicKey, Signature, SignaturePoint,
    equation::{Equation, is_zero},
    locate, randomised,
    raw::g1,
    sums::Sums,
};

/// Why a batch was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// There is nothing to verify.
    #[error("batch is empty")]
    Empty,
    /// The signatures at these positions, ascending, are not their keys'.
    #[error("{} signatures are forged", .0.len())]
    Forged(Vec<usize>),
    /// The sum is good, but the signatures cancel to infinity, which is no aggregate.
    #[error("signatures cancel to infinity")]
    Cancelled,
}

/// Adds the signatures, checks the subgroup once, on the sum, and verifies it with one pairing
/// check under `keys`, the sum of the signers' keys. Returns the aggregate, or `None`.
///
/// A sum that lies in the subgroup and verifies is a valid aggregate, however its parts came
/// about, and that is all it proves: parts may lie outside the subgroup, or be forged, and cancel.
#[must_use]
pub fn verify_sum(
    domain: Domain,
    message: &[u8],
    keys: &PublicKey,
    signatures: &[SignaturePoint],
) -> Option<Signature> {
    let points: Vec<_> = signatures.iter().map(SignaturePoint::point).collect();
    let sum = Signature::from_point(g1::affine(&g1::sum(&points))?).ok()?;
    Equation::new(domain, message)
        .holds(sum.point(), keys.point())
        .then_some(sum)
}

/// One check of the sum of all signatures under the sum of all keys. When it fails, the error names
/// forged signatures, each proven to be invalid for itself, so that the others' sum is good.
///
/// Like [`verify_sum`] this does not notice forgeries that cancel each other: to make such a pair
/// both keys' valid signatures must be known, so it pretends nothing, but neither half is a valid
/// vote. Before a single vote becomes evidence, ask [`verify_each`] or [`crate::verify`].
///
/// # Errors
/// [`BatchError`].
pub fn verify_same_message(
    domain: Domain,
    message: &[u8],
    votes: &[(PublicKey, Signature)],
) -> Result<Signature, BatchError> {
    if votes.is_empty() {
        return Err(BatchError::Empty);
    }
    let equation = Equation::new(domain, message);
    let sums = Sums::of(votes);
    let defect = equation.defect_of(&sums);
    if !is_zero(&defect) {
        return Err(BatchError::Forged(locate::forged(&equation, votes, defect)));
    }
    let (signature, _) = sums.affine();
    signature
        .map(Signature::from_valid)
        .ok_or(BatchError::Cancelled)
}

/// Verifies every signature for itself, by sums with random weights of 128 bits: a forged one
/// passes with probability 2^-128, in whatever company. Costs some twenty times the plain sum.
///
/// # Errors
/// [`BatchError::Empty`]; [`BatchError::Forged`], which names all forged signatures.
pub fn verify_each(
    domain: Domain,
    message: &[u8],
    votes: &[(PublicKey, Signature)],
) -> Result<(), BatchError> {
    // Most forgeries cancel nothing: the plain sum names them faster than random weights do.
    let mut forged = match verify_same_message(domain, message, votes) {
        Ok(_) | Err(BatchError::Cancelled) => Vec::new(),
        Err(BatchError::Forged(forged)) => forged,
        Err(BatchError::Empty) => return Err(BatchError::Empty),
    };
    let (positions, others): (Vec<usize>, Vec<_>) = (votes.iter().copied().enumerate())
        .filter(|(position, _)| forged.binary_search(position).is_err())
        .unzip();
    let hidden = randomised::forged(&Equation::new(domain, message), &others);
    forged.extend(hidden.iter().filter_map(|index| positions.get(*index)));
    forged.sort_unstable();
    if forged.is_empty() {
        Ok(())
    } else {
        Err(BatchError::Forged(forged))
    }
}
