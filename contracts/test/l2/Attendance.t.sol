// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IAttendance} from "../../src/interfaces/IAttendance.sol";
import {IRounds} from "../../src/interfaces/IRounds.sol";
import {IStakeTable} from "../../src/interfaces/IStakeTable.sol";
import {Attendance} from "../../src/l2/Attendance.sol";
import {SignedKit} from "./SignedKit.sol";

/// @notice Signers whom the certificate left out. Ten operators with equal stake.
contract AttendanceTest is SignedKit {
    uint32 private constant GRACE = 45;
    uint32 private constant LEAST = 68;

    Attendance private attendance;

    function setUp() public override {
        _deploySigned(10, 2);
        attendance = new Attendance(rounds, IStakeTable(address(stakes)), GRACE);
    }

    /// @dev 60 rounds close in an epoch, 8 more until the last second of showing.
    function _ring() internal pure override returns (uint32) {
        return LEAST;
    }

    function test_refusesARingThatForgetsRoundsBeforeTheyAreShown() external {
        // Until here it is enough; a period more, and the ring lacks a place.
        new Attendance(rounds, IStakeTable(address(stakes)), GRACE);
        vm.expectRevert(abi.encodeWithSelector(IAttendance.RingTooShort.selector, LEAST, LEAST + 1));
        new Attendance(rounds, IStakeTable(address(stakes)), GRACE + 60);
    }

    function _present(uint64 n, bytes memory bitmap) private {
        attendance.present(n, bitmap, _sign(bitmap, _digestOf(n)));
    }

    function _refused(uint64 n) private {
        bytes memory bitmap = _only(7, 9);
        bytes memory aggregate = _sign(bitmap, _digestOf(n));
        vm.expectRevert(abi.encodeWithSelector(IAttendance.NotPresentable.selector, n));
        attendance.present(n, bitmap, aggregate);
    }

    function test_whomTheCertificateLeftOutIsShown() external {
        _runSigned(0, _only(0, 6));
        bytes memory bitmap = _only(7, 8);
        bytes memory aggregate = _sign(bitmap, _digestOf(0));
        vm.expectEmit();
        emit IAttendance.Presented(0, bitmap);
        vm.prank(address(0xBAD));
        attendance.present(0, bitmap, aggregate);
        assertTrue(attendance.isPresented(0, 7) && attendance.isPresented(0, 8), "shown");
        assertTrue(!attendance.isPresented(0, 9) && !attendance.isPresented(0, 0), "not shown");
        assertTrue(!attendance.isPresented(1, 7), "another round");
    }

    function test_presentationsAddUp() external {
        _runSigned(0, _only(0, 6));
        _present(0, _only(7, 7));
        _present(0, _only(9, 9));
        _present(0, _only(7, 7));
        assertTrue(attendance.isPresented(0, 7) && attendance.isPresented(0, 9), "both");
        assertTrue(!attendance.isPresented(0, 8), "not between");
    }

    /// @dev Bytes from the left, bits within a byte from the right; words beyond the table are empty.
    function test_wordsHoldTheBitmapsBytes() external {
        _runSigned(0, _only(0, 6));
        bytes memory bitmap = _only(7, 8);
        _present(0, bitmap);
        assertEq(bytes32(attendance.wordOf(0, 0)), bytes32(bitmap), "the bitmap");
        assertEq(attendance.wordOf(0, 0), uint256(0x8001) << 240, "operators 7 and 8");
        _present(0, _only(0, 1));
        assertEq(attendance.wordOf(0, 0), uint256(0x8301) << 240, "and 0 and 1");
        assertEq(attendance.wordOf(0, 1), 0, "next word");
        assertEq(attendance.wordOf(1, 0), 0, "another round");
    }

    function test_onlyTrueSignaturesCount() external {
        _runSigned(0, _only(0, 6));
        bytes memory aggregate = _sign(_only(7, 7), _digestOf(0));
        bytes memory bitmap = _only(7, 8);
        vm.expectRevert(IStakeTable.BadSignature.selector);
        attendance.present(0, bitmap, aggregate);
    }

    /// @dev Operators may have signed what nobody collected: a proposal stands for it.
    function test_signersOfAProposedHeaderAreShown() external {
        IRounds.Settlement memory s = _propose(0, "");
        rounds.postChunk(_headerOf(s), _chunk(0, "", 0));
        _present(0, _only(0, 3));
        assertTrue(attendance.isPresented(0, 3), "shown");
    }

    function test_signersOfARoundThatWasNotPostedAreShown() external {
        rounds.tick();
        vm.warp(GENESIS + 30);
        rounds.settle(_certificate(0, _only(0, 6)));
        vm.warp(GENESIS + TIMEOUT + 1);
        _present(0, _only(7, 9));
        assertTrue(attendance.isPresented(0, 9), "shown");
    }

    /// @dev A proposal may still be replaced: who signed it would be shown for another header.
    function test_notBeforeTheRoundHasEnded() external {
        _propose(0, "");
        _refused(0);
    }

    function test_notForARoundWithoutAHeader() external {
        _refused(0);
    }

    function test_notForARefutedRound() external {
        _runSigned(0, _only(0, 6));
        _refute(0, 14, 0);
        _refused(0);
    }

    function test_untilTheLastRoundOfTheEpochIsOver() external {
        uint64 until = _closeOf(EPOCH - 1) + TIMEOUT + WINDOWS + GRACE;
        assertEq(attendance.presentableUntil(0), until, "first of the epoch");
        assertEq(attendance.presentableUntil(EPOCH - 1), until, "last of the epoch");
        assertEq(attendance.presentableUntil(EPOCH), until + 3600, "first of the next");
        _runSigned(4, _only(0, 6));
        vm.warp(until);
        _present(4, _only(7, 7));
        vm.warp(until + 1);
        _refused(4);
    }

    function test_notWhenTheDigestIsGone() external {
        _runSigned(0, _only(0, 6));
        bytes memory bitmap = _only(7, 9);
        bytes memory aggregate = _sign(bitmap, _digestOf(0));
        _runSigned(LEAST - 1, _only(0, 6));
        assertTrue(_digestOf(0) != 0, "there for a lap");
        _runSigned(LEAST, _only(0, 6));
        assertTrue(_digestOf(0) == 0, "gone");
        vm.expectRevert(abi.encodeWithSelector(IAttendance.NotPresentable.selector, 0));
        attendance.present(0, bitmap, aggregate);
    }
}
