// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IRewards} from "../../src/interfaces/IRewards.sol";
import {MockCore} from "./MockCore.sol";
import {RewardsKit} from "./RewardsKit.sol";

/// @notice Who does too little, for how long, and what follows.
contract FloorsTest is RewardsKit {
    uint32 private constant LAZY = 1;

    function _isRegistered(uint32 index) private view returns (bool registered) {
        (, registered) = manager.operatorAt(index);
    }

    function _expectNotEjectable(uint16 run) private {
        vm.expectRevert(abi.encodeWithSelector(IRewards.NotEjectable.selector, LAZY, run, PATIENCE));
        rewards.eject(LAZY);
    }

    // --- runs ---

    function test_aRunCountsEpochsBelowTheFloor() external {
        _tell(FIRST, _butOne(LAZY, FLOOR - 1));
        vm.expectEmit();
        emit IRewards.BelowFloor(FIRST, LAZY, FLOOR - 1, 1);
        rewards.submit(FIRST);
        _submit(FIRST + 1, 1, _butOne(LAZY, 0));
        assertEq(rewards.runOf(LAZY), 2, "run");
        assertEq(rewards.runOf(0), 0, "nobody else's");
    }

    function test_theFloorItselfIsEnough() external {
        _submit(FIRST, 1, _butOne(LAZY, FLOOR));
        assertEq(rewards.runOf(LAZY), 0, "run");
    }

    function test_anEpochAtTheFloorEndsTheRun() external {
        _submit(FIRST, 2, _butOne(LAZY, 0));
        _submit(FIRST + 2, 1, _butOne(LAZY, FLOOR));
        assertEq(rewards.runOf(LAZY), 0, "ended");
        _submit(FIRST + 3, 1, _butOne(LAZY, 0));
        assertEq(rewards.runOf(LAZY), 1, "and begins anew");
    }

    function test_anEpochInWhichNoRoundCountedChangesNoRun() external {
        _submit(FIRST, 1, _butOne(LAZY, 0));
        _fix(FIRST + 2);
        vm.warp(_start(FIRST + 3) + 1 hours);
        rewards.receiveMessage(_message(FIRST + 1, 0, _all(0)));
        rewards.submit(FIRST + 1);
        assertEq(rewards.runOf(LAZY), 1, "not longer");
        rewards.receiveMessage(_message(FIRST + 2, 0, _all(10_000)));
        rewards.submit(FIRST + 2);
        assertEq(rewards.runOf(LAZY), 1, "nor ended");
    }

    function test_anEpochWithoutStakeChangesNoRun() external {
        _fix(FIRST + 1);
        _stake(LAZY, 0);
        _fix(FIRST + 2);
        _submit(FIRST, 2, _butOne(LAZY, 0));
        _submit(FIRST + 2, 1, _butOne(LAZY, 0));
        assertEq(rewards.runOf(LAZY), 2, "run");
    }

    function test_anEpochThatIsOlderThanTheNewestChangesNoRun() external {
        _fix(FIRST + 1);
        _submit(FIRST + 1, 1, _butOne(LAZY, 0));
        _tell(FIRST, _butOne(LAZY, 10_000));
        rewards.submit(FIRST);
        assertEq(rewards.runOf(LAZY), 1, "not ended");
    }

    /// @dev Against the rule once more, on stakes of 1,000 each: one below the floor is negligence, two are an outage.
    /// forge-config: default.fuzz.runs = 64
    function testFuzz_runsAreThoseOfTheRule(uint16[4][5] memory shares, uint8 unheard) external {
        uint16[4] memory runs;
        _fix(FIRST + 4);
        for (uint64 e = 0; e < 5; ++e) {
            bool counted = unheard >> e & 1 == 0;
            uint256 below = 0;
            for (uint256 i = 0; i < 4; ++i) {
                shares[e][i] %= 10_001;
                if (shares[e][i] < FLOOR) ++below;
            }
            vm.warp(_start(FIRST + e + 1) + 1 hours);
            rewards.receiveMessage(_message(FIRST + e, counted ? COUNTED : 0, shares[e]));
            rewards.submit(FIRST + e);
            for (uint32 i = 0; i < 4; ++i) {
                if (counted && below < 2) runs[i] = shares[e][i] < FLOOR ? runs[i] + 1 : 0;
                assertEq(rewards.runOf(i), runs[i], "run");
            }
        }
    }

    // --- an outage ---

    /// @dev One below the floor with so much stake, the others with 2,000.
    function _submitWithBelow(uint256 below) private {
        _stake(LAZY, below);
        _stake(0, 1_000);
        _stake(2, 500);
        _stake(3, 500);
        _submit(FIRST, 1, _butOne(LAZY, 0));
    }

    function test_aThirdOfTheStakeBelowIsAnOutage() external {
        _submitWithBelow(1_000);
        assertEq(rewards.runOf(LAZY), 0, "no run");
    }

    function test_lessThanAThirdBelowIsNegligence() external {
        _submitWithBelow(999);
        assertEq(rewards.runOf(LAZY), 1, "a run");
    }

    function test_anOutageEndsNoRun() external {
        _submit(FIRST, 2, _butOne(LAZY, 0));
        _submit(FIRST + 2, 1, [uint16(0), 10_000, 0, 0]);
        assertEq(rewards.runOf(LAZY), 2, "as it was");
    }

    function test_anOutageIsPaidByShareAllTheSame() external {
        _submit(FIRST, 1, [uint16(0), 10_000, 0, 0]);
        assertEq(coordinator.earned(_at(LAZY)), BUDGET / 4, "its part and no more");
    }

    // --- ejecting ---

    function test_nobodyIsEjectedBeforePatienceIsOver() external {
        _expectNotEjectable(0);
        _submit(FIRST, PATIENCE - 1, _butOne(LAZY, 0));
        _expectNotEjectable(PATIENCE - 1);
        assertTrue(_isRegistered(LAZY), "in");
    }

    function test_anyoneEjectsWhenPatienceIsOver() external {
        _submit(FIRST, PATIENCE, _butOne(LAZY, 0));
        assertTrue(_isRegistered(LAZY), "submitting ejects nobody");
        vm.expectEmit();
        emit IRewards.Ejected(_at(LAZY), LAZY, FIRST + PATIENCE - 1);
        vm.prank(address(0xe1));
        rewards.eject(LAZY);
        assertTrue(!_isRegistered(LAZY), "out");
        assertTrue(_isRegistered(0), "nobody else");
    }

    function test_nobodyIsEjectedTwiceForOneRun() external {
        _submit(FIRST, PATIENCE, _butOne(LAZY, 0));
        rewards.eject(LAZY);
        _expectNotEjectable(0);
    }

    /// @dev Tables that were fixed, or could have been, while the operator was in the set: it has stake in them, and does
    /// no work for them any more.
    function test_whoeverComesBackIsNotEjectedForItsAbsence() external {
        uint64 next = FIRST + PATIENCE;
        _fix(next + 1);
        _submit(FIRST, PATIENCE, _butOne(LAZY, 0));
        rewards.eject(LAZY);
        _register(uint256(LAZY) ^ 2);
        assertLe(manager.tableOpensAt(next + 1), block.timestamp, "both tables opened before");
        _submit(next, 2, _butOne(LAZY, 0));
        assertEq(rewards.runOf(LAZY), 0, "they count towards nothing");
    }

    function test_whoeverComesBackAndSleepsOnIsEjectedAgain() external {
        _submit(FIRST, PATIENCE, _butOne(LAZY, 0));
        rewards.eject(LAZY);
        _register(uint256(LAZY) ^ 2);
        nextTable = FIRST + PATIENCE + 2;
        assertTrue(manager.tableOpensAt(nextTable) > block.timestamp, "the first table that opens afterwards");
        _submit(nextTable, PATIENCE, _butOne(LAZY, 0));
        rewards.eject(LAZY);
        assertTrue(!_isRegistered(LAZY), "out again");
    }

    /// @dev Leaving and coming back shakes off no run.
    function test_aRunOutlivesLeaving() external {
        _submit(FIRST, PATIENCE, _butOne(LAZY, 0));
        core.deregister(_at(LAZY), address(manager), _ids(SET_ID));
        _register(uint256(LAZY) ^ 2);
        rewards.eject(LAZY);
        assertTrue(!_isRegistered(LAZY), "out");
    }

    /// @dev One that left by itself may be ejected as well: that clears its run and moves nothing.
    function test_ejectingOneThatIsGoneMovesNothing() external {
        _submit(FIRST, PATIENCE, _butOne(LAZY, 0));
        core.deregister(_at(LAZY), address(manager), _ids(SET_ID));
        rewards.eject(LAZY);
        assertEq(rewards.runOf(LAZY), 0, "run");
        assertEq(manager.registeredCount(), 3, "the others");
    }

    function test_aCoreThatLetsNobodyOutHoldsUpNoEpoch() external {
        core.setPaused(true);
        _submit(FIRST, PATIENCE + 1, _butOne(LAZY, 0));
        vm.expectRevert(MockCore.Paused.selector);
        rewards.eject(LAZY);
        assertEq(rewards.runOf(LAZY), PATIENCE + 1, "the run waits");
        core.setPaused(false);
        rewards.eject(LAZY);
        assertTrue(!_isRegistered(LAZY), "out");
    }
}
