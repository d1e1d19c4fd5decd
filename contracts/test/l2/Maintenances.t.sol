// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IMachines} from "../../src/interfaces/IMachines.sol";
import {Machines} from "../../src/l2/Machines.sol";
import {Maintenances} from "../../src/lib/Maintenances.sol";
import {MachinesKit} from "./MachinesKit.sol";

/// @notice Maintenance: notice, cap, order, ends, and the seconds that it takes.
contract MaintenancesTest is MachinesKit {
    uint64 private constant DAY = 1 days;
    uint64 private offer;
    /// @dev All intervals as they stand, for counting by hand.
    uint64[2][] private model;

    function setUp() public override {
        super.setUp();
        offer = _machine();
    }

    /// @dev Announces [now + ahead, + length).
    function _announce(uint64 ahead, uint64 length) private returns (uint64 from, uint64 until) {
        from = uint64(block.timestamp) + ahead;
        until = from + length;
        vm.prank(agent);
        machines.announceMaintenance(offer, from, until);
    }

    function _refuses(uint64 from, uint64 until, bytes memory expected) private {
        vm.expectRevert(expected);
        vm.prank(agent);
        machines.announceMaintenance(offer, from, until);
    }

    function _end() private {
        vm.prank(PROVIDER);
        machines.endMaintenance(offer);
    }

    function test_anAnnouncedMaintenanceIsKept() external {
        uint64 now_ = uint64(block.timestamp);
        vm.expectEmit();
        emit IMachines.MaintenanceAnnounced(offer, 0, now_, now_ + DAY, now_ + DAY + 60);
        _announce(DAY, 60);
        (uint64 announced, uint64 from, uint64 until) = machines.maintenance(offer, 0);
        assertEq(abi.encode(announced, from, until), abi.encode(now_, now_ + DAY, now_ + DAY + 60), "kept");
        assertEq(machines.maintenances(offer), 1, "count");
    }

    function test_aMaintenanceNeedsNotice() external {
        uint64 earliest = uint64(block.timestamp) + MAINTENANCE_NOTICE;
        _refuses(earliest - 1, earliest + 9, abi.encodeWithSelector(Machines.TooSoon.selector, earliest - 1, earliest));
        _announce(MAINTENANCE_NOTICE, 10);
    }

    function test_aMaintenanceEndsWithinAYear() external {
        uint64 latest = uint64(block.timestamp) + 365 days;
        _refuses(latest - 5, latest + 1, abi.encodeWithSelector(Machines.TooFarAhead.selector, latest + 1, latest));
        _refuses(
            DAY * 365, type(uint64).max, abi.encodeWithSelector(Machines.TooFarAhead.selector, type(uint64).max, latest)
        );
        _announce(365 days - 5, 5);
    }

    function test_maintenancesFollowEachOther() external {
        (, uint64 until) = _announce(DAY, 60);
        bytes4 bad = Maintenances.BadInterval.selector;
        _refuses(until - 1, until + 9, abi.encodeWithSelector(bad, until - 1, until + 9, until));
        _refuses(until, until, abi.encodeWithSelector(bad, until, until, until));
        vm.prank(agent);
        assertEq(machines.announceMaintenance(offer, until, until + 1), 1, "second");
    }

    function test_theCapCountsTheThirtyDaysBefore() external {
        (uint64 first,) = _announce(DAY, MAINTENANCE_CAP - 100);
        uint64 from = first + 29 days;
        _refuses(
            from,
            from + 101,
            abi.encodeWithSelector(Machines.TooMuchMaintenance.selector, MAINTENANCE_CAP + 1, MAINTENANCE_CAP)
        );
        vm.prank(agent);
        machines.announceMaintenance(offer, from, from + 100);
        // A second more may begin for each second of the first that lies more than 30 days back.
        from = first + 30 days + 50;
        _refuses(
            from,
            from + 51,
            abi.encodeWithSelector(Machines.TooMuchMaintenance.selector, MAINTENANCE_CAP + 1, MAINTENANCE_CAP)
        );
        vm.prank(agent);
        machines.announceMaintenance(offer, from, from + 50);
    }

    function test_aCancelledMaintenanceIsEmpty() external {
        (uint64 from, uint64 until) = _announce(DAY, 60);
        vm.expectEmit();
        emit IMachines.MaintenanceEnded(offer, 0, uint64(block.timestamp), from);
        _end();
        assertEq(machines.maintenanceSeconds(offer, 0, until), 0, "seconds");
        _announce(2 * 3_600, 10); // earlier than the cancelled one
        assertEq(machines.maintenanceSeconds(offer, 0, until), 10, "only the second");
    }

    function test_aMaintenanceEndsEarly() external {
        (uint64 from, uint64 until) = _announce(DAY, 60);
        vm.warp(from + 20);
        vm.expectEmit();
        emit IMachines.MaintenanceEnded(offer, 0, from + 20, from + 20);
        _end();
        assertEq(machines.maintenanceSeconds(offer, from, until), 20, "seconds");
    }

    function test_whatIsOverDoesNotEnd() external {
        vm.expectRevert(Maintenances.NothingToEnd.selector);
        _end();
        (, uint64 until) = _announce(DAY, 60);
        vm.warp(until);
        vm.expectRevert(Maintenances.NothingToEnd.selector);
        _end();
        _announce(DAY, 60);
        _end();
        vm.expectRevert(Maintenances.NothingToEnd.selector);
        _end();
    }

    function test_theFlagFollowsTheTime() external {
        (uint64 from, uint64 until) = _announce(DAY, 60);
        machines.syncMaintenance(offer);
        assertEq(_flags(offer), 0, "before");
        vm.warp(from);
        vm.prank(STRANGER);
        machines.syncMaintenance(offer);
        assertEq(_flags(offer), 2, "from its first second");
        vm.warp(until - 1);
        machines.syncMaintenance(offer);
        assertEq(_flags(offer), 2, "to its last");
        vm.warp(until);
        machines.syncMaintenance(offer);
        assertEq(_flags(offer), 0, "after");
    }

    function test_endingTakesTheFlagAway() external {
        (uint64 from,) = _announce(DAY, 60);
        vm.warp(from + 1);
        machines.syncMaintenance(offer);
        vm.warp(from + 2);
        _end();
        assertEq(_flags(offer), 0, "back");
    }

    function test_syncingAgainWritesNothing() external {
        (uint64 from,) = _announce(DAY, 60);
        vm.warp(from);
        machines.syncMaintenance(offer);
        vm.recordLogs();
        machines.syncMaintenance(offer);
        assertEq(vm.getRecordedLogs().length, 0, "no change");
    }

    /// @dev Many maintenances, some ended early, some cancelled: seconds of any interval are what counting gives.
    function testFuzz_secondsAreThoseOfTheIntervals(bytes32 seed, uint32 from, uint32 to) external {
        uint64 begin = uint64(block.timestamp);
        for (uint256 i; i < 12; ++i) {
            seed = keccak256(abi.encode(seed));
            uint64 ahead = MAINTENANCE_NOTICE + uint16(uint256(seed));
            (uint64 a, uint64 b) = _announce(ahead, 1 + uint16(uint256(seed) >> 16) % 2_000);
            if (seed[0] < 0x40) {
                _end(); // cancelled
                continue;
            }
            if (seed[0] < 0x80) {
                b = a + 1 + uint64(uint8(seed[1])) % (b - a);
                vm.warp(b);
                if (_pending(b)) _end();
            } else {
                vm.warp(b + uint8(seed[2]));
            }
            model.push([a, b]);
        }
        uint64 span = uint64(block.timestamp) + 1 - begin;
        uint64 low = begin + from % span;
        uint64 high = begin + to % span;
        assertEq(machines.maintenanceSeconds(offer, low, high), _byHand(low, high), "seconds");
        assertEq(machines.maintenanceSeconds(offer, 0, type(uint64).max), _byHand(0, type(uint64).max), "all");
    }

    /// @dev However many there were, no 30 days hold more than the cap.
    function testFuzz_noThirtyDaysHoldMoreThanTheCap(bytes32 seed) external {
        for (uint256 i; i < 24; ++i) {
            seed = keccak256(abi.encode(seed));
            uint64 from = uint64(block.timestamp) + MAINTENANCE_NOTICE + uint32(uint256(seed)) % (4 * DAY);
            uint64 until = from + 1 + uint16(uint256(seed) >> 32) % 30_000;
            vm.prank(agent);
            try machines.announceMaintenance(offer, from, until) {
                model.push([from, until]);
            } catch (bytes memory why) {
                assertEq(bytes4(why), Machines.TooMuchMaintenance.selector, "the cap is the only limit here");
            }
            vm.warp(until);
        }
        assertTrue(model.length != 0, "some were taken");
        // The fullest span ends with a maintenance.
        for (uint256 i; i < model.length; ++i) {
            uint64 end = model[i][1];
            uint64 used = _byHand(end < 30 days ? 0 : end - 30 days, end);
            assertTrue(used <= MAINTENANCE_CAP, "at most the cap");
        }
    }

    /// @dev What money waits for costs the same however many maintenances somebody has announced.
    function test_secondsStayCheapWithManyMaintenances() external {
        uint64 first = uint64(block.timestamp);
        for (uint256 i; i < 1_000; ++i) {
            (, uint64 until) = _announce(MAINTENANCE_NOTICE, 1);
            vm.warp(until);
        }
        vm.cool(address(machines));
        uint256 gas = gasleft();
        uint64 got = machines.maintenanceSeconds(offer, first, uint64(block.timestamp));
        gas -= gasleft();
        assertEq(got, 1_000, "seconds");
        assertTrue(gas < 80_000, "gas");
    }

    /// @dev Whether the last maintenance still goes on at `t`.
    function _pending(uint64 t) private view returns (bool) {
        (,, uint64 until) = machines.maintenance(offer, machines.maintenances(offer) - 1);
        return t < until;
    }

    function _byHand(uint64 low, uint64 high) private view returns (uint64 total) {
        for (uint256 i; i < model.length; ++i) {
            uint64 a = model[i][0] > low ? model[i][0] : low;
            uint64 b = model[i][1] < high ? model[i][1] : high;
            if (a < b) total += b - a;
        }
    }
}
