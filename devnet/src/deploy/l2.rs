//! Our contracts on L2.

use alloy::{
    primitives::{Address, B256, U256, b256},
    sol_types::SolValue,
};
use quorate_matching::Policy;

use super::{
    abi::{IPlainBridge, IRoles},
    circle::{Around, Circle},
    clock::Clock,
    code,
    l1::token,
    price::Price,
    work::{Work, plain_bridge},
};
use crate::{Error, beacon_server::Info, chains::Account};

/// The role of `Providers` under which the market counts GPUs: the word, padded with zeros.
const MARKET_ROLE: B256 = b256!("4d41524b45540000000000000000000000000000000000000000000000000000");

/// The role of `Providers` under which the escrow writes reputation.
const MONEY_ROLE: B256 = b256!("4d4f4e4559000000000000000000000000000000000000000000000000000000");

/// The role of `Providers` under which uptime, flags and slashes are written.
const HEALTH_ROLE: B256 = b256!("4845414c54480000000000000000000000000000000000000000000000000000");

/// The role of `Providers` under which agents pause their machines.
const MACHINES_ROLE: B256 =
    b256!("4d414348494e4553000000000000000000000000000000000000000000000000");

/// Which signed calls `ERC2771Forwarder` takes: the name in their EIP-712 domain.
const FORWARDER: &str = "Quorate forwarder";

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
    /// Orders and leases.
    pub market: Address,
    /// The market's money.
    pub escrow: Address,
    /// Carries calls of accounts without gas.
    pub forwarder: Address,
    /// Operators whose signatures count no more.
    pub strikes: Address,
    /// Signers whom a certificate left out.
    pub attendance: Address,
    /// Judges headers by witnesses.
    pub verifier: Address,
    /// Where rounds are refuted.
    pub disputes: Address,
    /// Machines, their agents and maintenances.
    pub machines: Address,
    /// Downtime.
    pub health: Address,
    /// L2's end of the bridge for operators' work.
    pub work_bridge: Address,
    /// Counts operators' work.
    pub tally: Address,
    /// Pays providers for uptime; off while nothing checks that machines compute.
    pub uptime_rewards: Address,
}

/// What the deployment of L2 is told.
#[derive(Debug)]
pub(super) struct L2Plan<'a> {
    pub(super) clock: &'a Clock,
    pub(super) price: Price,
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
    let bridge = plain_bridge(owner, plan.relayer).await?;
    let forwarder = code::published("ERC2771Forwarder", &(FORWARDER,).abi_encode_params())?;
    let forwarder = owner.deploy("ERC2771Forwarder", forwarder).await?;
    let admin = owner.address();
    let arguments = (network_token, plan.clock.unbonding, admin, forwarder).abi_encode_params();
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

    let around = Around {
        table: stake_table,
        providers,
        bridge,
        timelock,
        dollar,
        forwarder,
    };
    let circle = Circle::deploy(owner, plan, &around).await?;
    let connect = IPlainBridge::connectCall {
        sender: circle.rounds,
        receiver: stake_table,
        peer: Address::ZERO,
    };
    owner.call(bridge, &connect).await?;
    for (role, account) in [
        (MARKET_ROLE, circle.market),
        (MONEY_ROLE, circle.escrow),
        (MACHINES_ROLE, circle.machines),
        (HEALTH_ROLE, circle.health),
    ] {
        let grant = IRoles::grantRoleCall { role, account };
        owner.call(providers, &grant).await?;
    }
    let work = Work::deploy(owner, plan, &around, &circle).await?;
    let Circle {
        rounds,
        market,
        escrow,
        strikes,
        attendance,
        verifier,
        disputes,
        machines,
        health,
    } = circle;
    Ok(L2 {
        dollar,
        token: network_token,
        bridge,
        providers,
        stake_table,
        timelock,
        rounds,
        market,
        escrow,
        forwarder,
        strikes,
        attendance,
        verifier,
        disputes,
        machines,
        health,
        work_bridge: work.bridge,
        tally: work.tally,
        uptime_rewards: work.uptime_rewards,
    })
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
        .deploy(
            "TimelockController",
            code::published("TimelockController", &arguments)?,
        )
        .await
}
