// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IEscrow} from "../../src/interfaces/IEscrow.sol";
import {IMarket} from "../../src/interfaces/IMarket.sol";
import {Allowances} from "../../src/l2/Allowances.sol";
import {Credits} from "../../src/l2/Credits.sol";
import {OrderBook} from "../../src/l2/OrderBook.sol";
import {LeaseKit} from "./LeaseKit.sol";
import {vm2} from "./Vm2.sol";

/// @notice Payers apart from tenants: caps, ends, permits, and what a payer may do with what it pays for.
contract PayersTest is LeaseKit {
    address private constant PAYER = address(0xE1);
    address private constant SESSION = address(0xE2); // a key that holds nothing
    uint256 private constant LOCK = 100 + FEE; // of the request below

    function setUp() public override {
        super.setUp();
        _fund(PAYER);
    }

    function _allow(uint256 cap, uint64 until) private {
        vm.prank(PAYER);
        escrow.allow(SESSION, 0, cap, until);
    }

    /// @dev One GPU for an hour at 100, paid by PAYER.
    function postAs(address who) external {
        vm.prank(who);
        market.postRequests(_request(1, 100, 3_600, PAYER));
    }

    function _refused(uint256 cap) private {
        vm.expectRevert(abi.encodeWithSelector(Allowances.NotAllowed.selector, PAYER, SESSION, LOCK, cap));
        this.postAs(SESSION);
    }

    function test_everyLockUsesUpTheCap() external {
        _allow(2 * LOCK + 1, uint64(block.timestamp) + 1_000);
        this.postAs(SESSION);
        this.postAs(SESSION);
        (uint256 cap,) = escrow.allowanceOf(PAYER, SESSION, 0);
        assertEq(cap, 1, "left");
        _refused(1);
        assertEq(usd.balanceOf(address(escrow)), 2 * LOCK, "the payer's money");
    }

    /// @dev Else a session key that was stolen, or does not answer, binds the payer's money until the request expires.
    function test_thePayerCancelsWhatASessionKeyHasAskedFor() external {
        _allow(LOCK, type(uint64).max);
        this.postAs(SESSION);
        vm.prank(PAYER);
        market.cancelRequest(1);
        (,, uint64 closed) = market.requestRecord(1);
        assertEq(closed, block.timestamp, "cancelled");
    }

    function test_aStrangerCancelsNothing() external {
        _allow(LOCK, type(uint64).max);
        this.postAs(SESSION);
        vm.expectRevert(abi.encodeWithSelector(OrderBook.NotOwner.selector, address(this), SESSION));
        market.cancelRequest(1);
    }

    function test_anAllowanceEndsWithItsLastSecond() external {
        uint64 until = uint64(block.timestamp) + 10;
        _allow(10 * LOCK, until);
        vm.warp(until);
        this.postAs(SESSION);
        vm.warp(until + 1);
        _refused(0);
    }

    function test_aNewAllowanceReplacesTheOld() external {
        _allow(10 * LOCK, type(uint64).max);
        _allow(LOCK - 1, type(uint64).max);
        _refused(LOCK - 1);
        _allow(0, type(uint64).max);
        _refused(0);
    }

    function test_anAllowanceIsForOneTenantAndOneCurrency() external {
        vm.prank(PAYER);
        escrow.allow(SESSION, 1, 10 * LOCK, type(uint64).max);
        _refused(0);
        _allow(10 * LOCK, type(uint64).max);
        vm.expectRevert(abi.encodeWithSelector(Allowances.NotAllowed.selector, PAYER, STRANGER, LOCK, 0));
        this.postAs(STRANGER);
    }

    function test_anAllowanceIsSaidAndItsCapIsAMeasure() external {
        vm.expectEmit();
        emit IEscrow.Allowed(PAYER, SESSION, 0, type(uint192).max, 7);
        _allow(type(uint256).max, 7);
        (uint256 cap, uint64 until) = escrow.allowanceOf(PAYER, SESSION, 0);
        assertEq(cap, type(uint192).max, "as much as there can be");
        assertEq(until, 7, "until");
    }

    // --- leases of a payer ---

    /// @dev A lease for SESSION that PAYER pays.
    function _paidLease() private returns (uint64 start) {
        _allow(type(uint256).max, type(uint64).max);
        _postOffer(4, 100);
        this.postAs(SESSION);
        _run(0, _list(_one(1, 1)));
        return uint64(block.timestamp);
    }

    function test_thePayerEndsWhatItPaysForLikeTheTenant() external {
        uint64 start = _paidLease();
        vm.warp(start + 30);
        vm.expectEmit();
        emit IMarket.LeaseClosed(1, 1, start + 30, 1);
        _close(PAYER);
    }

    function test_whatComesBackIsThePayers() external {
        uint64 start = _paidLease();
        vm.warp(start + 1_800);
        _close(SESSION);
        escrow.settle(1);
        assertEq(escrow.creditOf(PAYER, 0), 0, "least charge above the lock");
        assertEq(escrow.creditOf(SESSION, 0), 0, "the key gets nothing");
    }

    function test_aTenantExtendsOutOfItsAllowanceAPayerWithout() external {
        _paidLease();
        _allow(50, type(uint64).max);
        vm.prank(SESSION);
        market.extend(1, 1_800);
        (uint256 cap,) = escrow.allowanceOf(PAYER, SESSION, 0);
        assertEq(cap, 0, "used up");
        vm.prank(SESSION);
        vm.expectRevert(abi.encodeWithSelector(Allowances.NotAllowed.selector, PAYER, SESSION, 1, 0));
        market.extend(1, 36);
        vm.prank(PAYER);
        market.extend(1, 36);
        assertEq(escrow.lockedOf(1), 151, "by the payer itself");
    }

    // --- permits ---

    uint256 private constant KEY = 0xB0B;

    function _permit(uint256 value, uint256 deadline) private {
        address owner = vm2.addr(KEY);
        bytes32 typeHash =
            keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        bytes32 content = keccak256(abi.encode(typeHash, owner, address(escrow), value, usd.nonces(owner), deadline));
        (uint8 v, bytes32 r, bytes32 s) =
            vm2.sign(KEY, keccak256(abi.encodePacked("\x19\x01", usd.DOMAIN_SEPARATOR(), content)));
        escrow.permit(0, owner, value, deadline, v, r, s);
        escrow.permit(0, owner, value, deadline, v, r, s); // again: nothing
    }

    function test_anyoneHandsInAPermitTwice() external {
        _permit(12_345, block.timestamp);
        assertEq(usd.allowance(vm2.addr(KEY), address(escrow)), 12_345, "allowance");
    }

    function test_anExpiredPermitAllowsNothing() external {
        _permit(12_345, block.timestamp - 1);
        assertEq(usd.allowance(vm2.addr(KEY), address(escrow)), 0, "allowance");
    }

    function test_aPermitNeedsACurrency() external {
        vm.expectRevert(abi.encodeWithSelector(Credits.UnknownCurrency.selector, 9));
        escrow.permit(9, PAYER, 1, 1, 27, 0, 0);
    }
}
