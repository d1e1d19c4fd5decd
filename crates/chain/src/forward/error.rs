//! Why a signed call is none.

use alloy::primitives::Address;

/// Errors of signing and of checking signatures.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ForwardError {
    /// A field is out of its range.
    #[error("{field}: got {got}, expected {expected}")]
    Field {
        /// Its name in JSON.
        field: &'static str,
        /// What it is.
        got: String,
        /// What it may be.
        expected: String,
    },
    /// The signature cannot be one.
    #[error("signature: {0}")]
    Signature(String),
    /// The signature is another account's, or over something else.
    #[error(
        "signer: got {got}, expected {expected}: the account, the nonce, the chain or the forwarder is not what was signed"
    )]
    Signer {
        /// Whose it is over these fields.
        got: Address,
        /// `from`.
        expected: Address,
    },
    /// The key could not sign.
    #[error("the key cannot sign: {0}")]
    Sign(String),
}
