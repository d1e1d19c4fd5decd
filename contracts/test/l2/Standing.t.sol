// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Standing} from "../../src/lib/Standing.sol";
import {Base} from "../Base.t.sol";

/// @notice Tiers are total, disjoint and monotone; so is the ladder of trust.
contract StandingTest is Base {
    /// @dev Floors that ascend from 0, by steps out of `seed`.
    function _floors(uint256 seed) private pure returns (uint64[5] memory floors) {
        for (uint256 i = 1; i < 5; ++i) {
            floors[i] = floors[i - 1] + 1 + uint64(uint32(seed >> 32 * i) % 1e6);
        }
    }

    /// @dev A valid ladder out of `seed`: keep and weight do not fall, keep above <= rise <= 10,000, run >= 1.
    function _ladder(bytes32 seed) private pure returns (Standing.Level[7] memory levels) {
        uint256 keep;
        for (uint256 l; l < 7; ++l) {
            seed = keccak256(abi.encode(seed));
            uint256 above = keep + uint256(seed) % (10_001 - keep) / 2;
            uint256 rise = above + (uint256(seed) >> 64) % (10_001 - above);
            levels[l] = Standing.Level(uint16(keep), uint16(rise), 1 + uint16(uint8(seed[0]) % 4), uint16(l));
            keep = above;
        }
    }

    /// @dev Exactly one tier has its floor not above the price and the next floor above it: that one.
    function testFuzz_eachPriceHasOneTier(uint256 seed, uint64 price) external pure {
        uint64[5] memory floors = _floors(seed);
        price = uint64(bound(price, 0, 6e6));
        uint8 tier = Standing.tierOf(floors, price);
        uint256 fits;
        for (uint256 i; i < 5; ++i) {
            bool inside = floors[i] <= price && (i == 4 || price < floors[i + 1]);
            if (inside) ++fits;
            assertTrue(inside == (i == tier), "the tier whose range it is");
        }
        assertEq(fits, 1, "one tier");
    }

    function testFuzz_aDearerModelHasNoLowerTier(uint256 seed, uint64 a, uint64 b) external pure {
        uint64[5] memory floors = _floors(seed);
        (a, b) = (uint64(bound(a, 0, 6e6)), uint64(bound(b, 0, 6e6)));
        if (a > b) (a, b) = (b, a);
        assertTrue(Standing.tierOf(floors, a) <= Standing.tierOf(floors, b), "monotone");
    }

    function testFuzz_aFloorBelongsToItsTier(uint256 seed, uint8 tier) external pure {
        tier = uint8(bound(tier, 0, 4));
        uint64[5] memory floors = _floors(seed);
        assertEq(Standing.tierOf(floors, floors[tier]), tier, "at the floor");
        if (tier != 0) assertEq(Standing.tierOf(floors, floors[tier] - 1), tier - 1, "below the floor");
    }

    function testFuzz_levelsStayOnTheLadder(bytes32 seed, uint8 level, uint16 run, uint16 uptime) external pure {
        (uint8 next,) = Standing.step(_ladder(seed), level, run, uptime);
        assertTrue(next <= 6, "0 to 6");
        if (level > 6) level = 6;
        assertTrue(next + 1 >= level && next <= level + 1, "one at a time");
    }

    function testFuzz_aBetterUptimeGivesNoLowerLevel(bytes32 seed, uint8 level, uint16 run, uint16 a, uint16 b)
        external
        pure
    {
        Standing.Level[7] memory levels = _ladder(seed);
        (a, b) = (uint16(bound(a, 0, 10_000)), uint16(bound(b, 0, 10_000)));
        if (a > b) (a, b) = (b, a);
        (uint8 worse, uint16 worseRun) = Standing.step(levels, level, run, a);
        (uint8 better, uint16 betterRun) = Standing.step(levels, level, run, b);
        assertTrue(worse < better || worse == better && worseRun <= betterRun, "monotone");
    }

    /// @dev Over many epochs: a machine that was never worse than another, and began no lower, stands no lower.
    function testFuzz_aBetterHistoryGivesNoLowerLevel(bytes32 seed, uint8 level, uint16[24] memory uptimes)
        external
        pure
    {
        Standing.Level[7] memory levels = _ladder(seed);
        uint8 worse = level % 7;
        uint8 better = worse;
        uint16 worseRun;
        uint16 betterRun;
        for (uint256 i; i < uptimes.length; ++i) {
            uint16 high = uptimes[i] % 10_001;
            uint16 low = uint16(uint256(keccak256(abi.encode(seed, i))) % (uint256(high) + 1));
            (worse, worseRun) = Standing.step(levels, worse, worseRun, low);
            (better, betterRun) = Standing.step(levels, better, betterRun, high);
            assertTrue(worse < better || worse == better && worseRun <= betterRun, "monotone over time");
        }
    }

    function testFuzz_fullUptimeReachesTheTopAndStays(bytes32 seed) external pure {
        Standing.Level[7] memory levels = _ladder(seed);
        uint8 level;
        uint16 run;
        uint256 epochs;
        for (uint256 l; l < 6; ++l) {
            epochs += levels[l].run;
        }
        for (uint256 i; i < epochs; ++i) {
            assertTrue(level < 6, "not before its time");
            (level, run) = Standing.step(levels, level, run, 10_000);
        }
        assertEq(level, 6, "top");
        (level, run) = Standing.step(levels, level, run, 10_000);
        assertEq(level, 6, "stays");
        assertEq(run, 0, "nothing to count");
    }

    function test_anEpochBetweenKeepAndRiseBeginsTheCountAnew() external pure {
        Standing.Level[7] memory levels;
        levels[1] = Standing.Level(7_000, 9_000, 3, 0);
        (uint8 level, uint16 run) = Standing.step(levels, 1, 2, 8_999);
        assertEq(level, 1, "kept");
        assertEq(run, 0, "anew");
        (level, run) = Standing.step(levels, 1, 1, 9_000);
        assertEq(level, 1, "not yet");
        assertEq(run, 2, "counted");
        (level, run) = Standing.step(levels, 1, 2, 9_000);
        assertEq(level, 2, "rises");
        assertEq(run, 0, "begins anew");
        (level, run) = Standing.step(levels, 1, 2, 6_999);
        assertEq(level, 0, "falls");
        assertEq(run, 0, "begins anew");
    }
}
