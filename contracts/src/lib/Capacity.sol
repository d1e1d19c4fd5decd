// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title Arithmetic on capacity vectors: gpus u8 ‖ cpu_milli u32 ‖ memory_mib u32 ‖ disk_gib u32 ‖ mbits u32.
/// @dev Packed, a vector is the 136-bit number of its 17 bytes. Spread, each component has a lane of 48 bits,
/// so that all five are added and compared at once and no carry reaches a neighbour. A sum of a few vectors
/// stays far below the top bit of its lane.
library Capacity {
    uint256 private constant WORD = 0xffffffff;
    /// @dev The top bit of each lane.
    uint256 private constant TOPS = 0x0000800000000000800000000000800000000000800000000000800000000000;

    /// @notice Spreads a packed vector.
    function spread(uint256 packed) internal pure returns (uint256) {
        return packed & WORD | (packed & WORD << 32) << 16 | (packed & WORD << 64) << 32 | (packed & WORD << 96) << 48
            | packed >> 128 << 192;
    }

    /// @notice Whether every component of `a` is at most that of `b`, both spread.
    function fits(uint256 a, uint256 b) internal pure returns (bool) {
        unchecked {
            return ((b | TOPS) - a) & TOPS == TOPS;
        }
    }

    /// @notice Whether `a` fits in `b` and `c` in `d`.
    function bothFit(uint256 a, uint256 b, uint256 c, uint256 d) internal pure returns (bool) {
        unchecked {
            return ((b | TOPS) - a) & ((d | TOPS) - c) & TOPS == TOPS;
        }
    }

    /// @notice Each component of `a` less that of `b`, not below zero, all spread.
    function minus(uint256 a, uint256 b) internal pure returns (uint256) {
        unchecked {
            uint256 difference = (a | TOPS) - b;
            uint256 kept = difference & TOPS; // tops of the lanes that stayed at or above zero
            return difference & (kept - (kept >> 47));
        }
    }
}
