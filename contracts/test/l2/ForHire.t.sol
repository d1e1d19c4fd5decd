// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Machines} from "../../src/l2/Machines.sol";
import {MachinesKit} from "./MachinesKit.sol";

/// @notice Which machines stand in the list that probes are drawn from.
contract ForHireTest is MachinesKit {
    uint64 private constant LEAST = 3_000_000; // stake of a GPU of tier 0

    function setUp() public override {
        super.setUp();
        bytes memory page = _policy(2);
        _put(page, 4 + 128, 8, LEAST);
        vm.prank(TIMELOCK);
        rounds.setPolicy(page, 1);
        vm.warp(_closeOf(0) + 1);
        quor.mint(PROVIDER, 100e18);
        vm.startPrank(PROVIDER);
        quor.approve(address(providers), type(uint256).max);
        providers.stake(100e18);
        vm.stopPrank();
    }

    function _now() private view returns (uint64) {
        return uint64(block.timestamp);
    }

    function _later() private returns (uint64 before) {
        before = _now();
        vm.warp(before + 10);
    }

    function _count() private view returns (uint64) {
        return machines.forHireCount(_now());
    }

    /// @dev A machine with one card of its own.
    function _one(uint256 card) private returns (uint64 offer) {
        offer = _offerWithKey(1, uint160(agent));
        _register(offer, _cards(1, card));
    }

    function _pause(uint64 offer, bool paused) private {
        vm.prank(agent);
        machines.setPaused(offer, paused);
    }

    function _stands(uint64 offer, bool listed, bool due) private view {
        (bool isListed, bool isDue) = machines.forHireOf(offer);
        assertTrue(isListed == listed, "listed");
        assertTrue(isDue == due, "due");
    }

    function test_tellsOfMachinesThatPausedRetiredOrNeverWere() external {
        _stands(77, false, false);
        uint64 offer = _one(1);
        _stands(offer, true, true);
        _pause(offer, true);
        _stands(offer, false, false);
        _pause(offer, false);
        _retireOffer(offer);
        machines.retire(offer);
        _stands(offer, false, false);
    }

    function test_aMachineIsInTheListFromItsRegistrationOn() external {
        assertEq(_count(), 0, "nobody");
        uint64 before = _later();
        uint64 first = _one(1);
        uint64 second = _one(2);
        assertEq(_count(), 2, "both");
        assertEq(machines.forHireAt(_now(), 0), first, "in the order of coming");
        assertEq(machines.forHireAt(_now(), 1), second, "in the order of coming");
        assertEq(machines.forHireAt(_now(), 2), 0, "nobody else");
        assertEq(machines.forHireCount(before), 0, "not before");
    }

    /// @dev With one stake, one after the other, as many as one pays gas for.
    function test_machinesThatRetiredLeaveNoPlace() external {
        uint64 kept = _one(1);
        for (uint256 i; i < 10; ++i) {
            uint64 offer = _one(2 + i);
            _retireOffer(offer);
            machines.retire(offer);
        }
        assertEq(machines.machineCount(), 11, "numbered for good");
        assertEq(_count(), 1, "one is there");
        assertEq(machines.forHireAt(_now(), 0), kept, "that one");
    }

    function test_pausedMachinesStandOutsideTheList() external {
        uint64 first = _one(1);
        uint64 second = _one(2);
        uint64 before = _later();
        _pause(first, true);
        assertEq(_count(), 1, "one");
        assertEq(machines.forHireAt(_now(), 0), second, "the other");
        uint64 between = _later();
        _pause(first, false);
        assertEq(_count(), 2, "again");
        assertEq(machines.forHireAt(_now(), 1), first, "behind the other");
        assertEq(machines.forHireAt(before, 0), first, "what was stays");
        assertEq(machines.forHireCount(between), 1, "what was stays");
    }

    function test_aPausedMachineThatRetiresLeavesOnce() external {
        _one(1);
        uint64 offer = _one(2);
        _pause(offer, true);
        _retireOffer(offer);
        machines.retire(offer);
        assertEq(_count(), 1, "the other");
    }

    /// @dev Stake that was there to register and is withdrawn: nobody judges such a machine, so it must not be drawn.
    function test_anyoneTakesOutMachinesWithoutStake() external {
        uint64 offer = _one(1);
        machines.syncForHire(offer);
        assertEq(_count(), 1, "with its stake it stays");
        vm.prank(PROVIDER);
        providers.requestUnstake(97e18); // of 100
        vm.prank(STRANGER);
        machines.syncForHire(offer);
        assertEq(_count(), 1, "the last of it is enough");
        vm.prank(PROVIDER);
        providers.requestUnstake(1e12);
        vm.prank(STRANGER);
        machines.syncForHire(offer);
        assertEq(_count(), 0, "one unit less is not");
    }

    function test_resumingWithoutStakeBringsNobodyBack() external {
        uint64 offer = _one(1);
        _pause(offer, true);
        vm.prank(PROVIDER);
        providers.requestUnstake(98e18);
        _pause(offer, false);
        assertEq(_count(), 0, "without stake");
        assertEq(_flags(offer), 0, "it is not paused for that");
    }

    function test_stakeThatCameBackCanBeSynced() external {
        uint64 offer = _one(1);
        vm.prank(PROVIDER);
        providers.requestUnstake(98e18);
        machines.syncForHire(offer);
        assertEq(_count(), 0, "without stake");
        quor.mint(PROVIDER, 1e18);
        vm.prank(PROVIDER);
        providers.stake(1e18);
        _stands(offer, false, true);
        machines.syncForHire(offer);
        _stands(offer, true, true);
        assertEq(_count(), 1, "with stake");
    }

    function test_anyoneTakesOutMachinesWhoseOfferIsClosed() external {
        uint64 offer = _one(1);
        vm.prank(PROVIDER);
        market.closeOffer(offer);
        _stands(offer, true, false);
        vm.prank(STRANGER);
        machines.syncForHire(offer);
        _stands(offer, false, false);
        assertEq(_count(), 0, "closed");
    }

    function test_nobodyTakesOutAMachineThatIsForHire() external {
        uint64 offer = _one(1);
        vm.prank(STRANGER);
        machines.syncForHire(offer);
        assertEq(machines.forHireAt(_now(), 0), offer, "there");
    }

    function test_syncsNothingThatIsNotAMachine() external {
        vm.expectRevert(abi.encodeWithSelector(Machines.NotRegistered.selector, 77));
        machines.syncForHire(77);
        uint64 offer = _one(1);
        _retireOffer(offer);
        machines.retire(offer);
        vm.expectRevert(abi.encodeWithSelector(Machines.AlreadyRetired.selector, offer));
        machines.syncForHire(offer);
    }
}
