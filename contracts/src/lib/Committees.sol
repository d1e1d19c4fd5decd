// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {BLS12381} from "./BLS12381.sol";

/// @title Who judges a machine in a health epoch: seats drawn by stake (docs/formats.md, section 14).
/// @dev The operators' stakes lie side by side on a line, by index. A seat falls where its draw points, and belongs to
/// whoever's stretch lies there. To count a set's seats, stretches of neighbours that are both in it, or both not, are
/// joined: where nearly all have signed, few stretches are left to search.
library Committees {
    /// @dev tag("quorate/seat/v1")
    bytes32 private constant TAG = "quorate/seat/v1";

    /// @notice What all seats of one epoch are drawn with: a message of 79 bytes, of which subject and seat change.
    /// @param randomness of the health epoch
    function start(bytes32 randomness, uint32 epoch) internal pure returns (bytes memory message) {
        return abi.encodePacked(TAG, randomness, epoch, uint8(1), uint64(0), uint16(0));
    }

    /// @notice The ends of the operators' stretches.
    /// @param stakes 16 bytes for each index
    function sums(bytes memory stakes) internal pure returns (uint256[] memory ends) {
        ends = new uint256[](stakes.length / 16);
        uint256 sum;
        for (uint256 i; i < ends.length; ++i) {
            sum += _stakeAt(stakes, i);
            ends[i] = sum;
        }
    }

    /// @notice The ends of joined stretches: first one of operators that are not in the bitmap (empty if operator 0 is),
    /// then one of those that are, and so on. So stretches of odd number are the bitmap's.
    function stretches(bytes memory stakes, bytes calldata bitmap) internal pure returns (uint256[] memory ends) {
        uint256 count = stakes.length / 16;
        ends = new uint256[](count + 1);
        uint256 sum;
        uint256 last; // number of the stretch that goes on
        for (uint256 i; i < count; ++i) {
            uint256 member = uint8(bitmap[i / 8]) >> (i % 8) & 1;
            uint256 stake = _stakeAt(stakes, i);
            if (stake == 0) continue;
            if (member != last % 2) ends[last++] = sum;
            sum += stake;
        }
        ends[last++] = sum;
        assembly ("memory-safe") {
            mstore(ends, last)
        }
    }

    /// @notice Draws the committee of a machine.
    /// @param message from `start`
    /// @param ends from `sums` or `stretches`; the last is the sum of all stakes, not zero
    /// @param seats filled with the stretch of each seat, in the order of drawing; at most 65,536
    /// @return odd how many seats fell into stretches of odd number
    function draw(bytes memory message, uint64 offerId, uint256[] memory ends, uint256[] memory seats)
        internal
        view
        returns (uint256 odd)
    {
        bool ok = true;
        assembly ("memory-safe") {
            let text := add(message, 32)
            // The id stands in bytes 69 to 77, the seat in the two behind it; nothing else of these 32 is hashed.
            let tail := add(text, 69)
            let id := shl(16, and(offerId, 0xffffffffffffffff))
            let first := add(ends, 32)
            let stretchCount := mload(ends)
            let total := mload(add(first, shl(5, sub(stretchCount, 1))))
            let seatCount := mload(seats)
            for { let i := 0 } lt(i, seatCount) { i := add(i, 1) } {
                // Ten bytes, so that nothing behind the message is touched.
                mstore(sub(tail, 22), or(and(mload(sub(tail, 22)), not(0xffffffffffffffffffff)), or(id, i)))
                ok := and(ok, staticcall(gas(), 2, text, 79, 0, 32))
                let point := mod(mload(0), total)
                // The first stretch that ends beyond the point.
                let low := 0
                for { let size := stretchCount } size {} {
                    let half := shr(1, size)
                    let middle := add(low, half)
                    switch gt(mload(add(first, shl(5, middle))), point)
                    case 0 {
                        low := add(middle, 1)
                        size := sub(size, add(half, 1))
                    }
                    default { size := half }
                }
                mstore(add(add(seats, 32), shl(5, i)), low)
                odd := add(odd, and(low, 1))
            }
        }
        // SHA-256 takes any input: only gas can have failed.
        if (!ok) revert BLS12381.TooLittleGas();
    }

    /// @notice Whether so many seats are more than two thirds.
    function isTwoThirds(uint256 held, uint256 seats) internal pure returns (bool) {
        return held * 3 > seats * 2;
    }

    function _stakeAt(bytes memory stakes, uint256 index) private pure returns (uint256 stake) {
        assembly ("memory-safe") {
            stake := shr(128, mload(add(add(stakes, 32), shl(4, index))))
        }
    }
}
