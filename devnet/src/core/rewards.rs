//! Where an AVS has its operators paid: `RewardsCoordinator`.

use alloy::{
    primitives::U256,
    sol_types::{SolCall, SolValue},
};

use super::{
    abi::{IRewardsCoordinatorInit, RewardsCoordinatorConstructorParams},
    artifacts::CoreContract,
    deploy::{Core, Deployer, VERSION},
};
use crate::Error;

const DAY: u32 = 86_400;

/// The least that the contract takes, whole days. A submission is for whole
/// intervals that have ended: so a devnet of minutes is paid for a day that was over before it
/// began, not for its own epochs.
const CALCULATION_INTERVAL: u32 = DAY;
/// These lengths are those of the core's published configuration.
const MAX_REWARDS_DURATION: u32 = 70 * DAY;
const MAX_RETROACTIVE_LENGTH: u32 = 90 * DAY;
const MAX_FUTURE_LENGTH: u32 = 30 * DAY;
/// 21 March 2024, as on mainnet: a multiple of the interval, as it must be.
const GENESIS_REWARDS_TIMESTAMP: u32 = 1_710_979_200;
/// How long after it was posted a root can be claimed against. Roots come from EigenLayer's own
/// service, and there is none here: `owner` could post one.
const ACTIVATION_DELAY: u32 = 7_200;
/// What an operator keeps of its stakers' rewards unless it says otherwise, basis points.
const DEFAULT_SPLIT: u16 = 1_000;

impl Deployer<'_> {
    /// Puts `RewardsCoordinator` behind its proxy, with nothing paused.
    pub(super) async fn rewards(&self, core: &Core) -> Result<(), Error> {
        let params = RewardsCoordinatorConstructorParams {
            delegationManager: core.delegation_manager,
            strategyManager: core.strategy_manager,
            allocationManager: core.allocation_manager,
            pauserRegistry: core.pauser_registry,
            permissionController: core.permission_controller,
            CALCULATION_INTERVAL_SECONDS: CALCULATION_INTERVAL,
            MAX_REWARDS_DURATION,
            MAX_RETROACTIVE_LENGTH,
            MAX_FUTURE_LENGTH,
            GENESIS_REWARDS_TIMESTAMP,
            version: VERSION.to_owned(),
        };
        let implementation = self
            .create(
                CoreContract::RewardsCoordinator,
                (params,).abi_encode_params(),
            )
            .await?;
        let owner = self.account.address();
        let init = IRewardsCoordinatorInit::initializeCall {
            initialOwner: owner,
            initialPausedStatus: U256::ZERO,
            rewardsUpdater: owner,
            activationDelay: ACTIVATION_DELAY,
            defaultSplitBips: DEFAULT_SPLIT,
        };
        let proxy = core.rewards_coordinator;
        self.upgrade(core, proxy, implementation, Some(init.abi_encode()))
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_would_take_these_times() {
        assert_eq!(CALCULATION_INTERVAL % DAY, 0);
        assert_eq!(GENESIS_REWARDS_TIMESTAMP % CALCULATION_INTERVAL, 0);
    }
}
