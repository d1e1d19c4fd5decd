// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IRounds} from "../../src/interfaces/IRounds.sol";
import {IStakeTable} from "../../src/interfaces/IStakeTable.sol";
import {Rounds} from "../../src/l2/Rounds.sol";
import {Vm} from "../Base.t.sol";
import {Kit} from "./Kit.sol";

/// @notice Settling a round without a quorum, and certificates that come after.
contract ProposalsTest is Kit {
    /// @dev Two requests of two GPUs each, on a machine of four.
    function _market() private {
        _postOffer(4, 100);
        _postRequest(2, 200, 1_000);
        _postRequest(2, 200, 1_000);
    }

    function propose(IRounds.Settlement calldata s, uint256 bond) external {
        vm.deal(address(this), bond);
        rounds.propose{value: bond}(s);
    }

    function _refused(IRounds.Settlement memory s, uint256 bond, bytes memory why) private {
        vm.expectRevert(why);
        this.propose(s, bond);
    }

    // --- proposing ---

    function test_anyoneSettlesARoundForABond() external {
        IRounds.Settlement memory s = _propose(0, "");
        assertEq(_digestOf(0), sha256(_headerOf(s)), "digest");
        assertTrue(_statusOf(0) == IRounds.Status.Certified, "status");
        assertEq(disputes.proposerOf(0), PROPOSER, "proposer");
        assertEq(disputes.bondOf(0), BOND, "bond");
        assertEq(address(rounds).balance, 0, "rounds hold nothing");
        rounds.postChunk(_headerOf(s), _chunk(0, "", 0));
        assertTrue(_statusOf(0) == IRounds.Status.Settled, "settled");
        vm.warp(block.timestamp + WINDOWS + 1);
        assertTrue(rounds.isFinal(0), "final");
    }

    function test_theEventsSayThatNobodySigned() external {
        IRounds.Settlement memory s = _unsigned(0, "");
        vm.warp(_halfOf(0));
        bytes32 digest = sha256(_headerOf(s));
        vm.recordLogs();
        this.propose(s, BOND);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(logs.length, 2, "two events");
        assertEq(logs[0].topics[0], IRounds.RoundCertified.selector, "first");
        (bytes32 named, uint256 time, uint256 signed, uint256 total) =
            abi.decode(logs[0].data, (bytes32, uint256, uint256, uint256));
        assertEq(named, digest, "digest");
        assertEq(time, block.timestamp, "time");
        assertEq(signed + total, 0, "stakes");
        assertEq(logs[1].topics[0], IRounds.RoundProposed.selector, "second");
        assertEq(uint256(logs[1].topics[2]), uint160(address(this)), "proposer");
        assertEq(abi.decode(logs[1].data, (uint256)), BOND, "bond");
    }

    function test_notBeforeHalfOfTheTimeOut() external {
        IRounds.Settlement memory s = _unsigned(0, "");
        uint64 half = GENESIS + TIMEOUT / 2;
        vm.warp(half - 1);
        _refused(s, BOND, abi.encodeWithSelector(Rounds.OutOfTime.selector, half - 1, half, GENESIS + TIMEOUT));
        vm.warp(half);
        this.propose(s, BOND);
    }

    function test_notAfterTheDeadline() external {
        IRounds.Settlement memory s = _unsigned(0, "");
        uint64 deadline = GENESIS + TIMEOUT;
        vm.warp(deadline + 1);
        _refused(
            s, BOND, abi.encodeWithSelector(Rounds.OutOfTime.selector, deadline + 1, GENESIS + TIMEOUT / 2, deadline)
        );
        vm.warp(deadline);
        this.propose(s, BOND);
    }

    function test_onlyForTheBondExactly() external {
        IRounds.Settlement memory s = _unsigned(0, "");
        vm.warp(_halfOf(0));
        _refused(s, BOND - 1, abi.encodeWithSelector(Rounds.WrongBond.selector, BOND - 1, BOND));
        _refused(s, BOND + 1, abi.encodeWithSelector(Rounds.WrongBond.selector, BOND + 1, BOND));
        _refused(s, 0, abi.encodeWithSelector(Rounds.WrongBond.selector, 0, BOND));
    }

    function test_onlyOnceARound() external {
        _propose(0, "");
        bytes32 first = _digestOf(0);
        _refused(_unsigned(0, ""), BOND, abi.encodeWithSelector(Rounds.NotLive.selector, 0));
        IRounds.Settlement memory other = _unsigned(0, "");
        ++other.snapshotNumber;
        _refused(other, BOND, abi.encodeWithSelector(Rounds.NotLive.selector, 0));
        assertEq(_digestOf(0), first, "the first stands");
    }

    function test_notForACertifiedRound() external {
        _certify(0, "");
        vm.warp(_halfOf(0));
        _refused(_unsigned(0, ""), BOND, abi.encodeWithSelector(Rounds.NotLive.selector, 0));
    }

    function test_notForARoundThatWasSettled() external {
        _run(0, "");
        vm.warp(_halfOf(0));
        _refused(_unsigned(0, ""), BOND, abi.encodeWithSelector(Rounds.NotLive.selector, 0));
    }

    function test_notForARefutedRound() external {
        _propose(0, "");
        _refute(0, 14, 0);
        _refused(_unsigned(0, ""), BOND, abi.encodeWithSelector(Rounds.NotLive.selector, 0));
    }

    function test_notForASkippedRound() external {
        vm.warp(_halfOf(1));
        _refused(_unsigned(1, ""), BOND, abi.encodeWithSelector(Rounds.NotLive.selector, 1));
    }

    function test_aProposalNamesNoSigners() external {
        vm.warp(_halfOf(0));
        IRounds.Settlement memory s = _unsigned(0, "");
        s.bitmap = hex"00";
        _refused(s, BOND, abi.encodeWithSelector(Rounds.ProposalSigned.selector));
        s = _unsigned(0, "");
        s.aggregate = new bytes(128);
        _refused(s, BOND, abi.encodeWithSelector(Rounds.ProposalSigned.selector));
    }

    /// @dev Nobody could certify another outcome in an epoch without a table: no round of it is live.
    function test_notInAnEpochWithoutATable() external {
        table.setComplete(false);
        vm.warp(_halfOf(0));
        _refused(_unsigned(0, ""), BOND, abi.encodeWithSelector(IStakeTable.NoTable.selector, 0));
    }

    function test_aProposalThatNobodyPostsEndsAtTheDeadline() external {
        _propose(0, "");
        vm.warp(GENESIS + TIMEOUT + 1);
        assertTrue(rounds.isVoid(0), "void");
        assertEq(rounds.voidedAt(0), GENESIS + TIMEOUT, "voided at");
        assertEq(rounds.firstLive(), 2, "next");
    }

    function test_aChunkOfAProposalThatBreaksARuleRefutesIt() external {
        _market();
        bytes memory list = _entry(Entry(1, 7, 1, 1), 1);
        IRounds.Settlement memory s = _propose(0, list);
        rounds.postChunk(_headerOf(s), _chunk(0, list, 0));
        assertTrue(_statusOf(0) == IRounds.Status.Refuted, "refuted");
        (uint8 code,,) = rounds.refutationOf(0);
        assertEq(code, 1, "unknown request");
        assertEq(disputes.bondOf(0), BOND, "the bond stays for disputes to judge");
    }

    // --- a certificate that comes later ---

    function test_aCertificateOfTheSameHeaderConfirmsIt() external {
        IRounds.Settlement memory s = _propose(0, "");
        IRounds.Settlement memory signed = _settlement(0, s.outcomeRoot);
        vm.warp(block.timestamp + 7);
        vm.recordLogs();
        rounds.settle(signed);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(logs.length, 1, "one event");
        assertEq(logs[0].topics[0], IRounds.RoundCertified.selector, "certified");
        (,, uint256 stake) = abi.decode(logs[0].data, (bytes32, uint256, uint256));
        assertEq(stake, 100, "by all");
        assertEq(disputes.bondOf(0), 0, "bond released");
        (,, uint64 certifiedAt,,,) = rounds.roundOf(0);
        assertEq(certifiedAt, block.timestamp, "certified from now on");
        vm.recordLogs();
        rounds.settle(signed);
        assertEq(vm.getRecordedLogs().length, 0, "again: nothing");
    }

    /// @dev 257 matches: the first chunk stands when the certificate comes, the second is posted after it.
    function test_chunksStayWhenTheSameHeaderIsCertified() external {
        bytes memory list = _long();
        IRounds.Settlement memory s = _propose(0, list);
        bytes memory header = _headerOf(s);
        rounds.postChunk(header, _chunk(0, list, 0));
        rounds.settle(_settlement(0, s.outcomeRoot));
        (,,,, uint32 count, uint32 posted) = rounds.roundOf(0);
        assertEq(abi.encode(count, posted), abi.encode(257, 1), "chunks");
        IRounds.Chunk memory first = _chunk(0, list, 0);
        vm.expectRevert(abi.encodeWithSelector(Rounds.AlreadyPosted.selector, 0, 0));
        rounds.postChunk(header, first);
        rounds.postChunk(header, _chunk(0, list, 1));
        assertTrue(_statusOf(0) == IRounds.Status.Settled, "settled");
    }

    function test_aCertificateOfAnotherHeaderTakesTheProposalsPlace() external {
        _market();
        bytes memory list = _list(_one(1, 1));
        bytes memory proposed = _headerOf(_propose(0, ""));
        vm.warp(block.timestamp + 7);
        IRounds.Settlement memory s = _settlement(0, _outcomeRoot(list, 0));
        rounds.settle(s);
        bytes memory header = _headerOf(s);
        assertEq(_digestOf(0), sha256(header), "digest");
        assertEq(disputes.bondOf(0), 0, "bond released");
        IRounds.Chunk memory old = _chunk(0, "", 0);
        vm.expectRevert(abi.encodeWithSelector(Rounds.WrongHeader.selector, sha256(proposed), sha256(header)));
        rounds.postChunk(proposed, old);
        rounds.postChunk(header, _chunk(0, list, 0));
        assertTrue(_statusOf(0) == IRounds.Status.Settled, "settled");
    }

    function test_whatTookTheProposalsPlaceIsReplacedNoMore() external {
        _propose(0, "");
        rounds.settle(_settlement(0, keccak256("one")));
        bytes32 first = _digestOf(0);
        IRounds.Settlement memory other = _settlement(0, keccak256("two"));
        bytes memory header = _headerOf(other);
        vm.expectEmit();
        emit IRounds.SecondCertificate(0, sha256(header), header, other.bitmap, other.aggregate);
        rounds.settle(other);
        assertEq(_digestOf(0), first, "the first certificate stands");
    }

    function test_aCertificateAfterAChunkIsEvidenceOnly() external {
        bytes memory list = _long();
        IRounds.Settlement memory s = _propose(0, list);
        rounds.postChunk(_headerOf(s), _chunk(0, list, 0));
        bytes32 proposed = _digestOf(0);
        IRounds.Settlement memory other = _settlement(0, keccak256("another outcome"));
        bytes memory header = _headerOf(other);
        vm.expectEmit();
        emit IRounds.SecondCertificate(0, sha256(header), header, other.bitmap, other.aggregate);
        rounds.settle(other);
        assertEq(_digestOf(0), proposed, "the proposal stands");
        assertEq(disputes.bondOf(0), BOND, "and its bond");
        rounds.postChunk(_headerOf(s), _chunk(0, list, 1));
        assertTrue(_statusOf(0) == IRounds.Status.Settled, "settled");
    }

    function test_aCertificateAfterTheDeadlineTakesNoPlace() external {
        _propose(0, "");
        bytes32 proposed = _digestOf(0);
        vm.warp(GENESIS + TIMEOUT + 1);
        rounds.settle(_settlement(0, keccak256("another outcome"))); // evidence
        rounds.settle(_settlement(0, _outcomeRoot("", 0))); // nothing
        assertEq(_digestOf(0), proposed, "the proposal stands");
        assertEq(disputes.bondOf(0), BOND, "and its bond");
        assertTrue(rounds.isVoid(0), "void");
    }

    function test_aCertificateOverAProposalNeedsAQuorum() external {
        _propose(0, "");
        table.set(66, 100);
        IRounds.Settlement memory same = _settlement(0, _outcomeRoot("", 0));
        vm.expectRevert(abi.encodeWithSelector(Rounds.NoQuorum.selector, 66, 100));
        rounds.settle(same);
        IRounds.Settlement memory other = _settlement(0, keccak256("another outcome"));
        vm.expectRevert(abi.encodeWithSelector(Rounds.NoQuorum.selector, 66, 100));
        rounds.settle(other);
        assertEq(disputes.bondOf(0), BOND, "the bond stays");
    }

    /// @dev Certificates of an older round touch neither it nor the proposal that is under way.
    function test_anOlderRoundsCertificateConfirmsNoProposal() external {
        _run(0, "");
        IRounds.Settlement memory old = _settlement(0, _outcomeRoot("", 0));
        _propose(1, "");
        bytes32 proposed = _digestOf(1);
        vm.recordLogs();
        rounds.settle(old);
        assertEq(vm.getRecordedLogs().length, 0, "the same header changes nothing");
        IRounds.Settlement memory other = _settlement(0, keccak256("another outcome"));
        bytes memory header = _headerOf(other);
        vm.expectEmit();
        emit IRounds.SecondCertificate(0, sha256(header), header, other.bitmap, other.aggregate);
        rounds.settle(other);
        assertEq(_digestOf(0), sha256(_headerOf(old)), "the old round");
        assertEq(_digestOf(1), proposed, "the proposal");
        assertEq(disputes.bondOf(1), BOND, "its bond");
    }

    /// @dev The proposal of one round is not that of the next: certifying the next releases nothing.
    function test_theNextRoundIsNoProposalAnyMore() external {
        IRounds.Settlement memory s = _propose(0, "");
        rounds.postChunk(_headerOf(s), _chunk(0, "", 0));
        _certify(1, "");
        assertEq(disputes.bondOf(0), BOND, "bond of the proposal");
        rounds.settle(_settlement(1, keccak256("another outcome"))); // evidence: no bond to release
        assertTrue(_statusOf(1) == IRounds.Status.Certified, "certified");
    }

    /// @dev One match more than a chunk holds.
    function _long() private returns (bytes memory list) {
        bytes memory offers;
        bytes memory requests;
        for (uint256 i; i < 52; ++i) {
            offers = bytes.concat(offers, _offer(1, 100));
            requests = bytes.concat(requests, _request(1, 100, 60, TENANT));
        }
        for (uint256 i; i < 5; ++i) {
            vm.prank(PROVIDER);
            market.postOffers(offers);
            vm.prank(TENANT);
            market.postRequests(requests);
        }
        Entry[] memory e = new Entry[](257);
        for (uint64 i; i < 257; ++i) {
            e[i] = Entry(i + 1, i + 1, 9, 9);
        }
        return _list(e);
    }
}
