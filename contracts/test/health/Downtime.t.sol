// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {HealthKit} from "./HealthKit.sol";

/// @notice Seconds that nobody pays for, against a count second by second.
contract DowntimeTest is HealthKit {
    /// @dev DOWN windows of the first epochs, and two maintenances of M.
    uint256[4] private _bits = [uint256(0), 0, 0, 0];
    uint64 private constant A_FROM = GENESIS + 100;
    uint64 private constant A_UNTIL = GENESIS + 390;
    uint64 private constant B_FROM = GENESIS + 1_100;
    uint64 private constant B_UNTIL = GENESIS + 1_950;

    function _takeDown(uint32 epoch, uint256 windows) private {
        _bits[epoch] = windows;
        if (windows != 0) _down(epoch, M, windows);
    }

    function _maintain() private {
        machines.maintain(M, A_FROM, A_UNTIL);
        machines.maintain(M, B_FROM, B_UNTIL);
    }

    /// @dev Whether one second is unpaid, by the letter of section 14.
    function _isUnpaid(uint64 t, bool maintained) private view returns (bool) {
        if (maintained && ((t >= A_FROM && t < A_UNTIL) || (t >= B_FROM && t < B_UNTIL))) return true;
        if (t < GENESIS) return false;
        uint256 epoch = (t - GENESIS) / LENGTH;
        uint256 window = (t - GENESIS) % LENGTH * _windows() / LENGTH;
        return epoch < 4 && _bits[epoch] >> window & 1 == 1;
    }

    function _plain(uint64 from, uint64 to, bool maintained) private view returns (uint256 sum) {
        for (uint64 t = from; t < to; ++t) {
            if (_isUnpaid(t, maintained)) ++sum;
        }
    }

    /// forge-config: default.fuzz.runs = 48
    function testFuzz_unpaidSecondsAreThoseOfTheRule(
        uint8[4] memory windows,
        bool maintained,
        uint256 from,
        uint256 length
    ) external {
        for (uint32 e; e < 4; ++e) {
            _takeDown(e, windows[e] & 0x7f);
        }
        vm.warp(_start(4));
        if (maintained) _maintain();
        uint64 a = uint64(bound(from, GENESIS - 200, GENESIS + 2_600));
        uint64 b = a + uint64(bound(length, 0, 1_200));
        assertEq(health.unpaidSeconds(M, a, b), _plain(a, b, maintained), "seconds");
    }

    /// forge-config: default.fuzz.runs = 48
    function testFuzz_spansAddUp(uint8[3] memory windows, uint256[3] memory times) external {
        for (uint32 e; e < 3; ++e) {
            _takeDown(e, windows[e] & 0x7f);
        }
        _maintain();
        vm.warp(_start(3));
        uint64 a = uint64(bound(times[0], GENESIS, GENESIS + 600));
        uint64 b = a + uint64(bound(times[1], 0, 900));
        uint64 c = b + uint64(bound(times[2], 0, 900));
        uint256 parts = uint256(health.unpaidSeconds(M, a, b)) + health.unpaidSeconds(M, b, c);
        assertEq(health.unpaidSeconds(M, a, c), parts, "one span is its parts");
    }

    function test_aWholeEpochDownIsItsLength() external {
        _takeDown(0, 127);
        assertEq(health.unpaidSeconds(M, GENESIS, _start(1)), LENGTH, "all windows");
        assertEq(health.unpaidSeconds(M, GENESIS, _start(1) + 100), LENGTH, "and none behind them");
    }

    function test_allWindowsTogetherAreTheEpoch() external {
        uint256 sum;
        for (uint16 w; w < _windows(); ++w) {
            _down(0, w + 1, 1 << w);
            sum += health.unpaidSeconds(w + 1, GENESIS, _start(1));
        }
        assertEq(sum, LENGTH, "each second lies in one window");
    }

    function test_aSpanWithoutDowntimeIsPaid() external {
        _takeDown(1, 3);
        assertEq(health.unpaidSeconds(M, _start(0), _start(1)), 0, "before");
        assertEq(health.unpaidSeconds(M, _start(2), _start(3)), 0, "behind");
        assertEq(health.unpaidSeconds(M + 1, _start(1), _start(2)), 0, "another machine");
    }

    function test_anEmptySpanHasNoSeconds() external {
        _takeDown(0, 127);
        assertEq(health.unpaidSeconds(M, GENESIS + 5, GENESIS + 5), 0, "empty");
        assertEq(health.unpaidSeconds(M, GENESIS + 6, GENESIS + 5), 0, "turned round");
    }

    function test_aSpanMayEndInTheFarFuture() external {
        _takeDown(0, 127);
        _maintain();
        uint256 expected = LENGTH + (B_UNTIL - B_FROM);
        assertEq(health.unpaidSeconds(M, 0, type(uint64).max), expected, "down and maintenance");
    }

    function test_maintenanceToComeCounts() external {
        machines.maintain(M, GENESIS + 100, GENESIS + 160);
        vm.warp(GENESIS - 5);
        assertEq(health.unpaidSeconds(M, GENESIS - 5, GENESIS + 1_000), 60, "before the first epoch too");
    }

    function test_spansBeyondSixteenEpochsFindWhatIsInThem() external {
        _takeDown(0, 1);
        for (uint64 e = 3; e < 8; ++e) {
            _postTable(e);
        }
        _down(15, M, 1);
        _down(16, M, 1);
        _down(40, M, 1);
        vm.warp(_start(60));
        uint256 window = health.unpaidSeconds(M, _start(0), _start(1));
        assertEq(window, 86, "seconds of window 0: 600 / 7, rounded up");
        assertEq(health.unpaidSeconds(M, _start(0), _start(60)), 4 * window, "four epochs");
        assertEq(health.unpaidSeconds(M, _start(15), _start(17)), 2 * window, "two, of two groups");
        assertEq(health.unpaidSeconds(M, _start(17), _start(40)), 0, "none between them");
    }
}

