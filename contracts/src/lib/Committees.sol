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

    /// @notice The line of stakes, ready to be searched.
    /// @dev It is cut into 65 to 128 pieces of equal length (or single units). The search of a point starts with the
    /// first stretch that reaches into its piece, and walks on: as all pieces are as likely, however stakes are spread,
    /// that is on average one stretch and as many more as there are stretches for a piece.
    struct Line {
        uint256[] ends; // of the stretches
        uint256[] guide; // for each piece, where in memory the end of its first stretch stands
        uint256 shift; // 2^shift is the length of a piece
        uint256 total; // sum of all stakes
    }

    /// @notice What all seats of one epoch are drawn with: a message of 79 bytes, of which subject and seat change.
    /// @param randomness of the health epoch
    function start(bytes32 randomness, uint32 epoch) internal pure returns (bytes memory message) {
        return abi.encodePacked(TAG, randomness, epoch, uint8(1), uint64(0), uint16(0));
    }

    /// @notice The line with a stretch for each operator.
    /// @param stakes 16 bytes for each index, not all zero
    function line(bytes memory stakes) internal pure returns (Line memory) {
        uint256[] memory ends = new uint256[](stakes.length / 16);
        uint256 sum;
        for (uint256 i; i < ends.length; ++i) {
            sum += _stakeAt(stakes, i);
            ends[i] = sum;
        }
        return _guided(ends);
    }

    /// @notice The line in joined stretches: first one of operators that are not in the bitmap (empty if the first is),
    /// then one of those that are, and so on. So stretches of odd number are the bitmap's.
    /// @param stakes 16 bytes for each index, not all zero; the bitmap has a bit for each
    function joined(bytes memory stakes, bytes calldata bitmap) internal pure returns (Line memory) {
        uint256 count = stakes.length / 16;
        uint256[] memory ends = new uint256[](count + 1);
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
        return _guided(ends);
    }

    /// @notice Draws the committee of a machine.
    /// @param message from `start`
    /// @param seats filled with the stretch of each seat, in the order of drawing; at most 65,536
    /// @return odd how many seats fell into stretches of odd number
    function draw(bytes memory message, uint64 offerId, Line memory l, uint256[] memory seats)
        internal
        view
        returns (uint256 odd)
    {
        bool ok = true;
        assembly ("memory-safe") {
            let text := add(message, 32)
            // The last 32 bytes of the message: 22 that stay, the id, the seat.
            let place := add(text, 47)
            let tail := and(mload(place), not(0xffffffffffffffffffff))
            tail := or(tail, shl(16, and(offerId, 0xffffffffffffffff)))
            let ends := add(mload(l), 32)
            let guide := add(mload(add(l, 32)), 32)
            let shift := mload(add(l, 64))
            let total := mload(add(l, 96))
            let to := add(seats, 32)
            let seatCount := mload(seats)
            for { let i := 0 } lt(i, seatCount) { i := add(i, 1) } {
                mstore(place, or(tail, i))
                ok := and(ok, staticcall(gas(), 2, text, 79, 0, 32))
                let point := mod(mload(0), total)
                // The first stretch that ends beyond the point. The last one does.
                let end := mload(add(guide, shl(5, shr(shift, point))))
                for {} iszero(gt(mload(end), point)) {} { end := add(end, 32) }
                let found := shr(5, sub(end, ends))
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

    /// @dev Puts the guide to the ends of stretches, the last of which is the sum of all stakes.
    function _guided(uint256[] memory ends) private pure returns (Line memory l) {
        uint256 total = ends[ends.length - 1];
        uint256 shift = total < 128 ? 0 : LibBit.fls(total) - 6;
        uint256[] memory guide = new uint256[]((total - 1 >> shift) + 1);
        assembly ("memory-safe") {
            let end := add(ends, 32)
            let behind := add(add(guide, 32), shl(5, mload(guide)))
            let from := 0 // of the piece
            let width := shl(shift, 1)
            for { let piece := add(guide, 32) } lt(piece, behind) { piece := add(piece, 32) } {
                for {} iszero(gt(mload(end), from)) {} { end := add(end, 32) }
                mstore(piece, end)
                from := add(from, width)
            }
        }
        return Line(ends, guide, shift, total);
    }

    function _stakeAt(bytes memory stakes, uint256 index) private pure returns (uint256 stake) {
        assembly ("memory-safe") {
            stake := shr(128, mload(add(add(stakes, 32), shl(4, index))))
        }
    }
}
