// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title Fixed-width records in memory, read from code, and their fields.
library Fields {
    /// @notice The big-endian number of `width` bytes (1 to 32) at `offset`. The caller keeps within the record.
    function uintAt(bytes memory record, uint256 offset, uint256 width) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := shr(sub(256, shl(3, width)), mload(add(add(record, 0x20), offset)))
        }
    }

    /// @notice The 32 bytes at `offset`.
    function wordAt(bytes memory record, uint256 offset) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(add(add(record, 0x20), offset))
        }
    }

    /// @notice `length` bytes of a contract's code.
    function fromCode(address page, uint256 offset, uint256 length) internal view returns (bytes memory record) {
        assembly ("memory-safe") {
            record := mload(0x40)
            mstore(0x40, add(record, and(add(length, 0x3f), not(0x1f))))
            mstore(record, length)
            extcodecopy(page, add(record, 0x20), offset, length)
        }
    }
}
