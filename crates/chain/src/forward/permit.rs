//! ERC-2612: a token's approval that its owner signs and anybody hands in.

use alloy::primitives::{B256, FixedBytes};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::{Eip712Domain, SolStruct as _};

pub use quorate_bindings::forwarder::Permit;

use super::{ForwardError, sign};

/// A signature as `permit` takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed {
    /// 27 or 28.
    pub v: u8,
    /// r.
    pub r: B256,
    /// s, in the lower half.
    pub s: B256,
}

/// Signs an approval in the token's domain, with the key of `owner`.
///
/// # Errors
/// [`ForwardError::Signer`] if the key is another's; [`ForwardError::Sign`] if it cannot sign.
pub fn sign_permit(
    domain: &Eip712Domain,
    permit: &Permit,
    key: &PrivateKeySigner,
) -> Result<Signed, ForwardError> {
    let (got, expected) = (key.address(), permit.owner);
    if got != expected {
        return Err(ForwardError::Signer { got, expected });
    }
    let signature = sign(key, &permit.eip712_signing_hash(domain))?;
    let (r, rest) = signature.split_at(32);
    let (s, v) = rest.split_at(32);
    Ok(Signed {
        v: v.first().copied().unwrap_or_default(),
        r: FixedBytes::from_slice(r),
        s: FixedBytes::from_slice(s),
    })
}
