// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {SeatPlanes} from "../../src/lib/SeatPlanes.sol";
import {Base} from "../Base.t.sol";

/// @notice Seats counted 256 operators at a time, against counting them one by one.
contract SeatPlanesTest is Base {
    using SeatPlanes for uint256[];

    /// @dev Bits as a bitmap has them: operator `i` is bit `i % 8` of byte `i / 8`.
    function _wordOf(bytes memory bitmap, uint256 word) private pure returns (uint256 bits) {
        for (uint256 i; i < 32; ++i) {
            uint256 place = 32 * word + i;
            bits = bits << 8 | (place < bitmap.length ? uint8(bitmap[place]) : 0);
        }
    }

    function testFuzz_aSetsSeatsAreThoseOfItsOperators(uint16[] memory seats, bytes memory bitmap) external pure {
        uint256 operators = bitmap.length * 8;
        if (operators == 0) return;
        uint256[] memory planes = SeatPlanes.create(operators);
        uint256 expected;
        for (uint256 i; i < seats.length && i < 1_024; ++i) {
            uint256 holder = seats[i] % operators;
            planes.add(holder);
            if (uint8(bitmap[holder / 8]) >> (holder % 8) & 1 == 1) ++expected;
        }
        uint256 held;
        for (uint256 word; 32 * word < bitmap.length; ++word) {
            held += planes.count(word, _wordOf(bitmap, word));
        }
        assertEq(held, expected, "seats");
    }

    function test_oneOperatorMayHoldAllSeats() external pure {
        uint256[] memory planes = SeatPlanes.create(300);
        for (uint256 i; i < 1_024; ++i) {
            planes.add(299);
        }
        assertEq(planes.count(1, SeatPlanes.bitOf(299)), 1_024, "its seats");
        assertEq(planes.count(1, ~SeatPlanes.bitOf(299)) + planes.count(0, type(uint256).max), 0, "nobody else's");
    }
}
