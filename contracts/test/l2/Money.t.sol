// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Allowances} from "../../src/l2/Allowances.sol";
import {Credits} from "../../src/l2/Credits.sol";
import {Escrow} from "../../src/l2/Escrow.sol";
import {OrderBook} from "../../src/l2/OrderBook.sol";
import {Kit} from "./Kit.sol";
import {MockToken} from "./Mocks.sol";

/// @notice What is locked, earned, returned and withdrawn.
contract MoneyTest is Kit {
    /// @dev A lease of 3 GPUs for at most an hour at 7,000, out of a budget of 10,000; it starts at once.
    function _lease() private returns (uint64 start) {
        _postOffer(4, 7_000);
        _postRequest(3, 10_000, 3_600);
        _run(0, _list(_one(1, 1)));
        return uint64(block.timestamp);
    }

    function _end(address who) private {
        uint64[] memory ids = new uint64[](1);
        ids[0] = 1;
        vm.prank(who);
        market.closeLeases(ids);
    }

    function _final() private {
        vm.warp(block.timestamp + WINDOWS + 1);
    }

    // --- locking ---

    function test_aRequestLocksBudgetAndFee() external {
        uint256 before = usd.balanceOf(TENANT);
        _postRequest(3, 10_000, 3_600);
        assertEq(before - usd.balanceOf(TENANT), 30_000 + FEE, "pulled");
        assertEq(usd.balanceOf(address(escrow)), 30_000 + FEE, "held");
        assertEq(escrow.pot(), FEE, "fee");
        assertEq(escrow.lockedOf(1), 30_000, "locked");
    }

    function test_theLockIsRoundedUp() external {
        _postRequest(1, 1, 1); // 1/3600 of a micro-dollar
        assertEq(escrow.lockedOf(1), 1, "locked");
        _postRequest(1, 3_601, 3_600);
        assertEq(escrow.lockedOf(2), 3_601, "no rounding where it is whole");
    }

    function test_currenciesHaveTheirOwnUnit() external {
        bytes memory r = _request(1, 5, 3_600, TENANT);
        _put(r, 290, 1, 1); // 18 decimals
        vm.prank(TENANT);
        market.postRequests(r);
        assertEq(quor.balanceOf(address(escrow)), (5 + FEE) * 1e12, "held");
    }

    function test_refusesACurrencyWithoutAToken() external {
        bytes memory r = _request(1, 5, 3_600, TENANT);
        _put(r, 290, 1, 2);
        vm.prank(TENANT);
        vm.expectRevert(abi.encodeWithSelector(Credits.UnknownCurrency.selector, 2));
        market.postRequests(r);
    }

    function test_aBatchIsPulledFromEachPayer() external {
        address payer = address(0xE1);
        _fund(payer);
        vm.startPrank(payer);
        escrow.allow(TENANT, 0, 400 + FEE, uint64(block.timestamp));
        escrow.allow(TENANT, 1, type(uint256).max, uint64(block.timestamp));
        vm.stopPrank();
        bytes memory other = _request(1, 7_200, 3_600, payer);
        _put(other, 290, 1, 1);
        bytes memory batch = bytes.concat(
            _request(1, 100, 3_600, TENANT), _request(1, 200, 3_600, TENANT), _request(1, 400, 3_600, payer), other
        );
        uint256 before = usd.balanceOf(TENANT);
        vm.prank(TENANT);
        market.postRequests(batch);
        assertEq(before - usd.balanceOf(TENANT), 300 + 2 * FEE, "tenant's");
        assertEq(usd.balanceOf(address(escrow)), 700 + 3 * FEE, "with the payer's");
        assertEq(quor.balanceOf(address(escrow)), (7_200 + FEE) * 1e12, "in the other currency");
    }

    function test_aPayerMustHaveApprovedTheTenant() external {
        _fund(address(0xE1));
        bytes memory r = _request(1, 100, 3_600, address(0xE1));
        vm.prank(TENANT);
        vm.expectRevert(
            abi.encodeWithSelector(Allowances.NotAllowed.selector, address(0xE1), TENANT, 100 + uint256(FEE), 0)
        );
        market.postRequests(r);
    }

    function test_refusesATokenThatKeepsAPart() external {
        usd.setTax(100);
        bytes memory r = _request(1, 9_000, 3_600, TENANT);
        vm.prank(TENANT);
        vm.expectRevert(abi.encodeWithSelector(Credits.TokenTakesFee.selector, 9_900, 10_000));
        market.postRequests(r);
    }

    // --- earning ---

    function test_aLeaseEarnsByTheSecond() external {
        _lease();
        vm.warp(block.timestamp + 1_001);
        _end(PROVIDER);
        _final();
        escrow.settle(1);
        uint256 earned = 3 * 7_000 * uint256(1_001) / 3_600; // 5,839 and a part
        uint256 fee = earned * PROTOCOL_BPS / 10_000;
        assertEq(earned, 5_839, "earned");
        assertEq(escrow.creditOf(PROVIDER, 0), earned - fee, "provider");
        assertEq(escrow.creditOf(TENANT, 0), 30_000 - earned, "tenant");
        assertEq(escrow.creditOf(TREASURY, 0), fee, "treasury");
        assertEq(escrow.lockedOf(1), 0, "locked");
    }

    function test_theTermIsTheMost() external {
        _lease();
        vm.warp(block.timestamp + 9_999);
        _end(address(0xBAD));
        escrow.settle(1);
        assertEq(escrow.creditOf(TENANT, 0), 30_000 - 21_000, "tenant");
    }

    function test_aTenantWhoLeavesAtOncePaysTheLeastCharge() external {
        _lease();
        _end(TENANT);
        _final();
        escrow.settle(1);
        assertEq(escrow.creditOf(TENANT, 0), 30_000 - MIN_CHARGE, "tenant");
    }

    function test_aProviderWhoLeavesAtOnceEarnsNothing() external {
        _lease();
        _end(PROVIDER);
        _final();
        escrow.settle(1);
        assertEq(escrow.creditOf(PROVIDER, 0), 0, "provider");
        assertEq(escrow.creditOf(TENANT, 0), 30_000, "tenant");
    }

    /// @dev Whatever a wrong list pairs, no more is paid than was locked.
    function test_anAskAboveTheBudgetPaysTheLockAtMost() external {
        _postOffer(4, 70_000);
        _postRequest(3, 10_000, 3_600);
        _run(0, _list(_one(1, 1)));
        vm.warp(block.timestamp + 3_600);
        _end(TENANT);
        escrow.settle(1);
        assertEq(escrow.creditOf(TENANT, 0), 0, "tenant");
        assertEq(escrow.creditOf(PROVIDER, 0), 30_000 - 750, "provider");
    }

    /// @dev The ask is that of the version open at T.
    function test_aPriceChangeAfterTDoesNotCount() external {
        _postOffer(4, 7_000);
        _postRequest(3, 10_000, 3_600);
        vm.warp(GENESIS + 5);
        bytes memory dearer = _offer(4, 9_999);
        vm.prank(PROVIDER);
        market.reviseOffer(1, dearer);
        _run(0, _list(_one(1, 1)));
        vm.warp(block.timestamp + 3_600);
        _end(PROVIDER);
        escrow.settle(1);
        assertEq(escrow.creditOf(TENANT, 0), 9_000, "tenant");
    }

    function test_moneyMovesWhenTheWindowsAreOver() external {
        uint64 start = _lease();
        vm.warp(start + 100);
        _end(PROVIDER);
        vm.warp(start + WINDOWS);
        escrow.settle(1);
        assertEq(escrow.creditOf(PROVIDER, 0), 0, "not yet");
        assertEq(escrow.lockedOf(1), 583, "held");
        vm.warp(start + WINDOWS + 1);
        escrow.settle(1);
        assertEq(escrow.creditOf(PROVIDER, 0), 583 - 14, "provider");
    }

    function test_aLeaseSettlesToItsEndOnce() external {
        _lease();
        _final();
        escrow.settle(1);
        assertTrue(escrow.lockedOf(1) != 0, "it goes on");
        _end(TENANT);
        escrow.settle(1);
        vm.expectRevert(abi.encodeWithSelector(Escrow.AlreadyEmptied.selector, 1));
        escrow.settle(1);
    }

    function test_onlyLeasesSettle() external {
        _postRequest(1, 100, 60);
        vm.expectRevert(abi.encodeWithSelector(Escrow.NotLeased.selector, 1));
        escrow.settle(1);
        vm.expectRevert(abi.encodeWithSelector(OrderBook.Unknown.selector, 2));
        escrow.settle(2);
    }

    // --- reclaiming ---

    function test_aCancelledRequestIsReclaimedWhenNoRoundCanBindIt() external {
        _postRequest(3, 10_000, 3_600);
        vm.warp(GENESIS + 5); // the snapshot of round 0 saw it open
        vm.prank(TENANT);
        market.cancelRequest(1);
        vm.warp(GENESIS + TIMEOUT);
        vm.expectRevert(abi.encodeWithSelector(Escrow.MayStillBind.selector, 1));
        escrow.reclaim(1);
        vm.warp(GENESIS + TIMEOUT + 1);
        escrow.reclaim(1);
        assertEq(escrow.creditOf(TENANT, 0), 30_000, "credited");
        vm.expectRevert(abi.encodeWithSelector(Escrow.AlreadyEmptied.selector, 1));
        escrow.reclaim(1);
    }

    function test_anOpenRequestIsNotReclaimed() external {
        _postRequest(3, 10_000, 3_600);
        vm.expectRevert(abi.encodeWithSelector(Escrow.MayStillBind.selector, 1));
        escrow.reclaim(1);
    }

    function test_anExpiredRequestIsReclaimed() external {
        bytes memory r = _request(3, 10_000, 3_600, TENANT);
        _put(r, 276, 8, GENESIS - 20);
        vm.prank(TENANT);
        market.postRequests(r);
        vm.warp(GENESIS - 21);
        vm.expectRevert(abi.encodeWithSelector(Escrow.MayStillBind.selector, 1));
        escrow.reclaim(1);
        vm.warp(GENESIS - 20);
        escrow.reclaim(1);
        assertEq(escrow.creditOf(TENANT, 0), 30_000, "credited");
    }

    function test_aMatchedRequestIsNotReclaimed() external {
        _lease();
        vm.expectRevert(abi.encodeWithSelector(Escrow.AlreadyMatched.selector, 1));
        escrow.reclaim(1);
    }

    /// @dev A cancel between close and settlement: the lease opens all the same, the lock pays it.
    function test_aCancelledRequestThatWasMatchedIsPaid() external {
        _postOffer(4, 7_000);
        _postRequest(3, 10_000, 3_600);
        vm.warp(GENESIS + 5);
        vm.prank(TENANT);
        market.cancelRequest(1);
        _run(0, _list(_one(1, 1)));
        vm.warp(block.timestamp + 3_600);
        _end(TENANT);
        escrow.settle(1);
        assertEq(escrow.creditOf(TENANT, 0), 9_000, "rest");
    }

    // --- withdrawing ---

    function test_creditIsWithdrawnOnce() external {
        bytes memory r = _request(3, 10_000, 3_600, TENANT);
        _put(r, 290, 1, 1);
        vm.prank(TENANT);
        market.postRequests(r);
        vm.startPrank(TREASURY);
        assertEq(escrow.withdraw(1), FEE * 1e12, "amount");
        assertEq(quor.balanceOf(TREASURY), FEE * 1e12, "received");
        vm.expectRevert(abi.encodeWithSelector(Credits.NothingToWithdraw.selector, TREASURY, 1));
        escrow.withdraw(1);
        vm.stopPrank();
    }

    /// @dev A party that its token has frozen cannot hold up the other.
    function test_aFrozenProviderHoldsUpNobody() external {
        _lease();
        vm.warp(block.timestamp + 3_600);
        _end(TENANT);
        usd.freeze(PROVIDER);
        escrow.settle(1);
        uint256 before = usd.balanceOf(TENANT);
        vm.prank(TENANT);
        escrow.withdraw(0);
        assertEq(usd.balanceOf(TENANT) - before, 9_000, "tenant");
    }

    // --- deployment ---

    function test_refusesTokensWithOtherDecimals() external {
        address[] memory tokens = new address[](1);
        tokens[0] = address(new MockToken(5));
        vm.expectRevert(abi.encodeWithSelector(Credits.BadDecimals.selector, 0, 5));
        new Escrow(_escrowLinks(), tokens, POT_CAP);
    }

    function test_refusesMoreCurrenciesThanBits() external {
        vm.expectRevert(abi.encodeWithSelector(Credits.TooManyCurrencies.selector, 33));
        new Escrow(_escrowLinks(), new address[](33), POT_CAP);
    }

    function test_namesItsTokens() external view {
        assertEq(escrow.token(0), address(usd), "first");
        assertEq(escrow.token(1), address(quor), "second");
        assertEq(escrow.token(2), address(0), "none");
    }
}
