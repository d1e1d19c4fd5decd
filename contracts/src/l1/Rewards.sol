// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {LibSort} from "solady/utils/LibSort.sol";
import {IBridgeReceiver} from "../interfaces/IBridge.sol";
import {IRewards} from "../interfaces/IRewards.sol";
import {IServiceManager} from "../interfaces/IServiceManager.sol";
import {IAllocationManager} from "../interfaces/eigenlayer/IAllocationManager.sol";
import {
    IRewardsCoordinator,
    OperatorDirectedRewardsSubmission,
    OperatorReward,
    RewardsMerkleClaim,
    StrategyAndMultiplier
} from "../interfaces/eigenlayer/IRewardsCoordinator.sol";
import {CodePages} from "../lib/CodePages.sol";
import {TallyMessages} from "../lib/TallyMessages.sol";
import {CoreAdapter} from "./CoreAdapter.sol";
import {Floors, Work} from "./Floors.sol";
import {Times, TimesLib} from "./Times.sol";

/// @title Pays operators by stake and share of work, through EigenLayer's RewardsCoordinator (docs/formats.md,
/// section 15).
/// @notice Holds the token; whoever wants operators to be paid sends some here. Has no owner: what is held leaves
/// towards operators, by the tables of L1 and the shares that L2 counted, and in no other direction.
contract Rewards is Floors, IBridgeReceiver, ReentrancyGuardTransient {
    using CoreAdapter for CoreAdapter.Core;
    using SafeERC20 for IERC20;
    using TallyMessages for bytes;
    using TimesLib for Times;

    /// @notice The most that the core takes in one submission.
    uint256 public constant MOST = 1e38 - 1;
    uint256 private constant FULL = 10_000;

    /// @dev What L2 told of an epoch.
    struct Entry {
        address page; // with the message; zero: nothing
        bool submitted;
    }

    /// @notice Brings L2's words.
    address public immutable bridge;
    /// @notice EigenLayer's.
    IRewardsCoordinator public immutable coordinator;
    /// @inheritdoc IRewards
    address public immutable token;
    /// @inheritdoc IRewards
    uint256 public immutable budget;

    Times private _times;
    mapping(uint64 epoch => Entry) private _told;
    bool private _any;
    uint64 private _last;

    /// @notice The budget is more than the core takes at once.
    error BudgetTooLarge(uint256 got, uint256 most);
    /// @notice An epoch lasts longer than the core pays for at once.
    error EpochTooLong(uint256 got, uint256 most);

    /// @param serviceManager_ the AVS, whose `setUp` names this contract
    /// @param bridge_ the end of the road from `Tally` on this chain
    /// @param coordinator_ EigenLayer's RewardsCoordinator
    /// @param token_ what is paid; moves exactly what it is told to
    /// @param budget_ what an epoch pays at most, in the token's smallest units
    /// @param floor_ basis points of its work that an operator must be shown to do
    /// @param patience_ epochs in a row below the floor after which anybody may eject it
    constructor(
        address serviceManager_,
        address bridge_,
        address coordinator_,
        address token_,
        uint256 budget_,
        uint16 floor_,
        uint16 patience_
    ) Floors(IServiceManager(serviceManager_), floor_, patience_) {
        if (budget_ > MOST) revert BudgetTooLarge(budget_, MOST);
        (bridge, coordinator, token, budget) = (bridge_, IRewardsCoordinator(coordinator_), token_, budget_);
        _times = IServiceManager(serviceManager_).times();
        (, uint32 duration) = intervalOf(0);
        uint32 most = IRewardsCoordinator(coordinator_).MAX_REWARDS_DURATION();
        if (duration > most) revert EpochTooLong(duration, most);
    }

    /// @notice L2's word about an epoch. The first stands.
    function receiveMessage(bytes calldata payload) external {
        if (msg.sender != bridge) revert NotBridge(msg.sender);
        if (!payload.isWellFormed()) revert BadMessage();
        uint64 epoch = payload.epochOf();
        if (_told[epoch].page != address(0)) revert AlreadyTold(epoch);
        if (payload.countOf() != serviceManager.stakesOf(epoch).length / 16) revert BadMessage();
        _told[epoch].page = CodePages.write(payload);
        emit Told(epoch, payload);
    }

    /// @inheritdoc IRewards
    function submit(uint64 epoch) external nonReentrant {
        Entry storage told = _requireTold(epoch);
        if (told.submitted) revert AlreadySubmitted(epoch, _last);
        told.submitted = true;
        Work memory w = _workOf(epoch, told.page);
        if (!_any || epoch > _last) {
            (_any, _last) = (true, epoch);
            _countRuns(epoch, w);
        }
        (OperatorReward[] memory rewards, uint256 total) = _payout(w);
        (uint32 start, uint32 duration) = intervalOf(epoch);
        emit Submitted(epoch, total, start, duration);
        if (total == 0) return;
        string memory description = string.concat("Quorate, stake epoch ", Strings.toString(epoch));
        StrategyAndMultiplier[] memory none;
        _hand(OperatorDirectedRewardsSubmission(none, token, rewards, start, duration, description), total);
    }

    /// @notice Fetches what the core gave back of former submissions: an operator's part for days on which it was not in
    /// the set. Anyone; the proof is EigenLayer's.
    function reclaim(RewardsMerkleClaim calldata claim) external {
        coordinator.processClaim(claim, address(this));
    }

    // --- views ---

    /// @inheritdoc IRewards
    function messageOf(uint64 epoch) external view returns (bytes memory message) {
        address page = _told[epoch].page;
        if (page != address(0)) message = CodePages.read(page);
    }

    /// @inheritdoc IRewards
    function lastSubmitted() public view override returns (bool any, uint64 epoch) {
        return (_any, _last);
    }

    /// @inheritdoc IRewards
    function isSubmitted(uint64 epoch) external view returns (bool) {
        return _told[epoch].submitted;
    }

    /// @inheritdoc IRewards
    /// @dev Nothing, once it was submitted.
    function payoutOf(uint64 epoch) external view returns (address[] memory operators, uint256[] memory amounts) {
        Entry storage told = _requireTold(epoch);
        if (told.submitted) return (operators, amounts);
        (OperatorReward[] memory rewards,) = _payout(_workOf(epoch, told.page));
        (operators, amounts) = (new address[](rewards.length), new uint256[](rewards.length));
        for (uint256 i = 0; i < rewards.length; ++i) {
            (operators[i], amounts[i]) = (rewards[i].operator, rewards[i].amount);
        }
    }

    /// @notice The seconds that an epoch is paid for: the core's intervals that the epoch's length reaches over, the last
    /// of them over when the epoch is.
    function intervalOf(uint64 epoch) public view returns (uint32 start, uint32 duration) {
        uint256 interval = coordinator.CALCULATION_INTERVAL_SECONDS();
        uint256 length = interval * Math.ceilDiv(_times.stakeEpoch, interval);
        uint256 end = _times.epochStart(epoch) + _times.stakeEpoch;
        return (SafeCast.toUint32(end - end % interval - length), SafeCast.toUint32(length));
    }

    // --- inside ---

    function _requireTold(uint64 epoch) private view returns (Entry storage told) {
        told = _told[epoch];
        if (told.page == address(0)) revert NotTold(epoch);
    }

    /// @dev Stakes and total of the epoch's table, and the shares that L2 counted.
    function _workOf(uint64 epoch, address page) private view returns (Work memory w) {
        (w.rounds, w.shares) = CodePages.read(page).work();
        bytes memory commitment = serviceManager.commitmentOf(epoch);
        bytes memory stakes = serviceManager.stakesOf(epoch);
        uint256 total;
        assembly ("memory-safe") {
            total := shr(128, mload(add(commitment, 44)))
        }
        w.total = total;
        w.stakes = new uint256[](w.shares.length);
        for (uint256 i = 0; i < w.stakes.length; ++i) {
            uint256 stake;
            assembly ("memory-safe") {
                stake := shr(128, mload(add(add(stakes, 32), shl(4, i))))
            }
            w.stakes[i] = stake;
        }
    }

    /// @dev What each operator gets of the budget, or of what is there. Nobody's part depends on another's share.
    function _payout(Work memory w) private view returns (OperatorReward[] memory rewards, uint256 total) {
        uint256 pot = Math.min(budget, IERC20(token).balanceOf(address(this)));
        uint256[] memory amounts = new uint256[](w.stakes.length);
        uint256[] memory order = new uint256[](w.stakes.length); // operator ‖ index u32, so that sorting keeps both
        uint256 count = 0;
        for (uint256 i = 0; i < amounts.length; ++i) {
            if (w.stakes[i] == 0) continue;
            uint256 amount = Math.mulDiv(pot, w.stakes[i] * w.shares[i], w.total * FULL);
            if (amount == 0) continue;
            (address operator,) = serviceManager.operatorAt(uint32(i));
            (amounts[i], order[count++]) = (amount, uint256(uint160(operator)) << 32 | i);
            total += amount;
        }
        assembly ("memory-safe") {
            mstore(order, count)
        }
        LibSort.sort(order);
        rewards = new OperatorReward[](count);
        for (uint256 i = 0; i < count; ++i) {
            rewards[i] = OperatorReward(address(uint160(order[i] >> 32)), amounts[uint32(order[i])]);
        }
    }

    /// @dev Hands a submission and its money to the core. What it may take is what it is told, and nothing afterwards.
    function _hand(OperatorDirectedRewardsSubmission memory submission, uint256 total) private {
        CoreAdapter.Core memory core = CoreAdapter.Core(
            IAllocationManager(serviceManager.allocationManager()),
            address(serviceManager),
            serviceManager.operatorSetId()
        );
        IERC20(token).forceApprove(address(coordinator), total);
        core.reward(coordinator, submission);
        IERC20(token).forceApprove(address(coordinator), 0);
    }
}
