//! What L1 says of the schedule. `Slasher` there judges seeds without L2: a node whose beacon rounds are
//! others than its would be slashed for each vote.

use std::collections::BTreeSet;

use alloy::contract::Error;
use alloy::primitives::{Address, U256};
use quorate_bindings::IServiceManager;
use quorate_canon::{Digest, Round, Timestamp};
use quorate_chain::{ChainError, Rpc, to_alloy_address};
use quorate_protocol::{Domain, Schedule};

use super::mismatch;
use crate::{Config, OperatorError, driver::newest_closed};

/// Rounds from now to one far ahead.
const FAR: u64 = 1_000_000_000;
/// Rounds in a row that are compared: what the delay is beyond whole beacon periods shows in some of
/// them, unless the periods of rounds and beacon hide it in all.
const IN_A_ROW: u64 = 3;
const REMEDY: &str = "do not start: L2's endpoints lie, L1's do, or contracts.rounds and contracts.service_manager are of different deployments";

mod getters {
    #![allow(missing_docs)] // generated items; the functions are those of the contracts

    alloy::sol! {
        #[sol(rpc)]
        interface Avs {
            function slasher() external view returns (address);
        }

        #[sol(rpc)]
        interface Seeds {
            function beaconRound(uint64 n) external view returns (uint256);
            function beaconChainHash() external view returns (bytes32);
            function healthEpoch() external view returns (uint32);
        }
    }
}
#[cfg(test)]
pub(super) use getters::{Avs, Seeds};
#[cfg(not(test))]
use getters::{Avs, Seeds};

/// Refuses a schedule that L1 does not go by. `now` is the wall clock.
///
/// # Errors
/// [`OperatorError::Mismatch`], naming both sides.
pub(super) async fn check(
    config: &Config,
    l1: &Rpc,
    domain: &Domain,
    schedule: &Schedule,
    now: Timestamp,
) -> Result<(), OperatorError> {
    let manager = to_alloy_address(domain.avs);
    same_times(l1, manager, schedule).await?;
    let slasher = slasher(config, l1, manager).await?;
    same_seeds(l1, slasher, schedule, now).await
}

async fn same_times(l1: &Rpc, manager: Address, ours: &Schedule) -> Result<(), OperatorError> {
    let contract = IServiceManager::new(manager, l1.provider());
    let on_l1 = contract
        .times()
        .call()
        .await
        .map_err(refused("ServiceManager.times"))?;
    let pairs = [
        ("genesis", ours.genesis.get(), on_l1.genesis),
        ("period", ours.period.into(), on_l1.period.into()),
        (
            "settle time-out",
            ours.settle_timeout.into(),
            on_l1.settleTimeout.into(),
        ),
        (
            "stake epoch",
            ours.stake_epoch.into(),
            on_l1.stakeEpoch.into(),
        ),
        (
            "challenge window",
            ours.challenge_window.into(),
            on_l1.challengeWindow.into(),
        ),
        (
            "reveal window",
            ours.reveal_window.into(),
            on_l1.revealWindow.into(),
        ),
    ];
    for (what, l2, l1) in pairs {
        require(what, l2, l1, "ServiceManager.times")?;
    }
    Ok(())
}

/// Who judges, as the AVS itself says; the configuration may only agree.
async fn slasher(config: &Config, l1: &Rpc, manager: Address) -> Result<Address, OperatorError> {
    let contract = Avs::new(manager, l1.provider());
    let named = contract
        .slasher()
        .call()
        .await
        .map_err(refused("ServiceManager.slasher"))?;
    match config.contracts.slasher.map(to_alloy_address) {
        Some(ours) if ours != named => Err(mismatch(
            "Slasher of the AVS on L1",
            named,
            ours,
            "check contracts.slasher, or leave it out: this node asks the AVS",
        )),
        _ => Ok(named),
    }
}

async fn same_seeds(
    l1: &Rpc,
    slasher: Address,
    ours: &Schedule,
    now: Timestamp,
) -> Result<(), OperatorError> {
    let contract = Seeds::new(slasher, l1.provider());
    let chain = contract.beaconChainHash().call().await;
    let chain = chain.map_err(refused("Slasher.beaconChainHash"))?;
    let hash = Digest::new(chain.0);
    require(
        "beacon chain hash",
        ours.beacon_chain_hash,
        hash,
        "Slasher.beaconChainHash",
    )?;
    let health = contract.healthEpoch().call().await;
    let health = health.map_err(refused("Slasher.healthEpoch"))?;
    require(
        "health epoch",
        ours.health_epoch,
        health,
        "Slasher.healthEpoch",
    )?;
    for round in compared(ours, now) {
        let on_l1 = contract.beaconRound(round.get()).call().await;
        let on_l1 = on_l1.map_err(refused("Slasher.beaconRound"))?;
        let what = format!("beacon round of round {round}");
        let l2 = U256::from(ours.beacon_round(round)?);
        require(&what, l2, on_l1, "Slasher.beaconRound")?;
    }
    Ok(())
}

/// The first round, some from the present on, and one far ahead.
fn compared(schedule: &Schedule, now: Timestamp) -> BTreeSet<Round> {
    let present = newest_closed(schedule, now).map_or(0, Round::get);
    let present = present..present.saturating_add(IN_A_ROW);
    let far = present.start.saturating_add(FAR);
    present.chain([0, far]).map(Round::new).collect()
}

fn require<T: PartialEq + std::fmt::Display>(
    what: &str,
    on_l2: T,
    on_l1: T,
    source: &str,
) -> Result<(), OperatorError> {
    if on_l2 == on_l1 {
        return Ok(());
    }
    Err(mismatch(
        "schedule of Rounds on L2, against L1",
        format!("{what} {on_l2}"),
        format!("{on_l1}, as {source} on L1 says"),
        REMEDY,
    ))
}

/// A view's error in our words: what the contract said stays, what the way to it did may pass.
fn refused(what: &'static str) -> impl FnOnce(Error) -> ChainError {
    move |error| match error {
        Error::TransportError(error) if error.as_error_resp().is_none() => ChainError::Rpc(error),
        other => ChainError::Contract {
            what,
            detail: other.to_string(),
        },
    }
}
