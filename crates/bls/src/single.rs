//! One signature, one key.

use crate::{Domain, PublicKey, Signature, equation::Equation};

/// Whether `signature` is `key`'s over `message` for this purpose. Total, and exact.
#[must_use]
pub fn verify(domain: Domain, key: &PublicKey, message: &[u8], signature: &Signature) -> bool {
    Equation::new(domain, message).holds(signature.point(), key.point())
}
