// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IRounds} from "../../src/interfaces/IRounds.sol";
import {Rounds} from "../../src/l2/Rounds.sol";
import {Kit} from "./Kit.sol";

/// @notice Refuting rounds: by whom, until when, what it changes and what it leaves; and the word to L1.
contract RefutationsTest is Kit {
    uint64 private constant DEADLINE = GENESIS + TIMEOUT; // of round 0

    function refute(uint64 n, uint8 code) external {
        _refute(n, code, 0);
    }

    function _refused(uint64 n, uint8 code) private {
        vm.expectRevert(abi.encodeWithSelector(Rounds.NotRefutable.selector, n));
        this.refute(n, code);
    }

    function _refutation(uint64 n) private view returns (bytes memory) {
        (uint8 code, uint32 position, uint64 time) = rounds.refutationOf(n);
        return abi.encode(code, position, time);
    }

    // --- who, and when ---

    function test_onlyDisputesRefute() external {
        _run(0, "");
        vm.expectRevert(abi.encodeWithSelector(Rounds.NotDisputes.selector, address(this)));
        rounds.refute(0, 14, 0);
        vm.prank(TIMELOCK);
        vm.expectRevert(abi.encodeWithSelector(Rounds.NotDisputes.selector, TIMELOCK));
        rounds.refute(0, 14, 0);
    }

    function test_aSettledRoundIsRefutedUpToTheEndOfItsWindows() external {
        _run(0, "");
        uint64 end = uint64(block.timestamp);
        assertEq(rounds.challengeableUntil(0), end + WINDOWS, "until");
        vm.warp(end + WINDOWS);
        vm.expectEmit();
        emit IRounds.RoundRefuted(0, 14, 7, end + WINDOWS);
        _refute(0, 14, 7);
        assertTrue(_statusOf(0) == IRounds.Status.Refuted, "status");
        assertEq(_refutation(0), abi.encode(14, 7, end + WINDOWS), "stored");
        assertTrue(rounds.isVoid(0), "void");
        assertEq(rounds.voidedAt(0), end + WINDOWS, "voided at");
        vm.warp(end + WINDOWS + 1);
        assertTrue(!rounds.isFinal(0), "never final");
    }

    function test_aFinalRoundIsNotRefuted() external {
        _run(0, "");
        vm.warp(block.timestamp + WINDOWS + 1);
        assertTrue(rounds.isFinal(0), "final");
        _refused(0, 14);
    }

    function test_onlyRoundsWithAHeaderAreRefuted() external {
        _refused(0, 14);
        _run(0, "");
        _refused(1, 14);
        _refused(type(uint64).max, 14);
    }

    function test_aRoundIsRefutedOnce() external {
        _run(0, "");
        _refute(0, 14, 7);
        bytes memory first = _refutation(0);
        vm.warp(block.timestamp + 1);
        _refused(0, 11);
        assertEq(_refutation(0), first, "the first stands");
    }

    function test_nothingIsNoRefutation() external {
        _run(0, "");
        _refused(0, 0);
    }

    function test_unrefutedRoundsHaveNoRefutation() external {
        _run(0, "");
        assertEq(_refutation(0), abi.encode(0, 0, 0), "none");
        assertEq(rounds.voidedAt(0), 0, "not void");
        assertEq(rounds.challengeableUntil(1), 0, "no end known");
    }

    // --- before its end ---

    function test_aRoundUnderWayIsRefutedAndEndsAtItsDeadline() external {
        IRounds.Settlement memory s = _certify(0, "");
        assertEq(rounds.challengeableUntil(0), 0, "end not known");
        _refute(0, 15, type(uint32).max);
        assertEq(_endOf(0), DEADLINE, "end");
        assertEq(rounds.challengeableUntil(0), DEADLINE + WINDOWS, "until");
        assertEq(rounds.voidedAt(0), block.timestamp, "void at once");
        assertTrue(!rounds.isLive(0) && !rounds.isLive(1) && rounds.isLive(2), "live");
        bytes memory header = _headerOf(s);
        IRounds.Chunk memory c = _chunk(0, "", 0);
        vm.expectRevert(abi.encodeWithSelector(Rounds.NotPostable.selector, 0));
        rounds.postChunk(header, c);
    }

    function test_aRoundThatWasNotPostedIsRefutedUpToItsWindows() external {
        _certify(0, "");
        vm.warp(DEADLINE + 1);
        assertEq(rounds.challengeableUntil(0), DEADLINE + WINDOWS, "until");
        vm.warp(DEADLINE + WINDOWS);
        _refute(0, 14, 0);
        assertEq(rounds.voidedAt(0), DEADLINE, "void since its deadline");
        assertEq(_endOf(0), DEADLINE, "end");
    }

    function test_aRoundThatWasNotPostedIsNotRefutedLater() external {
        _certify(0, "");
        vm.warp(DEADLINE + WINDOWS + 1);
        _refused(0, 14);
    }

    /// @dev Of a round whose end lies behind the newest one's begin nothing but its own state changes.
    function test_anOlderRoundIsRefutedInItsOwnSlot() external {
        _certify(0, "");
        vm.warp(DEADLINE + 1);
        _run(2, "");
        _refute(0, 14, 3);
        assertTrue(_statusOf(0) == IRounds.Status.Refuted, "the old one");
        assertEq(_endOf(0), DEADLINE, "its end");
        assertTrue(_statusOf(2) == IRounds.Status.Settled, "the newest");
        vm.warp(block.timestamp + WINDOWS + 1);
        assertTrue(rounds.isFinal(2), "stands");
    }

    function test_aPostingsRefutationIsStoredTheSameWay() external {
        _postOffer(1, 100);
        bytes memory list = _entry(Entry(1, 7, 1, 1), 1);
        bytes memory header = _headerOf(_certify(0, list));
        rounds.postChunk(header, _chunk(0, list, 0));
        assertEq(_refutation(0), abi.encode(1, 0, block.timestamp), "stored");
        assertEq(rounds.voidedAt(0), block.timestamp, "voided at");
        assertEq(rounds.challengeableUntil(0), DEADLINE + WINDOWS, "until");
        _refused(0, 14);
    }

    // --- what it leaves ---

    function test_aLateRefutationMovesNoLiveRound() external {
        _run(0, ""); // ends 30 seconds after its close: round 1 is live
        _refute(0, 14, 0);
        assertEq(rounds.firstLive(), 1, "first live");
        assertEq(_endOf(0), GENESIS + 30, "end");
        _run(1, "");
        assertTrue(_statusOf(1) == IRounds.Status.Settled, "settled");
    }

    function test_mayBindDoesNotRestOnALateRefutation() external {
        _run(0, "");
        vm.warp(_closeOf(1) - 1);
        bool before = rounds.mayBind(uint64(block.timestamp) - 40);
        _refute(0, 14, 0);
        assertTrue(!before && !rounds.mayBind(uint64(block.timestamp) - 40), "not bound");
    }

    // --- the word to L1 ---

    function test_aWrongOutcomeIsReportedAtOnceAndOnce() external {
        bytes32 digest = sha256(_headerOf(_certify(0, "")));
        _refute(0, 14, 0);
        vm.expectEmit();
        emit IRounds.WordSent(0, digest, 2);
        rounds.report(0);
        assertEq(bridge.last(), abi.encodePacked(uint64(0), digest, uint8(2)), "message");
        vm.expectRevert(abi.encodeWithSelector(Rounds.NotReportable.selector, 0));
        rounds.report(0);
        assertEq(bridge.count(), 1, "messages");
    }

    function test_aWrongSeedIsReportedAsOne() external {
        _run(0, "");
        _refute(0, 15, 0);
        rounds.report(0);
        assertEq(bridge.last(), abi.encodePacked(uint64(0), _digestOf(0), uint8(3)), "message");
    }

    function test_aProposalsRefutationIsReportedToo() external {
        bytes32 digest = sha256(_headerOf(_propose(0, "")));
        _refute(0, 12, 0);
        rounds.report(0);
        assertEq(bridge.last(), abi.encodePacked(uint64(0), digest, uint8(2)), "message");
    }

    function test_theWordOutlivesLaterRounds() external {
        _run(0, "");
        _refute(0, 14, 0);
        bytes32 digest = _digestOf(0);
        _run(1, "");
        _run(2, "");
        rounds.report(0);
        assertEq(bridge.last(), abi.encodePacked(uint64(0), digest, uint8(2)), "message");
        assertEq(rounds.voidedAt(0), GENESIS + 30, "still void");
    }

    function test_noWordOfARefutedRoundWhenItsDigestIsGone() external {
        _run(0, "");
        _refute(0, 14, 0);
        _run(RING - 1, "");
        _run(RING, "");
        assertTrue(_statusOf(0) == IRounds.Status.Refuted, "the state stays");
        vm.expectRevert(abi.encodeWithSelector(Rounds.NotReportable.selector, 0));
        rounds.report(0);
    }
}
