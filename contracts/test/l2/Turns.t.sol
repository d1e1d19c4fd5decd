// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IMarket} from "../../src/interfaces/IMarket.sol";
import {LeaseBook} from "../../src/l2/LeaseBook.sol";
import {Market} from "../../src/l2/Market.sol";
import {OrderBook} from "../../src/l2/OrderBook.sol";
import {LeaseKit} from "./LeaseKit.sol";

/// @notice What may happen to a lease before its end: the provider's notice, extensions, a payer that ends it.
contract TurnsTest is LeaseKit {
    uint32 private constant NOTICE = 500;

    function extendAs(address who, uint32 seconds_) external {
        vm.prank(who);
        market.extend(1, seconds_);
    }

    function _extend(uint32 seconds_) private {
        this.extendAs(TENANT, seconds_);
    }

    function _until() private view returns (uint64) {
        return market.leaseMoney(1).until;
    }

    // --- notice ---

    function test_aProviderGivesNotice() external {
        uint64 start = _leaseOn(_withNotice(NOTICE), 3_600);
        vm.warp(start + 100);
        vm.expectEmit();
        emit IMarket.LeaseReclaimed(1, 1, start + 100, start + 600);
        _close(PROVIDER);
        assertEq(_endOfLease(), 0, "goes on");
        assertEq(market.usedAt(1, uint64(block.timestamp)), _demandOf(1), "holds its place");
        assertEq(_until(), start + 600, "until");
    }

    function test_anyoneFreesThePlaceWhenTheNoticeIsOver() external {
        uint64 start = _leaseOn(_withNotice(NOTICE), 3_600);
        _close(PROVIDER);
        vm.warp(start + NOTICE - 1);
        vm.expectRevert(abi.encodeWithSelector(LeaseBook.NotParty.selector, STRANGER));
        this.closeAs(STRANGER);
        vm.warp(start + NOTICE + 50);
        vm.expectEmit();
        emit IMarket.LeaseClosed(1, 1, start + NOTICE + 50, 2);
        _close(STRANGER);
        assertEq(_endOfLease(), start + NOTICE, "end");
        assertEq(market.usedAt(1, uint64(block.timestamp)), 0, "freed");
        vm.warp(start + 3_600);
        escrow.settle(1);
        assertEq(escrow.creditOf(PROVIDER, 0), _payOf(_earned(NOTICE)), "paid for the notice too");
    }

    function test_aSecondNoticeChangesNothing() external {
        uint64 start = _leaseOn(_withNotice(NOTICE), 3_600);
        _close(PROVIDER);
        vm.warp(start + 300);
        vm.recordLogs();
        _close(PROVIDER);
        assertEq(vm.getRecordedLogs().length, 0, "no event");
        assertEq(_until(), start + NOTICE, "until");
    }

    /// @dev A term that is over before the notice ends for its own reason.
    function test_noticeLengthensNothing() external {
        uint64 start = _leaseOn(_withNotice(NOTICE), 300);
        _close(PROVIDER);
        vm.warp(start + 300);
        vm.expectEmit();
        emit IMarket.LeaseClosed(1, 1, start + 300, 3);
        _close(STRANGER);
        assertEq(_endOfLease(), start + 300, "end");
    }

    /// @dev It was the provider who ended it early: no least charge.
    function test_aTenantLeavesAtOnceWhileTheNoticeRuns() external {
        uint64 start = _leaseOn(_withNotice(NOTICE), 3_600);
        _close(PROVIDER);
        vm.warp(start + 10);
        vm.expectEmit();
        emit IMarket.LeaseClosed(1, 1, start + 10, 2);
        _close(TENANT);
        vm.warp(start + WINDOWS + 1);
        escrow.settle(1);
        assertTrue(_earned(10) < MIN_CHARGE, "below the least charge");
        assertEq(escrow.creditOf(TENANT, 0), _lockedFor(3_600) - _earned(10), "tenant");
    }

    /// @dev A provider cannot make its notice shorter by a new version of its offer.
    function test_theNoticeIsThatOfTheVersionAtT() external {
        uint64 start = _leaseOn(_withNotice(NOTICE), 3_600);
        vm.prank(PROVIDER);
        market.reviseOffer(1, _withNotice(0));
        _close(PROVIDER);
        assertEq(_endOfLease(), 0, "goes on");
        assertEq(_until(), start + NOTICE, "until");
    }

    function test_aVoidRoundNeedsNoNotice() external {
        uint64 start = _leaseOn(_withNotice(NOTICE), 3_600);
        _close(PROVIDER);
        _refute(0, 14, 0);
        vm.warp(start + 20);
        vm.expectEmit();
        emit IMarket.LeaseClosed(1, 1, start + 20, 4);
        _close(PROVIDER);
    }

    // --- extending ---

    function test_anExtensionLocksItsPriceAndMovesTheEnd() external {
        uint64 start = _lease(3_600);
        uint256 before = usd.balanceOf(TENANT);
        vm.expectEmit();
        emit IMarket.LeaseExtended(1, 1, uint64(block.timestamp), start + 4_601);
        _extend(1_001);
        uint256 micro = (uint256(GPUS) * ASK * 1_001 + 3_599) / 3_600;
        assertEq(before - usd.balanceOf(TENANT), micro, "pulled, rounded up");
        assertEq(escrow.lockedOf(1), _lockedFor(3_600) + micro, "locked");
        assertEq(_until(), start + 4_601, "until");
        vm.warp(start + 4_600);
        vm.expectRevert(abi.encodeWithSelector(LeaseBook.NotParty.selector, STRANGER));
        this.closeAs(STRANGER);
        vm.warp(start + 4_601);
        _close(STRANGER);
        escrow.settle(1);
        assertEq(escrow.creditOf(PROVIDER, 0), _payOf(_earned(4_601)), "provider");
        assertEq(escrow.lockedOf(1), 0, "empty");
    }

    /// @dev Rounded up over all of them, not each.
    function testFuzz_manyExtensionsCostWhatOneDoes(uint8[5] memory parts) external {
        _lease(3_600);
        uint256 sum;
        for (uint256 i; i < 5; ++i) {
            if (parts[i] == 0) continue;
            sum += parts[i];
            _extend(parts[i]);
        }
        assertEq(escrow.lockedOf(1), _lockedFor(3_600) + (uint256(GPUS) * ASK * sum + 3_599) / 3_600, "locked");
    }

    function test_aLeaseIsExtendedWhileItIsPaid() external {
        uint64 start = _lease(3_600);
        vm.warp(start + 3_000);
        escrow.settle(1);
        _extend(3_600);
        vm.warp(start + 7_200);
        _close(STRANGER);
        escrow.settle(1);
        assertEq(escrow.creditOf(PROVIDER, 0), _payOf(_earned(7_200)), "provider");
        uint256 all = escrow.creditOf(PROVIDER, 0) + escrow.creditOf(TREASURY, 0) + escrow.creditOf(TENANT, 0);
        assertEq(all, _lockedFor(3_600) + uint256(GPUS) * ASK, "all of both locks");
    }

    function test_onlyTenantAndPayerExtend() external {
        _lease(3_600);
        vm.expectRevert(abi.encodeWithSelector(LeaseBook.NotParty.selector, PROVIDER));
        this.extendAs(PROVIDER, 10);
    }

    function test_nothingIsNoExtension() external {
        _lease(3_600);
        vm.expectRevert(abi.encodeWithSelector(Market.NoSeconds.selector));
        this.extendAs(TENANT, 0);
    }

    function test_whatIsOverIsNotExtended() external {
        uint64 start = _lease(3_600);
        vm.warp(start + 3_600);
        vm.expectRevert(abi.encodeWithSelector(Market.LeaseOver.selector, 1));
        this.extendAs(TENANT, 10);
        vm.warp(start + 3_599);
        _close(TENANT);
        vm.expectRevert(abi.encodeWithSelector(Market.LeaseOver.selector, 1));
        this.extendAs(TENANT, 10);
    }

    function test_aReclaimedLeaseIsNotExtended() external {
        _leaseOn(_withNotice(NOTICE), 3_600);
        _close(PROVIDER);
        vm.expectRevert(abi.encodeWithSelector(Market.LeaseOver.selector, 1));
        this.extendAs(TENANT, 10);
    }

    function test_aLeaseOfAVoidRoundIsNotExtended() external {
        _lease(3_600);
        _refute(0, 14, 0);
        vm.expectRevert(abi.encodeWithSelector(Market.LeaseOver.selector, 1));
        this.extendAs(TENANT, 10);
    }

    function test_aDearerOfferExtendsNoLease() external {
        _lease(3_600);
        vm.prank(PROVIDER);
        market.reviseOffer(1, _offer(4, ASK + 1));
        vm.expectRevert(abi.encodeWithSelector(Market.NotOffered.selector, 1));
        this.extendAs(TENANT, 10);
        vm.prank(PROVIDER);
        market.reviseOffer(1, _offer(4, ASK - 1));
        _extend(3_600);
        assertEq(escrow.lockedOf(1), _lockedFor(3_600) + uint256(GPUS) * ASK, "at the lease's own price");
    }

    function test_aClosedOfferExtendsNoLease() external {
        _lease(3_600);
        vm.prank(PROVIDER);
        market.closeOffer(1);
        vm.expectRevert(abi.encodeWithSelector(Market.NotOffered.selector, 1));
        this.extendAs(TENANT, 10);
    }

    function test_anOfferOfOtherCurrenciesExtendsNoLease() external {
        _lease(3_600);
        bytes memory other = _offer(4, ASK);
        _put(other, 124, 4, 2);
        vm.prank(PROVIDER);
        market.reviseOffer(1, other);
        vm.expectRevert(abi.encodeWithSelector(Market.NotOffered.selector, 1));
        this.extendAs(TENANT, 10);
    }

    function test_theLongestTermCountsFromNow() external {
        bytes memory offer = _offer(4, ASK);
        _put(offer, 140, 4, 4_000); // max_term
        uint64 start = _leaseOn(offer, 3_600);
        vm.expectRevert(abi.encodeWithSelector(Market.TooLong.selector, start + 4_001, start + 4_000));
        this.extendAs(TENANT, 401);
        _extend(400);
        vm.warp(start + 3_900);
        _extend(3_900);
        assertEq(_until(), start + 7_900, "until");
    }

    function test_anOfferExtendsNoLeaseBeyondItsOwnEnd() external {
        bytes memory offer = _offer(4, ASK);
        _put(offer, 128, 8, _closeOf(0) + 5_000); // available_until
        uint64 start = _leaseOn(offer, 3_600);
        uint64 left = _closeOf(0) + 5_000 - start - 3_600;
        vm.expectRevert(abi.encodeWithSelector(Market.TooLong.selector, _closeOf(0) + 5_001, _closeOf(0) + 5_000));
        this.extendAs(TENANT, uint32(left + 1));
        _extend(uint32(left));
    }

    /// @dev A pair above the budget is no eligible one, and its lock is no measure of its price.
    function test_aLeaseAboveItsBudgetIsNotExtended() external {
        _leaseOn(_offer(4, BUDGET + 1), 3_600);
        vm.expectRevert(abi.encodeWithSelector(Market.NotOffered.selector, 1));
        this.extendAs(TENANT, 10);
    }

    function test_onlyLeasesAreExtended() external {
        _postRequest(1, 100, 60);
        vm.expectRevert(abi.encodeWithSelector(LeaseBook.NotLeased.selector, 1));
        this.extendAs(TENANT, 10);
        vm.prank(TENANT);
        vm.expectRevert(abi.encodeWithSelector(OrderBook.Unknown.selector, 2));
        market.extend(2, 10);
    }

    /// @dev Annulled, an extension comes back with the rest.
    function test_anAnnulledExtensionComesBack() external {
        _lease(3_600);
        _extend(1_000);
        uint256 locked = escrow.lockedOf(1);
        _refute(0, 10, 0);
        vm.prank(address(disputes));
        market.annul(1);
        assertEq(escrow.creditOf(TENANT, 0), locked, "all of it");
    }
}
