//! Which forwarder the contracts trust, and in whose domain calls and approvals are signed.

use alloy::primitives::{Address, U256};
use alloy::sol_types::Eip712Domain;
use quorate_bindings::forwarder::{IERC20Permit, IERC2771, IERC5267, IForwarder};

use super::call::{contract_error, mismatch};
use crate::forward::Forwarder;
use crate::{ChainError, Rpc};

/// Name, version, chain and contract, and nothing else: bits of ERC-5267.
const FIELDS: u8 = 0x0f;

/// The forwarder that a contract of ours trusts, with its domain; `None` if it trusts none.
///
/// # Errors
/// [`ChainError::Commitment`] if the domain is another chain's or another contract's;
/// others of [`ChainError`].
pub async fn forwarder(rpc: &Rpc, contract: Address) -> Result<Option<Forwarder>, ChainError> {
    let address = IERC2771::new(contract, rpc.provider())
        .trustedForwarder()
        .call()
        .await
        .map_err(contract_error("trustedForwarder"))?;
    if address.is_zero() {
        return Ok(None);
    }
    let domain = domain_of(rpc, address).await?;
    Ok(Some(Forwarder::new(address, domain)))
}

/// Whether a contract takes a forwarder's word for who calls.
///
/// # Errors
/// [`ChainError`].
pub async fn trusts(rpc: &Rpc, contract: Address, forwarder: Address) -> Result<bool, ChainError> {
    IERC2771::new(contract, rpc.provider())
        .isTrustedForwarder(forwarder)
        .call()
        .await
        .map_err(contract_error("isTrustedForwarder"))
}

/// The nonce of an account's next signed call.
///
/// # Errors
/// [`ChainError`].
pub async fn forward_nonce(
    rpc: &Rpc,
    forwarder: Address,
    account: Address,
) -> Result<U256, ChainError> {
    IForwarder::new(forwarder, rpc.provider())
        .nonces(account)
        .call()
        .await
        .map_err(contract_error("ERC2771Forwarder.nonces"))
}

/// The domain in which approvals of a token are signed (ERC-2612); `None` if the token has none, or
/// one that cannot be known: it tells its domain (ERC-5267), or has version 1 under its own name.
///
/// # Errors
/// [`ChainError::Rpc`] if the chain does not answer.
pub async fn permit_domain(rpc: &Rpc, token: Address) -> Result<Option<Eip712Domain>, ChainError> {
    let contract = IERC20Permit::new(token, rpc.provider());
    let separator = contract.DOMAIN_SEPARATOR().call().await;
    let Some(separator) = known(separator.map_err(contract_error("DOMAIN_SEPARATOR")))? else {
        return Ok(None);
    };
    let told = known(domain_of(rpc, token).await)?;
    let guessed = match known(contract.name().call().await.map_err(contract_error("name")))? {
        Some(name) if told.is_none() => Some(domain(name, "1".to_owned(), rpc.chain_id(), token)),
        _ => None,
    };
    Ok(told
        .or(guessed)
        .filter(|domain| domain.separator() == separator))
}

/// The nonce of an owner's next approval of a token (ERC-2612).
///
/// # Errors
/// [`ChainError`].
pub async fn permit_nonce(rpc: &Rpc, token: Address, owner: Address) -> Result<U256, ChainError> {
    IERC20Permit::new(token, rpc.provider())
        .nonces(owner)
        .call()
        .await
        .map_err(contract_error("nonces"))
}

/// An answer, or none where the contract has no such function.
fn known<T>(answer: Result<T, ChainError>) -> Result<Option<T>, ChainError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(ChainError::Contract { .. } | ChainError::Commitment { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A contract's domain, as it tells it itself (ERC-5267).
async fn domain_of(rpc: &Rpc, contract: Address) -> Result<Eip712Domain, ChainError> {
    let told = IERC5267::new(contract, rpc.provider())
        .eip712Domain()
        .call()
        .await
        .map_err(contract_error("eip712Domain"))?;
    let expected = (FIELDS, U256::from(rpc.chain_id()), contract);
    let got = (told.fields.0[0], told.chainId, told.verifyingContract);
    if got != expected {
        let detail = format!("got {got:?}, expected {expected:?}");
        return Err(mismatch("EIP-712 domain", detail));
    }
    Ok(domain(told.name, told.version, rpc.chain_id(), contract))
}

fn domain(name: String, version: String, chain_id: u64, contract: Address) -> Eip712Domain {
    Eip712Domain {
        name: Some(name.into()),
        version: Some(version.into()),
        chain_id: Some(U256::from(chain_id)),
        verifying_contract: Some(contract),
        salt: None,
    }
}
