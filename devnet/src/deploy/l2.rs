//! Our contracts on L2.

use alloy::{
    primitives::{Address, B256, Bytes, U256, b256},
    sol_types::SolValue,
};
use quorate_bindings::IRounds;
use quorate_matching::Policy;

use super::{
    abi::{IPlainBridge, IRoles, Links},
    clock::Clock,
    code,
    l1::{OPERATOR_SET, token},
};
use crate::{Error, beacon_server::Info, chains::Account};

/// The role of `Providers` under which the market counts GPUs: the word, padded with zeros.
const MARKET_ROLE: B256 = b256!("4d41524b45540000000000000000000000000000000000000000000000000000");

/// Our contracts on L2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct L2 {
    /// The stable token that pays, 6 decimals: currency 0.
    pub dollar: Address,
    /// The network's token, which providers stake, 18 decimals.
    pub token: Address,
    /// L2's end of the bridge.
    pub bridge: Address,
    /// Providers' stake and checkpoints.
    pub providers: Address,
    /// The operators' tables.
    pub stake_table: Address,
    /// Sets policies.
    pub timelock: Address,
    /// Schedule, certificates, outcomes.
    pub rounds: Address,
    /// Orders, leases, escrow.
    pub market: Address,
}

/// What the deployment of L2 is told.
#[derive(Debug)]
pub(super) struct L2Plan<'a> {
    pub(super) clock: &'a Clock,
    pub(super) beacon: &'a Info,
    pub(super) beacon_key: [u8; 192],
    pub(super) policy: &'a Policy,
    /// `ServiceManager` on L1.
    pub(super) avs: Address,
    pub(super) l1_chain_id: u64,
    pub(super) relayer: Address,
}

/// Deploys and wires all of it. `owner` is treasury, proposer and admin.
///
/// # Errors
/// When a creation or a call reverts or the node fails.
pub(super) async fn deploy(owner: &Account, plan: &L2Plan<'_>) -> Result<L2, Error> {
    let dollar = token(owner, "Devnet Dollar", "DUSD", 6).await?;
    let network_token = token(owner, "Devnet Token", "DEV", 18).await?;
    let bridge = owner
        .deploy(
            "PlainBridge",
            code::ours("PlainBridge", &(plan.relayer,).abi_encode_params())?,
        )
        .await?;
    let arguments = (network_token, plan.clock.unbonding, owner.address()).abi_encode_params();
    let providers = owner
        .deploy("Providers", code::ours("Providers", &arguments)?)
        .await?;
    let stake_table = owner
        .deploy(
            "StakeTable",
            code::ours("StakeTable", &(bridge,).abi_encode_params())?,
        )
        .await?;
    let timelock = timelock(owner, plan.clock.timelock).await?;

    // `Rounds` names the market, and the market asks `Rounds` for its schedule: the one comes right
    // after the other, at an address that is known before.
    let market = owner.next_contract(1).await?;
    let links = Links {
        table: stake_table,
        market,
        bridge,
        timelock,
    };
    let arguments = rounds_arguments(plan, links);
    let rounds = owner
        .deploy("Rounds", code::ours("Rounds", &arguments)?)
        .await?;
    let arguments = (rounds, providers, owner.address(), vec![dollar]).abi_encode_params();
    let deployed = owner
        .deploy("Market", code::ours("Market", &arguments)?)
        .await?;
    if deployed != market {
        return Err(Error::Unexpected {
            what: "address of Market".into(),
            got: deployed.to_string(),
            expected: market.to_string(),
        });
    }
    let connect = IPlainBridge::connectCall {
        sender: rounds,
        receiver: stake_table,
        peer: Address::ZERO,
    };
    owner.call(bridge, &connect).await?;
    owner
        .call(
            providers,
            &IRoles::grantRoleCall {
                role: MARKET_ROLE,
                account: market,
            },
        )
        .await?;
    Ok(L2 {
        dollar,
        token: network_token,
        bridge,
        providers,
        stake_table,
        timelock,
        rounds,
        market,
    })
}

fn rounds_arguments(plan: &L2Plan<'_>, links: Links) -> Vec<u8> {
    let domain = IRounds::Domain {
        l1ChainId: plan.l1_chain_id,
        avs: plan.avs,
        operatorSet: OPERATOR_SET,
    };
    let policy = Bytes::from(plan.policy.page());
    let key = Bytes::from(plan.beacon_key);
    (
        plan.clock.schedule(plan.beacon),
        domain,
        links,
        plan.clock.ring,
        policy,
        key,
    )
        .abi_encode_params()
}

async fn timelock(owner: &Account, delay: u32) -> Result<Address, Error> {
    let everybody = vec![Address::ZERO];
    let arguments = (
        U256::from(delay),
        vec![owner.address()],
        everybody,
        Address::ZERO,
    )
        .abi_encode_params();
    owner
        .deploy("TimelockController", code::timelock(&arguments)?)
        .await
}
