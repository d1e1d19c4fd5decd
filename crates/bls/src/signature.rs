//! Signatures: points of G1.

use crate::{
    BlsError, eip2537,
    raw::{G1, g1},
};

/// A signature: on the curve, in the subgroup, not infinity. Whether it signs anything is another
/// question ([`crate::verify`]).
#[derive(Clone, Copy)]
pub struct Signature {
    point: G1,
}

/// A point that might become a [`Signature`]: canonical, on the curve, not infinity, but the
/// subgroup is not checked yet, which is most of the cost of reading one.
///
/// It has one use: [`crate::verify_sum`], which checks the subgroup once, on the sum.
#[derive(Clone, Copy)]
pub struct SignaturePoint {
    point: G1,
}

impl SignaturePoint {
    /// Reads `x ‖ y`, 48 bytes each.
    ///
    /// # Errors
    /// [`BlsError`], for bytes that are not the one form of a finite point on the curve.
    pub fn from_bytes96(bytes: &[u8; 96]) -> Result<Self, BlsError> {
        eip2537::refuse_unreduced(bytes)?;
        Ok(Self {
            point: g1::deserialize(bytes)?,
        })
    }

    /// Checks the subgroup.
    ///
    /// # Errors
    /// [`BlsError::NotInSubgroup`].
    pub fn check(self) -> Result<Signature, BlsError> {
        Signature::from_point(self.point)
    }

    /// `x ‖ y`, 48 bytes each.
    #[must_use]
    pub fn to_bytes96(&self) -> [u8; 96] {
        g1::serialize(&self.point)
    }

    pub(crate) const fn point(&self) -> &G1 {
        &self.point
    }
}

impl From<Signature> for SignaturePoint {
    fn from(signature: Signature) -> Self {
        Self {
            point: signature.point,
        }
    }
}

impl Signature {
    /// Width of [`Self::to_bytes96`].
    pub const BYTES: usize = 96;

    /// Wraps a point that is known to be valid: a product of checked points and scalars.
    pub(crate) const fn from_valid(point: G1) -> Self {
        Self { point }
    }

    pub(crate) fn from_point(point: G1) -> Result<Self, BlsError> {
        if g1::in_group(&point) {
            Ok(Self { point })
        } else {
            Err(BlsError::NotInSubgroup)
        }
    }

    pub(crate) const fn point(&self) -> &G1 {
        &self.point
    }

    /// Reads `x ‖ y`, 48 bytes each.
    ///
    /// # Errors
    /// [`BlsError`], for any bytes that are not the one form of a valid point.
    pub fn from_bytes96(bytes: &[u8; 96]) -> Result<Self, BlsError> {
        SignaturePoint::from_bytes96(bytes)?.check()
    }

    /// `x ‖ y`, 48 bytes each.
    #[must_use]
    pub fn to_bytes96(&self) -> [u8; 96] {
        g1::serialize(&self.point)
    }

    /// Reads ZCash's compressed form (`x` with three flag bits), as drand prints signatures.
    ///
    /// # Errors
    /// [`BlsError`], for any bytes that are not the one form of a valid point.
    pub fn from_compressed48(bytes: &[u8; 48]) -> Result<Self, BlsError> {
        Self::from_point(g1::uncompress(bytes)?)
    }

    /// ZCash's compressed form.
    #[must_use]
    pub fn to_compressed48(&self) -> [u8; 48] {
        g1::compress(&self.point)
    }

    /// Reads the form of EIP-2537: both elements left-padded to 64 bytes.
    ///
    /// # Errors
    /// [`BlsError`], for any bytes that are not the one form of a valid point.
    pub fn from_eip2537(bytes: &[u8; 128]) -> Result<Self, BlsError> {
        Self::from_bytes96(&eip2537::unpad(bytes)?)
    }

    /// The form of EIP-2537: both elements left-padded to 64 bytes.
    #[must_use]
    pub fn to_eip2537(&self) -> [u8; 128] {
        eip2537::pad(&self.to_bytes96())
    }
}

impl PartialEq for Signature {
    fn eq(&self, other: &Self) -> bool {
        self.point == other.point
    }
}

impl Eq for Signature {}

impl std::fmt::Debug for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        eip2537::debug_hex(f, "Signature", &self.to_compressed48())
    }
}

impl std::fmt::Debug for SignaturePoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        eip2537::debug_hex(f, "SignaturePoint", &g1::compress(&self.point))
    }
}
