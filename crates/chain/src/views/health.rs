//! What `Health` has about an epoch or a machine, and the policy that both are judged by.

use alloy::primitives::Address;
use quorate_bindings::IHealth;
use quorate_canon::{Digest, FixedWidth as _, HealthEpoch, Mask256, OfferId, Round, Timestamp};
use quorate_health::HealthPolicy;

use super::call::{contract_error, mismatch};
use super::policies::policy_of;
use crate::convert::digest;
use crate::health::HealthEvent;
use crate::{ChainError, Rpc};

/// An epoch as the contract has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthStatus {
    /// Its first second.
    pub start: Timestamp,
    /// The last second in which lists are taken.
    pub certifiable_until: Timestamp,
    /// The last second in which receipts are taken.
    pub appealable_until: Timestamp,
    /// Its randomness, once somebody has opened it.
    pub randomness: Option<Digest>,
    /// Lists that were certified.
    pub lists: u32,
}

/// How an epoch stands.
///
/// # Errors
/// [`ChainError`].
pub async fn health_status(
    rpc: &Rpc,
    health: Address,
    epoch: HealthEpoch,
) -> Result<HealthStatus, ChainError> {
    let contract = IHealth::new(health, rpc.provider());
    let number = epoch.get();
    let start = contract.epochStart(number).call().await;
    let certifiable = contract.certifiableUntil(number).call().await;
    let appealable = contract.appealableUntil(number).call().await;
    let randomness = contract.randomnessOf(number).call().await;
    let randomness = randomness.map_err(contract_error("randomnessOf"))?;
    let lists = contract.lists(number).call().await;
    Ok(HealthStatus {
        start: Timestamp::new(start.map_err(contract_error("epochStart"))?),
        certifiable_until: Timestamp::new(certifiable.map_err(contract_error("certifiableUntil"))?),
        appealable_until: Timestamp::new(appealable.map_err(contract_error("appealableUntil"))?),
        randomness: (!randomness.is_zero()).then_some(digest(randomness)),
        lists: lists.map_err(contract_error("lists"))?,
    })
}

/// The windows DOWN of a machine in an epoch, as they stand now.
///
/// # Errors
/// [`ChainError`].
pub async fn windows_down(
    rpc: &Rpc,
    health: Address,
    machine: OfferId,
    epoch: HealthEpoch,
) -> Result<Mask256, ChainError> {
    let contract = IHealth::new(health, rpc.provider());
    let windows = contract.downOf(machine.get(), epoch.get()).call().await;
    let windows = windows.map_err(contract_error("downOf"))?;
    Ok(Mask256(windows.to_be_bytes()))
}

/// What `Health` has said in the blocks `from..=to`, in order.
///
/// # Errors
/// [`ChainError::Rpc`] for ranges that an endpoint finds too wide, [`ChainError::BadEvent`].
pub async fn health_events(
    rpc: &Rpc,
    health: Address,
    from: u64,
    to: u64,
) -> Result<Vec<HealthEvent>, ChainError> {
    let logs = rpc.logs_between(&[health], from, to).await?;
    let events = logs.iter().map(HealthEvent::from_log);
    events.filter_map(Result::transpose).collect()
}

/// The health section of a round's policy, as the chain has it now. That of a health epoch is the one
/// of the first round that does not close before the epoch's start.
///
/// # Errors
/// [`ChainError::Commitment`] if the page does not hash to what the chain names, or its health
/// section is not valid.
pub async fn health_policy_of(
    rpc: &Rpc,
    rounds: Address,
    round: Round,
) -> Result<HealthPolicy, ChainError> {
    let policy = policy_of(rpc, rounds, round).await?;
    HealthPolicy::from_section(&policy.health.to_bytes())
        .map_err(|error| mismatch("health policy", error))
}
