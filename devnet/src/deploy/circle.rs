//! The contracts on L2 that know each other in a circle: `Rounds` names those that come after it, and
//! they ask `Rounds` for its schedule. So they come right after one another, at addresses that are
//! known before.

use alloy::{
    primitives::{Address, Bytes},
    sol_types::SolValue,
};
use quorate_bindings::IRounds;

use super::{
    abi::{EscrowLinks, Limits, Links},
    code,
    l1::OPERATOR_SET,
    l2::L2Plan,
};
use crate::{Error, chains::Account};

/// What stands before the circle.
pub(super) struct Around {
    pub(super) table: Address,
    pub(super) providers: Address,
    pub(super) bridge: Address,
    pub(super) timelock: Address,
    pub(super) dollar: Address,
    pub(super) forwarder: Address,
}

/// The circle.
pub(super) struct Circle {
    pub(super) rounds: Address,
    pub(super) market: Address,
    pub(super) escrow: Address,
    pub(super) strikes: Address,
    pub(super) attendance: Address,
    pub(super) verifier: Address,
    pub(super) disputes: Address,
}

impl Circle {
    /// Deploys all of them. Nothing else may be sent by `owner` meanwhile.
    ///
    /// # Errors
    /// When a creation reverts, or a contract comes to another address.
    pub(super) async fn deploy(
        owner: &Account,
        plan: &L2Plan<'_>,
        around: &Around,
    ) -> Result<Self, Error> {
        let circle = Self::foreseen(owner).await?;
        let Self {
            rounds,
            market,
            escrow,
            verifier,
            ..
        } = circle;
        let at_market = (rounds, around.providers, escrow, around.forwarder);
        let at_table = (rounds, around.table).abi_encode_params();
        let at_strikes = (rounds, around.table, plan.clock.hearing()).abi_encode_params();
        let key = Bytes::from(plan.beacon_key);
        let at_verifier = (rounds, market, around.providers, key);
        let (bond, bounty) = (plan.price.commit_bond, plan.price.bounty_cap);
        let at_disputes = (rounds, market, verifier, bond, bounty);
        for (name, arguments, expected) in [
            ("Rounds", circle.rounds_arguments(plan, around), rounds),
            ("Market", at_market.abi_encode_params(), market),
            (
                "Escrow",
                circle.escrow_arguments(owner, plan, around),
                escrow,
            ),
            ("Strikes", at_strikes, circle.strikes),
            ("Attendance", at_table, circle.attendance),
            ("Verifier", at_verifier.abi_encode_params(), verifier),
            ("Disputes", at_disputes.abi_encode_params(), circle.disputes),
        ] {
            let got = owner.deploy(name, code::ours(name, &arguments)?).await?;
            if got != expected {
                return Err(Error::Unexpected {
                    what: format!("address of {name}"),
                    got: got.to_string(),
                    expected: expected.to_string(),
                });
            }
        }
        Ok(circle)
    }

    /// The addresses of the next seven creations.
    async fn foreseen(owner: &Account) -> Result<Self, Error> {
        Ok(Self {
            rounds: owner.next_contract(0).await?,
            market: owner.next_contract(1).await?,
            escrow: owner.next_contract(2).await?,
            strikes: owner.next_contract(3).await?,
            attendance: owner.next_contract(4).await?,
            verifier: owner.next_contract(5).await?,
            disputes: owner.next_contract(6).await?,
        })
    }

    /// Without health: what nobody attests is never down.
    fn escrow_arguments(&self, owner: &Account, plan: &L2Plan<'_>, around: &Around) -> Vec<u8> {
        let links = EscrowLinks {
            market: self.market,
            rounds: self.rounds,
            providers: around.providers,
            health: Address::ZERO,
            treasury: owner.address(),
            forwarder: around.forwarder,
        };
        (links, vec![around.dollar], plan.price.pot_cap).abi_encode_params()
    }

    fn rounds_arguments(&self, plan: &L2Plan<'_>, around: &Around) -> Vec<u8> {
        let domain = IRounds::Domain {
            l1ChainId: plan.l1_chain_id,
            avs: plan.avs,
            operatorSet: OPERATOR_SET,
        };
        let links = Links {
            table: around.table,
            market: self.market,
            bridge: around.bridge,
            timelock: around.timelock,
            disputes: self.disputes,
            strikes: self.strikes,
        };
        let limits = Limits {
            proposalBond: plan.price.proposal_bond,
            forcedInclusion: plan.clock.forced_inclusion,
        };
        let policy = Bytes::from(plan.policy.page());
        let schedule = plan.clock.schedule(plan.beacon);
        (schedule, domain, links, plan.clock.ring, policy, limits).abi_encode_params()
    }
}
