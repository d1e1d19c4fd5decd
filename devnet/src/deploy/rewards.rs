//! Where L1 hears of operators' work, and has them paid by EigenLayer's core.

use alloy::{
    primitives::{Address, U256},
    sol_types::SolValue,
};
use quorate_bindings::erc20::IERC20;

use super::{abi::IPlainBridge, code, l1::L1, price::Price, work::plain_bridge};
use crate::{Error, chains::Account, core::Core};

/// Deploys `Rewards` and its end of the bridge, wires that and puts money in: gives the bridge's
/// address and its own. `ServiceManager` must still be told of it.
///
/// # Errors
/// When a creation or a call reverts or the node fails.
pub(super) async fn deploy(
    owner: &Account,
    core: &Core,
    l1: &L1,
    relayer: Address,
    price: &Price,
) -> Result<(Address, Address), Error> {
    let bridge = plain_bridge(owner, relayer).await?;
    let arguments = (
        l1.service_manager,
        bridge,
        core.rewards_coordinator,
        l1.token,
        price.epoch_budget,
        price.floor,
        price.patience,
    )
        .abi_encode_params();
    let rewards = owner
        .deploy("Rewards", code::ours("Rewards", &arguments)?)
        .await?;
    let connect = IPlainBridge::connectCall {
        sender: Address::ZERO,
        receiver: rewards,
        peer: Address::ZERO,
    };
    owner.call(bridge, &connect).await?;
    let fund = IERC20::transferCall {
        to: rewards,
        value: price.epoch_budget.saturating_mul(U256::from(price.epochs)),
    };
    owner.call(l1.token, &fund).await?;
    Ok((bridge, rewards))
}
