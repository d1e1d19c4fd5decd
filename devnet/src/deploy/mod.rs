//! Puts our contracts on both chains, in the order in which they can know each other.

pub mod abi;
mod circle;
mod clock;
mod code;
mod l1;
mod l2;
mod price;
mod rewards;
mod work;

use alloy::primitives::Address;
pub use clock::Clock;
pub use l1::{L1, OPERATOR_SET};
pub use l2::L2;
pub use price::Price;
use quorate_bls::PublicKey;
use quorate_matching::Policy;

use crate::{
    Error,
    beacon_server::Info,
    chains::{Account, L1_CHAIN_ID},
    core::Core,
    relayer::RELAYER,
};

/// Who owns what on both chains.
#[derive(Debug)]
pub struct Owners {
    /// Deploys on L1; owner of the core, treasury of the restaked token.
    pub l1: Account,
    /// Deploys on L2; treasury of both tokens there.
    pub l2: Account,
}

/// All of our contracts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contracts {
    /// On L1.
    pub l1: L1,
    /// On L2.
    pub l2: L2,
}

/// What the contracts are told about the network.
#[derive(Debug)]
pub struct Terms<'a> {
    /// All times.
    pub clock: Clock,
    /// The beacon that seeds the rounds.
    pub beacon: &'a Info,
    /// The first policy.
    pub policy: &'a Policy,
}

impl Terms<'_> {
    /// The beacon's key as contracts take it.
    ///
    /// # Errors
    /// When it is no point of the group.
    fn beacon_key(&self) -> Result<[u8; 192], Error> {
        PublicKey::from_compressed(&self.beacon.public_key)
            .map(|key| key.to_bytes192())
            .map_err(|e| Error::Key(e.to_string()))
    }
}

/// Deploys and wires our contracts on both chains, which mine a block for each transaction.
///
/// # Errors
/// When a creation or a call reverts or a node fails.
pub async fn deploy(owners: &Owners, core: &Core, terms: &Terms<'_>) -> Result<Contracts, Error> {
    let relayer = Account::address_of(RELAYER)?;
    let l1 = l1::begin(&owners.l1, core, relayer, &terms.clock).await?;
    let l2 = deploy_l2(&owners.l2, terms, l1.service_manager).await?;
    let l1 = l1::finish(&owners.l1, core, l1, l2.rounds, relayer, terms).await?;
    Ok(Contracts { l1, l2 })
}

/// Deploys and wires our contracts on L2 alone, for an AVS that lies elsewhere, or nowhere.
///
/// # Errors
/// When a creation or a call reverts or the node fails.
pub async fn deploy_l2(owner: &Account, terms: &Terms<'_>, avs: Address) -> Result<L2, Error> {
    let plan = l2::L2Plan {
        clock: &terms.clock,
        price: Price::devnet(),
        beacon: terms.beacon,
        beacon_key: terms.beacon_key()?,
        policy: terms.policy,
        avs,
        l1_chain_id: L1_CHAIN_ID,
        relayer: Account::address_of(RELAYER)?,
    };
    l2::deploy(owner, &plan).await
}
