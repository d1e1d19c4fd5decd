// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {OperatorSet} from "./IAllocationManager.sol";

/// @notice A strategy and how much its shares weigh against those of the others.
struct StrategyAndMultiplier {
    address strategy;
    uint96 multiplier;
}

/// @notice What one operator, with whoever delegates to it, has earned.
struct OperatorReward {
    address operator;
    uint256 amount;
}

/// @notice Rewards of an interval that is over. Strategies and operators strictly ascending by address; amounts above
/// zero; start and duration multiples of `CALCULATION_INTERVAL_SECONDS`.
struct OperatorDirectedRewardsSubmission {
    StrategyAndMultiplier[] strategiesAndMultipliers;
    address token;
    OperatorReward[] operatorRewards;
    uint32 startTimestamp;
    uint32 duration;
    string description;
}

/// @notice A leaf of the tree of earners.
struct EarnerTreeMerkleLeaf {
    address earner;
    bytes32 earnerTokenRoot;
}

/// @notice A leaf of an earner's tree of tokens.
struct TokenTreeMerkleLeaf {
    address token;
    uint256 cumulativeEarnings;
}

/// @notice What an earner may take out, proven against a root that the core has published.
struct RewardsMerkleClaim {
    uint32 rootIndex;
    uint32 earnerIndex;
    bytes earnerTreeProof;
    EarnerTreeMerkleLeaf earnerLeaf;
    uint32[] tokenIndices;
    bytes[] tokenTreeProofs;
    TokenTreeMerkleLeaf[] tokenLeaves;
}

/// @title The part of EigenLayer's RewardsCoordinator that an AVS calls (v1.4 and later).
interface IRewardsCoordinator {
    /// @notice Takes rewards for an operator set, and their sum of the token from the caller, who must be one that the
    /// PermissionController lets act for the AVS.
    function createOperatorDirectedOperatorSetRewardsSubmission(
        OperatorSet calldata operatorSet,
        OperatorDirectedRewardsSubmission[] calldata submissions
    ) external;
    /// @notice Names who may claim for the caller.
    function setClaimerFor(address claimer) external;
    /// @notice Pays out what an earner's claimer proves.
    function processClaim(RewardsMerkleClaim calldata claim, address recipient) external;

    // --- views ---
    function CALCULATION_INTERVAL_SECONDS() external view returns (uint32);
    function MAX_REWARDS_DURATION() external view returns (uint32);
    function strategyManager() external view returns (IStrategyManager);
}

/// @title The part of EigenLayer's StrategyManager that rewards look at.
interface IStrategyManager {
    /// @notice Whether the core knows the strategy: rewards over another are refused.
    function strategyIsWhitelistedForDeposit(address strategy) external view returns (bool);
}
