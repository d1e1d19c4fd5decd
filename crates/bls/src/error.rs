//! Why bytes are no key, no signature or no secret.

/// Why bytes were refused. None of these is worth a retry: the same bytes fail again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BlsError {
    /// The input has another length than its form.
    #[error("length is {got} bytes, expected {expected}")]
    Length {
        /// Bytes given.
        got: usize,
        /// Bytes of the form.
        expected: usize,
    },
    /// A coordinate is not reduced, padding is not zero, or flag bits are set where none belong.
    #[error("encoding is not canonical")]
    NotCanonical,
    /// The coordinates do not satisfy the curve's equation.
    #[error("point is not on the curve")]
    NotOnCurve,
    /// The point lies on the curve but outside the prime-order subgroup.
    #[error("point is not in the subgroup")]
    NotInSubgroup,
    /// The point at infinity is no key and no signature.
    #[error("point is infinity")]
    Infinity,
    /// A secret scalar is zero or not below the group's order.
    #[error("secret key is not in 1..r")]
    SecretOutOfRange,
    /// EIP-2333 asks for a seed of at least 32 bytes.
    #[error("seed is {got} bytes, expected at least 32")]
    SeedTooShort {
        /// Bytes given.
        got: usize,
    },
}
