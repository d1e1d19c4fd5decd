//! The contracts on L2 that know each other in a circle: `Rounds` names those that come after it, and
//! they ask `Rounds` for its schedule. So they come right after one another, at addresses that are
//! known before.

use alloy::{
    primitives::{Address, Bytes},
    sol_types::SolValue,
};
use quorate_bindings::IRounds;

use super::{
    abi::{EscrowLinks, HealthLinks, IBeaconPage, Limits, Links},
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
    pub(super) machines: Address,
    pub(super) health: Address,
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
        let at_table = (rounds, around.table, plan.clock.grace).abi_encode_params();
        let at_strikes = (rounds, around.table, plan.clock.hearing()).abi_encode_params();
        let key = Bytes::from(plan.beacon_key);
        let at_verifier = (rounds, market, around.providers, key);
        let (bond, bounty) = (plan.price.commit_bond, plan.price.bounty_cap);
        let at_disputes = (rounds, market, verifier, bond, bounty);
        let at_machines = (market, around.providers, rounds, around.forwarder);
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
            ("Machines", at_machines.abi_encode_params(), circle.machines),
        ] {
            place(owner, name, &arguments, expected).await?;
        }
        // The page with the beacon's key is the verifier's: written once, checked once.
        let page = IBeaconPage::beaconKeyPageCall {};
        let page = owner.view(verifier, &page).await?;
        let arguments = circle.health_arguments(around, page);
        place(owner, "Health", &arguments, circle.health).await?;
        Ok(circle)
    }

    /// The addresses of the next nine creations.
    async fn foreseen(owner: &Account) -> Result<Self, Error> {
        Ok(Self {
            rounds: owner.next_contract(0).await?,
            market: owner.next_contract(1).await?,
            escrow: owner.next_contract(2).await?,
            strikes: owner.next_contract(3).await?,
            attendance: owner.next_contract(4).await?,
            verifier: owner.next_contract(5).await?,
            disputes: owner.next_contract(6).await?,
            machines: owner.next_contract(7).await?,
            health: owner.next_contract(8).await?,
        })
    }

    fn escrow_arguments(&self, owner: &Account, plan: &L2Plan<'_>, around: &Around) -> Vec<u8> {
        let links = EscrowLinks {
            market: self.market,
            rounds: self.rounds,
            providers: around.providers,
            health: self.health,
            treasury: owner.address(),
            forwarder: around.forwarder,
        };
        (links, vec![around.dollar], plan.price.pot_cap).abi_encode_params()
    }

    fn health_arguments(&self, around: &Around, beacon_key_page: Address) -> Vec<u8> {
        let links = HealthLinks {
            rounds: self.rounds,
            table: around.table,
            market: self.market,
            machines: self.machines,
            providers: around.providers,
            escrow: self.escrow,
            beaconKeyPage: beacon_key_page,
        };
        (links,).abi_encode_params()
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

/// Deploys a contract to where it was foreseen.
async fn place(
    owner: &Account,
    name: &str,
    arguments: &[u8],
    expected: Address,
) -> Result<(), Error> {
    let got = owner.deploy(name, code::ours(name, arguments)?).await?;
    if got == expected {
        return Ok(());
    }
    Err(Error::Unexpected {
        what: format!("address of {name}"),
        got: got.to_string(),
        expected: expected.to_string(),
    })
}
