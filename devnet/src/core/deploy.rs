//! Deploys EigenLayer's real core: proxies first, then the implementations that name them.

use alloy::{
    primitives::{Address, Bytes, U256},
    sol_types::{SolCall, SolValue},
};

use super::{
    abi::{IInitialOwner, IInitialPause, IProxyAdmin, IStrategyManagerInit},
    artifacts::{CoreCode, CoreContract},
};
use crate::{Error, chains::Account};

/// Delays of the core, in L1 blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoreDelays {
    /// How long an operator that left, or took its stake back, can still be slashed. On mainnet 14
    /// days; here long enough to cover a run.
    pub deallocation: u32,
    /// How long a new allocation delay takes to hold. On mainnet 17.5 days.
    pub allocation_configuration: u32,
}

impl Default for CoreDelays {
    /// Half an hour of one-second blocks to leave, three blocks to configure.
    fn default() -> Self {
        Self {
            deallocation: 1_800,
            allocation_configuration: 3,
        }
    }
}

/// The core's contracts on L1, behind proxies but for the registry and the beacon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are EigenLayer's own")]
pub struct Core {
    pub proxy_admin: Address,
    pub pauser_registry: Address,
    pub permission_controller: Address,
    pub allocation_manager: Address,
    pub delegation_manager: Address,
    pub strategy_manager: Address,
    pub eigen_pod_manager: Address,
    pub eigen_pod_beacon: Address,
    pub avs_directory: Address,
    pub rewards_coordinator: Address,
}

/// The version that the implementations are told; it goes into their EIP-712 domains.
pub(super) const VERSION: &str = "1.8.1";
/// The deposit contract of the beacon chain on mainnet: there is none here, so pods cannot stake.
const ETH_DEPOSIT: Address =
    alloy::primitives::address!("00000000219ab540356cBB839Cbe05303d7705Fa");

pub(super) struct Deployer<'a> {
    pub(super) account: &'a Account,
    code: &'a CoreCode,
}

/// Deploys the core. `owner` becomes its owner, unpauser and whitelister of strategies.
///
/// # Errors
/// When a creation or an initialiser reverts, or the node fails.
pub async fn deploy_core(
    owner: &Account,
    code: &CoreCode,
    delays: CoreDelays,
) -> Result<Core, Error> {
    let deployer = Deployer {
        account: owner,
        code,
    };
    let core = deployer.proxies().await?;
    deployer.managers(&core, delays).await?;
    deployer.pods(&core).await?;
    deployer.rewards(&core).await?;
    Ok(core)
}

