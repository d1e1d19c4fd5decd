// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IMarket} from "../../src/interfaces/IMarket.sol";
import {IRounds} from "../../src/interfaces/IRounds.sol";
import {LeaseBook} from "../../src/l2/LeaseBook.sol";
import {LeaseOpener} from "../../src/l2/LeaseOpener.sol";
import {OrderBook} from "../../src/l2/OrderBook.sol";
import {Kit} from "./Kit.sol";

/// @notice What posting a chunk opens, what it refutes, and how leases end.
contract LeasesTest is Kit {
    uint64 private constant T = GENESIS - 1; // of round 0

    // --- helpers: the market asked directly, as Rounds ---

    function _open(uint32 first, bytes memory entries) private {
        vm.prank(address(rounds));
        market.openLeases(0, T, first, entries, POSTER);
    }

    function _refutes(uint32 first, bytes memory entries, uint8 code, uint32 position) private {
        vm.prank(address(rounds));
        vm.expectRevert(abi.encodeWithSelector(IMarket.Refuted.selector, code, position));
        market.openLeases(0, T, first, entries, POSTER);
    }

    /// @dev Entries offers[i] <- requests[i], in descending order of score.
    function _entries(uint64[3] memory offers, uint64[3] memory requests) private view returns (bytes memory) {
        Entry[] memory e = new Entry[](3);
        for (uint256 i; i < 3; ++i) {
            e[i] = Entry(offers[i], requests[i], uint64(100 - i), 5);
        }
        return _list(e);
    }

    /// @dev Offers 1 to 3 of 4 GPUs, requests 1 to 5 of 2 GPUs each.
    function _market() private {
        for (uint256 i; i < 3; ++i) {
            _postOffer(4, 100);
        }
        for (uint256 i; i < 5; ++i) {
            _postRequest(2, 200, 1_000);
        }
        vm.warp(GENESIS + 30);
    }

    // --- opening ---

    function test_leasesAreOpenedAndSayWhereTheyStand() external {
        _market();
        _open(0, _entries([uint64(1), 1, 3], [uint64(2), 1, 4]));
        (uint64 round, uint32 position, uint64 offer, uint64 start, uint64 end) = market.leaseOf(1);
        assertEq(abi.encode(round, position, offer), abi.encode(1, 1, 1), "lease");
        assertEq(abi.encode(start, end), abi.encode(block.timestamp, 0), "times");
        (round,,,,) = market.leaseOf(3);
        assertEq(round, 0, "no lease");
    }

    function test_positionsAndStartsBelongToTheirChunk() external {
        _market();
        _open(0, _list(_one(1, 1)));
        vm.warp(block.timestamp + 4);
        _open(512, _list(_one(2, 2)));
        (, uint32 position,, uint64 start,) = market.leaseOf(2);
        assertEq(position, 512, "position");
        assertEq(start, GENESIS + 34, "start of the later");
        (,,, start,) = market.leaseOf(1);
        assertEq(start, GENESIS + 30, "start of the earlier");
    }

    function test_usedGrowsByTheDemand() external {
        _market();
        _open(0, _entries([uint64(1), 1, 3], [uint64(2), 1, 4]));
        assertEq(market.usedAt(1, uint64(block.timestamp)), _demandOf(1) + _demandOf(2), "first machine");
        assertEq(market.usedAt(1, uint64(block.timestamp) - 1), 0, "a second before");
        assertEq(market.usedAt(3, uint64(block.timestamp)), _demandOf(4), "third machine");
        assertEq(market.usedAt(2, uint64(block.timestamp)), 0, "second machine");
    }

    function test_onlyRoundsOpens() external {
        _market();
        bytes memory list = _list(_one(1, 1));
        vm.expectRevert(abi.encodeWithSelector(LeaseOpener.NotRounds.selector, address(this)));
        market.openLeases(0, T, 0, list, POSTER);
    }

    /// @dev Orders bind: what happens to them after T changes nothing.
    function test_aCancelAfterTChangesNothing() external {
        _market();
        vm.prank(TENANT);
        market.cancelRequest(1);
        _open(0, _list(_one(1, 1)));
        (uint64 round,,,,) = market.leaseOf(1);
        assertEq(round, 1, "opened");
    }

    function test_aClosingOrRevisionAfterTChangesNothing() external {
        _market();
        vm.startPrank(PROVIDER);
        market.closeOffer(1);
        bytes memory smaller = _offer(4, 100);
        _put(smaller, 108, 4, 1); // hardly any cpu
        market.reviseOffer(3, smaller);
        vm.stopPrank();
        _open(0, _entries([uint64(1), 1, 3], [uint64(2), 1, 4]));
        (uint64 round,,,,) = market.leaseOf(4);
        assertEq(round, 1, "opened");
    }

    /// @dev Closed and replaced versions are searched for the one open at T.
    function test_theVersionOpenAtTDecides() external {
        _market();
        vm.warp(GENESIS - 20);
        bytes memory small = _offer(4, 100);
        _put(small, 108, 4, 1);
        vm.startPrank(PROVIDER);
        market.reviseOffer(1, small); // open at T
        vm.warp(GENESIS + 10);
        market.reviseOffer(1, _offer(4, 100));
        vm.stopPrank();
        _refutes(0, _list(_one(1, 1)), 9, 0);
    }

    // --- refutation ---

    function test_code1_unknownRequest() external {
        _market();
        _refutes(0, _entry(Entry(1, 6, 1, 1), 1), 1, 0);
        _refutes(0, _entry(Entry(1, 0, 1, 1), 1), 1, 0);
        _refutes(0, _entry(Entry(1, type(uint64).max, 1, 1), 1), 1, 0);
    }

    function test_code2_unknownOffer() external {
        _market();
        uint256 demand = _demandOf(1);
        _refutes(0, _entry(Entry(4, 1, 1, 1), demand), 2, 0);
        _refutes(0, _entry(Entry(0, 1, 1, 1), demand), 2, 0);
        _refutes(0, bytes.concat(_list(_one(1, 2)), _entry(Entry(9, 1, 1, 1), demand)), 2, 1);
    }

    function test_code3_matchedTwiceInAChunk() external {
        _market();
        _refutes(256, _entries([uint64(1), 2, 3], [uint64(2), 1, 2]), 3, 258);
    }

    function test_code3_matchedInAnotherRound() external {
        _market();
        _run(0, _list(_one(1, 1)));
        bytes memory again = _list(_one(2, 1));
        vm.prank(address(rounds));
        vm.expectRevert(abi.encodeWithSelector(IMarket.Refuted.selector, 3, 0));
        market.openLeases(1, _closeOf(1) - 1, 0, again, POSTER);
    }

    function test_code4_requestNotYetThere() external {
        _market();
        vm.warp(GENESIS);
        uint64 id = _postRequest(2, 200, 1_000);
        _refutes(0, _list(_one(1, id)), 4, 0);
    }

    function test_code4_requestCancelledByT() external {
        _market();
        vm.warp(T);
        vm.prank(TENANT);
        market.cancelRequest(1);
        _refutes(0, _list(_one(1, 1)), 4, 0);
    }

    function test_code4_requestExpiredByT() external {
        _market();
        vm.warp(GENESIS - 40);
        bytes memory r = _request(2, 200, 1_000, TENANT);
        _put(r, 276, 8, T);
        vm.prank(TENANT);
        uint64 id = market.postRequests(r);
        _refutes(0, _list(_one(1, id)), 4, 0);
    }

    function test_code5_offerNotYetThere() external {
        _market();
        vm.warp(GENESIS);
        uint64 id = _postOffer(4, 100);
        _refutes(0, _list(_one(id, 1)), 5, 0);
    }

    function test_code5_offerClosedByT() external {
        _market();
        vm.warp(T);
        vm.prank(PROVIDER);
        market.closeOffer(2);
        _refutes(0, _list(_one(2, 1)), 5, 0);
    }

    /// @dev Of two offers in one page the first is open at T, the second is not.
    function test_code5_offerClosedByTBesideAnOpenOne() external {
        _market();
        vm.warp(GENESIS - 40);
        bytes memory batch = bytes.concat(_offer(4, 100), _offer(4, 100));
        vm.startPrank(PROVIDER);
        uint64 id = market.postOffers(batch);
        vm.warp(T);
        market.closeOffer(id + 1);
        vm.stopPrank();
        Entry[] memory e = new Entry[](2);
        (e[0], e[1]) = (Entry(id, 1, 9, 9), Entry(id + 1, 2, 8, 9));
        _refutes(0, _list(e), 5, 1);
    }

    function test_code5_offerNoLongerAvailableAtT() external {
        _market();
        vm.warp(GENESIS - 40);
        bytes memory o = _offer(4, 100);
        _put(o, 128, 8, T);
        vm.prank(PROVIDER);
        uint64 id = market.postOffers(o);
        _refutes(0, _list(_one(id, 1)), 5, 0);
    }

    /// @dev Descending by score, then tie, then request id; equal is out of order too.
    function test_code6_orderWithinAnOffer() external {
        _market();
        Entry[] memory e = new Entry[](2);
        e[0] = Entry(1, 1, 5, 9);
        e[1] = Entry(1, 2, 6, 1); // higher score
        _refutes(0, _list(e), 6, 1);
        e[1] = Entry(1, 2, 5, 10); // higher tie
        _refutes(0, _list(e), 6, 1);
        e[1] = Entry(1, 2, 5, 9); // higher request
        _refutes(0, _list(e), 6, 1);
        e[0] = Entry(1, 3, 5, 9);
        _open(0, _list(e));
    }

    function test_code7_offersNotAscending() external {
        _market();
        _refutes(0, _entries([uint64(2), 3, 1], [uint64(1), 2, 3]), 7, 2);
        // An offer whose run was left and comes again.
        _refutes(0, _entries([uint64(1), 3, 1], [uint64(1), 2, 3]), 7, 2);
    }

    function testFuzz_code8_anyOtherSum(uint136 wrong) external {
        _market();
        uint256 demand = _demandOf(1);
        if (wrong == demand) ++wrong;
        _refutes(0, _entry(Entry(1, 1, 9, 9), wrong), 8, 0);
    }

    function test_code8_sumDoesNotGoOn() external {
        _market();
        bytes memory list = bytes.concat(_list(_one(1, 1)), _entry(Entry(1, 2, 1, 1), _demandOf(2)));
        _refutes(0, list, 8, 1);
    }

    function test_code8_sumOfAnotherMachineStartsAtZero() external {
        _market();
        bytes memory list = bytes.concat(_list(_one(1, 1)), _entry(Entry(2, 2, 1, 1), 2 * _demandOf(2)));
        _refutes(256, list, 8, 257);
    }

    /// @dev Only a later chunk may begin with a sum from before; less than the demand it cannot be.
    function test_code8_firstEntryOfALaterChunk() external {
        _market();
        bytes memory within = _entry(Entry(1, 1, 9, 9), 2 * _demandOf(1));
        _refutes(0, within, 8, 0);
        _refutes(256, _entry(Entry(1, 1, 9, 9), _demandOf(1) - 1), 8, 256);
        _open(256, within);
        assertEq(market.usedAt(1, uint64(block.timestamp)), _demandOf(1), "used is what this chunk shows");
    }

    /// @dev Going on from a trusted sum counts it against what was free at T.
    function test_code9_aSumFromBeforeCounts() external {
        _market();
        bytes memory list =
            bytes.concat(_entry(Entry(1, 1, 9, 9), 2 * _demandOf(1)), _entry(Entry(1, 2, 8, 9), 3 * _demandOf(1)));
        _refutes(256, list, 9, 257);
    }

    function test_code9_overCapacity() external {
        _market();
        _refutes(0, _entries([uint64(1), 1, 1], [uint64(3), 2, 1]), 9, 2);
    }

    /// @dev Each component alone can be too much.
    function test_code9_everyComponentCounts() external {
        _market();
        vm.warp(GENESIS - 40);
        uint16[5] memory offsets = [uint16(256), 260, 264, 268, 286];
        for (uint256 i; i < 5; ++i) {
            bytes memory r = _request(1, 200, 1_000, TENANT);
            if (i < 4) _put(r, offsets[i], 4, type(uint32).max);
            else _put(r, offsets[i], 1, 5);
            vm.prank(TENANT);
            uint64 id = market.postRequests(r);
            _refutes(0, _list(_one(1, id)), 9, 0);
        }
    }

    /// @dev A lie spread over chunks: each fits in itself, together they do not.
    function test_code9_overCapacityOverSeveralChunks() external {
        _market();
        Entry[] memory e = new Entry[](2);
        (e[0], e[1]) = (Entry(1, 2, 9, 9), Entry(1, 1, 8, 9));
        _open(0, _list(e));
        _refutes(256, _list(_one(1, 3)), 9, 256);
    }

    function test_code9_leasesOfEarlierRoundsCount() external {
        _market();
        Entry[] memory e = new Entry[](2);
        (e[0], e[1]) = (Entry(1, 2, 9, 9), Entry(1, 1, 8, 9));
        _run(0, _list(e));
        bytes memory more = _list(_one(1, 3));
        vm.prank(address(rounds));
        vm.expectRevert(abi.encodeWithSelector(IMarket.Refuted.selector, 9, 0));
        market.openLeases(1, _closeOf(1) - 1, 0, more, POSTER);
    }

    /// @dev What was used at T counts, though it was freed since.
    function test_code9_whatIsFreedAfterTIsNotFreeInTheRound() external {
        _market();
        Entry[] memory e = new Entry[](2);
        (e[0], e[1]) = (Entry(1, 2, 9, 9), Entry(1, 1, 8, 9));
        _run(0, _list(e));
        vm.warp(_closeOf(1) + 5);
        _closeLease(TENANT, 1);
        bytes memory more = _list(_one(1, 3));
        vm.startPrank(address(rounds));
        vm.expectRevert(abi.encodeWithSelector(IMarket.Refuted.selector, 9, 0));
        market.openLeases(1, _closeOf(1) - 1, 0, more, POSTER);
        market.openLeases(3, _closeOf(3) - 1, 0, more, POSTER);
        vm.stopPrank();
    }

    /// @dev A machine revised below what is used of it has nothing free there, and takes who asks for nothing there.
    function test_componentsRevisedBelowWhatIsUsedAreNotNegative() external {
        _market();
        _run(0, _list(_one(1, 1)));
        bytes memory o = _offer(4, 100);
        _put(o, 116, 4, 1); // disk, of which 200 are used
        vm.prank(PROVIDER);
        market.reviseOffer(1, o);
        vm.warp(_closeOf(1) - 10);
        bytes memory r = _request(2, 200, 1_000, TENANT);
        _put(r, 264, 4, 0); // no disk
        vm.prank(TENANT);
        uint64 id = market.postRequests(r);
        bytes memory list = _list(_one(1, id));
        bytes memory withDisk = _list(_one(1, 2));
        vm.startPrank(address(rounds));
        vm.expectRevert(abi.encodeWithSelector(IMarket.Refuted.selector, 9, 0));
        market.openLeases(1, _closeOf(1) - 1, 0, withDisk, POSTER);
        market.openLeases(1, _closeOf(1) - 1, 0, list, POSTER);
        vm.stopPrank();
        assertEq(market.usedAt(1, uint64(block.timestamp)), _demandOf(1) + _demandOf(id), "used");
    }

    // --- closing ---

    function _closeLease(address who, uint64 id) private {
        uint64[] memory ids = new uint64[](1);
        ids[0] = id;
        vm.prank(who);
        market.closeLeases(ids);
    }

    function _expectClosed(uint64 id, uint64 offer, uint8 reason) private {
        vm.expectEmit();
        emit IMarket.LeaseClosed(id, offer, uint64(block.timestamp), reason);
    }

    function test_tenantAndProviderCloseAtOnce() external {
        _market();
        _run(0, _entries([uint64(1), 1, 3], [uint64(2), 1, 4]));
        vm.warp(block.timestamp + 10);
        _expectClosed(1, 1, 1);
        _closeLease(TENANT, 1);
        _expectClosed(2, 1, 2);
        _closeLease(PROVIDER, 2);
        (,,,, uint64 end) = market.leaseOf(1);
        assertEq(end, block.timestamp, "end");
        assertEq(market.usedAt(1, uint64(block.timestamp)), 0, "freed");
    }

    function test_strangersCloseWhenTheTermIsOver() external {
        _market();
        _run(0, _list(_one(1, 1)));
        uint64 over = uint64(block.timestamp) + 1_000;
        vm.warp(over - 1);
        vm.expectRevert(abi.encodeWithSelector(LeaseBook.NotParty.selector, address(0xBAD)));
        this.closeAs(address(0xBAD), 1);
        vm.warp(over + 50);
        _expectClosed(1, 1, 3);
        _closeLease(address(0xBAD), 1);
        (,,,, uint64 end) = market.leaseOf(1);
        assertEq(end, over, "the term's end, not the closing's");
    }

    function closeAs(address who, uint64 id) external {
        _closeLease(who, id);
    }

    function test_closingTwiceChangesNothing() external {
        _market();
        _run(0, _list(_one(1, 1)));
        _closeLease(TENANT, 1);
        uint64 t = uint64(block.timestamp);
        vm.warp(t + 10);
        _closeLease(PROVIDER, 1);
        (,,,, uint64 end) = market.leaseOf(1);
        assertEq(end, t, "end");
    }

    function test_closingNeedsALease() external {
        _market();
        vm.expectRevert(abi.encodeWithSelector(LeaseBook.NotLeased.selector, 1));
        this.closeAs(TENANT, 1);
    }

    function test_closingABatchIsBounded() external {
        vm.expectRevert(abi.encodeWithSelector(OrderBook.BadBatch.selector, 257));
        market.closeLeases(new uint64[](257));
        vm.expectRevert(abi.encodeWithSelector(OrderBook.BadBatch.selector, 0));
        market.closeLeases(new uint64[](0));
    }

    /// @dev 257 requests on as many machines: two chunks, of which nobody posts the second.
    function test_leasesOfAVoidRoundEndForThatReason() external {
        for (uint256 i; i < 257; ++i) {
            _postOffer(1, 100);
            _postRequest(1, 100, 1_000);
        }
        Entry[] memory e = new Entry[](257);
        for (uint64 i; i < 257; ++i) {
            e[i] = Entry(i + 1, i + 1, 9, 9);
        }
        bytes memory list = _list(e);
        IRounds.Settlement memory s = _certify(0, list);
        rounds.postChunk(_headerOf(s), _chunk(0, list, 0));
        assertTrue(!rounds.isVoid(0), "not yet");
        vm.warp(GENESIS + TIMEOUT + 1);
        assertTrue(rounds.isVoid(0), "void");
        (uint64 round,,,,) = market.leaseOf(1);
        assertEq(round, 1, "the lease goes on");
        _expectClosed(1, 1, 4);
        _closeLease(PROVIDER, 1);
        _expectClosed(2, 2, 4);
        _closeLease(TENANT, 2);
    }
}
