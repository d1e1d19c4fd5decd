// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title What L2 tells L1 of a stake epoch's work: docs/formats.md, sections 12 and 15.
/// @notice epoch u64 ‖ rounds u16 ‖ probes u16 ‖ count u32 ‖ count x share u16.
library TallyMessages {
    uint256 private constant HEAD = 16;
    uint256 private constant FULL = 10_000;

    /// @notice Whether the bytes are a message: of the length that its count says, and no share above all.
    function isWellFormed(bytes calldata message) internal pure returns (bool) {
        if (message.length < HEAD) return false;
        uint256 count = uint32(bytes4(message[12:16]));
        if (message.length != HEAD + 2 * count) return false;
        for (uint256 offset = HEAD; offset < message.length; offset += 2) {
            if (uint16(bytes2(message[offset:offset + 2])) > FULL) return false;
        }
        return true;
    }

    /// @notice The stake epoch of a message.
    function epochOf(bytes calldata message) internal pure returns (uint64) {
        return uint64(bytes8(message[:8]));
    }

    /// @notice How many shares a message holds.
    function countOf(bytes calldata message) internal pure returns (uint32) {
        return uint32(bytes4(message[12:16]));
    }

    /// @notice The weight of the rounds that counted, and the shares by operator index, of a well-formed message.
    function work(bytes memory message) internal pure returns (uint16 rounds, uint256[] memory shares) {
        shares = new uint256[]((message.length - HEAD) / 2);
        assembly ("memory-safe") {
            rounds := shr(240, mload(add(message, 40)))
        }
        for (uint256 i = 0; i < shares.length; ++i) {
            uint256 offset = HEAD + 2 * i;
            uint256 share;
            assembly ("memory-safe") {
                share := shr(240, mload(add(add(message, 32), offset)))
            }
            shares[i] = share;
        }
    }
}
