//! Sums of signatures and of keys.

use crate::{
    PublicKey, Signature,
    raw::{g1, g2},
};

/// The sum of signatures, or `None` if it is infinity: for no signatures, or for ones that cancel.
#[must_use]
pub fn aggregate(signatures: &[Signature]) -> Option<Signature> {
    let points: Vec<_> = signatures.iter().map(Signature::point).collect();
    g1::affine(&g1::sum(&points)).map(Signature::from_valid)
}

/// The sum of keys, or `None` if it is infinity: for no keys, or for ones that cancel (k and -k).
/// A key listed twice counts twice; who may be listed once only is the table's rule.
#[must_use]
pub fn aggregate_keys(keys: &[PublicKey]) -> Option<PublicKey> {
    let points: Vec<_> = keys.iter().map(PublicKey::point).collect();
    g2::affine(&g2::sum(&points)).map(PublicKey::from_valid)
}

/// A total less the keys of those who are absent, or `None` if nothing is left.
#[must_use]
pub fn subtract_keys(total: &PublicKey, absent: &[PublicKey]) -> Option<PublicKey> {
    let points: Vec<_> = absent.iter().map(PublicKey::point).collect();
    let missing = g2::negate(g2::sum(&points));
    g2::affine(&g2::add(&g2::sum(&[total.point()]), &missing)).map(PublicKey::from_valid)
}
