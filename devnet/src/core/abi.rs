//! What a deployer calls and nobody else: initialisers and constructors of EigenLayer's core
//! v1.8.1, written by hand. What an AVS and its operators call is in `quorate-bindings`.

#![allow(missing_docs, clippy::too_many_arguments)]

alloy::sol! {
    /// `AllocationManager`, `DelegationManager`.
    interface IInitialPause {
        function initialize(uint256 initialPausedStatus) external;
    }

    /// `EigenPodManager`, `AVSDirectory`.
    interface IInitialOwner {
        function initialize(address initialOwner, uint256 initialPausedStatus) external;
    }

    interface IStrategyManagerInit {
        function initialize(address initialOwner, address initialStrategyWhitelister, uint256 initialPausedStatus) external;
    }

    /// What the constructor of `RewardsCoordinator` takes; seconds, and a Unix time.
    struct RewardsCoordinatorConstructorParams {
        address delegationManager;
        address strategyManager;
        address allocationManager;
        address pauserRegistry;
        address permissionController;
        uint32 CALCULATION_INTERVAL_SECONDS;
        uint32 MAX_REWARDS_DURATION;
        uint32 MAX_RETROACTIVE_LENGTH;
        uint32 MAX_FUTURE_LENGTH;
        uint32 GENESIS_REWARDS_TIMESTAMP;
        string version;
    }

    interface IRewardsCoordinatorInit {
        function initialize(
            address initialOwner,
            uint256 initialPausedStatus,
            address rewardsUpdater,
            uint32 activationDelay,
            uint16 defaultSplitBips
        ) external;
    }

    interface IProxyAdmin {
        function upgrade(address proxy, address implementation) external;
        function upgradeAndCall(address proxy, address implementation, bytes data) external payable;
    }

    /// What a slash looks like, and how its money leaves; for checks.
    #[sol(rpc)]
    interface ICoreViews {
        struct Set {
            address avs;
            uint32 id;
        }
        function DEALLOCATION_DELAY() external view returns (uint32);
        function ALLOCATION_CONFIGURATION_DELAY() external view returns (uint32);
        function version() external view returns (string);
        function getSlashCount(Set operatorSet) external view returns (uint256);
        function getAllocationDelay(address operator) external view returns (bool isSet, uint32 delay);
        function isOperatorSlashable(address operator, Set operatorSet) external view returns (bool);
        function getRedistributionRecipient(Set operatorSet) external view returns (address);
    }
}
