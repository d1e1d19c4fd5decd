// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IEscrow} from "../../src/interfaces/IEscrow.sol";
import {Deposits} from "../../src/l2/Deposits.sol";
import {Escrow} from "../../src/l2/Escrow.sol";
import {LeaseKit} from "./LeaseKit.sol";

/// @notice What an entry-tier provider puts up out of its earnings.
contract DepositsTest is LeaseKit {
    uint64 private constant EPOCH = 600;
    uint256 private constant TERM = 3_600;

    /// @dev A policy that withholds half, until `each` is put up for each GPU. A quarter of what is paid is the fee.
    function _withholding(uint64 each) private {
        _moneyPolicy(8, 2, 2_500);
        _moneyPolicy(38, 2, 5_000);
        _moneyPolicy(40, 8, each);
    }

    /// @dev A lease of an hour that costs 21,000, of which the provider has 15,750; it is over and closed.
    function _served() private {
        uint64 start = _lease(uint32(TERM));
        vm.warp(start + TERM + WINDOWS);
        _close(STRANGER);
    }

    function test_halfIsWithheldWhileTheDepositIsNotWhole() external {
        _withholding(1e6);
        _served();
        vm.expectEmit();
        emit IEscrow.DepositChanged(PROVIDER, 0, 7_875);
        escrow.settle(1);
        assertEq(escrow.depositOf(PROVIDER, 0), 7_875, "deposit");
        assertEq(escrow.creditOf(PROVIDER, 0), 7_875, "credit");
        assertEq(escrow.creditOf(TREASURY, 0), 5_250, "the fee is not touched");
    }

    function test_noMoreIsWithheldThanTheDepositLacks() external {
        _withholding(250); // 4 GPUs: 1,000
        _served();
        escrow.settle(1);
        assertEq(escrow.depositOf(PROVIDER, 0), 1_000, "whole");
        assertEq(escrow.creditOf(PROVIDER, 0), 14_750, "credit");
    }

    /// @dev The GPUs that earned count, also when they are gone before the money moves.
    function test_whoRetiresBeforeTheMoneyMovesPutsUpAsMuch() external {
        _withholding(250);
        uint64 start = _lease(uint32(TERM));
        vm.prank(PROVIDER);
        market.closeOffer(1);
        vm.warp(start + TERM);
        _close(PROVIDER);
        market.retireOffer(1);
        vm.warp(start + TERM + WINDOWS);
        escrow.settle(1);
        assertEq(escrow.depositOf(PROVIDER, 0), 1_000, "for four GPUs");
        assertEq(escrow.creditOf(PROVIDER, 0), 14_750, "credit");
    }

    /// @dev Those of its other machines too, as they were when the lease was paid for the last time.
    function test_machinesThatWereThereCount() external {
        _withholding(250);
        vm.prank(PROVIDER);
        market.postOffers(_offer(2, ASK)); // offer 1
        vm.prank(PROVIDER);
        market.postOffers(_offer(4, ASK)); // offer 2
        _postRequest(GPUS, BUDGET, uint32(TERM));
        _run(leaseRound, _list(_one(2, 1)));
        uint64 start = uint64(block.timestamp);
        vm.startPrank(PROVIDER);
        market.closeOffer(1);
        market.closeOffer(2);
        vm.stopPrank();
        vm.warp(start + TERM);
        _close(PROVIDER);
        market.retireOffer(1);
        market.retireOffer(2);
        vm.warp(start + TERM + WINDOWS);
        escrow.settle(1);
        assertEq(escrow.depositOf(PROVIDER, 0), 1_500, "for six GPUs");
    }

    function test_otherTiersPutUpNothing() external {
        _withholding(1e6);
        bytes memory page = _pageWithPrice(1_500_000); // the tests' tier 1 begins at a dollar
        leaseRound += 2;
        vm.prank(TIMELOCK);
        rounds.setPolicy(page, leaseRound);
        vm.warp(_closeOf(leaseRound - 1) + 1);
        bytes memory offer = _offer(4, ASK);
        _put(offer, 152, 1, 1);
        uint64 start = _leaseOn(offer, uint32(TERM));
        vm.warp(start + TERM + WINDOWS);
        _close(STRANGER);
        escrow.settle(1);
        assertEq(escrow.depositOf(PROVIDER, 0), 0, "deposit");
        assertEq(escrow.creditOf(PROVIDER, 0), 15_750, "credit");
    }

    /// @dev The lease's policy, with a reference price for model 0.
    function _pageWithPrice(uint64 price) private view returns (bytes memory page) {
        (,, address where) = rounds.policyAt(leaseRound);
        page = new bytes(where.code.length - 1);
        assembly ("memory-safe") {
            extcodecopy(where, add(page, 0x20), 1, mload(page))
        }
        _put(page, 4 + 960, 8, price);
    }

    // --- giving back ---

    /// @dev The provider retires its one machine, as soon as it can.
    function _retire() private returns (uint64 retiredAt) {
        vm.prank(PROVIDER);
        market.closeOffer(1);
        vm.warp(block.timestamp + 10 * TIMEOUT);
        market.retireOffer(1);
        return uint64(block.timestamp);
    }

    function _deposited() private {
        _withholding(1e6);
        _served();
        escrow.settle(1);
    }

    function _expectBound(uint32 gpus, uint256 until) private {
        vm.expectRevert(abi.encodeWithSelector(Escrow.StillBound.selector, PROVIDER, gpus, until));
        escrow.releaseDeposit(PROVIDER, 0);
    }

    function test_aDepositStaysWhileThereAreGpus() external {
        _deposited();
        _expectBound(4, EPOCH);
    }

    function test_aDepositStaysUntilAnEpochAfterRetiringIsSettled() external {
        _deposited();
        uint64 retired = _retire();
        health.setSettledUntil(retired + EPOCH);
        _expectBound(0, retired + EPOCH);
        health.setSettledUntil(retired + EPOCH + 1);
        uint256 before = escrow.creditOf(PROVIDER, 0);
        escrow.releaseDeposit(PROVIDER, 0);
        assertEq(escrow.creditOf(PROVIDER, 0) - before, 7_875, "credit");
        assertEq(escrow.depositOf(PROVIDER, 0), 0, "deposit");
        vm.expectRevert(abi.encodeWithSelector(Deposits.NoDeposit.selector, PROVIDER, 0));
        escrow.releaseDeposit(PROVIDER, 0);
    }

    /// @dev A machine for a minute starts the wait anew.
    function test_anotherMachineStartsTheWaitAnew() external {
        _deposited();
        uint64 first = _retire();
        health.setSettledUntil(first + EPOCH + 1);
        vm.startPrank(PROVIDER);
        market.postOffers(_offer(1, ASK));
        market.closeOffer(2);
        vm.stopPrank();
        _expectBound(1, first + EPOCH);
        vm.warp(block.timestamp + 10 * TIMEOUT);
        market.retireOffer(2);
        _expectBound(0, block.timestamp + EPOCH);
    }

    // --- forfeiting ---

    function test_healthForfeitsAShareOfEveryCurrency() external {
        _deposited();
        bytes memory r = _request(1, BUDGET, 3_600, TENANT);
        _put(r, 290, 1, 1);
        vm.prank(TENANT);
        market.postRequests(r);
        uint64 n = leaseRound + 100;
        vm.warp(_closeOf(n) - 1);
        while (!rounds.isLive(n)) vm.warp(_closeOf(++n) - 1);
        _run(n, _list(_one(1, 2)));
        vm.warp(block.timestamp + 3_600 + WINDOWS);
        market.closeLeases(_ids(2));
        escrow.settle(2);
        uint256 other = escrow.depositOf(PROVIDER, 1);
        assertEq(other, 2_625, "of 7,000 less a quarter, half");
        uint256 had = escrow.creditOf(TREASURY, 0);
        health.forfeit(escrow, PROVIDER, 1_000);
        assertEq(escrow.depositOf(PROVIDER, 0), 7_875 - 787, "first currency");
        assertEq(escrow.depositOf(PROVIDER, 1), 2_625 - 262, "second");
        assertEq(escrow.creditOf(TREASURY, 0) - had, 787, "treasury");
    }

    /// @dev What was taken is put up again out of the next earnings.
    function test_whatIsForfeitedIsWithheldAgain() external {
        _withholding(250);
        uint64 start = _lease(uint32(TERM));
        vm.warp(start + 1_000);
        escrow.settle(1);
        assertEq(escrow.depositOf(PROVIDER, 0), 1_000, "whole");
        health.forfeit(escrow, PROVIDER, 10_000);
        assertEq(escrow.depositOf(PROVIDER, 0), 0, "gone");
        vm.warp(start + 2_000);
        escrow.settle(1);
        assertEq(escrow.depositOf(PROVIDER, 0), 1_000, "whole again");
    }

    function test_onlyHealthForfeits() external {
        vm.expectRevert(abi.encodeWithSelector(Escrow.NotHealth.selector, address(this)));
        escrow.forfeit(PROVIDER, 1);
    }

    function test_aShareIsAtMostAll() external {
        vm.expectRevert(abi.encodeWithSelector(Deposits.BadShare.selector, 10_001));
        health.forfeit(escrow, PROVIDER, 10_001);
    }
}
