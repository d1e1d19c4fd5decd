//! Public keys: points of G2.

use crate::{
    BlsError, eip2537,
    raw::{G2, g2},
};

/// A public key: on the curve, in the subgroup, not infinity.
#[derive(Clone, Copy)]
pub struct PublicKey {
    point: G2,
}

impl PublicKey {
    /// Width of [`Self::to_bytes192`].
    pub const BYTES: usize = 192;

    /// Wraps a point that is known to be valid: a product of checked points and scalars.
    pub(crate) const fn from_valid(point: G2) -> Self {
        Self { point }
    }

    fn from_point(point: G2) -> Result<Self, BlsError> {
        if g2::in_group(&point) {
            Ok(Self { point })
        } else {
            Err(BlsError::NotInSubgroup)
        }
    }

    pub(crate) const fn point(&self) -> &G2 {
        &self.point
    }

    /// Reads the form of docs/formats.md, section 9: `x.c0 ‖ x.c1 ‖ y.c0 ‖ y.c1`, 48 bytes each.
    ///
    /// # Errors
    /// [`BlsError`], for any bytes that are not the one form of a valid key.
    pub fn from_bytes192(bytes: &[u8; 192]) -> Result<Self, BlsError> {
        eip2537::refuse_unreduced(bytes)?;
        Self::from_point(g2::deserialize(&eip2537::swap_halves(bytes))?)
    }

    /// The form of docs/formats.md, section 9.
    #[must_use]
    pub fn to_bytes192(&self) -> [u8; 192] {
        eip2537::swap_halves(&g2::serialize(&self.point))
    }

    /// Reads ZCash's compressed form (`x.c1 ‖ x.c0` with three flag bits), as drand prints keys.
    ///
    /// # Errors
    /// [`BlsError`], for any bytes that are not the one form of a valid key.
    pub fn from_compressed(bytes: &[u8; 96]) -> Result<Self, BlsError> {
        Self::from_point(g2::uncompress(bytes)?)
    }

    /// ZCash's compressed form.
    #[must_use]
    pub fn to_compressed(&self) -> [u8; 96] {
        g2::compress(&self.point)
    }

    /// Reads the form of EIP-2537: each of the four elements left-padded to 64 bytes.
    ///
    /// # Errors
    /// [`BlsError`], for any bytes that are not the one form of a valid key.
    pub fn from_eip2537(bytes: &[u8; 256]) -> Result<Self, BlsError> {
        Self::from_bytes192(&eip2537::unpad(bytes)?)
    }

    /// The form of EIP-2537: each of the four elements left-padded to 64 bytes.
    #[must_use]
    pub fn to_eip2537(&self) -> [u8; 256] {
        eip2537::pad(&self.to_bytes192())
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.point == other.point
    }
}

impl Eq for PublicKey {}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        eip2537::debug_hex(f, "PublicKey", &self.to_compressed())
    }
}
