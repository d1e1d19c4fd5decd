//! Calls that one account signs and another carries: EIP-712 requests for OpenZeppelin's
//! `ERC2771Forwarder`, so that whoever signs needs no gas (docs/formats.md, section 16).
//!
//! [`Forwarder`] signs, checks and turns a [`SignedCall`] into the transaction that carries it;
//! [`Terms`], [`Carried`] and [`Refused`] are what a relay and those who ask it say to each other;
//! [`permit`] signs a token's approval (ERC-2612), which is no call of the forwarder.

mod answer;
mod call;
mod error;
pub mod permit;

use alloy::primitives::aliases::U48;
use alloy::primitives::{Address, B256, Signature, U256};
use alloy::rpc::types::Log;
use alloy::signers::SignerSync as _;
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::{Eip712Domain, SolEvent as _, SolStruct as _};
use quorate_bindings::forwarder::ForwardRequest;
use quorate_bindings::forwarder::IForwarder::{
    ExecutedForwardRequest, ForwardRequestData, executeCall,
};

use crate::Rpc;
use crate::sender::{Call, SendError, estimate_call};

pub use answer::{Carried, Limits, Outcome, Refused, Target, Terms};
pub use call::{MAX_DATA, MAX_DEADLINE, MAX_JSON, Request, SignedCall};
pub use error::ForwardError;

/// A forwarder, and in whose domain requests for it are signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forwarder {
    address: Address,
    domain: Eip712Domain,
}

impl Forwarder {
    /// A forwarder whose domain is known; [`crate::views::forwarder`] reads it from the chain.
    #[must_use]
    pub const fn new(address: Address, domain: Eip712Domain) -> Self {
        Self { address, domain }
    }

    /// Where it lies.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.address
    }

    /// What is signed for a request (EIP-712).
    #[must_use]
    pub fn digest(&self, request: &Request) -> B256 {
        let typed = ForwardRequest {
            from: request.from,
            to: request.to,
            value: request.value,
            gas: U256::from(request.gas),
            nonce: request.nonce,
            deadline: U48::from(request.deadline),
            data: request.data.clone(),
        };
        typed.eip712_signing_hash(&self.domain)
    }

    /// Signs a request with the key of its `from`.
    ///
    /// # Errors
    /// [`ForwardError::Signer`] if the key is another's; [`ForwardError::Sign`] if it cannot sign.
    pub fn sign(
        &self,
        request: Request,
        key: &PrivateKeySigner,
    ) -> Result<SignedCall, ForwardError> {
        let (got, expected) = (key.address(), request.from);
        if got != expected {
            return Err(ForwardError::Signer { got, expected });
        }
        let signature = sign(key, &self.digest(&request))?;
        Ok(SignedCall { request, signature })
    }

    /// Checks that a call is signed by its `from`, by the rules of the contract: 65 bytes, s in the
    /// lower half of the order, v of 27 or 28.
    ///
    /// # Errors
    /// [`ForwardError::Signature`], [`ForwardError::Signer`]. A nonce, chain or forwarder that is not
    /// the signed one shows as another signer.
    pub fn verify(&self, call: &SignedCall) -> Result<(), ForwardError> {
        let bad = |detail: &str| Err(ForwardError::Signature(detail.to_owned()));
        let [.., v] = call.signature;
        if v != 27 && v != 28 {
            return bad("its last byte is neither 27 nor 28");
        }
        let signature = match Signature::from_raw_array(&call.signature) {
            Ok(signature) => signature,
            Err(error) => return bad(&error.to_string()),
        };
        if signature.normalize_s().is_some() {
            return bad("s is in the upper half of the order");
        }
        let digest = self.digest(&call.request);
        match signature.recover_address_from_prehash(&digest) {
            Ok(got) if got == call.request.from => Ok(()),
            Ok(got) => Err(ForwardError::Signer {
                got,
                expected: call.request.from,
            }),
            Err(error) => bad(&error.to_string()),
        }
    }

    /// The transaction that carries a call.
    #[must_use]
    pub fn execute(&self, call: &SignedCall) -> Call {
        let SignedCall { request, signature } = call;
        let data = ForwardRequestData {
            from: request.from,
            to: request.to,
            value: request.value,
            gas: U256::from(request.gas),
            deadline: U48::from(request.deadline),
            data: request.data.clone(),
            signature: signature.to_vec().into(),
        };
        Call::new(self.address, &executeCall { request: data }).value(request.value)
    }

    /// The call that the target gets, to be tried as if sent by the forwarder: ERC-2771 appends who
    /// signed.
    #[must_use]
    pub fn inner(&self, from: Address, to: Address, data: &[u8]) -> Call {
        Call::raw(to, [data, from.as_slice()].concat().into())
    }

    /// The `gas` to sign for a call: twice what the chain estimates for it now. The estimate is of
    /// the last block's state, and storage that is fresh by the next one costs more; the forwarder
    /// hands the whole of it on, and what is not used costs nobody anything.
    ///
    /// # Errors
    /// [`SendError::Revert`] with the target's reason where the call would fail.
    pub async fn gas(
        &self,
        rpc: &Rpc,
        from: Address,
        to: Address,
        data: &[u8],
    ) -> Result<u64, SendError> {
        let call = self.inner(from, to, data);
        Ok(estimate_call(rpc, self.address, &call)
            .await?
            .saturating_mul(2))
    }

    /// Whether a transaction's events say that it carried the call with this nonce of this account.
    #[must_use]
    pub fn executed(&self, logs: &[Log], from: Address, nonce: U256) -> bool {
        logs.iter().any(|log| {
            log.address() == self.address
                && ExecutedForwardRequest::decode_log(&log.inner).is_ok_and(|event| {
                    event.signer == from && event.nonce == nonce && event.success
                })
        })
    }
}

/// r, s in the lower half, v of 27 or 28.
fn sign(key: &PrivateKeySigner, digest: &B256) -> Result<[u8; 65], ForwardError> {
    let signature = key
        .sign_hash_sync(digest)
        .map_err(|error| ForwardError::Sign(error.to_string()))?;
    Ok(signature.normalized_s().as_bytes())
}

#[cfg(test)]
mod tests;
