// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IRounds} from "../../src/interfaces/IRounds.sol";
import {ITally} from "../../src/interfaces/ITally.sol";
import {Attendance} from "../../src/l2/Attendance.sol";
import {SampleBook} from "../../src/l2/SampleBook.sol";
import {Samples} from "../../src/lib/Samples.sol";
import {TallyKit, TallyRounds} from "./TallyKit.sol";

/// @notice What is drawn, from what, when, and that nobody has a say in it.
contract TallySamplesTest is TallyKit {
    function _outOfTime(uint256 time, uint256 from, uint256 to) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ITally.OutOfTime.selector, time, from, to);
    }

    function test_aSampleIsDrawnOnceByAnyone() external {
        _open(NEXT);
        vm.expectEmit();
        emit ITally.Drawn(0, sha256(_beacon(NEXT)), MACHINES);
        vm.prank(address(0xBAD));
        tally.draw(0);
        (bytes32 randomness, uint64 count, bool told) = tally.sampleOf(0);
        assertEq(randomness, sha256(_beacon(NEXT)), "randomness");
        assertEq(count, MACHINES, "machines");
        assertTrue(!told, "not told");
        vm.expectRevert(abi.encodeWithSelector(ITally.AlreadyDrawn.selector, 0));
        tally.draw(0);
    }

    function test_roundsAreThoseOfTheRule() external {
        _open(NEXT);
        tally.draw(0);
        uint64[] memory numbers = tally.sampledRounds(0);
        assertEq(numbers.length, SAMPLES, "samples");
        for (uint16 i; i < SAMPLES; ++i) {
            (uint256 x,,) = _lot(1, i);
            assertEq(numbers[i], x * ROUNDS_OF_EPOCH / 2 ** 64, "round");
        }
    }

    function test_probesAreThoseOfTheRule() external {
        _open(NEXT);
        tally.draw(0);
        for (uint16 i; i < SAMPLES; ++i) {
            (uint256 x, uint256 y, uint256 z) = _lot(2, i);
            (uint32 e, uint64 id, uint16 window) = tally.sampledProbe(0, i);
            assertEq(e, x * NEXT / 2 ** 64, "health epoch");
            assertEq(id, _idOf(uint64(y * MACHINES / 2 ** 64)), "machine");
            assertEq(window, z * _windows() / 2 ** 64, "window");
        }
        vm.expectRevert(abi.encodeWithSelector(ITally.NoSuchSample.selector, SAMPLES, SAMPLES));
        tally.sampledProbe(0, SAMPLES);
    }

    function _windows() internal pure override returns (uint16) {
        return 100;
    }

    /// @dev Machines that came and went, however many, take no probe from those that are there.
    function test_machinesThatAreGoneTakeNoProbes() external {
        for (uint64 i; i < 1_000; ++i) {
            _numbered().addUntil(1_000 + i, GENESIS - 5, GENESIS - 1);
        }
        _open(NEXT);
        tally.draw(0);
        for (uint16 i; i < SAMPLES; ++i) {
            (, uint64 id,) = tally.sampledProbe(0, i);
            assertTrue(id != 0 && id < 1_000, "a machine that is there");
        }
    }

    /// @dev A policy that begins in the epoch holds from its first whole health epoch on.
    function test_windowsAreThoseOfTheHealthEpochsPolicy() external {
        bytes memory page = _policy(CERTIFY, APPEAL);
        _put(page, 3_012, 2, 3);
        uint32 from = 3; // begins when round 30 closes
        rounds.addPolicy(page, 30);
        _open(NEXT);
        tally.draw(0);
        bool[2] memory seen;
        for (uint16 i; i < SAMPLES; ++i) {
            (,, uint256 z) = _lot(2, i);
            (uint32 e,, uint16 window) = tally.sampledProbe(0, i);
            assertEq(window, z * (e < from ? _windows() : 3) / 2 ** 64, "window");
            seen[e < from ? 0 : 1] = true;
        }
        assertTrue(seen[0] && seen[1], "both policies");
    }

    // --- grinding ---

    function test_notBeforeTheHealthEpochBegins() external {
        for (uint32 e; e < NEXT; ++e) {
            _open(e);
        }
        vm.warp(_start(NEXT) - 1);
        vm.expectRevert(_outOfTime(_start(NEXT) - 1, _start(NEXT), UNTIL));
        tally.draw(0);
    }

    function test_notFromAnotherHealthEpoch() external {
        _open(NEXT - 1);
        _open(NEXT + 1);
        vm.expectRevert(abi.encodeWithSelector(ITally.NoRandomness.selector, NEXT));
        tally.draw(0);
    }

    function test_drawnUntilTheLastSecondOfShowing() external {
        _open(NEXT);
        vm.warp(UNTIL + 1);
        vm.expectRevert(_outOfTime(UNTIL + 1, _start(NEXT), UNTIL));
        tally.draw(0);
        vm.warp(UNTIL);
        tally.draw(0);
    }

    /// @dev The randomness is not out before the last list is fixed: who registers later changes nothing.
    function test_machinesRegisteredLaterDoNotMoveTheSample() external {
        _numbered().add(1_000, _start(NEXT - 1));
        for (uint64 i = 1; i < 6; ++i) {
            _numbered().add(1_000 + i, _start(NEXT - 1) + i);
        }
        _open(NEXT);
        tally.draw(0);
        (, uint64 count,) = tally.sampleOf(0);
        assertEq(count, MACHINES + 1, "those of the last health epoch's first second");
        for (uint16 i; i < SAMPLES; ++i) {
            (, uint64 id,) = tally.sampledProbe(0, i);
            assertTrue(id <= 1_000, "registered later");
        }
    }

    /// @dev Machines come and go in the epoch; each probe is of one that was there when its health epoch began.
    function testFuzz_machinesAreThoseForHireWhenTheHealthEpochBegan(uint16[24] memory steps) external {
        uint64 time = GENESIS - 10;
        for (uint64 i; i < steps.length; ++i) {
            time += steps[i] % 400;
            _numbered().addUntil(1_000 + i, time, time + steps[i] / 20);
        }
        _open(NEXT);
        tally.draw(0);
        for (uint16 i; i < SAMPLES; ++i) {
            (uint32 e, uint64 id,) = tally.sampledProbe(0, i);
            (, uint256 y,) = _lot(2, i);
            uint64[] memory listed = new uint64[](MACHINES + steps.length);
            uint256 count;
            for (uint64 k; k < listed.length; ++k) {
                uint64 machine = k < MACHINES ? _idOf(k) : 1_000 + k - MACHINES;
                (uint64 from, uint64 until,,) = machines.machineOf(machine);
                if (from <= _start(e) && (until == 0 || _start(e) < until)) listed[count++] = machine;
            }
            assertEq(id, listed[y * count / 2 ** 64], "machine");
        }
    }

    /// @dev Where nobody was for hire nobody had anything to do, and nothing can be shown.
    function test_healthEpochsWithoutMachinesHaveNoProbes() external {
        _deployTally(SEATS);
        _numbered().addUntil(5, GENESIS - 10, _start(2));
        _open(NEXT);
        tally.draw(0);
        uint256 none;
        for (uint16 i; i < SAMPLES; ++i) {
            (uint32 e, uint64 id,) = tally.sampledProbe(0, i);
            assertEq(id, e < 2 ? 5 : 0, "machine");
            if (id != 0) continue;
            ++none;
            bytes memory expected = abi.encodeWithSelector(ITally.NoMachine.selector, e);
            vm.expectRevert(expected);
            tally.showReceipts(0, i, "", "");
            vm.expectRevert(expected);
            tally.showDowns(0, i, "", "", "");
        }
        assertTrue(none > 0 && none < SAMPLES, "both kinds");
    }

    // --- what was never drawn ---

    function test_nothingIsKnownOfAnEpochThatWasNotDrawn() external {
        bytes memory expected = abi.encodeWithSelector(ITally.NotDrawn.selector, 0);
        vm.expectRevert(expected);
        tally.sampledRounds(0);
        vm.expectRevert(expected);
        tally.sampledProbe(0, 0);
        vm.expectRevert(expected);
        tally.sharesOf(0);
        vm.expectRevert(expected);
        tally.showReceipts(0, 0, "", "");
        vm.expectRevert(expected);
        tally.showDowns(0, 0, "", "", "");
        vm.warp(UNTIL + 1);
        vm.expectRevert(expected);
        tally.tell(0);
    }

    /// @dev No table, no beacon: an epoch far away cannot be drawn, nor mistaken for another.
    function testFuzz_epochsThatHaveNotBegunAreNotDrawn(uint64 epoch) external {
        _open(NEXT);
        if (epoch == 0) epoch = 1;
        vm.expectRevert();
        tally.draw(epoch);
    }

    // --- schedules ---

    function _scheduled(uint32 period, uint32 stakeEpoch, uint32 healthEpoch) private returns (Attendance) {
        IRounds.Schedule memory s = _schedule();
        (s.period, s.stakeEpoch, s.healthEpoch) = (period, stakeEpoch, healthEpoch);
        rounds = new TallyRounds(s, _policy(CERTIFY, APPEAL));
        return new Attendance(IRounds(address(rounds)), stakes, 700);
    }

    function test_refusesAStakeEpochWithoutRounds() external {
        Attendance a = _scheduled(60, 59, 600);
        vm.expectRevert(abi.encodeWithSelector(SampleBook.EpochTooShort.selector, 59, 60));
        _newTally(a);
    }

    function test_refusesAGraceThatEndsBeforeASampleCanBeDrawn() external {
        Attendance a = _scheduled(60, 3_600, 641);
        uint64 until = GENESIS + 3_540 + 700;
        vm.expectRevert(abi.encodeWithSelector(SampleBook.GraceTooShort.selector, until, until + 1));
        _newTally(a);
        _newTally(_scheduled(60, 3_600, 640));
    }

    /// @dev Each round and each health epoch is of one stake epoch, whatever the lengths.
    function testFuzz_everythingBelongsToOneEpoch(uint16 stakeEpoch_, uint16 length_, uint8 epoch) external pure {
        uint256 stakeEpoch = 1 + uint256(stakeEpoch_) % 5_000;
        uint256 length = 1 + uint256(length_) % 5_000;
        (uint256 first, uint256 count) = Samples.within(epoch, stakeEpoch, length);
        assertTrue(first * length / stakeEpoch >= epoch, "not before");
        assertTrue(first == 0 || (first - 1) * length / stakeEpoch < epoch, "the first");
        if (count != 0) assertEq((first + count - 1) * length / stakeEpoch, epoch, "the last");
        (uint256 next,) = Samples.within(uint256(epoch) + 1, stakeEpoch, length);
        assertEq(first + count, next, "none between");
    }
}
