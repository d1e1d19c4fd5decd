// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IRounds} from "../../src/interfaces/IRounds.sol";
import {Schedules} from "../../src/lib/Schedules.sol";
import {Base} from "../Base.t.sol";

/// @notice The schedule's arithmetic against the plain reading of docs/formats.md, section 8.
contract SchedulesTest is Base {
    function _fuzzed(uint64 genesis, uint32 period, uint32 timeout) private pure returns (IRounds.Schedule memory s) {
        s.genesis = uint64(bound(genesis, 1, 2e9));
        s.period = uint32(bound(period, 1, 100));
        s.settleTimeout = uint32(bound(timeout, 1, 1_000));
        s.delay = 6;
        s.depth = 2;
        s.stakeEpoch = 3_600;
        s.healthEpoch = 600;
        s.challengeWindow = 10;
        s.revealWindow = 10;
        s.beaconGenesis = s.genesis / 2;
        s.beaconPeriod = 3;
    }

    /// @dev Validates where a revert can be expected.
    function validate(IRounds.Schedule memory s, uint256 ring) external pure {
        Schedules.validate(s, ring, 5);
    }

    function testFuzz_beaconRoundIsTheSmallestNotBeforeCloseAndDelay(
        uint64 n,
        uint64 genesis,
        uint32 period,
        uint32 delay
    ) external pure {
        IRounds.Schedule memory s = _fuzzed(genesis, period, 100);
        n = uint64(bound(n, 0, 1e6));
        s.delay = uint32(bound(delay, 0, 1e6));
        uint256 r = Schedules.beaconRound(s, n);
        uint256 earliest = s.genesis + uint256(n) * s.period + s.delay;
        assertTrue(r >= 1, "rounds begin at 1");
        assertTrue(Schedules.beaconTime(s, r) >= earliest, "not before");
        assertTrue(r == 1 || Schedules.beaconTime(s, r - 1) < earliest, "the smallest");
    }

    function test_beaconRoundIsOneForABeaconThatBeginsLater() external pure {
        IRounds.Schedule memory s = _fuzzed(1_000, 10, 100);
        s.beaconGenesis = 1_000_000;
        assertEq(Schedules.beaconRound(s, 0), 1, "beacon round");
    }

    /// @dev The recursion of DESIGN: after a live round that nobody certified, the next live one is the first whose
    /// close is later than its deadline.
    function testFuzz_isLiveIsTheClosedFormOfTheRecursion(uint64 first, uint32 period, uint32 timeout) external pure {
        IRounds.Schedule memory s = _fuzzed(7, period, timeout);
        first = uint64(bound(first, 0, 1e6));
        uint256 live = first;
        for (uint256 n = first; n < uint256(first) + 200; ++n) {
            assertTrue(Schedules.isLive(s, first, n) == (n == live), "live");
            if (n == live) {
                do {
                    ++live;
                } while (Schedules.closeOf(s, live) <= Schedules.deadlineOf(s, n));
            }
        }
        assertTrue(first == 0 || !Schedules.isLive(s, first, first - 1), "none before the first");
    }

    function testFuzz_lastLiveIsTheLastOfThoseClosed(uint64 first, uint32 period, uint32 timeout, uint64 time)
        external
        pure
    {
        IRounds.Schedule memory s = _fuzzed(500, period, timeout);
        first = uint64(bound(first, 0, 50));
        time = uint64(bound(time, 0, 500 + 100 * uint256(s.period)));
        bool expected;
        uint256 last;
        for (uint256 n; n <= 100; ++n) {
            if (Schedules.isLive(s, first, n) && Schedules.closeOf(s, n) <= time) (expected, last) = (true, n);
        }
        (bool any, uint256 got) = Schedules.lastLive(s, first, time);
        assertTrue(any == expected, "whether there is one");
        assertEq(got, last, "the last");
    }

    function testFuzz_firstAfterClosesLater(uint64 time, uint32 period) external pure {
        IRounds.Schedule memory s = _fuzzed(500, period, 10);
        time = uint64(bound(time, 0, 1e6));
        uint256 n = Schedules.firstAfter(s, time);
        assertTrue(Schedules.closeOf(s, n) > time, "later");
        assertTrue(n == 0 || Schedules.closeOf(s, n - 1) <= time, "the first");
    }

    function test_epochBelongsToTheClose() external pure {
        IRounds.Schedule memory s = _fuzzed(1_000, 60, 100);
        s.period = 60;
        assertEq(Schedules.epochOf(s, 59), 0, "last of the first epoch");
        assertEq(Schedules.epochOf(s, 60), 1, "first of the second");
    }

    function test_acceptsAGoodSchedule() external pure {
        Schedules.validate(_fuzzed(1_000, 60, 100), 10, 5);
    }

    function _refuses(IRounds.Schedule memory s, uint256 ring, Schedules.Flaw flaw) private {
        vm.expectRevert(abi.encodeWithSelector(Schedules.BadSchedule.selector, flaw));
        this.validate(s, ring);
    }

    function test_refusesZeroLengths() external {
        for (uint256 i; i < 5; ++i) {
            IRounds.Schedule memory s = _fuzzed(1_000, 60, 100);
            if (i == 0) s.period = 0;
            if (i == 1) s.settleTimeout = 0;
            if (i == 2) s.stakeEpoch = 0;
            if (i == 3) s.healthEpoch = 0;
            if (i == 4) s.beaconPeriod = 0;
            _refuses(s, 10, Schedules.Flaw.ZeroLength);
        }
    }

    function test_refusesADelayWithoutMargin() external {
        IRounds.Schedule memory s = _fuzzed(1_000, 60, 100);
        s.delay = s.depth + 1;
        _refuses(s, 100, Schedules.Flaw.DelayTooShort);
    }

    function test_refusesADeadlineBeforeTheBeacon() external {
        IRounds.Schedule memory s = _fuzzed(1_000, 60, 100);
        s.settleTimeout = s.delay + s.beaconPeriod;
        _refuses(s, 100, Schedules.Flaw.NoTimeToSettle);
    }

    function test_refusesARingShorterThanTheWindows() external {
        IRounds.Schedule memory s = _fuzzed(1_000, 60, 100);
        (s.period, s.settleTimeout) = (60, 100);
        _refuses(s, 3, Schedules.Flaw.RingTooSmall);
    }

    /// @dev A censor can keep transactions off for 5 seconds: twice that to commit, once to reveal.
    function test_refusesWindowsThatACensorOutlasts() external {
        IRounds.Schedule memory s = _fuzzed(1_000, 60, 100);
        s.challengeWindow = 9;
        _refuses(s, 10, Schedules.Flaw.WindowsTooShort);
        (s.challengeWindow, s.revealWindow) = (10, 4);
        _refuses(s, 10, Schedules.Flaw.WindowsTooShort);
        s.revealWindow = 5;
        Schedules.validate(s, 10, 5);
    }
}
