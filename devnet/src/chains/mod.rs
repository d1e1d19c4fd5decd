//! Two chains on this machine: L1 and L2, each an anvil process.

mod account;
mod anvil;
mod process;

use std::path::Path;

pub use account::{Account, Call, TX_GAS_LIMIT};
pub use anvil::{Anvil, AnvilConfig, BLOCK_GAS_LIMIT};
pub use process::{Process, was_killed};

use crate::Error;

/// Chain id of the devnet's L1.
pub const L1_CHAIN_ID: u64 = 31_337;
/// Chain id of the devnet's L2.
pub const L2_CHAIN_ID: u64 = 412_346;

/// Number of L1's first block. The core's `DelegationManager` subtracts its withdrawal delay from
/// the block number whenever it slashes: on a younger chain than that, every slash reverts.
pub const L1_FIRST_BLOCK: u64 = 10_000;

/// Both chains.
#[derive(Debug)]
pub struct Chains {
    /// Holds the restaked money.
    pub l1: Anvil,
    /// Holds the market.
    pub l2: Anvil,
}

impl Chains {
    /// Starts both on free ports, mining a block for each transaction; logs go to `dir`.
    ///
    /// # Errors
    /// When one does not start.
    pub async fn start(dir: &Path) -> Result<Self, Error> {
        let (l1, l2) = (AnvilConfig::l1(dir), AnvilConfig::l2(dir));
        let (l1, l2) = tokio::try_join!(Anvil::start(&l1), Anvil::start(&l2))?;
        Ok(Self { l1, l2 })
    }
}
