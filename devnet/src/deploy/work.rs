//! Where L2 counts what operators did, and would pay providers for what their machines did.

use alloy::{primitives::Address, sol_types::SolValue};

use super::{
    abi::{IPlainBridge, UptimeLinks},
    circle::{Around, Circle},
    code,
    l2::L2Plan,
};
use crate::{Error, chains::Account};

/// What stands behind the circle: nothing in it knows of these.
pub(super) struct Work {
    /// L2's end of the road that the count takes.
    pub(super) bridge: Address,
    pub(super) tally: Address,
    pub(super) uptime_rewards: Address,
}

impl Work {
    /// Deploys and wires all of it.
    ///
    /// # Errors
    /// When a creation or a call reverts or the node fails.
    pub(super) async fn deploy(
        owner: &Account,
        plan: &L2Plan<'_>,
        around: &Around,
        circle: &Circle,
    ) -> Result<Self, Error> {
        let bridge = plain_bridge(owner, plan.relayer).await?;
        let arguments = (
            circle.rounds,
            around.table,
            circle.health,
            circle.machines,
            circle.attendance,
            bridge,
        )
            .abi_encode_params();
        let tally = owner
            .deploy("Tally", code::ours("Tally", &arguments)?)
            .await?;
        let connect = IPlainBridge::connectCall {
            sender: tally,
            receiver: Address::ZERO,
            peer: Address::ZERO,
        };
        owner.call(bridge, &connect).await?;

        let links = UptimeLinks {
            health: circle.health,
            rounds: circle.rounds,
            market: circle.market,
            machines: circle.machines,
            providers: around.providers,
            // Nothing checks yet that the cards compute, so nothing is paid.
            checks: Address::ZERO,
        };
        let arguments = (links,).abi_encode_params();
        let uptime_rewards = owner
            .deploy("UptimeRewards", code::ours("UptimeRewards", &arguments)?)
            .await?;
        Ok(Self {
            bridge,
            tally,
            uptime_rewards,
        })
    }
}

/// An end of a bridge that believes the relayer; not wired yet.
pub(super) async fn plain_bridge(owner: &Account, relayer: Address) -> Result<Address, Error> {
    let code = code::ours("PlainBridge", &(relayer,).abi_encode_params())?;
    owner.deploy("PlainBridge", code).await
}
