// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {LibBit} from "solady/utils/LibBit.sol";
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
        uint256 count = stakes.length / 16;
        ends = new uint256[](1 << _depth(count));
        uint256 sum;
        for (uint256 i; i < count; ++i) {
            sum += _stakeAt(stakes, i);
            ends[i] = sum;
        }
        _close(ends, count);
    }

    /// @notice The ends of joined stretches: first one of operators that are not in the bitmap (empty if the first is),
    /// then one of those that are, and so on. So stretches of odd number are the bitmap's.
    function stretches(bytes memory stakes, bytes calldata bitmap) internal pure returns (uint256[] memory ends) {
        uint256 count = stakes.length / 16;
        ends = new uint256[](1 << _depth(count + 1));
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
        _close(ends, last);
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
        uint256 half = (1 << _depth(ends.length)) / 2 * 32;
        bool ok = true;
        assembly ("memory-safe") {
            let text := add(message, 32)
            // The last 32 bytes of the message: 22 that stay, the id, the seat.
            let place := add(text, 47)
            let tail := and(mload(place), not(0xffffffffffffffffffff))
            tail := or(tail, shl(16, and(offerId, 0xffffffffffffffff)))
            let total := mload(add(ends, shl(5, mload(ends))))
            let to := add(seats, 32)
            let seatCount := mload(seats)
            for { let i := 0 } lt(i, seatCount) { i := add(i, 1) } {
                mstore(place, or(tail, i))
                ok := and(ok, staticcall(gas(), 2, text, 79, 0, 32))
                let point := mod(mload(0), total)
                // How many stretches end at the point or before it. Behind the last end lie ends without end.
                let found := ends
                for { let step := half } gt(step, 31) { step := shr(1, step) } {
                    found := add(found, mul(step, iszero(gt(mload(add(found, step)), point))))
                }
                found := shr(5, sub(found, ends))
                mstore(to, found)
                to := add(to, 32)
                odd := add(odd, and(found, 1))
            }
        }
        // SHA-256 takes any input: only gas can have failed.
        if (!ok) revert BLS12381.TooLittleGas();
    }

    /// @notice Whether so many seats are more than two thirds.
    function isTwoThirds(uint256 held, uint256 seats) internal pure returns (bool) {
        return held * 3 > seats * 2;
    }

    /// @dev The least d with 2^d >= count, for a count of at least 1.
    function _depth(uint256 count) private pure returns (uint256) {
        return count < 2 ? 0 : LibBit.fls(count - 1) + 1;
    }

    /// @dev Cuts the ends to their number. What a search by halves may look at behind them lies beyond all points.
    function _close(uint256[] memory ends, uint256 count) private pure {
        uint256 room = 1 << _depth(count);
        for (uint256 i = count; i < room; ++i) {
            ends[i] = type(uint256).max;
        }
        assembly ("memory-safe") {
            mstore(ends, count)
        }
    }

    function _stakeAt(bytes memory stakes, uint256 index) private pure returns (uint256 stake) {
        assembly ("memory-safe") {
            stake := shr(128, mload(add(add(stakes, 32), shl(4, index))))
        }
    }
}
