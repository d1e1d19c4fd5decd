//! One signature, one key.

use crate::{Domain, PublicKey, Signature, batch};

/// Whether `signature` is `key`'s over `message` for this purpose. Total, and exact.
#[must_use]
pub fn verify(domain: Domain, key: &PublicKey, message: &[u8], signature: &Signature) -> bool {
    batch::Equation::new(domain, message).holds(signature.point(), key.point())
}
