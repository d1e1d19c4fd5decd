// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IRounds} from "../../src/interfaces/IRounds.sol";
import {IStakeTable} from "../../src/interfaces/IStakeTable.sol";
import {Clock} from "../../src/l2/Clock.sol";
import {PolicyBook} from "../../src/l2/PolicyBook.sol";
import {PolicyCheck} from "../../src/l2/PolicyCheck.sol";
import {Rounds} from "../../src/l2/Rounds.sol";
import {CodePages} from "../../src/lib/CodePages.sol";
import {OutcomeTree} from "../../src/lib/OutcomeTree.sol";
import {PolicyPage} from "../../src/lib/PolicyPage.sol";
import {Schedules} from "../../src/lib/Schedules.sol";
import {Waits} from "../../src/lib/Waits.sol";
import {Vm} from "../Base.t.sol";
import {Kit} from "./Kit.sol";
import {FailingMarket} from "./Mocks.sol";

/// @notice Certificates, chunks, policies and the word to L1.
contract RoundsTest is Kit {
    function _empty(uint64 n) private pure returns (IRounds.Settlement memory) {
        return _settlement(n, _outcomeRoot("", 0));
    }

    // --- settling ---

    function test_aCertificateIsRecorded() external {
        IRounds.Settlement memory s = _certify(0, "");
        (IRounds.Status status, bytes32 digest, uint64 certifiedAt, uint64 endedAt, uint32 count, uint32 posted) =
            rounds.roundOf(0);
        assertTrue(status == IRounds.Status.Certified, "status");
        assertEq(digest, sha256(_headerOf(s)), "digest");
        assertEq(certifiedAt, block.timestamp, "certified at");
        assertEq(uint256(endedAt) + count + posted, 0, "not ended");
    }

    /// @dev The event is put together by hand: it must read as the interface declares it.
    function test_theEventSaysAllOfIt() external {
        table.set(67, 100);
        IRounds.Settlement memory s = _empty(0);
        s.bitmap = hex"ff01";
        for (uint256 i; i < 48; ++i) {
            s.beaconSignature[i] = bytes1(uint8(i + 1));
        }
        vm.warp(GENESIS + 30);
        (, bytes32 policyHash,) = rounds.policyAt(0);
        bytes32 seed = _seed(s);
        bytes32 digest = sha256(_headerOf(s));
        vm.recordLogs();
        rounds.settle(s);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(logs.length, 1, "one event");
        assertEq(logs[0].topics[0], IRounds.RoundCertified.selector, "event");
        assertEq(logs[0].topics[1], bytes32(0), "round");
        bytes memory head = abi.encode(digest, block.timestamp, 67, 100, s.snapshotNumber, s.snapshotHash);
        bytes memory middle = abi.encode(policyHash, s.inputsRoot, seed, s.outcomeRoot);
        // Offsets and tails as the compiler would write them for the same values.
        bytes memory offsets = abi.encode(416, 416 + 96, 416 + 96 + 64);
        bytes memory tails = abi.encodePacked(
            uint256(48), s.beaconSignature, bytes16(0), uint256(2), s.bitmap, bytes30(0), uint256(128), s.aggregate
        );
        assertEq(logs[0].data, bytes.concat(head, middle, offsets, tails), "data");
    }

    function test_theSameHeaderAgainChangesNothing() external {
        IRounds.Settlement memory s = _certify(0, "");
        table.setBad(true); // not even asked
        vm.warp(block.timestamp + 1_000);
        vm.recordLogs();
        rounds.settle(s);
        assertEq(vm.getRecordedLogs().length, 0, "no event");
        (,, uint64 certifiedAt,,,) = rounds.roundOf(0);
        assertEq(certifiedAt, GENESIS + 30, "certified at");
    }

    function test_anotherCertifiedHeaderIsKeptAsEvidence() external {
        bytes32 first = sha256(_headerOf(_certify(0, "")));
        IRounds.Settlement memory other = _settlement(0, keccak256("another outcome"));
        bytes memory header = _headerOf(other);
        vm.warp(block.timestamp + 1_000);
        vm.expectEmit();
        emit IRounds.SecondCertificate(0, sha256(header), header, other.bitmap, other.aggregate);
        rounds.settle(other);
        (, bytes32 digest,,,,) = rounds.roundOf(0);
        assertEq(digest, first, "the first stands");
    }

    function test_anotherHeaderOfAnOldRoundIsEvidenceToo() external {
        _run(0, "");
        _run(1, "");
        IRounds.Settlement memory other = _settlement(0, keccak256("another outcome"));
        bytes memory header = _headerOf(other);
        vm.expectEmit();
        emit IRounds.SecondCertificate(0, sha256(header), header, other.bitmap, other.aggregate);
        rounds.settle(other);
    }

    function test_evidenceNeedsAQuorumToo() external {
        _certify(0, "");
        table.set(66, 100);
        IRounds.Settlement memory other = _settlement(0, keccak256("another outcome"));
        vm.expectRevert(abi.encodeWithSelector(Rounds.NoQuorum.selector, 66, 100));
        rounds.settle(other);
    }

    function _quorum(uint256 signed, uint256 total, bool enough) private {
        table.set(signed, total);
        IRounds.Settlement memory s = _empty(0);
        vm.warp(GENESIS + 30);
        if (!enough) vm.expectRevert(abi.encodeWithSelector(Rounds.NoQuorum.selector, signed, total));
        rounds.settle(s);
    }

    function test_oneBelowTheQuorumIsNone() external {
        _quorum(6_699, 10_000, false);
    }

    function test_theQuorumItselfSuffices() external {
        _quorum(6_700, 10_000, true);
    }

    function test_oneAboveTheQuorumSuffices() external {
        _quorum(6_701, 10_000, true);
    }

    function test_theQuorumIsRoundedUp() external {
        _quorum(2, 3, false); // 66.7 %
    }

    function test_nothingOutOfNothingIsNoQuorum() external {
        _quorum(0, 0, false);
    }

    function test_theLargestStakesDoNotOverflow() external {
        _quorum(type(uint128).max, type(uint128).max, true);
    }

    function test_aWrongSignatureIsRefused() external {
        table.setBad(true);
        vm.warp(GENESIS + 30);
        IRounds.Settlement memory s = _empty(0);
        vm.expectRevert(IStakeTable.BadSignature.selector);
        rounds.settle(s);
    }

    function test_nothingBeforeTheClose() external {
        IRounds.Settlement memory s = _empty(0);
        vm.warp(GENESIS - 1);
        vm.expectRevert(abi.encodeWithSelector(Rounds.OutOfTime.selector, GENESIS - 1, GENESIS, GENESIS + TIMEOUT));
        rounds.settle(s);
        vm.warp(GENESIS);
        rounds.settle(s);
    }

    function test_nothingAfterTheDeadline() external {
        IRounds.Settlement memory s = _empty(0);
        vm.warp(GENESIS + TIMEOUT + 1);
        vm.expectRevert(
            abi.encodeWithSelector(Rounds.OutOfTime.selector, GENESIS + TIMEOUT + 1, GENESIS, GENESIS + TIMEOUT)
        );
        rounds.settle(s);
        vm.warp(GENESIS + TIMEOUT);
        rounds.settle(s);
    }

    function test_skippedRoundsAreRefused() external {
        vm.warp(_closeOf(1) + 30);
        IRounds.Settlement memory s = _empty(1);
        vm.expectRevert(abi.encodeWithSelector(Rounds.NotLive.selector, 1));
        rounds.settle(s);
    }

    function test_noRoundBesideOneThatHasNotEnded() external {
        _certify(0, "");
        vm.warp(_closeOf(1) + 30);
        IRounds.Settlement memory s = _empty(1);
        vm.expectRevert(abi.encodeWithSelector(Rounds.NotLive.selector, 1));
        rounds.settle(s);
    }

    function test_aRoundThatWasNotPostedEndsAtItsDeadline() external {
        _certify(0, "");
        vm.warp(GENESIS + TIMEOUT + 1); // rounds 0 and 1 have closed; 2 is the first after the deadline
        assertEq(rounds.firstLive(), 2, "first live");
        assertTrue(rounds.isVoid(0), "void");
        (,,, uint64 endedAt,,) = rounds.roundOf(0);
        assertEq(endedAt, GENESIS + TIMEOUT, "ended at");
        _certify(2, "");
        assertTrue(rounds.isVoid(0), "still void");
        (,,, endedAt,,) = rounds.roundOf(0);
        assertEq(endedAt, GENESIS + TIMEOUT, "still ended at");
    }

    function test_aPostedRoundMakesTheNextOneLive() external {
        _run(0, "");
        assertEq(rounds.firstLive(), 1, "first live");
        assertTrue(!rounds.isLive(0), "the old one");
        assertTrue(rounds.isLive(1), "the next");
        _run(1, "");
    }

    function test_onlyTheCertifiedRoundIsLiveUntilItEnds() external {
        _certify(0, "");
        assertTrue(rounds.isLive(0), "its chunks may come");
        assertTrue(!rounds.isLive(1) && !rounds.isLive(2), "the next is not known");
    }

    function test_refusesABeaconOfAnotherLength() external {
        IRounds.Settlement memory s = _empty(0);
        s.beaconSignature = new bytes(96);
        vm.warp(GENESIS + 30);
        vm.expectRevert(abi.encodeWithSelector(Clock.BadBeaconLength.selector, 96));
        rounds.settle(s);
    }

    // --- chunks ---

    function test_theLastChunkEndsTheRound() external {
        IRounds.Settlement memory s = _certify(0, "");
        vm.warp(block.timestamp + 9);
        vm.expectEmit();
        emit IRounds.ChunkPosted(0, 0, uint64(block.timestamp), 0, type(uint32).max);
        vm.expectEmit();
        emit IRounds.RoundSettled(0, 0, uint64(block.timestamp));
        rounds.postChunk(_headerOf(s), _chunk(0, "", 0));
        (IRounds.Status status,,, uint64 endedAt,,) = rounds.roundOf(0);
        assertTrue(status == IRounds.Status.Settled, "status");
        assertEq(endedAt, block.timestamp, "ended at");
    }

    /// @dev 513 matches on as many machines, in three chunks.
    function _threeChunks() private returns (bytes memory header, bytes memory list) {
        bytes memory offers;
        bytes memory requests;
        for (uint256 i; i < 57; ++i) {
            offers = bytes.concat(offers, _offer(1, 100));
            requests = bytes.concat(requests, _request(1, 100, 60, TENANT));
        }
        for (uint256 i; i < 9; ++i) {
            vm.prank(PROVIDER);
            market.postOffers(offers);
            vm.prank(TENANT);
            market.postRequests(requests);
        }
        Entry[] memory e = new Entry[](513);
        for (uint64 i; i < 513; ++i) {
            e[i] = Entry(i + 1, 513 - i, 9, 9);
        }
        list = _list(e);
        header = _headerOf(_certify(0, list));
    }

    function test_chunksComeFromAnyoneInAnyOrderEachOnce() external {
        (bytes memory header, bytes memory list) = _threeChunks();
        IRounds.Chunk memory last = _chunk(0, list, 2);
        vm.prank(address(0xBAD));
        rounds.postChunk(header, last);
        vm.expectRevert(abi.encodeWithSelector(Rounds.AlreadyPosted.selector, 0, 2));
        rounds.postChunk(header, last);
        rounds.postChunk(header, _chunk(0, list, 0));
        assertTrue(_statusOf(0) == IRounds.Status.Certified, "one is missing");
        rounds.postChunk(header, _chunk(0, list, 1));
        assertTrue(_statusOf(0) == IRounds.Status.Settled, "settled");
        (uint64 round, uint32 position, uint64 offer,,) = market.leaseOf(1);
        assertEq(abi.encode(round, position, offer), abi.encode(1, 512, 513), "lease of the last entry");
    }

    function test_marksOfAnEarlierRoundDoNotCount() external {
        _run(0, "");
        _run(1, "");
        assertTrue(_statusOf(1) == IRounds.Status.Settled, "settled");
    }

    function test_noChunkAfterTheDeadline() external {
        IRounds.Settlement memory s = _certify(0, "");
        bytes memory header = _headerOf(s);
        vm.warp(GENESIS + TIMEOUT + 1);
        vm.expectRevert(
            abi.encodeWithSelector(Rounds.OutOfTime.selector, GENESIS + TIMEOUT + 1, GENESIS + 30, GENESIS + TIMEOUT)
        );
        rounds.postChunk(header, _chunk(0, "", 0));
        vm.warp(GENESIS + TIMEOUT);
        rounds.postChunk(header, _chunk(0, "", 0));
    }

    function test_noChunkOfARoundThatIsNotTheNewest() external {
        bytes memory header = _headerOf(_empty(0));
        vm.expectRevert(abi.encodeWithSelector(Rounds.NotPostable.selector, 0));
        rounds.postChunk(header, _chunk(0, "", 0));
        _run(0, "");
        vm.expectRevert(abi.encodeWithSelector(Rounds.NotPostable.selector, 0));
        rounds.postChunk(header, _chunk(0, "", 0));
    }

    function test_theHeaderMustBeTheCertifiedOne() external {
        bytes32 digest = sha256(_headerOf(_certify(0, "")));
        bytes memory other = _headerOf(_settlement(0, _outcomeRoot("", 1)));
        other[111] ^= 0x01; // snapshot number
        bytes32 got = sha256(other);
        vm.expectRevert(abi.encodeWithSelector(Rounds.WrongHeader.selector, got, digest));
        rounds.postChunk(other, _chunk(0, "", 0));
    }

    function test_aChunkThatDoesNotBelongIsRefusedAndRefutesNothing() external {
        _postOffer(1, 100);
        _postRequest(1, 100, 60);
        bytes memory list = _list(_one(1, 1));
        bytes memory header = _headerOf(_certify(0, list));
        IRounds.Chunk memory c = _chunk(0, list, 0);
        c.entries[48] ^= 0x01;
        (bool ok,) = address(rounds).call(abi.encodeCall(IRounds.postChunk, (header, c)));
        assertTrue(!ok, "refused");
        rounds.postChunk(header, _chunk(0, list, 0));
        assertTrue(_statusOf(0) == IRounds.Status.Settled, "settled");
    }

    function test_aSignedChunkThatBreaksARuleRefutesTheRound() external {
        _postOffer(1, 100);
        _postRequest(1, 100, 60);
        _postRequest(2, 100, 60); // too large for the machine
        bytes memory list = _list(_one(1, 2));
        bytes memory header = _headerOf(_certify(0, list));
        vm.expectEmit();
        emit IRounds.RoundRefuted(0, 9, 0, uint64(block.timestamp));
        rounds.postChunk(header, _chunk(0, list, 0));
        assertTrue(_statusOf(0) == IRounds.Status.Refuted, "status");
        assertTrue(rounds.isVoid(0), "void");
        assertTrue(!rounds.isFinal(0), "not final");
        (uint64 round,,,,) = market.leaseOf(2);
        assertEq(round, 0, "no lease");
        IRounds.Chunk memory again = _chunk(0, list, 0);
        vm.expectRevert(abi.encodeWithSelector(Rounds.NotPostable.selector, 0));
        rounds.postChunk(header, again);
        assertEq(rounds.firstLive(), 2, "live again after the deadline");
        _run(2, _list(_one(1, 1)));
        assertTrue(_statusOf(0) == IRounds.Status.Refuted, "still refuted");
    }

    /// @dev Only the market's own refutation is one: everything else, a call that used up its gas too, reverts.
    function test_anyOtherFailureOfTheMarketRefutesNothing() external {
        _postOffer(1, 100);
        _postRequest(1, 100, 60);
        bytes memory list = _list(_one(1, 1));
        IRounds.Settlement memory s = _settlement(0, _outcomeRoot(list, 0));
        IRounds.Chunk memory c = _chunk(0, list, 0);
        for (uint8 way; way < 4; ++way) {
            rounds = _newRounds(_links(address(new FailingMarket(way))));
            vm.warp(GENESIS + 30);
            rounds.settle(s);
            bytes memory call = abi.encodeCall(IRounds.postChunk, (_headerOf(s), c));
            (bool ok,) = address(rounds).call{gas: 30_000_000}(call);
            assertTrue(!ok, "reverts");
            assertTrue(_statusOf(0) == IRounds.Status.Certified, "certified");
        }
    }

    /// @dev With too little gas the market's call fails without a word: that decides nothing.
    function testFuzz_wantOfGasRefutesNothing(uint256 gas_) external {
        _postOffer(1, 100);
        _postRequest(2, 100, 60);
        bytes memory list = _list(_one(1, 1));
        bytes memory header = _headerOf(_certify(0, list));
        bytes memory call = abi.encodeCall(IRounds.postChunk, (header, _chunk(0, list, 0)));
        (bool ok,) = address(rounds).call{gas: bound(gas_, 1_000, 400_000)}(call);
        IRounds.Status status = _statusOf(0);
        assertTrue(ok ? status == IRounds.Status.Refuted : status == IRounds.Status.Certified, "all or nothing");
    }

    // --- finality and the word to L1 ---

    function test_aRoundIsFinalWhenItsWindowsAreOver() external {
        _run(0, "");
        vm.warp(GENESIS + 30 + WINDOWS);
        assertTrue(!rounds.isFinal(0), "last second");
        vm.warp(GENESIS + 30 + WINDOWS + 1);
        assertTrue(rounds.isFinal(0), "final");
        assertTrue(!rounds.isVoid(0), "not void");
    }

    function test_unknownRoundsAreNeitherFinalNorVoid() external {
        vm.warp(GENESIS + 10_000);
        assertTrue(!rounds.isFinal(0) && !rounds.isVoid(0), "round 0");
        _certify(166, "");
        assertTrue(!rounds.isFinal(7) && !rounds.isVoid(7), "a skipped round");
    }

    function test_theWordGoesToL1Once() external {
        bytes32 digest = sha256(_headerOf(_certify(0, "")));
        rounds.postChunk(_headerOf(_empty(0)), _chunk(0, "", 0));
        vm.expectRevert(abi.encodeWithSelector(Rounds.NotReportable.selector, 0));
        rounds.report(0);
        vm.warp(GENESIS + 30 + WINDOWS + 1);
        vm.expectEmit();
        emit IRounds.WordSent(0, digest, 1);
        rounds.report(0);
        assertEq(bridge.last(), abi.encodePacked(uint64(0), digest, uint8(1)), "message");
        vm.expectRevert(abi.encodeWithSelector(Rounds.NotReportable.selector, 0));
        rounds.report(0);
        assertEq(bridge.count(), 1, "messages");
    }

    function test_noWordAboutAVoidRound() external {
        _certify(0, "");
        vm.warp(GENESIS + 10 * WINDOWS);
        vm.expectRevert(abi.encodeWithSelector(Rounds.NotReportable.selector, 0));
        rounds.report(0);
    }

    /// @dev After a whole ring of rounds the digest is another round's.
    function test_noWordWhenTheDigestIsGone() external {
        _run(0, "");
        _run(RING - 1, "");
        rounds.report(0);
        _run(RING, "");
        _run(RING + 1, "");
        _run(2 * RING, "");
        (,, uint64 certifiedAt,,,) = rounds.roundOf(RING);
        assertTrue(certifiedAt != 0, "the state stays");
        vm.expectRevert(abi.encodeWithSelector(Rounds.NotReportable.selector, RING));
        rounds.report(RING);
        rounds.report(RING + 1);
    }

    function test_tickPutsABlockOnAQuietChain() external {
        vm.expectEmit();
        emit IRounds.Tick(uint64(block.timestamp));
        rounds.tick();
    }

    // --- policies ---

    function _setPolicy(bytes memory page, uint64 from) private {
        vm.prank(TIMELOCK);
        rounds.setPolicy(page, from);
    }

    function test_aPolicyHoldsFromItsRoundOn() external {
        bytes memory second = _policy(2);
        _setPolicy(second, 5);
        (uint32 version, bytes32 hash, address page) = rounds.policyAt(4);
        assertEq(version, 1, "before");
        assertEq(hash, PolicyPage.hash(_policy(1)), "hash before");
        (version, hash, page) = rounds.policyAt(5);
        assertEq(version, 2, "from then on");
        assertEq(hash, PolicyPage.hash(second), "hash");
        assertEq(CodePages.read(page), second, "page");
        (version,,) = rounds.policyAt(type(uint64).max);
        assertEq(version, 2, "for ever");
    }

    function test_headersNameThePolicyOfTheirRound() external {
        _setPolicy(_policy(2), 1);
        _run(0, "");
        bytes32 hash = PolicyPage.hash(_policy(2));
        IRounds.Settlement memory s = _empty(1);
        vm.warp(_closeOf(1) + 30);
        rounds.settle(s);
        (, bytes32 digest,,,,) = rounds.roundOf(1);
        bytes memory header =
            rounds.headerBytes(1, s.snapshotNumber, s.snapshotHash, hash, s.inputsRoot, _seed(s), s.outcomeRoot);
        assertEq(digest, sha256(header), "digest");
    }

    function test_onlyTheTimelockSetsPolicies() external {
        bytes memory page = _policy(2);
        vm.expectRevert(abi.encodeWithSelector(Rounds.NotTimelock.selector, address(this)));
        rounds.setPolicy(page, 5);
    }

    function setPolicy(bytes memory page, uint64 from) external {
        _setPolicy(page, from);
    }

    function test_aPolicyBeginsInTheFuture() external {
        vm.warp(_closeOf(5));
        bytes memory page = _policy(2);
        vm.expectRevert(abi.encodeWithSelector(Rounds.OutOfTime.selector, _closeOf(5), 0, _closeOf(5) - 1));
        this.setPolicy(page, 5);
        vm.warp(_closeOf(5) - 1);
        _setPolicy(page, 5);
    }

    function test_policiesComeInOrder() external {
        _setPolicy(_policy(2), 5);
        vm.expectRevert(abi.encodeWithSelector(PolicyBook.PolicyOutOfOrder.selector, 5, 5));
        this.setPolicy(_policy(3), 5);
        vm.expectRevert(abi.encodeWithSelector(PolicyBook.PolicyOutOfOrder.selector, 1, 2));
        this.setPolicy(_policy(1), 6);
    }

    function test_aPolicyIsValidated() external {
        bytes memory page = _policy(2);
        _put(page, 4 + 108, 8, 0);
        vm.expectRevert(abi.encodeWithSelector(PolicyPage.BadPolicy.selector, 112));
        this.setPolicy(page, 5);
    }

    /// @dev The tests' chain can be kept from including a transaction for 100 seconds.
    function test_receiptsAreTakenForTwoDelaysOfForcedInclusion() external {
        bytes memory page = _policy(2);
        _put(page, AT_HEALTH + 12, 4, 199); // appeal_seconds
        vm.expectRevert(abi.encodeWithSelector(PolicyCheck.AppealTooShort.selector, 199, 200));
        this.setPolicy(page, 5);
        _put(page, AT_HEALTH + 12, 4, 200);
        _setPolicy(page, 5);
    }

    /// @dev Two health epochs of 600 seconds, the waits, and the second in which slashing begins.
    function test_stakeStaysUntilWhatAPolicyLetsWaitIsSettled() external {
        uint32 unbonding = providers.unbonding();
        bytes memory page = _policy(2);
        _put(page, AT_HEALTH + 158, 4, 300); // certify_seconds
        _put(page, AT_HEALTH + 12, 4, unbonding - 1_500); // appeal_seconds
        vm.expectRevert(abi.encodeWithSelector(Waits.UnbondingTooShort.selector, unbonding, unbonding + 1));
        this.setPolicy(page, 5);
        _put(page, AT_HEALTH + 12, 4, unbonding - 1_501);
        _setPolicy(page, 5);
    }

    /// @dev Pages lie where their content says, so an old one is found again.
    function test_anOldPolicyComesBackAtItsAddress() external {
        bytes memory other = _policy(1);
        _put(other, 4 + 108, 8, 77);
        _setPolicy(other, 5);
        _setPolicy(_policy(1), 6);
        (, bytes32 first, address firstPage) = rounds.policyAt(0);
        (, bytes32 third, address thirdPage) = rounds.policyAt(6);
        assertEq(first, third, "hash");
        assertEq(firstPage, thirdPage, "page");
    }

    function test_manyPoliciesAreFoundByRound() external {
        for (uint32 i; i < 8; ++i) {
            _setPolicy(_policy(i + 2), 10 * (i + 1));
        }
        for (uint64 n; n < 100; ++n) {
            (uint32 version,,) = rounds.policyAt(n);
            assertEq(version, n / 10 + 1 > 9 ? 9 : n / 10 + 1, "version");
        }
    }

    // --- the constructor ---

    function test_theFirstPolicysReceiptsAreTakenForTwoDelaysToo() external {
        bytes memory page = _policy(1);
        _put(page, AT_HEALTH + 12, 4, 199);
        IRounds.Domain memory domain = IRounds.Domain(1, address(0xA5), 7);
        IRounds.Schedule memory schedule = _scheduleOfTests();
        vm.expectRevert(abi.encodeWithSelector(PolicyCheck.AppealTooShort.selector, 199, 200));
        new Rounds(schedule, domain, _links(address(1)), _ring(), page, Rounds.Limits(BOND, 100));
    }

    function construct(IRounds.Schedule memory s, uint32 ring, Rounds.Limits memory limits) external {
        new Rounds(s, IRounds.Domain(1, address(0xA5), 7), _links(address(1)), ring, _policy(1), limits);
    }

    function _refusesToStand(uint32 ring, Rounds.Limits memory limits, bytes memory why) private {
        IRounds.Schedule memory s = _scheduleOfTests();
        vm.expectRevert(why);
        this.construct(s, ring, limits);
    }

    /// @dev 13 rounds are 780 seconds; twice the 400 from a close to the end of its windows are needed.
    function test_refusesARingShorterThanTheWindows() external {
        bytes memory why = abi.encodeWithSelector(Schedules.BadSchedule.selector, Schedules.Flaw.RingTooSmall);
        _refusesToStand(13, Rounds.Limits(BOND, 100), why);
        this.construct(_scheduleOfTests(), 14, Rounds.Limits(BOND, 100));
    }

    function test_refusesWindowsThatACensorOutlasts() external {
        bytes memory why = abi.encodeWithSelector(Schedules.BadSchedule.selector, Schedules.Flaw.WindowsTooShort);
        _refusesToStand(RING, Rounds.Limits(BOND, 101), why);
    }

    function test_refusesProposalsForNothing() external {
        _refusesToStand(RING, Rounds.Limits(0, 100), abi.encodeWithSelector(Rounds.WrongBond.selector, 0, 1));
    }

    function test_namesItsNeighboursAndLimits() external view {
        assertEq(rounds.disputes(), address(disputes), "disputes");
        assertEq(address(rounds.strikes()), address(strikes), "strikes");
        assertEq(rounds.proposalBond(), BOND, "bond");
        assertEq(rounds.forcedInclusion(), 100, "forced inclusion");
    }

    function test_saysWhoAndWhen() external view {
        assertEq(abi.encode(rounds.schedule()), abi.encode(_scheduleOfTests()), "schedule");
        assertEq(abi.encode(rounds.domain()), abi.encode(IRounds.Domain(1, address(0xA5), 7)), "domain");
        assertEq(rounds.closeOf(3), GENESIS + 3 * PERIOD, "close");
        assertEq(rounds.epochOf(60), 1, "epoch");
    }
}
