// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IHealth} from "../../src/interfaces/IHealth.sol";
import {Uptimes} from "../../src/l2/Uptimes.sol";
import {HealthKit} from "./HealthKit.sol";

/// @notice Uptime and trust, epoch by epoch.
contract UptimesTest is HealthKit {
    uint16 private constant UNOBSERVED = type(uint16).max;

    function setUp() public override {
        super.setUp();
        providers.grantRole(providers.HEALTH(), address(this));
    }

    /// @dev Up to the second in which so many epochs are settled.
    function _settle(uint32 epochs) private {
        vm.warp(_start(epochs) + CERTIFY + APPEAL);
    }

    function _uptime() private view returns (uint16 uptime) {
        (uptime,) = providers.machineAt(M, uint64(block.timestamp));
    }

    function _is(uint16 uptime, uint8 level, uint32 next) private view {
        (uint16 u, uint8 l, uint32 n) = health.standingOf(M);
        assertEq(u, uptime, "uptime");
        assertEq(l, level, "level");
        assertEq(n, next, "next epoch");
        assertEq(_uptime(), uptime, "uptime that the score sees");
    }

    function test_nothingIsObservedBeforeAnEpochIsSettled() external {
        _open(0);
        vm.warp(_start(1) + CERTIFY + APPEAL - 1);
        vm.expectRevert(abi.encodeWithSelector(Uptimes.NothingToObserve.selector, 0));
        health.observe(M, 10);
        _is(UNOBSERVED, 0, 0);
    }

    function test_theFirstEpochIsTheUptime() external {
        _down(0, M, 3);
        _settle(1);
        vm.expectEmit();
        emit IHealth.MachineObserved(M, 0, 7_142, 0); // five of seven windows
        health.observe(M, 10);
        _is(7_142, 0, 1);
    }

    function test_laterEpochsWeighByMemory() external {
        _down(0, M, 127);
        _down(2, M, 15);
        _settle(3);
        health.observe(M, 1);
        _is(0, 0, 1);
        health.observe(M, 1);
        _is(2_500, 0, 2); // (0 x 3 + 10,000) / 4
        health.observe(M, 1);
        _is(2_946, 0, 3); // (2,500 x 3 + 4,285) / 4
    }

    /// forge-config: default.fuzz.runs = 32
    function testFuzz_oneCallIsTheSameAsMany(uint8[5] memory windows) external {
        for (uint32 e; e < 5; ++e) {
            if (windows[e] & 0x7f != 0) _down(e, M, windows[e] & 0x7f);
        }
        _settle(5);
        uint256 expected;
        for (uint256 e; e < 5; ++e) {
            uint256 up;
            for (uint256 w; w < 7; ++w) {
                if (windows[e] >> w & 1 == 0) ++up;
            }
            uint256 value = 10_000 * up / 7;
            expected = e == 0 ? value : (expected * 3 + value) / 4;
        }
        uint256 state = vm.snapshotState();
        health.observe(M, 100);
        (uint16 uptime, uint8 level,) = health.standingOf(M);
        assertEq(uptime, expected, "uptime");
        vm.revertToState(state);
        for (uint256 i; i < 5; ++i) {
            health.observe(M, 1);
        }
        _is(uptime, level, 5);
    }

    function test_levelsRiseAfterTheirRun() external {
        _settle(6);
        health.observe(M, 2);
        _is(10_000, 1, 2);
        health.observe(M, 1);
        _is(10_000, 1, 3);
        health.observe(M, 3);
        _is(10_000, 3, 6);
    }

    function test_levelsFallOneByOne() external {
        _settle(4);
        health.observe(M, 4);
        _is(10_000, 2, 4);
        vm.warp(_start(4));
        _postTable(3);
        _down(4, M, 127);
        _settle(6);
        health.observe(M, 1);
        _is(7_500, 1, 5);
        health.observe(M, 1);
        _is(8_125, 0, 6);
    }

    function test_observationBeginsWithRegistration() external {
        machines.set(M, _start(1) + 1, 0);
        _settle(4);
        (,, uint32 next) = health.standingOf(M);
        assertEq(next, 2, "the first epoch that begins with the machine registered");
        health.observe(M, 1);
        _is(10_000, 0, 3);
    }

    function test_epochsWithFlagsAtEitherEndAreNotObserved() external {
        vm.warp(_start(1) - 1);
        providers.changeMachineFlags(M, 0, 4); // in the last second of epoch 0
        vm.warp(_start(1) + 1);
        providers.changeMachineFlags(M, 4, 0); // after the first of epoch 1
        _settle(2);
        health.observe(M, 10);
        _is(UNOBSERVED, 0, 2);
    }

    function test_aMachineThatPausesItselfWhenItFailsIsObservedAllTheSame() external {
        vm.warp(_start(0) + 1);
        providers.changeMachineFlags(M, 0, 4);
        _down(0, M, 1);
        _settle(1);
        health.observe(M, 10);
        (uint16 uptime,,) = health.standingOf(M);
        assertTrue(uptime < 10_000, "its window DOWN counts");
    }

    function test_flagsBetweenTheEndsChangeNothing() external {
        vm.warp(_start(0) + 1);
        providers.changeMachineFlags(M, 0, 4);
        vm.warp(_start(1) - 1);
        providers.changeMachineFlags(M, 4, 0);
        _settle(1);
        health.observe(M, 10);
        _is(10_000, 0, 1);
    }

    function test_aRetiredMachineIsObservedNoMore() external {
        machines.set(M, GENESIS - 10, _start(2) - 1);
        _settle(3);
        health.observe(M, 10);
        _is(10_000, 0, 3);
        (uint16 uptime, uint8 level,) = health.standingOf(M);
        assertEq(uint256(uptime) + level, 10_000, "one epoch is no run of two");
    }

    function test_aMachineWithoutAnAgentIsNotObserved() external {
        _settle(3);
        vm.expectRevert(abi.encodeWithSelector(Uptimes.NotRegistered.selector, 999));
        health.observe(999, 10);
    }

    function test_noEpochsAskedForAreNone() external {
        _settle(3);
        vm.expectRevert(abi.encodeWithSelector(Uptimes.NothingToObserve.selector, 0));
        health.observe(M, 0);
    }

    function test_aNewPolicysWindowsCountFromItsEpochOn() external {
        bytes memory page = _policy(CERTIFY, APPEAL);
        _put(page, 3_012, 2, 4);
        rounds.addPolicy(page, 10); // epoch 1
        _down(1, M, 1);
        _settle(2);
        health.observe(M, 2);
        _is((10_000 * 3 + 7_500) / 4, 0, 2);
    }
}