/// @notice The most windows that there can be.
contract WideDowntimeTest is HealthKit {
    function _windows() internal pure override returns (uint16) {
        return 256;
    }

    function test_allTwoHundredAndFiftySixWindowsAreTheEpoch() external {
        _down(0, M, type(uint256).max);
        assertEq(health.unpaidSeconds(M, GENESIS, _start(1)), LENGTH, "whole");
        assertEq(health.unpaidSeconds(M, GENESIS + 1, _start(1) - 1), LENGTH - 2, "clipped");
    }

    function test_theLastWindowEndsWithTheEpoch() external {
        _down(0, M, 1 << 255);
        assertEq(health.unpaidSeconds(M, GENESIS, _start(2)), 2, "600 / 256 seconds, rounded down");
        assertEq(health.unpaidSeconds(M, _start(1) - 2, _start(1)), 2, "the last two");
    }
}

/// @notice What it costs to count them, where each epoch has as many windows as the default policy's.
contract DowntimeCostTest is HealthKit {
    uint256 private _every;

    function _windows() internal pure override returns (uint16) {
        return 240;
    }

    function setUp() public override {
        super.setUp();
        for (uint256 w; w < 240; w += 2) {
            _every |= 1 << w;
        }
        _down(0, M, _every);
        vm.warp(_start(2));
    }

    function _cost() private view returns (uint256 gas) {
        gas = gasleft();
        health.unpaidSeconds(M, _start(0), _start(1));
        gas -= gasleft();
    }

    /// @dev Pay waits for this count, so nobody may make it dear: a second of maintenance does not ask for the maintenance
    /// of every window.
    function test_aSecondOfMaintenanceCostsNoWindowsCall() external {
        uint256 plain = _cost();
        machines.maintain(M, GENESIS + 303, GENESIS + 304);
        uint256 maintained = _cost();
        // A window has two seconds and a half: those DOWN, which are the even ones, begin with a whole one and have three.
        assertEq(health.unpaidSeconds(M, _start(0), _start(1)), 361, "the second lies in a window that is up");
        assertTrue(maintained < 2 * plain, "less than twice as much");
    }

    /// forge-config: default.fuzz.runs = 32
    function testFuzz_maintenanceIsCountedOnce(uint256[6] memory times) external {
        uint64 at_ = GENESIS - 20;
        uint256 expected;
        for (uint64 t = GENESIS; t < _start(1); ++t) {
            if (_isDown(t)) ++expected;
        }
        for (uint256 i; i < 3; ++i) {
            uint64 from = at_ + uint64(bound(times[2 * i], 0, 150));
            at_ = from + uint64(bound(times[2 * i + 1], 1, 90));
            machines.maintain(M, from, at_);
            for (uint64 t = from; t < at_; ++t) {
                if (t >= GENESIS && t < _start(1) && !_isDown(t)) ++expected;
            }
        }
        assertEq(health.unpaidSeconds(M, _start(0), _start(1)), expected, "seconds");
    }

    function _isDown(uint64 t) private view returns (bool) {
        return _every >> (t - GENESIS) * 240 / LENGTH & 1 == 1;
    }
}