impl Deployer<'_> {
    /// Creates a contract from its code and its encoded constructor arguments.
    pub(super) async fn create(
        &self,
        contract: CoreContract,
        arguments: Vec<u8>,
    ) -> Result<Address, Error> {
        let code = [self.code.get(contract).as_ref(), &arguments].concat();
        self.account.deploy(contract.name(), code.into()).await
    }

    async fn empty_proxy(&self, empty: Address, admin: Address) -> Result<Address, Error> {
        let arguments = (empty, admin, Bytes::new()).abi_encode_params();
        self.create(CoreContract::TransparentUpgradeableProxy, arguments)
            .await
    }

    /// What pods are made from. No proxy: it is one itself.
    async fn pod_beacon(&self, eigen_pod_manager: Address) -> Result<Address, Error> {
        let arguments = (ETH_DEPOSIT, eigen_pod_manager, VERSION);
        let pod = self
            .create(CoreContract::EigenPod, arguments.abi_encode_params())
            .await?;
        self.create(CoreContract::UpgradeableBeacon, (pod,).abi_encode_params())
            .await
    }

    /// All addresses must be known before the first implementation: each names the others.
    async fn proxies(&self) -> Result<Core, Error> {
        let owner = self.account.address();
        let proxy_admin = self.create(CoreContract::ProxyAdmin, Vec::new()).await?;
        let pausers = (vec![owner], owner).abi_encode_params();
        let pauser_registry = self.create(CoreContract::PauserRegistry, pausers).await?;
        let empty = self.create(CoreContract::EmptyContract, Vec::new()).await?;
        let eigen_pod_manager = self.empty_proxy(empty, proxy_admin).await?;
        Ok(Core {
            proxy_admin,
            pauser_registry,
            permission_controller: self.empty_proxy(empty, proxy_admin).await?,
            allocation_manager: self.empty_proxy(empty, proxy_admin).await?,
            delegation_manager: self.empty_proxy(empty, proxy_admin).await?,
            strategy_manager: self.empty_proxy(empty, proxy_admin).await?,
            eigen_pod_manager,
            eigen_pod_beacon: self.pod_beacon(eigen_pod_manager).await?,
            avs_directory: self.empty_proxy(empty, proxy_admin).await?,
            rewards_coordinator: self.empty_proxy(empty, proxy_admin).await?,
        })
    }

    async fn managers(&self, core: &Core, delays: CoreDelays) -> Result<(), Error> {
        let pause = IInitialPause::initializeCall {
            initialPausedStatus: U256::ZERO,
        }
        .abi_encode();
        let permission = self
            .create(
                CoreContract::PermissionController,
                (VERSION,).abi_encode_params(),
            )
            .await?;
        self.upgrade(core, core.permission_controller, permission, None)
            .await?;

        // There is no EIGEN token here: no strategy is it.
        let eigen_strategy = Address::ZERO;
        let arguments = (
            core.delegation_manager,
            eigen_strategy,
            core.pauser_registry,
            core.permission_controller,
            delays.deallocation,
            delays.allocation_configuration,
            VERSION,
        );
        let allocation = self
            .create(
                CoreContract::AllocationManager,
                arguments.abi_encode_params(),
            )
            .await?;
        self.upgrade(
            core,
            core.allocation_manager,
            allocation,
            Some(pause.clone()),
        )
        .await?;

        let arguments = (
            core.strategy_manager,
            core.eigen_pod_manager,
            core.allocation_manager,
            core.pauser_registry,
            core.permission_controller,
            delays.deallocation,
            VERSION,
        );
        let delegation = self
            .create(
                CoreContract::DelegationManager,
                arguments.abi_encode_params(),
            )
            .await?;
        self.upgrade(core, core.delegation_manager, delegation, Some(pause))
            .await?;

        let arguments = (
            core.allocation_manager,
            core.delegation_manager,
            core.pauser_registry,
            VERSION,
        );
        let strategy = self
            .create(CoreContract::StrategyManager, arguments.abi_encode_params())
            .await?;
        let owner = self.account.address();
        let init = IStrategyManagerInit::initializeCall {
            initialOwner: owner,
            initialStrategyWhitelister: owner,
            initialPausedStatus: U256::ZERO,
        };
        self.upgrade(
            core,
            core.strategy_manager,
            strategy,
            Some(init.abi_encode()),
        )
        .await
    }

    async fn pods(&self, core: &Core) -> Result<(), Error> {
        let owner = self.account.address();
        let init = IInitialOwner::initializeCall {
            initialOwner: owner,
            initialPausedStatus: U256::ZERO,
        }
        .abi_encode();

        let arguments = (
            ETH_DEPOSIT,
            core.eigen_pod_beacon,
            core.delegation_manager,
            core.pauser_registry,
            VERSION,
        );
        let pods = self
            .create(CoreContract::EigenPodManager, arguments.abi_encode_params())
            .await?;
        self.upgrade(core, core.eigen_pod_manager, pods, Some(init.clone()))
            .await?;

        let arguments = (core.delegation_manager, core.pauser_registry, VERSION);
        let directory = self
            .create(CoreContract::AVSDirectory, arguments.abi_encode_params())
            .await?;
        self.upgrade(core, core.avs_directory, directory, Some(init))
            .await
    }

    pub(super) async fn upgrade(
        &self,
        core: &Core,
        proxy: Address,
        implementation: Address,
        init: Option<Vec<u8>>,
    ) -> Result<(), Error> {
        match init {
            None => {
                self.account
                    .call(
                        core.proxy_admin,
                        &IProxyAdmin::upgradeCall {
                            proxy,
                            implementation,
                        },
                    )
                    .await?
            }
            Some(data) => {
                let call = IProxyAdmin::upgradeAndCallCall {
                    proxy,
                    implementation,
                    data: data.into(),
                };
                self.account.call(core.proxy_admin, &call).await?
            }
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chains::L1_FIRST_BLOCK;

    #[test]
    fn the_chain_is_older_than_the_withdrawal_delay() {
        assert!(L1_FIRST_BLOCK > u64::from(CoreDelays::default().deallocation) + 1);
    }
}
