//! The functions of EigenLayer's core that an AVS, its operators and their restakers call
//! (core v1.8, rewards v1.4 and later; the JSON ABI of `AllocationManager` is too much for `sol!`, so
//! they are written by hand after `src/contracts/interfaces` of
//! Layr-Labs/eigenlayer-contracts).

#![allow(missing_docs)]

alloy::sol! {
    /// Names one operator set of one AVS.
    #[derive(Debug, PartialEq, Eq)]
    struct OperatorSet {
        address avs;
        uint32 id;
    }

    #[sol(rpc)]
    interface IAllocationManager {
        struct CreateSetParams {
            uint32 operatorSetId;
            address[] strategies;
        }
        struct AllocateParams {
            OperatorSet operatorSet;
            address[] strategies;
            uint64[] newMagnitudes;
        }
        struct RegisterParams {
            address avs;
            uint32[] operatorSetIds;
            bytes data;
        }
        struct DeregisterParams {
            address operator;
            address avs;
            uint32[] operatorSetIds;
        }
        struct Allocation {
            uint64 currentMagnitude;
            int128 pendingDiff;
            uint32 effectBlock;
        }

        event OperatorSlashed(address operator, OperatorSet operatorSet, address[] strategies, uint256[] wadSlashed, string description);

        function updateAVSMetadataURI(address avs, string metadataURI) external;
        function setAVSRegistrar(address avs, address registrar) external;
        function createOperatorSets(address avs, CreateSetParams[] params) external;
        function createRedistributingOperatorSets(address avs, CreateSetParams[] params, address[] redistributionRecipients) external;
        function setAllocationDelay(address operator, uint32 delay) external;
        function modifyAllocations(address operator, AllocateParams[] params) external;
        function registerForOperatorSets(address operator, RegisterParams params) external;
        function deregisterFromOperatorSets(DeregisterParams params) external;
        function getMinimumSlashableStake(OperatorSet operatorSet, address[] operators, address[] strategies, uint32 futureBlock)
            external view returns (uint256[][] slashableStake);
        function getAllocation(address operator, OperatorSet operatorSet, address strategy) external view returns (Allocation);
        function getMaxMagnitude(address operator, address strategy) external view returns (uint64);
        function isMemberOfOperatorSet(address operator, OperatorSet operatorSet) external view returns (bool);
        function isOperatorSlashable(address operator, OperatorSet operatorSet) external view returns (bool);
    }

    #[sol(rpc)]
    interface IDelegationManager {
        struct SignatureWithExpiry {
            bytes signature;
            uint256 expiry;
        }

        function registerAsOperator(address initDelegationApprover, uint32 allocationDelay, string metadataURI) external;
        function delegateTo(address operator, SignatureWithExpiry approverSignatureAndExpiry, bytes32 approverSalt) external;
        function operatorShares(address operator, address strategy) external view returns (uint256);
    }

    #[sol(rpc)]
    interface IStrategyManager {
        function addStrategiesToDepositWhitelist(address[] strategies) external;
        function depositIntoStrategy(address strategy, address token, uint256 amount) external returns (uint256 shares);
        function clearBurnOrRedistributableShares(OperatorSet operatorSet, uint256 slashId) external returns (uint256[] amounts);
    }

    #[sol(rpc)]
    interface IRewardsCoordinator {
        struct StrategyAndMultiplier {
            address strategy;
            uint96 multiplier;
        }
        struct OperatorReward {
            address operator;
            uint256 amount;
        }
        struct OperatorDirectedRewardsSubmission {
            StrategyAndMultiplier[] strategiesAndMultipliers;
            address token;
            OperatorReward[] operatorRewards;
            uint32 startTimestamp;
            uint32 duration;
            string description;
        }

        event OperatorDirectedOperatorSetRewardsSubmissionCreated(
            address indexed caller,
            bytes32 indexed operatorDirectedRewardsSubmissionHash,
            OperatorSet operatorSet,
            uint256 submissionNonce,
            OperatorDirectedRewardsSubmission operatorDirectedRewardsSubmission
        );

        function createOperatorDirectedOperatorSetRewardsSubmission(OperatorSet operatorSet, OperatorDirectedRewardsSubmission[] submissions) external;
        function CALCULATION_INTERVAL_SECONDS() external view returns (uint32);
        function isOperatorDirectedOperatorSetRewardsSubmissionHash(address avs, bytes32 hash) external view returns (bool valid);
        function submissionNonce(address avs) external view returns (uint256);
        function claimerFor(address earner) external view returns (address claimer);
    }

    #[sol(rpc)]
    interface IPermissionController {
        function setAppointee(address account, address appointee, address target, bytes4 selector) external;
        function canCall(address account, address caller, address target, bytes4 selector) external view returns (bool);
    }
}
