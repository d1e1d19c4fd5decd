//! Policies, out of their code pages.

use alloy::primitives::Address;
use alloy::providers::Provider;
use quorate_bindings::IRounds;
use quorate_canon::{Round, Version};
use quorate_matching::Policy;

use super::call::{contract_error, mismatch};
use crate::convert::{digest, to_address, to_alloy_address};
use crate::rounds::PolicyEntry;
use crate::{ChainError, Rpc};

/// The policy of a round, as the chain has it now.
///
/// # Errors
/// [`ChainError::Commitment`] if the page does not hash to what the chain names.
pub async fn policy_of(rpc: &Rpc, rounds: Address, round: Round) -> Result<Policy, ChainError> {
    let contract = IRounds::new(rounds, rpc.provider());
    let at = contract
        .policyAt(round.get())
        .call()
        .await
        .map_err(contract_error("policyAt"))?;
    let entry = PolicyEntry {
        version: Version::new(at.version),
        effective_from: round,
        hash: digest(at.policyHash),
        page: to_address(at.page),
    };
    policy(rpc, &entry).await
}

/// A policy out of its code page, which begins with a STOP.
///
/// # Errors
/// [`ChainError::Commitment`] if the page does not hash to what the chain names.
pub async fn policy(rpc: &Rpc, entry: &PolicyEntry) -> Result<Policy, ChainError> {
    let code = rpc
        .provider()
        .get_code_at(to_alloy_address(entry.page))
        .await?;
    let page = code
        .get(1..)
        .ok_or_else(|| ChainError::NoCode(to_alloy_address(entry.page)))?;
    let policy = Policy::from_page(page).map_err(|error| mismatch("policy", error))?;
    let got = policy.hash();
    if got != entry.hash {
        return Err(mismatch(
            "policy",
            format!("got hash {got}, expected {}", entry.hash),
        ));
    }
    Ok(policy)
}
