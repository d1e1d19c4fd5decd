// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {RewardsKit} from "./RewardsKit.sol";

/// @notice What an epoch pays, whatever stakes, shares and balance are.
contract RewardsPayTest is RewardsKit {
    struct Case {
        uint120[4] stakes;
        uint16[4] shares;
        uint128 held;
    }

    /// @dev Fixes a table of small and large stakes alike, and bounds the shares.
    function _arrangeTable(Case memory c) private {
        bool any = false;
        for (uint32 i = 0; i < 4; ++i) {
            c.stakes[i] >>= uint120(c.shares[i] % 7) * 20;
            c.shares[i] %= 10_001;
            any = any || c.stakes[i] != 0;
        }
        if (!any) c.stakes[0] = 1;
        for (uint32 i = 0; i < 4; ++i) {
            _stake(i, c.stakes[i]);
        }
        _fix(FIRST);
    }

    function _arrange(Case memory c) private {
        _arrangeTable(c);
        _hold(c.held);
        _tell(FIRST, c.shares);
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_noMoreThanTheBudgetNorThanIsThere(Case memory c) external {
        _arrange(c);
        (, uint256[] memory amounts) = rewards.payoutOf(FIRST);
        assertLe(_sum(amounts), BUDGET, "budget");
        assertLe(_sum(amounts), c.held, "held");
        rewards.submit(FIRST);
        assertEq(token.balanceOf(address(rewards)), c.held - _sum(amounts), "and that is what leaves");
        assertEq(token.balanceOf(address(coordinator)), _sum(amounts), "towards the core");
    }

    /// @dev By stake and share alone, with plain arithmetic on numbers that leave room for it.
    /// forge-config: default.fuzz.runs = 64
    function testFuzz_payIsThePartOfTheStakeTimesTheShare(Case memory c) external {
        for (uint256 i = 0; i < 4; ++i) {
            c.stakes[i] = uint64(c.stakes[i]);
        }
        _arrange(c);
        uint256 pot = c.held < BUDGET ? c.held : BUDGET;
        uint256 total = uint256(c.stakes[0]) + c.stakes[1] + c.stakes[2] + c.stakes[3];
        uint256 paid = 0;
        for (uint32 i = 0; i < 4; ++i) {
            uint256 expected = pot * c.stakes[i] * c.shares[i] / (total * 10_000);
            assertEq(_payOf(FIRST, i), expected, "pay");
            if (expected != 0) ++paid;
        }
        (address[] memory operators,) = rewards.payoutOf(FIRST);
        assertEq(operators.length, paid, "and nobody else, nor anybody for nothing");
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_nobodyGainsWhenAnotherDoesLess(Case memory c, uint8 who, uint16 less) external {
        who %= 4;
        _arrangeTable(c);
        _hold(c.held);
        uint256 state = vm.snapshotState();
        _tell(FIRST, c.shares);
        uint256[4] memory before;
        for (uint32 i = 0; i < 4; ++i) {
            before[i] = _payOf(FIRST, i);
        }
        vm.revertToState(state);
        c.shares[who] = uint16(bound(less, 0, c.shares[who]));
        _tell(FIRST, c.shares);
        for (uint32 i = 0; i < 4; ++i) {
            if (i == who) assertLe(_payOf(FIRST, i), before[i], "whoever does less gets no more");
            else assertEq(_payOf(FIRST, i), before[i], "everybody else gets the same");
        }
    }

    function test_theLargestStakesAndBudgetOverflowNothing() external {
        rewards = _rewards(1e38 - 1, FLOOR, PATIENCE);
        token.mint(address(rewards), 1e38 - 1);
        for (uint32 i = 0; i < 4; ++i) {
            _stake(i, type(uint256).max);
        }
        _tell(FIRST, _all(10_000));
        (, uint256[] memory amounts) = rewards.payoutOf(FIRST);
        assertEq(_sum(amounts), 1e38 - 4, "all of it, but for what rounding left");
    }

    /// @dev What is missed is there for the next epoch, and no epoch gets more than its budget.
    function test_whatIsMissedStaysForLaterEpochs() external {
        _hold(BUDGET + BUDGET / 2);
        _submit(FIRST, 2, _all(5_000));
        assertEq(token.balanceOf(address(coordinator)), BUDGET, "two halves");
        _submit(FIRST + 2, 1, _all(10_000));
        assertEq(token.balanceOf(address(coordinator)), BUDGET + BUDGET / 2, "what was left");
        _submit(FIRST + 3, 1, _all(10_000));
        assertEq(token.balanceOf(address(coordinator)), BUDGET + BUDGET / 2, "and then nothing");
    }

    /// @dev As many operators as may be in the set, all paid and none below the floor.
    function test_gasOfSubmittingAFullTable() external {
        for (uint32 i = 4; i < 128; ++i) {
            _join(i, 1_000 + i);
        }
        _fix(FIRST);
        vm.warp(_start(FIRST + 1) + 1 hours);
        bytes memory message = abi.encodePacked(FIRST, COUNTED, uint16(9), uint32(128));
        for (uint256 i = 0; i < 128; ++i) {
            message = bytes.concat(message, bytes2(uint16(9_000 + i)));
        }
        rewards.receiveMessage(message);
        coordinator.setQuiet(true);
        uint256 before = gasleft();
        rewards.submit(FIRST);
        uint256 used = before - gasleft();
        emit log_named_uint("submit, 128 operators, the core's keeping not counted", used);
        assertLe(used, 4_000_000, "gas of submitting");
    }
}
