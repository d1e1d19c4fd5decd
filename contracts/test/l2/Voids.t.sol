// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IEscrow} from "../../src/interfaces/IEscrow.sol";
import {IMarket} from "../../src/interfaces/IMarket.sol";
import {IRounds} from "../../src/interfaces/IRounds.sol";
import {Escrow} from "../../src/l2/Escrow.sol";
import {LeaseBook} from "../../src/l2/LeaseBook.sol";
import {OrderBook} from "../../src/l2/OrderBook.sol";
import {Kit} from "./Kit.sol";

/// @notice Leases of void rounds: they go on, end with the notice, and are undone where the pair was ineligible.
contract VoidsTest is Kit {
    address private constant STRANGER = address(0xBAD);

    /// @dev A lease of 3 GPUs for at most an hour at 7,000, out of a budget of 10,000; it starts at once.
    function _lease() private returns (uint64 start) {
        return _leaseFor(3_600);
    }

    function _leaseFor(uint32 term) private returns (uint64 start) {
        _postOffer(4, 7_000);
        _postRequest(3, 10_000, term);
        _run(0, _list(_one(1, 1)));
        return uint64(block.timestamp);
    }

    function _close(address who) private {
        uint64[] memory ids = new uint64[](1);
        ids[0] = 1;
        vm.prank(who);
        market.closeLeases(ids);
    }

    function closeAs(address who) external {
        _close(who);
    }

    function _expectClosed(uint8 reason) private {
        vm.expectEmit();
        emit IMarket.LeaseClosed(1, 1, uint64(block.timestamp), reason);
    }

    function _annul(uint64 id) private {
        vm.prank(address(disputes));
        market.annul(id);
    }

    function annulAs(address who, uint64 id) external {
        vm.prank(who);
        market.annul(id);
    }

    function _leaseEnd() private view returns (uint64 end) {
        (,,,, end) = market.leaseOf(1);
    }

    function _earned(uint256 seconds_) private pure returns (uint256) {
        return 3 * 7_000 * seconds_ / 3_600;
    }

    // --- the notice ---

    function test_aVoidRoundKillsNoJob() external {
        _lease();
        _refute(0, 14, 0);
        vm.warp(block.timestamp + VOID_NOTICE - 1);
        assertEq(_leaseEnd(), 0, "goes on");
        assertEq(market.usedAt(1, uint64(block.timestamp)), _demandOf(1), "holds its place");
        vm.expectRevert(abi.encodeWithSelector(LeaseBook.NotParty.selector, STRANGER));
        this.closeAs(STRANGER);
    }

    function test_itsLeasesEndWithTheNoticeWhoeverClosesThem() external {
        uint64 start = _lease();
        vm.warp(start + 100);
        _refute(0, 14, 0);
        vm.warp(start + 100 + VOID_NOTICE);
        _expectClosed(4);
        _close(STRANGER);
        assertEq(_leaseEnd(), start + 100 + VOID_NOTICE, "end");
        assertEq(market.usedAt(1, uint64(block.timestamp)), 0, "freed");
    }

    /// @dev Closed long after, by a party too: what is paid ends with the notice.
    function test_theNoticeIsTheMostThatIsPaid() external {
        uint64 start = _lease();
        _refute(0, 14, 0);
        vm.warp(start + VOID_NOTICE + 1_000);
        _expectClosed(4);
        _close(PROVIDER);
        assertEq(_leaseEnd(), start + VOID_NOTICE, "end");
        escrow.settle(1);
        assertEq(escrow.creditOf(TENANT, 0), 30_000 - _earned(VOID_NOTICE), "tenant");
    }

    function test_aTermThatEndsBeforeTheNoticeIsTheTerm() external {
        uint64 start = _leaseFor(200);
        _refute(0, 14, 0);
        vm.warp(start + VOID_NOTICE + 50);
        _expectClosed(3);
        _close(STRANGER);
        assertEq(_leaseEnd(), start + 200, "end");
    }

    function test_eitherSideClosesAtOnceWithoutALeastCharge() external {
        uint64 start = _lease();
        _refute(0, 14, 0);
        vm.warp(start + 10);
        _expectClosed(4);
        _close(TENANT);
        assertEq(_leaseEnd(), start + 10, "end");
        vm.warp(start + WINDOWS + 1);
        escrow.settle(1);
        assertEq(escrow.creditOf(TENANT, 0), 30_000 - _earned(10), "below the least charge");
        assertTrue(_earned(10) < MIN_CHARGE, "it is");
    }

    function test_aProviderClosesAtOnce() external {
        _lease();
        _refute(0, 14, 0);
        _expectClosed(4);
        _close(PROVIDER);
    }

    /// @dev The policy of the lease's round counts, not today's.
    function test_theNoticeIsThatOfTheRoundsPolicy() external {
        uint64 start = _lease();
        bytes memory page = _policy(2);
        _put(page, AT_MONEY + 18, 4, 1);
        vm.prank(TIMELOCK);
        rounds.setPolicy(page, 2);
        vm.warp(_closeOf(3));
        _refute(0, 14, 0);
        vm.warp(_closeOf(3) + VOID_NOTICE - 1);
        vm.expectRevert(abi.encodeWithSelector(LeaseBook.NotParty.selector, STRANGER));
        this.closeAs(STRANGER);
        vm.warp(_closeOf(3) + VOID_NOTICE);
        _close(STRANGER);
        assertEq(_leaseEnd(), _closeOf(3) + VOID_NOTICE, "end");
        assertTrue(_leaseEnd() > start, "after its start");
    }

    /// @dev 257 matches of which the second chunk never comes: the notice runs from the deadline.
    function test_theNoticeRunsFromTheDeadlineOfWhatWasNotPosted() external {
        for (uint256 i; i < 257; ++i) {
            _postOffer(1, 100);
            _postRequest(1, 100, 1_000);
        }
        Entry[] memory e = new Entry[](257);
        for (uint64 i; i < 257; ++i) {
            e[i] = Entry(i + 1, i + 1, 9, 9);
        }
        bytes memory list = _list(e);
        rounds.postChunk(_headerOf(_certify(0, list)), _chunk(0, list, 0));
        uint64 over = GENESIS + TIMEOUT + VOID_NOTICE;
        // A refutation that comes while the notice runs does not lengthen it.
        vm.warp(over - 300);
        _refute(0, 14, 0);
        vm.warp(over);
        _expectClosed(4);
        _close(STRANGER);
        assertEq(_leaseEnd(), over, "end");
    }

    /// @dev A batch over two rounds looks each of them up.
    function test_aBatchTellsVoidRoundsFromOthers() external {
        _postOffer(4, 7_000);
        _postRequest(1, 10_000, 3_600);
        _postRequest(1, 10_000, 3_600);
        _run(0, _list(_one(1, 1)));
        _run(1, _list(_one(1, 2)));
        _refute(0, 14, 0);
        uint64[] memory ids = new uint64[](2);
        (ids[0], ids[1]) = (1, 2);
        _expectClosed(4);
        vm.expectEmit();
        emit IMarket.UsedChanged(1, uint64(block.timestamp), uint136(_demandOf(2)));
        vm.expectEmit();
        emit IMarket.LeaseClosed(2, 1, uint64(block.timestamp), 2);
        vm.prank(PROVIDER);
        market.closeLeases(ids);
    }

    // --- when money moves ---

    /// @dev Until its windows, counted again from the refutation, are over, a pair may still be shown ineligible.
    function test_moneyOfARefutedRoundIsHeldForItsWindows() external {
        uint64 start = _lease();
        vm.warp(start + 40);
        _close(PROVIDER);
        vm.warp(start + 50);
        _refute(0, 14, 0);
        vm.warp(start + 50 + WINDOWS);
        escrow.settle(1);
        assertEq(escrow.creditOf(PROVIDER, 0), 0, "held");
        vm.warp(start + 50 + WINDOWS + 1);
        escrow.settle(1);
        assertTrue(escrow.creditOf(PROVIDER, 0) != 0, "paid");
    }

    /// @dev Refuted after its deadline had voided it: the windows count from the later of the two.
    function test_moneyIsHeldFromTheLaterOfDeadlineAndRefutation() external {
        uint64 deadline = _halfPosted();
        vm.warp(block.timestamp + 40);
        _close(PROVIDER);
        vm.warp(deadline + WINDOWS);
        _refute(0, 14, 0);
        vm.warp(deadline + 2 * WINDOWS);
        escrow.settle(1);
        assertEq(escrow.creditOf(PROVIDER, 0), 0, "held");
        vm.warp(deadline + 2 * WINDOWS + 1);
        escrow.settle(1);
        assertTrue(escrow.creditOf(PROVIDER, 0) != 0, "paid");
    }

    function test_moneyOfARoundThatWasNotPostedIsHeldForItsWindows() external {
        uint64 deadline = _halfPosted();
        vm.warp(block.timestamp + 40);
        _close(PROVIDER);
        vm.warp(deadline + WINDOWS);
        escrow.settle(1);
        assertEq(escrow.creditOf(PROVIDER, 0), 0, "held");
        vm.warp(deadline + WINDOWS + 1);
        escrow.settle(1);
        assertTrue(escrow.creditOf(PROVIDER, 0) != 0, "paid");
    }

    /// @dev A round of two chunks of which one is posted; the second, of a request that does not exist, is not.
    function _halfPosted() private returns (uint64 deadline) {
        Entry[] memory e = new Entry[](256);
        for (uint64 i; i < 256; ++i) {
            _postOffer(1, 100);
            _postRequest(1, 100, 1_000);
            e[i] = Entry(i + 1, i + 1, 9, 9);
        }
        bytes memory list = bytes.concat(_list(e), _entry(Entry(300, 300, 9, 9), 1));
        rounds.postChunk(_headerOf(_certify(0, list)), _chunk(0, list, 0));
        return GENESIS + TIMEOUT;
    }

    // --- annulling ---

    function test_anAnnulledLeaseEndsAtOnceAndCostsNothing() external {
        uint64 start = _lease();
        vm.warp(start + 100);
        _refute(0, 10, 0);
        _expectClosed(5);
        vm.expectEmit();
        emit IMarket.UsedChanged(1, uint64(block.timestamp), 0);
        vm.expectEmit();
        emit IEscrow.Settled(1, 0, 30_000, 0, 0, 0);
        _annul(1);
        assertEq(_leaseEnd(), start + 100, "end");
        assertEq(escrow.creditOf(TENANT, 0), 30_000, "tenant");
        assertEq(escrow.creditOf(PROVIDER, 0), 0, "provider");
        assertEq(escrow.lockedOf(1), 0, "locked");
        assertEq(market.usedAt(1, uint64(block.timestamp)), 0, "freed");
        assertEq(market.usedAt(1, uint64(block.timestamp) - 1), _demandOf(1), "held until then");
    }

    function test_aClosedLeaseIsAnnulledWhileItsMoneyIsHeld() external {
        uint64 start = _lease();
        vm.warp(start + 100);
        _close(PROVIDER);
        vm.warp(start + 150);
        _refute(0, 10, 0);
        _annul(1);
        assertEq(_leaseEnd(), start + 100, "the end stays");
        assertEq(escrow.creditOf(TENANT, 0), 30_000, "tenant");
        assertEq(market.usedAt(1, uint64(block.timestamp)), 0, "freed once");
        vm.expectRevert(abi.encodeWithSelector(Escrow.AlreadyEmptied.selector, 1));
        escrow.settle(1);
    }

    /// @dev The place of a lease that was closed before may be another's by now: it is not freed again.
    function test_annullingFreesNoPlaceTwice() external {
        _lease();
        _close(PROVIDER);
        _postRequest(4, 10_000, 3_600);
        vm.warp(_closeOf(1) + 1);
        _run(1, _list(_one(1, 2)));
        _refute(0, 10, 0);
        _annul(1);
        assertEq(market.usedAt(1, uint64(block.timestamp)), _demandOf(2), "the other's");
    }

    function test_onlyDisputesAnnul() external {
        _lease();
        _refute(0, 10, 0);
        vm.expectRevert(abi.encodeWithSelector(LeaseBook.NotDisputes.selector, TENANT));
        this.annulAs(TENANT, 1);
    }

    function test_onlyLeasesOfVoidRoundsAreAnnulled() external {
        _lease();
        vm.expectRevert(abi.encodeWithSelector(LeaseBook.NotVoid.selector, 0));
        this.annulAs(address(disputes), 1);
        _postRequest(1, 10_000, 3_600);
        vm.expectRevert(abi.encodeWithSelector(LeaseBook.NotLeased.selector, 2));
        this.annulAs(address(disputes), 2);
        vm.expectRevert(abi.encodeWithSelector(OrderBook.Unknown.selector, 3));
        this.annulAs(address(disputes), 3);
    }

    function test_aLeaseIsAnnulledOnce() external {
        _lease();
        _refute(0, 10, 0);
        _annul(1);
        vm.expectRevert(abi.encodeWithSelector(Escrow.AlreadyEmptied.selector, 1));
        this.annulAs(address(disputes), 1);
    }

    function test_aPaidLeaseIsNotAnnulled() external {
        uint64 start = _lease();
        _close(PROVIDER);
        _refute(0, 10, 0);
        vm.warp(start + WINDOWS + 1);
        escrow.settle(1);
        vm.expectRevert(abi.encodeWithSelector(Escrow.AlreadyEmptied.selector, 1));
        this.annulAs(address(disputes), 1);
    }

    function test_anAnnulledLeaseIsNotClosedAgain() external {
        uint64 start = _lease();
        _refute(0, 10, 0);
        _annul(1);
        vm.warp(start + 9_999);
        _close(STRANGER);
        assertEq(_leaseEnd(), start, "end");
    }
}
