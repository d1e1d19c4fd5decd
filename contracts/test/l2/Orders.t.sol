// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IMarket} from "../../src/interfaces/IMarket.sol";
import {OrderBook} from "../../src/l2/OrderBook.sol";
import {Orders} from "../../src/lib/Orders.sol";
import {Vm} from "../Base.t.sol";
import {Kit} from "./Kit.sol";

/// @notice Posting, revising and closing orders, and what was open at a time.
contract OrdersTest is Kit {
    uint64 private constant OPEN = type(uint64).max;

    // --- posting ---

    function test_offersAreFilledInAndReadBack() external {
        bytes memory batch = bytes.concat(_offer(8, 100), _offer(4, 200));
        vm.prank(PROVIDER);
        assertEq(market.postOffers(batch), 1, "first id");
        for (uint64 id = 1; id <= 2; ++id) {
            bytes memory expected = id == 1 ? _offer(8, 100) : _offer(4, 200);
            _put(expected, 0, 8, id);
            _put(expected, 8, 4, 1);
            _put(expected, 12, 20, uint160(PROVIDER));
            (bytes memory record, uint64 created, uint64 closed) = market.offerRecord(id, 1);
            assertEq(record, expected, "record");
            assertEq(created, block.timestamp, "created");
            assertEq(closed, OPEN, "closed");
        }
        assertEq(market.offerCount(), 2, "count");
    }

    function test_requestsAreFilledInAndReadBack() external {
        assertEq(_postRequest(1, 100, 3600), 1, "id");
        bytes memory expected = _request(1, 100, 3600, TENANT);
        _put(expected, 0, 8, 1);
        _put(expected, 8, 4, 1);
        _put(expected, 12, 20, uint160(TENANT));
        (bytes memory record, uint64 created, uint64 closed) = market.requestRecord(1);
        assertEq(record, expected, "record");
        assertEq(created, block.timestamp, "created");
        assertEq(closed, OPEN, "closed");
        assertEq(market.requestCount(), 1, "count");
    }

    function test_idsGoOnOverBatches() external {
        _postOffer(1, 1);
        assertEq(_postOffer(1, 1), 2, "second offer");
        _postRequest(1, 1, 1);
        assertEq(_postRequest(1, 1, 1), 2, "second request");
    }

    function test_eventCarriesTheRecordsAsStored() external {
        vm.recordLogs();
        _postOffer(8, 100);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        (bytes memory record,,) = market.offerRecord(1, 1);
        assertEq(logs[0].data, abi.encode(uint64(block.timestamp), record), "data");
        assertEq(logs[0].topics[0], IMarket.OffersPosted.selector, "event");
    }

    function test_gpusOfOffersAreRegistered() external {
        bytes memory batch = bytes.concat(_offer(8, 100), _offer(4, 200));
        vm.prank(PROVIDER);
        market.postOffers(batch);
        (, uint32 gpus,,,,) = providers.providerAt(PROVIDER, uint64(block.timestamp));
        assertEq(gpus, 12, "gpus");
    }

    function test_refusesBadBatches() external {
        uint256[4] memory lengths = [uint256(0), 159, 161, 65 * 160];
        for (uint256 i; i < lengths.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(OrderBook.BadBatch.selector, lengths[i]));
            market.postOffers(new bytes(lengths[i]));
        }
        vm.expectRevert(abi.encodeWithSelector(OrderBook.BadBatch.selector, 160));
        market.postRequests(new bytes(160));
    }

    function _refusesOffer(uint256 offset, uint256 width, uint256 value, uint256 named) private {
        bytes memory bad = _offer(1, 1);
        _put(bad, offset, width, value);
        bytes memory batch = bytes.concat(_offer(1, 1), bad);
        vm.prank(PROVIDER);
        vm.expectRevert(abi.encodeWithSelector(Orders.BadRecord.selector, 1, named));
        market.postOffers(batch);
    }

    function test_refusesOffersOutOfRange() external {
        _refusesOffer(0, 8, 1, 0); // id
        _refusesOffer(8, 4, 1, 0); // version
        _refusesOffer(12, 20, uint160(PROVIDER), 0);
        _refusesOffer(96, 8, 0, 96); // ask
        _refusesOffer(124, 4, 0, 124); // currencies
        _refusesOffer(136, 4, 1_000_001, 140); // min_term above max_term
        _refusesOffer(149, 1, 0, 149); // gpus
        _refusesOffer(151, 1, 8, 151); // kind
        _refusesOffer(152, 1, 8, 152); // tier
        _refusesOffer(153, 1, 1, 153); // spare, first
        _refusesOffer(159, 1, 1, 153); // spare, last
    }

    function _refusesRequest(uint256 offset, uint256 width, uint256 value, uint256 named) private {
        bytes memory bad = _request(1, 1, 1, TENANT);
        _put(bad, offset, width, value);
        vm.prank(TENANT);
        vm.expectRevert(abi.encodeWithSelector(Orders.BadRecord.selector, 0, named));
        market.postRequests(bad);
    }

    function test_refusesRequestsOutOfRange() external {
        _refusesRequest(0, 8, 1, 0);
        _refusesRequest(8, 4, 1, 0);
        _refusesRequest(12, 20, uint160(TENANT), 0);
        _refusesRequest(32, 32, 0, 32); // models
        _refusesRequest(64, 32, 0, 64); // regions
        _refusesRequest(224, 20, 0, 224); // payer
        _refusesRequest(244, 8, 0, 244); // budget
        _refusesRequest(272, 4, 0, 272); // term
        _refusesRequest(284, 2, 10_001, 284); // min_uptime
        _refusesRequest(286, 1, 0, 286); // gpus
        _refusesRequest(288, 1, 0, 288); // kinds
        _refusesRequest(289, 1, 0, 289); // tiers
        _refusesRequest(290, 1, 32, 290); // currency
        _refusesRequest(291, 1, 4, 291); // profile
        _refusesRequest(292, 1, 1, 292); // spare, first
        _refusesRequest(319, 1, 1, 292); // spare, last
    }

    // --- versions ---

    function _revise(uint64 id, bytes memory record) private {
        vm.prank(PROVIDER);
        market.reviseOffer(id, record);
    }

    function _close(uint64 id) private {
        vm.prank(PROVIDER);
        market.closeOffer(id);
    }

    function test_aRevisionClosesTheVersionBefore() external {
        uint64 t0 = uint64(block.timestamp);
        _postOffer(8, 100);
        vm.warp(t0 + 5);
        _revise(1, _offer(8, 90));
        (bytes memory old, uint64 created, uint64 closed) = market.offerRecord(1, 1);
        assertEq(_get(old, 96, 8), 100, "old ask");
        assertEq(abi.encode(created, closed), abi.encode(t0, t0 + 5), "times of the old version");
        bytes memory record;
        (record, created, closed) = market.offerRecord(1, 2);
        assertEq(_get(record, 96, 8), 90, "new ask");
        assertEq(_get(record, 8, 4), 2, "version");
        assertEq(abi.encode(created, closed), abi.encode(t0 + 5, OPEN), "times of the new version");
    }

    function test_refusesUnknownVersions() external {
        _postOffer(8, 100);
        vm.expectRevert(abi.encodeWithSelector(OrderBook.Unknown.selector, 1));
        market.offerRecord(1, 2);
        vm.expectRevert(abi.encodeWithSelector(OrderBook.Unknown.selector, 2));
        market.offerRecord(2, 1);
        vm.expectRevert(abi.encodeWithSelector(OrderBook.Unknown.selector, 1));
        market.requestRecord(1);
    }

    function test_onlyTheProviderChangesAnOffer() external {
        _postOffer(8, 100);
        bytes memory record = _offer(8, 90);
        vm.startPrank(address(0xBAD));
        vm.expectRevert(abi.encodeWithSelector(OrderBook.NotOwner.selector, address(0xBAD), PROVIDER));
        market.reviseOffer(1, record);
        vm.expectRevert(abi.encodeWithSelector(OrderBook.NotOwner.selector, address(0xBAD), PROVIDER));
        market.closeOffer(1);
        vm.stopPrank();
    }

    function test_aClosedOfferStaysClosed() external {
        _postOffer(8, 100);
        _close(1);
        bytes memory record = _offer(8, 90);
        vm.startPrank(PROVIDER);
        vm.expectRevert(abi.encodeWithSelector(OrderBook.AlreadyClosed.selector, 1));
        market.reviseOffer(1, record);
        vm.expectRevert(abi.encodeWithSelector(OrderBook.AlreadyClosed.selector, 1));
        market.closeOffer(1);
        vm.stopPrank();
    }

    function test_aRevisionKeepsTheGpus() external {
        _postOffer(8, 100);
        bytes memory record = _offer(4, 100);
        vm.prank(PROVIDER);
        vm.expectRevert(abi.encodeWithSelector(OrderBook.GpusChanged.selector, 4, 8));
        market.reviseOffer(1, record);
    }

    /// @dev Revisions at random distances, some in one second, then perhaps a closing: every time is looked up.
    function testFuzz_versionAtIsTheOneOpenThen(uint8[8] calldata steps, bool close) external {
        uint64[] memory created = new uint64[](10);
        uint64[] memory closed = new uint64[](10);
        uint64 t = uint64(block.timestamp);
        uint64 begin = t;
        _postOffer(8, 100);
        (created[1], closed[1]) = (t, OPEN);
        for (uint32 v = 2; v <= 9; ++v) {
            t += steps[v - 2] % 3;
            vm.warp(t);
            _revise(1, _offer(8, 100 + v));
            (closed[v - 1], created[v], closed[v]) = (t, t, OPEN);
        }
        if (close) {
            vm.warp(++t);
            _close(1);
            closed[9] = t;
        }
        for (uint64 at_ = begin - 1; at_ <= t + 1; ++at_) {
            uint32 expected;
            for (uint32 v = 1; v <= 9; ++v) {
                if (created[v] <= at_ && at_ < closed[v]) expected = v;
            }
            assertEq(market.offerVersionAt(1, at_), expected, "version");
        }
    }

    function test_noVersionOfAnUnknownOffer() external view {
        assertEq(market.offerVersionAt(5, uint64(block.timestamp)), 0, "version");
    }

    // --- cancelling, retiring ---

    function test_aCancelledRequestHasItsTime() external {
        _postRequest(1, 100, 60);
        vm.warp(block.timestamp + 7);
        vm.prank(TENANT);
        market.cancelRequest(1);
        (,, uint64 closed) = market.requestRecord(1);
        assertEq(closed, block.timestamp, "closed");
    }

    function test_onlyTheTenantCancelsAndOnce() external {
        _postRequest(1, 100, 60);
        vm.prank(PROVIDER);
        vm.expectRevert(abi.encodeWithSelector(OrderBook.NotOwner.selector, PROVIDER, TENANT));
        market.cancelRequest(1);
        vm.startPrank(TENANT);
        market.cancelRequest(1);
        vm.expectRevert(abi.encodeWithSelector(OrderBook.AlreadyClosed.selector, 1));
        market.cancelRequest(1);
        vm.expectRevert(abi.encodeWithSelector(OrderBook.Unknown.selector, 2));
        market.cancelRequest(2);
        vm.stopPrank();
    }

    function test_aMatchedRequestIsNotCancelled() external {
        _postOffer(8, 100);
        _postRequest(1, 100, 60);
        _run(0, _list(_one(1, 1)));
        vm.prank(TENANT);
        vm.expectRevert(abi.encodeWithSelector(OrderBook.AlreadyMatched.selector, 1));
        market.cancelRequest(1);
    }

    function test_aClosedOfferRetiresItsGpusOnce() external {
        _postOffer(8, 100);
        vm.expectRevert(abi.encodeWithSelector(OrderBook.NotRetirable.selector, 1));
        market.retireOffer(1);
        _close(1);
        market.retireOffer(1); // no round has closed since, so none can bind it
        (, uint32 gpus,,,,) = providers.providerAt(PROVIDER, uint64(block.timestamp));
        assertEq(gpus, 0, "gpus");
        vm.expectRevert(abi.encodeWithSelector(OrderBook.NotRetirable.selector, 1));
        market.retireOffer(1);
    }

    function test_anOfferThatARoundMayBindDoesNotRetire() external {
        _postOffer(8, 100);
        vm.warp(GENESIS + 1);
        _close(1);
        vm.expectRevert(abi.encodeWithSelector(OrderBook.NotRetirable.selector, 1));
        market.retireOffer(1);
        vm.warp(GENESIS + TIMEOUT + 1);
        market.retireOffer(1);
    }

    function test_anOfferWithALeaseDoesNotRetire() external {
        _postOffer(8, 100);
        _postRequest(1, 100, 10_000);
        _run(0, _list(_one(1, 1)));
        _close(1);
        vm.warp(GENESIS + 10 * TIMEOUT);
        vm.expectRevert(abi.encodeWithSelector(OrderBook.NotRetirable.selector, 1));
        market.retireOffer(1);
    }
}
