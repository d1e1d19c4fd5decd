// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {LibBit} from "solady/utils/LibBit.sol";

/// @title How many seats each operator holds, laid out so that the seats of a set are counted 256 operators at a time.
/// @dev Number `j` of the planes of a word has the bits of those operators whose count of seats has bit `j`. Bits lie as
/// in a bitmap that is read word by word.
library SeatPlanes {
    /// @notice Planes of a word: enough for 1,024 seats.
    uint256 internal constant DEPTH = 11;

    /// @notice Planes for so many operators, without a seat yet.
    function create(uint256 operators) internal pure returns (uint256[] memory planes) {
        planes = new uint256[]((operators + 255) / 256 * DEPTH);
    }

    /// @notice Where an operator's bit is in its word.
    function bitOf(uint256 operatorIndex) internal pure returns (uint256) {
        return 1 << (255 - (operatorIndex % 256 ^ 7));
    }

    /// @notice Gives an operator one seat more.
    function add(uint256[] memory planes, uint256 operatorIndex) internal pure {
        uint256 bit = bitOf(operatorIndex);
        uint256 place = operatorIndex / 256 * DEPTH;
        while (planes[place] & bit != 0) planes[place++] ^= bit;
        planes[place] |= bit;
    }

    /// @notice The seats of those operators of word number `word` whose bits are set.
    function count(uint256[] memory planes, uint256 word, uint256 bits) internal pure returns (uint256 seats) {
        if (bits == 0) return 0;
        for (uint256 j; j < DEPTH; ++j) {
            uint256 some = planes[word * DEPTH + j] & bits;
            if (some != 0) seats += LibBit.popCount(some) << j;
        }
    }
}
