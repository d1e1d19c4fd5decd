//! Our contracts on L1, and their place in EigenLayer's core.

use alloy::{
    primitives::{Address, U256},
    sol_types::SolValue,
};
use quorate_bindings::eigenlayer::IStrategyManager;

use super::{
    Terms,
    abi::{Beacon, IDevnetToken, IPlainBridge, IServiceManagerSetUp, SetUp},
    clock::Clock,
    code,
    price::Price,
    rewards,
    work::plain_bridge,
};
use crate::{
    Error,
    chains::{Account, L2_CHAIN_ID},
    core::Core,
    operators::Avs,
};

/// The operator set that the network uses.
pub const OPERATOR_SET: u32 = 0;
/// `Dialect.Appointee`: the core of v1.8 asks the `PermissionController` who may slash.
const APPOINTEE: u8 = 0;
/// Tokens that exist: the treasury holds them and gives them out.
pub(super) const SUPPLY: u128 = 10_u128.pow(27);

/// Our contracts on L1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct L1 {
    /// The token that is restaked.
    pub token: Address,
    /// The strategy that holds it.
    pub strategy: Address,
    /// L1's end of the bridge.
    pub bridge: Address,
    /// Where slashed shares go.
    pub vault: Address,
    /// The AVS.
    pub service_manager: Address,
    /// Takes evidence. Zero until [`finish`].
    pub slasher: Address,
    /// L1's end of the bridge for operators' work. Zero until [`finish`].
    pub work_bridge: Address,
    /// Has operators paid. Zero until [`finish`].
    pub rewards: Address,
}

impl L1 {
    /// The AVS as operators meet it.
    #[must_use]
    pub const fn avs(&self) -> Avs {
        Avs {
            service_manager: self.service_manager,
            operator_set: OPERATOR_SET,
            strategy: self.strategy,
            token: self.token,
        }
    }
}

/// Deploys what L2 must know of L1.
///
/// # Errors
/// When a creation reverts or the node fails.
pub(super) async fn begin(
    owner: &Account,
    core: &Core,
    relayer: Address,
    clock: &Clock,
) -> Result<L1, Error> {
    let token = token(owner, "Restaked Devnet Token", "rDEV", 18).await?;
    let arguments = (core.strategy_manager, token).abi_encode_params();
    let strategy = owner
        .deploy("DevnetStrategy", code::ours("DevnetStrategy", &arguments)?)
        .await?;
    let whitelist = IStrategyManager::addStrategiesToDepositWhitelistCall {
        strategies: vec![strategy],
    };
    owner.call(core.strategy_manager, &whitelist).await?;

    let bridge = plain_bridge(owner, relayer).await?;
    let vault = owner
        .deploy("CompensationVault", code::ours("CompensationVault", &[])?)
        .await?;
    let arguments = (
        core.allocation_manager,
        OPERATOR_SET,
        bridge,
        U256::ZERO,
        clock.times(),
    )
        .abi_encode_params();
    let service_manager = owner
        .deploy("ServiceManager", code::ours("ServiceManager", &arguments)?)
        .await?;
    Ok(L1 {
        token,
        strategy,
        bridge,
        vault,
        service_manager,
        slasher: Address::ZERO,
        work_bridge: Address::ZERO,
        rewards: Address::ZERO,
    })
}

/// Deploys what must know L2, and makes the AVS known to the core.
///
/// # Errors
/// When a creation or a call reverts or the node fails.
pub(super) async fn finish(
    owner: &Account,
    core: &Core,
    mut l1: L1,
    rounds: Address,
    relayer: Address,
    terms: &Terms<'_>,
) -> Result<L1, Error> {
    l1.slasher = slasher(owner, &l1, rounds, terms).await?;
    let price = Price::devnet();
    (l1.work_bridge, l1.rewards) = rewards::deploy(owner, core, &l1, relayer, &price).await?;
    let set_up = SetUp {
        dialect: APPOINTEE,
        permissions: core.permission_controller,
        slasher: l1.slasher,
        recipient: l1.vault,
        strategies: vec![l1.strategy],
        metadataURI: "data:application/json,{\"name\":\"Quorate devnet\"}".into(),
        rewards: l1.rewards,
        rewardsCoordinator: core.rewards_coordinator,
    };
    owner
        .call(
            l1.service_manager,
            &IServiceManagerSetUp::setUpCall { s: set_up },
        )
        .await?;
    Ok(l1)
}

/// Deploys `Slasher` and wires the bridge between it and L2.
async fn slasher(
    owner: &Account,
    l1: &L1,
    rounds: Address,
    terms: &Terms<'_>,
) -> Result<Address, Error> {
    let Terms { clock, beacon, .. } = terms;
    // The guardian's time ends with the first round's close plus an hour: longer than any run.
    let sunset = clock.genesis + 3_600;
    let beacon = Beacon {
        key: terms.beacon_key()?.to_vec().into(),
        chainHash: beacon.hash.into(),
        genesis: beacon.genesis,
        period: beacon.period,
        delay: clock.delay,
    };
    let arguments = (
        l1.service_manager,
        l1.bridge,
        L2_CHAIN_ID,
        rounds,
        owner.address(),
        sunset,
        beacon,
        clock.health_epoch,
    )
        .abi_encode_params();
    let slasher = owner
        .deploy("Slasher", code::ours("Slasher", &arguments)?)
        .await?;
    let connect = IPlainBridge::connectCall {
        sender: l1.service_manager,
        receiver: slasher,
        peer: Address::ZERO,
    };
    owner.call(l1.bridge, &connect).await?;
    Ok(slasher)
}

/// A token of which `owner` has made itself more than any run gives out.
pub(super) async fn token(
    owner: &Account,
    name: &str,
    symbol: &str,
    decimals: u8,
) -> Result<Address, Error> {
    let arguments = (name, symbol, U256::from(decimals)).abi_encode_params();
    let token = owner
        .deploy("DevnetToken", code::ours("DevnetToken", &arguments)?)
        .await?;
    let mint = IDevnetToken::mintCall {
        to: owner.address(),
        amount: U256::from(SUPPLY),
    };
    owner.call(token, &mint).await?;
    Ok(token)
}
