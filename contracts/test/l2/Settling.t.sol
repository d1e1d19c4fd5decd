// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IEscrow} from "../../src/interfaces/IEscrow.sol";
import {Escrow} from "../../src/l2/Escrow.sol";
import {LeaseKit} from "./LeaseKit.sol";

/// @notice How a lease is paid: up to where everything is known, less what was down, the rest back at once.
contract SettlingTest is LeaseKit {
    uint64 private constant EPOCH = 600;

    function _settledAt(uint64 time) private {
        health.setSettledUntil(time);
    }

    // --- running leases ---

    function test_aRunningLeaseIsPaidUpToTheSettledEpochs() external {
        uint64 start = _lease(7_200);
        vm.warp(start + 2_000);
        _settledAt(start + 900);
        escrow.settle(1);
        assertEq(escrow.creditOf(PROVIDER, 0), _payOf(_earned(900)), "provider");
        assertEq(escrow.creditOf(TREASURY, 0), _feeOf(_earned(900)), "treasury");
        assertEq(escrow.creditOf(TENANT, 0), 0, "nothing comes back while it goes on");
        assertEq(escrow.lockedOf(1), _lockedFor(7_200) - _earned(900), "held");
        (uint64 until, uint64 paid) = escrow.paidOf(1);
        assertEq(abi.encode(until, paid), abi.encode(start + 900, 900), "paid");
    }

    /// @dev The second beyond the last settled one may yet be down.
    function test_nothingIsPaidBeyondTheSettledEpochs() external {
        uint64 start = _lease(3_600);
        vm.warp(start + 3_600);
        _close(STRANGER);
        _settledAt(start);
        escrow.settle(1);
        assertEq(escrow.creditOf(PROVIDER, 0), 0, "provider");
        _settledAt(start + 1);
        escrow.settle(1);
        assertEq(escrow.creditOf(PROVIDER, 0), _payOf(_earned(1)), "one second");
    }

    function test_payingInPartsIsPayingAtOnce() external {
        uint64 start = _lease(7_200);
        for (uint64 t = 401; t < 7_200; t += 777) {
            vm.warp(start + t);
            escrow.settle(1);
        }
        vm.warp(start + 7_200);
        _close(STRANGER);
        escrow.settle(1);
        assertEq(escrow.creditOf(PROVIDER, 0), _payOf(_earned(7_200)), "provider");
        assertEq(escrow.creditOf(TREASURY, 0), _feeOf(_earned(7_200)), "treasury");
        assertEq(escrow.creditOf(TENANT, 0), _lockedFor(7_200) - _earned(7_200), "tenant");
        assertEq(escrow.lockedOf(1), 0, "nothing is held");
    }

    /// @dev Nobody needs to close a lease for its time to be over.
    function test_aLeaseThatIsOverIsPaidNoFurther() external {
        uint64 start = _lease(3_600);
        vm.warp(start + 9_999);
        escrow.settle(1);
        assertEq(escrow.creditOf(PROVIDER, 0), _payOf(_earned(3_600)), "provider");
        assertEq(escrow.lockedOf(1), _lockedFor(3_600) - _earned(3_600), "the rest waits for the close");
        _close(STRANGER);
        escrow.settle(1);
        assertEq(escrow.creditOf(TENANT, 0), _lockedFor(3_600) - _earned(3_600), "tenant");
    }

    function test_settlingTwiceInASecondChangesNothing() external {
        uint64 start = _lease(3_600);
        vm.warp(start + 1_000);
        escrow.settle(1);
        uint256 paid = escrow.creditOf(PROVIDER, 0);
        vm.recordLogs();
        escrow.settle(1);
        assertEq(vm.getRecordedLogs().length, 0, "no event");
        assertEq(escrow.creditOf(PROVIDER, 0), paid, "provider");
    }

    /// @dev A void round that nobody closes is over with its notice, and pays no second more.
    function test_aRunningLeaseOfAVoidRoundIsPaidForItsNotice() external {
        uint64 start = _lease(7_200);
        vm.warp(start + 100);
        _refute(0, 14, 0);
        vm.warp(start + 100 + VOID_NOTICE + WINDOWS + 1);
        escrow.settle(1);
        assertEq(escrow.creditOf(PROVIDER, 0), _payOf(_earned(100 + VOID_NOTICE)), "provider");
    }

    // --- downtime ---

    function test_secondsDownGoBackToThePayer() external {
        uint64 start = _lease(3_600);
        health.mark(1, start + 100, start + 700);
        vm.warp(start + 3_600);
        _close(STRANGER);
        escrow.settle(1);
        assertEq(escrow.creditOf(PROVIDER, 0), _payOf(_earned(3_000)), "provider");
        assertEq(escrow.creditOf(TENANT, 0), _lockedFor(3_600) - _earned(3_000), "tenant");
    }

    /// @dev What is down before the lease or on another machine is nothing to it.
    function test_onlyDowntimeOfTheMachineDuringTheLeaseCounts() external {
        uint64 start = _lease(3_600);
        health.mark(1, start - 500, start);
        health.mark(2, start, start + 3_600);
        health.mark(1, start + 3_600, start + 4_000);
        vm.warp(start + 3_600);
        _close(STRANGER);
        escrow.settle(1);
        assertEq(escrow.creditOf(PROVIDER, 0), _payOf(_earned(3_600)), "provider");
    }

    function test_aMachineThatWasDownAllTheTimeEarnsNothing() external {
        uint64 start = _lease(3_600);
        health.mark(1, start, start + 3_600);
        vm.warp(start + 3_600);
        _close(STRANGER);
        escrow.settle(1);
        assertEq(escrow.creditOf(TENANT, 0), _lockedFor(3_600), "tenant");
        assertEq(escrow.lockedOf(1), 0, "empty");
    }

    // --- the rest comes back at once ---

    function test_whatALeaseCanNeverCostComesBackWhenItHasEnded() external {
        uint64 start = _lease(3_600);
        vm.warp(start + 100);
        _close(TENANT);
        _settledAt(start);
        escrow.settle(1);
        assertEq(escrow.creditOf(TENANT, 0), _lockedFor(3_600) - _earned(100), "at once");
        assertEq(escrow.lockedOf(1), _earned(100), "held");
        assertEq(escrow.creditOf(PROVIDER, 0), 0, "provider waits");
        health.mark(1, start + 50, start + 60);
        _settledAt(start + EPOCH);
        vm.warp(start + WINDOWS + 1);
        escrow.settle(1);
        assertEq(escrow.creditOf(PROVIDER, 0), _payOf(_earned(90)), "provider");
        assertEq(escrow.creditOf(TENANT, 0), _lockedFor(3_600) - _earned(90), "with the downtime");
    }

    function test_theLeastChargeIsHeldBackUntilItIsKnown() external {
        uint64 start = _lease(3_600);
        vm.warp(start + 10);
        _close(TENANT);
        escrow.settle(1);
        assertTrue(_earned(10) < MIN_CHARGE, "below it");
        assertEq(escrow.creditOf(TENANT, 0), _lockedFor(3_600) - MIN_CHARGE, "tenant");
        vm.warp(start + WINDOWS + 1);
        escrow.settle(1);
        assertEq(escrow.creditOf(PROVIDER, 0), _payOf(MIN_CHARGE), "provider");
    }

    /// @dev Who leaves a machine that was down has not left early.
    function test_downtimeSparesTheLeastCharge() external {
        uint64 start = _lease(3_600);
        health.mark(1, start + 9, start + 10);
        vm.warp(start + 10);
        _close(TENANT);
        escrow.settle(1);
        vm.warp(start + WINDOWS + 1);
        escrow.settle(1);
        assertEq(escrow.creditOf(PROVIDER, 0), _payOf(_earned(9)), "provider");
        assertEq(escrow.creditOf(TENANT, 0), _lockedFor(3_600) - _earned(9), "tenant");
    }

    /// @dev Annulled after the least charge was held back: that comes back too.
    function test_anAnnulledLeaseGivesBackWhatWasHeldForTheLeastCharge() external {
        uint64 start = _lease(3_600);
        vm.warp(start + 10);
        _close(TENANT);
        escrow.settle(1);
        _refute(0, 10, 0);
        vm.prank(address(disputes));
        market.annul(1);
        assertEq(escrow.creditOf(TENANT, 0), _lockedFor(3_600), "all of it");
        assertEq(escrow.lockedOf(1), 0, "empty");
    }

    // --- bounded work ---

    function test_aCallCoversABoundedNumberOfEpochs() external {
        bytes memory offer = _offer(4, ASK);
        _put(offer, 140, 4, type(uint32).max);
        uint64 start = _leaseOn(offer, 300 * uint32(EPOCH));
        vm.warp(start + 300 * EPOCH);
        _close(STRANGER);
        escrow.settle(1);
        (uint64 until,) = escrow.paidOf(1);
        assertEq(until, start + 256 * EPOCH, "how far it came");
        escrow.settle(1);
        (until,) = escrow.paidOf(1);
        assertEq(until, start + 300 * EPOCH, "the rest");
        assertEq(escrow.lockedOf(1), 0, "empty");
    }

    /// @dev So that no block is too small for a lease, however much there is to count.
    function test_aCallCoversAsFewEpochsAsItIsAskedTo() external {
        bytes memory offer = _offer(4, ASK);
        _put(offer, 140, 4, type(uint32).max);
        uint64 start = _leaseOn(offer, 300 * uint32(EPOCH));
        vm.warp(start + 300 * EPOCH);
        _close(STRANGER);
        escrow.settleEpochs(1, 1);
        (uint64 until, uint64 paid) = escrow.paidOf(1);
        assertEq(until, start + EPOCH, "one");
        assertEq(paid, EPOCH, "its seconds");
        assertEq(escrow.creditOf(PROVIDER, 0), _payOf(_earned(EPOCH)), "its pay");
        escrow.settleEpochs(1, 0);
        (until,) = escrow.paidOf(1);
        assertEq(until, start + EPOCH, "none");
        escrow.settleEpochs(1, type(uint16).max);
        (until,) = escrow.paidOf(1);
        assertEq(until, start + 257 * EPOCH, "not more than `settle`");
        escrow.settleEpochs(1, 43);
        assertEq(escrow.lockedOf(1), 0, "empty");
        assertEq(escrow.creditOf(PROVIDER, 0), _payOf(_earned(300 * EPOCH)), "all");
    }

    // --- what it says ---

    function test_itSaysWhatMovedAndWhenAllHasLeft() external {
        uint64 start = _lease(3_600);
        vm.warp(start + 1_000);
        vm.expectEmit();
        emit IEscrow.Settled(1, _payOf(_earned(1_000)), 0, _feeOf(_earned(1_000)), 0, start + 1_000);
        escrow.settle(1);
        vm.warp(start + 2_000);
        _close(PROVIDER);
        uint256 out = _earned(2_000) - _earned(1_000);
        uint256 fee = _feeOf(_earned(2_000)) - _feeOf(_earned(1_000));
        vm.expectEmit();
        emit IEscrow.Settled(1, out - fee, _lockedFor(3_600) - _earned(2_000), fee, 0, start + 2_000);
        vm.expectEmit();
        emit IEscrow.Emptied(1);
        escrow.settle(1);
        vm.expectRevert(abi.encodeWithSelector(Escrow.AlreadyEmptied.selector, 1));
        escrow.settle(1);
    }

    // --- who may ---

    function test_onlyTheMarketLocksRewardsAndGivesBack() external {
        _postRequest(1, 100, 60);
        bytes memory refusal = abi.encodeWithSelector(Escrow.NotMarket.selector, address(this));
        vm.expectRevert(refusal);
        escrow.lock(TENANT, TENANT, 0, 1, 0);
        vm.expectRevert(refusal);
        escrow.reward(address(this), 1);
        vm.expectRevert(refusal);
        escrow.annulled(1);
    }

    /// @dev Whatever is down, and however it is split over calls: to the micro-dollar, nothing is lost or made.
    function testFuzz_refundPayAndFeeAreWhatWasLocked(uint256 seed) external {
        uint64 start = _lease(uint32(bound(seed, 1, 5_000)));
        uint64 t = start;
        for (uint256 i; i < 6; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint64 from = t + uint64(seed % 500);
            t = from + uint64(seed >> 16) % 400;
            health.mark(1, from, t);
        }
        uint64 end = start + uint64(seed >> 32) % 5_500;
        for (uint256 i; i < 4; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint64 later = uint64(block.timestamp) + uint64(seed) % 1_500;
            vm.warp(later < end ? later : end);
            escrow.settle(1);
        }
        vm.warp(end);
        (,,,, uint64 over) = market.leaseOf(1);
        assertEq(over, 0, "goes on");
        _close(seed % 2 == 0 ? TENANT : PROVIDER);
        escrow.settle(1);
        vm.warp(start + 20_000);
        if (escrow.lockedOf(1) != 0) escrow.settle(1);
        uint256 all = escrow.creditOf(TENANT, 0) + escrow.creditOf(PROVIDER, 0) + escrow.creditOf(TREASURY, 0);
        (uint64 until, uint64 paid) = escrow.paidOf(1);
        (,,,, over) = market.leaseOf(1);
        assertEq(until, over, "paid up to its end");
        assertEq(all + escrow.pot() + escrow.creditOf(address(this), 0), usd.balanceOf(address(escrow)), "held is owed");
        assertEq(escrow.lockedOf(1), 0, "empty");
        uint256 cost = escrow.creditOf(PROVIDER, 0) + escrow.creditOf(TREASURY, 0);
        uint256 down = health.unpaidSeconds(1, start, over);
        assertEq(paid, over - start - down, "seconds, counted again");
        bool early = market.leaseMoney(1).reason == 1 && down == 0;
        uint256 expected = _earned(paid);
        if (early && expected < MIN_CHARGE) expected = MIN_CHARGE;
        if (expected > all) expected = all;
        assertEq(cost, expected, "cost");
        assertEq(escrow.creditOf(TREASURY, 0), _feeOf(cost), "fee");
    }
}
