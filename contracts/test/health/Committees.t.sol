// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Committees} from "../../src/lib/Committees.sol";
import {Base} from "../Base.t.sol";
import {TableKit} from "../TableKit.sol";

/// @notice The drawing of seats against a walk along all stakes.
contract CommitteesTest is Base {
    /// @dev The bitmap's seats, and how many stretches were searched.
    function countJoined(bytes memory stakes, bytes calldata bitmap, uint64 id)
        external
        view
        returns (uint256 held, uint256 searched)
    {
        Committees.Line memory line = Committees.joined(stakes, bitmap);
        return (Committees.draw(Committees.start("beacon", 7), id, line, new uint256[](31)), line.ends.length);
    }

    function _pack(uint256[] memory stakes) private pure returns (bytes memory packed) {
        for (uint256 i; i < stakes.length; ++i) {
            packed = bytes.concat(packed, bytes16(uint128(stakes[i])));
        }
    }

    /// @dev Stakes from a seed: a third none, some wide, most small.
    function _stakes(uint256 seed, uint256 count) private pure returns (uint256[] memory stakes) {
        stakes = new uint256[](count);
        for (uint256 i; i < count; ++i) {
            uint256 r = uint256(keccak256(abi.encode(seed, i)));
            if (r % 3 != 0) stakes[i] = r % 11 == 0 ? uint112(r >> 8) : uint8(r >> 8);
        }
        stakes[seed % count] += 1;
    }

    function _plain(bytes32 randomness, uint32 epoch, uint64 id, uint16 seat, uint256[] memory stakes)
        private
        pure
        returns (uint256 holder)
    {
        uint256 total;
        for (uint256 i; i < stakes.length; ++i) {
            total += stakes[i];
        }
        bytes memory message = abi.encodePacked(bytes32("quorate/seat/v1"), randomness, epoch, uint8(1), id, seat);
        uint256 point = uint256(sha256(message)) % total;
        while (point >= stakes[holder]) point -= stakes[holder++];
    }

    function testFuzz_seatsFallWhereTheRuleSays(
        uint256 seed,
        uint256 count,
        bytes32 randomness,
        uint32 epoch,
        uint64 id
    ) external view {
        uint256[] memory stakes = _stakes(seed, bound(count, 1, 40));
        uint256[] memory seats = new uint256[](31);
        Committees.draw(Committees.start(randomness, epoch), id, Committees.line(_pack(stakes)), seats);
        for (uint16 i; i < 31; ++i) {
            assertEq(seats[i], _plain(randomness, epoch, id, i, stakes), "holder of the seat");
        }
    }

    function testFuzz_joinedStretchesCountTheSame(uint256 seed, uint256 count, uint256 mask, uint64 id) external view {
        uint256[] memory stakes = _stakes(seed, bound(count, 1, 40));
        bytes memory bitmap = new bytes((stakes.length + 7) / 8);
        for (uint256 i; i < stakes.length; ++i) {
            if (mask >> i & 1 == 1) bitmap[i / 8] |= bytes1(uint8(1 << (i % 8)));
        }
        uint256 expected;
        for (uint16 i; i < 31; ++i) {
            if (TableKit.has(bitmap, _plain("beacon", 7, id, i, stakes))) ++expected;
        }
        (uint256 held,) = this.countJoined(_pack(stakes), bitmap, id);
        assertEq(held, expected, "seats of the bitmap");
    }

    function test_joinedStretchesAreFewWhereFewAreAbsent() external view {
        uint256[] memory stakes = new uint256[](128);
        bytes memory bitmap = new bytes(16);
        for (uint256 i; i < 128; ++i) {
            stakes[i] = 1 + i;
            bitmap[i / 8] |= bytes1(uint8(1 << (i % 8)));
        }
        assertEq(_searched(stakes, bitmap), 2, "an empty one, and all");
        bitmap[5] = 0; // eight neighbours
        assertEq(_searched(stakes, bitmap), 4, "around the absent");
        assertEq(_searched(stakes, new bytes(16)), 1, "nobody signed");
    }

    function _searched(uint256[] memory stakes, bytes memory bitmap) private view returns (uint256 searched) {
        (, searched) = this.countJoined(_pack(stakes), bitmap, 1);
    }

    function test_aWideCommitteeBeginsWithTheNarrow() external view {
        Committees.Line memory line = Committees.line(_pack(_stakes(3, 20)));
        uint256[] memory narrow = new uint256[](31);
        uint256[] memory wide = new uint256[](1_024);
        Committees.draw(Committees.start("beacon", 1), 5, line, narrow);
        Committees.draw(Committees.start("beacon", 1), 5, line, wide);
        for (uint256 i; i < 31; ++i) {
            assertEq(wide[i], narrow[i], "seat");
        }
        assertEq(wide[1_023], _plain("beacon", 1, 5, 1_023, _stakes(3, 20)), "the last seat");
    }

    function testFuzz_twoThirdsAreStrictlyExceeded(uint16 seats) external pure {
        uint256 n = bound(seats, 1, 1_024);
        uint256 held = n * 2 / 3;
        assertTrue(!Committees.isTwoThirds(held, n), "two thirds, rounded down");
        assertTrue(Committees.isTwoThirds(held + 1, n), "one more");
    }
}
