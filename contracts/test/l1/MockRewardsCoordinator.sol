// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {OperatorSet} from "../../src/interfaces/eigenlayer/IAllocationManager.sol";
import {
    IRewardsCoordinator,
    IStrategyManager,
    OperatorDirectedRewardsSubmission,
    OperatorReward,
    RewardsMerkleClaim,
    StrategyAndMultiplier
} from "../../src/interfaces/eigenlayer/IRewardsCoordinator.sol";
import {MockCore} from "./MockCore.sol";

/// @notice RewardsCoordinator with every rule that v1.4 and v1.12 have for what we send, in their order and by their
/// names. Roots and proofs are played: a claim pays what its leaf says.
contract MockRewardsCoordinator is IRewardsCoordinator {
    using SafeERC20 for IERC20;

    error CurrentlyPaused();
    error InvalidPermissions();
    error InvalidOperatorSet();
    error InputArrayLengthZero();
    error DurationExceedsMax();
    error InvalidDurationRemainder();
    error DurationIsZero();
    error InvalidStartTimestampRemainder();
    error StartTimestampTooFarInPast();
    error StrategyNotWhitelisted();
    error StrategiesNotInAscendingOrder();
    error SubmissionNotRetroactive();
    error InvalidAddressZero();
    error OperatorsNotInAscendingOrder();
    error AmountIsZero();
    error AmountExceedsMax();
    error UnauthorizedCaller();

    event OperatorDirectedOperatorSetRewardsSubmissionCreated(
        address indexed caller,
        bytes32 indexed operatorDirectedRewardsSubmissionHash,
        OperatorSet operatorSet,
        uint256 submissionNonce,
        OperatorDirectedRewardsSubmission operatorDirectedRewardsSubmission
    );

    uint32 public immutable CALCULATION_INTERVAL_SECONDS;
    uint32 public constant MAX_REWARDS_DURATION = 70 days;
    uint32 public constant MAX_RETROACTIVE_LENGTH = 84 days;
    uint32 public immutable GENESIS_REWARDS_TIMESTAMP;
    uint256 private constant MAX_REWARDS_AMOUNT = 1e38 - 1;

    MockCore private immutable _core;
    bool public paused;
    /// @dev Keeps nothing of a submission, so that gas is not the mock's.
    bool private _quiet;
    /// @dev How much less than it may the core takes.
    uint256 private _less;
    mapping(address avs => uint256) public submissionNonce;
    mapping(address earner => address) public claimerFor;
    /// @notice What was promised to an operator in all.
    mapping(address operator => uint256) public earned;

    OperatorDirectedRewardsSubmission private _last;

    constructor(MockCore core, uint32 interval, uint32 genesis) {
        (_core, CALCULATION_INTERVAL_SECONDS, GENESIS_REWARDS_TIMESTAMP) = (core, interval, genesis);
    }

    // --- what tests arrange and look at ---

    function setPaused(bool yes) external {
        paused = yes;
    }

    function setQuiet(bool yes) external {
        _quiet = yes;
    }

    function setLess(uint256 less) external {
        _less = less;
    }

    function last() external view returns (OperatorDirectedRewardsSubmission memory) {
        return _last;
    }

    // --- what the AVS calls ---

    function createOperatorDirectedOperatorSetRewardsSubmission(
        OperatorSet calldata set,
        OperatorDirectedRewardsSubmission[] calldata submissions
    ) external {
        if (paused) revert CurrentlyPaused();
        if (!_core.canCall(set.avs, msg.sender, address(this), msg.sig)) revert InvalidPermissions();
        if (!_core.isOperatorSet(set)) revert InvalidOperatorSet();
        for (uint256 i; i < submissions.length; ++i) {
            uint256 nonce = submissionNonce[set.avs]++;
            bytes32 hash = keccak256(abi.encode(set.avs, nonce, submissions[i]));
            uint256 total = _validate(submissions[i]);
            _keep(submissions[i]);
            emit OperatorDirectedOperatorSetRewardsSubmissionCreated(msg.sender, hash, set, nonce, submissions[i]);
            IERC20(submissions[i].token).safeTransferFrom(msg.sender, address(this), total - _less);
        }
    }

    function setClaimerFor(address claimer) external {
        claimerFor[msg.sender] = claimer;
    }

    function processClaim(RewardsMerkleClaim calldata claim, address recipient) external {
        address earner = claim.earnerLeaf.earner;
        address claimer = claimerFor[earner] == address(0) ? earner : claimerFor[earner];
        if (msg.sender != claimer) revert UnauthorizedCaller();
        for (uint256 i; i < claim.tokenLeaves.length; ++i) {
            IERC20(claim.tokenLeaves[i].token).safeTransfer(recipient, claim.tokenLeaves[i].cumulativeEarnings);
        }
    }

    function strategyManager() external view returns (IStrategyManager) {
        return _core;
    }

    // --- inside ---

    function _validate(OperatorDirectedRewardsSubmission calldata s) private view returns (uint256 total) {
        _validateInterval(s.startTimestamp, s.duration, s.strategiesAndMultipliers.length);
        _validateStrategies(s.strategiesAndMultipliers);
        if (s.operatorRewards.length == 0) revert InputArrayLengthZero();
        if (s.startTimestamp + s.duration >= block.timestamp) revert SubmissionNotRetroactive();
        address former;
        for (uint256 i; i < s.operatorRewards.length; ++i) {
            OperatorReward calldata reward = s.operatorRewards[i];
            if (reward.operator == address(0)) revert InvalidAddressZero();
            if (former >= reward.operator) revert OperatorsNotInAscendingOrder();
            if (reward.amount == 0) revert AmountIsZero();
            former = reward.operator;
            total += reward.amount;
        }
        if (total > MAX_REWARDS_AMOUNT) revert AmountExceedsMax();
    }

    function _validateInterval(uint32 start, uint32 duration, uint256 strategies) private view {
        if (strategies == 0) revert InputArrayLengthZero();
        if (duration > MAX_REWARDS_DURATION) revert DurationExceedsMax();
        if (duration % CALCULATION_INTERVAL_SECONDS != 0) revert InvalidDurationRemainder();
        if (duration == 0) revert DurationIsZero();
        if (start % CALCULATION_INTERVAL_SECONDS != 0) revert InvalidStartTimestampRemainder();
        if (block.timestamp - MAX_RETROACTIVE_LENGTH > start || GENESIS_REWARDS_TIMESTAMP > start) {
            revert StartTimestampTooFarInPast();
        }
    }

    function _validateStrategies(StrategyAndMultiplier[] calldata strategies) private view {
        address former;
        for (uint256 i; i < strategies.length; ++i) {
            address strategy = strategies[i].strategy;
            if (!_core.strategyIsWhitelistedForDeposit(strategy)) revert StrategyNotWhitelisted();
            if (former >= strategy) revert StrategiesNotInAscendingOrder();
            former = strategy;
        }
    }

    function _keep(OperatorDirectedRewardsSubmission calldata s) private {
        if (_quiet) return;
        delete _last;
        for (uint256 i; i < s.strategiesAndMultipliers.length; ++i) {
            _last.strategiesAndMultipliers.push(s.strategiesAndMultipliers[i]);
        }
        for (uint256 i; i < s.operatorRewards.length; ++i) {
            _last.operatorRewards.push(s.operatorRewards[i]);
            earned[s.operatorRewards[i].operator] += s.operatorRewards[i].amount;
        }
        (_last.token, _last.startTimestamp, _last.duration, _last.description) =
        (s.token, s.startTimestamp, s.duration, s.description);
    }
}
