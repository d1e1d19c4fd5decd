// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {DevnetToken} from "../../src/devnet/DevnetToken.sol";
import {Dialect} from "../../src/l1/CoreAdapter.sol";
import {Rewards} from "../../src/l1/Rewards.sol";
import {L1Base} from "./L1Base.sol";
import {MockRewardsCoordinator} from "./MockRewardsCoordinator.sol";

/// @notice L1 with rewards: the test is the bridge. Operators' indices and addresses ascend differently.
abstract contract RewardsKit is L1Base {
    uint256 internal constant BUDGET = 1_000_000;
    uint16 internal constant FLOOR = 3_000;
    uint16 internal constant PATIENCE = 3;
    uint64 internal constant FIRST = 4; // epoch that tests begin with
    uint16 internal constant COUNTED = 16; // weight of rounds

    DevnetToken internal token;
    uint64 internal nextTable = FIRST;

    function setUp() public virtual {
        token = new DevnetToken("Quorate", "Q", 18);
        _deploy(Dialect.Appointee, 0);
        for (uint32 i = 0; i < 4; ++i) {
            _join(i, 1_000);
        }
        token.mint(address(rewards), 100 * BUDGET);
    }

    function _beforeSetUp() internal override {
        coordinator = new MockRewardsCoordinator(core, 1 days, uint32(GENESIS - GENESIS % 1 days));
        rewards = _rewards(BUDGET, FLOOR, PATIENCE);
    }

    function _rewards(uint256 budget, uint16 floor, uint16 patience) internal returns (Rewards) {
        return
            new Rewards(address(manager), address(this), address(coordinator), address(token), budget, floor, patience);
    }

    /// @dev The operator of an index: its address is no larger for a larger index.
    function _at(uint32 index) internal pure returns (address) {
        return _operator(uint256(index) ^ 2);
    }

    function _join(uint32 index, uint256 stake) internal {
        core.setStake(_at(index), STRATEGY_A, stake);
        _register(uint256(index) ^ 2);
    }

    function _stake(uint32 index, uint256 stake) internal {
        core.setStake(_at(index), STRATEGY_A, stake);
    }

    /// @dev Leaves just so much to pay from.
    function _hold(uint256 amount) internal {
        uint256 held = token.balanceOf(address(rewards));
        vm.prank(address(rewards));
        assertTrue(token.transfer(address(0xdead), held), "emptied");
        token.mint(address(rewards), amount);
    }

    // --- epochs ---

    function _start(uint64 epoch) internal pure returns (uint256) {
        return uint256(GENESIS) + uint256(epoch) * 1 days;
    }

    /// @dev Fixes all tables up to that of an epoch, each in its time.
    function _fix(uint64 epoch) internal {
        for (; nextTable <= epoch; ++nextTable) {
            vm.warp(manager.tableOpensAt(nextTable));
            manager.fixTable(nextTable);
        }
    }

    function _message(uint64 epoch, uint16 rounds, uint16[4] memory shares) internal pure returns (bytes memory) {
        return abi.encodePacked(epoch, rounds, uint16(9), uint32(4), shares[0], shares[1], shares[2], shares[3]);
    }

    /// @dev Fixes the table of an epoch, lets the epoch pass, and tells.
    function _tell(uint64 epoch, uint16[4] memory shares) internal {
        _fix(epoch);
        if (block.timestamp < _start(epoch + 1) + 1 hours) vm.warp(_start(epoch + 1) + 1 hours);
        rewards.receiveMessage(_message(epoch, COUNTED, shares));
    }

    /// @dev As many epochs as `count`, all with the same shares, told and submitted after the last of them.
    function _submit(uint64 from, uint64 count, uint16[4] memory shares) internal {
        _fix(from + count - 1);
        for (uint64 e = from; e < from + count; ++e) {
            _tell(e, shares);
            rewards.submit(e);
        }
    }

    function _all(uint16 share) internal pure returns (uint16[4] memory) {
        return [share, share, share, share];
    }

    /// @dev All do all of their work but one.
    function _butOne(uint32 index, uint16 share) internal pure returns (uint16[4] memory shares) {
        shares = _all(10_000);
        shares[index] = share;
    }

    function _sum(uint256[] memory amounts) internal pure returns (uint256 sum) {
        for (uint256 i = 0; i < amounts.length; ++i) {
            sum += amounts[i];
        }
    }

    /// @dev What an epoch would pay to the operator of an index.
    function _payOf(uint64 epoch, uint32 index) internal view returns (uint256) {
        (address[] memory operators, uint256[] memory amounts) = rewards.payoutOf(epoch);
        for (uint256 i = 0; i < operators.length; ++i) {
            if (operators[i] == _at(index)) return amounts[i];
        }
        return 0;
    }
}
