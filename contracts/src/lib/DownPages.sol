// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {CodePages} from "./CodePages.sol";

/// @title Certified lists as pages of code: who signed, and the entries that counted, by machine ascending.
/// @dev length of the bitmap u16 ‖ bitmap ‖ entries of 42 bytes: offer id u64 ‖ windows mask256 ‖
/// seats u16 that the signers hold. A byte of code costs a
/// third of what a byte of storage does.
library DownPages {
    uint256 private constant HEAD = 2;
    uint256 private constant ENTRY = 42;
    /// @dev CodePages puts a STOP first.
    uint256 private constant STOP = 1;

    /// @notice A page in memory with room for so many entries, and none yet.
    function begin(bytes calldata bitmap, uint256 room) internal pure returns (bytes memory page) {
        page = abi.encodePacked(uint16(bitmap.length), bitmap, new bytes(room * ENTRY));
        assembly ("memory-safe") {
            mstore(page, sub(mload(page), mul(room, ENTRY)))
        }
    }

    /// @notice Appends an entry, for which there must be room.
    function append(bytes memory page, uint64 offerId, uint256 windows, uint256 seats) internal pure {
        assembly ("memory-safe") {
            let length := mload(page)
            let end := add(add(page, 32), length)
            // 24 bytes before the end are written as they are.
            mstore(
                sub(end, 24),
                or(and(mload(sub(end, 24)), not(0xffffffffffffffff)), and(offerId, 0xffffffffffffffff))
            )
            mstore(add(end, 8), windows)
            mstore(add(end, 10), or(shl(16, windows), and(seats, 0xffff)))
            mstore(page, add(length, ENTRY))
        }
    }

    /// @notice Stores a page.
    function write(bytes memory page) internal returns (address) {
        return CodePages.write(page);
    }

    /// @notice The bitmap of those who signed.
    function signers(address page) internal view returns (bytes memory) {
        return CodePages.read(page, HEAD, _bitmapLength(page));
    }

    /// @notice The windows of a machine's entry; 0 if none of it counted.
    function windowsOf(address page, uint64 offerId) internal view returns (uint256 windows) {
        (windows,) = entryOf(page, offerId);
    }

    /// @notice The windows of a machine's entry, and the seats behind it; 0 if none of it counted.
    function entryOf(address page, uint64 offerId) internal view returns (uint256 windows, uint256 seats) {
        uint256 entries = STOP + HEAD + _bitmapLength(page);
        uint256 low;
        uint256 high = (page.code.length - entries) / ENTRY;
        while (low < high) {
            uint256 middle = (low + high) / 2;
            uint256 id;
            assembly ("memory-safe") {
                extcodecopy(page, 0, add(entries, mul(middle, ENTRY)), ENTRY)
                id := shr(192, mload(0))
                windows := mload(8)
                seats := shr(240, mload(40))
            }
            if (id == offerId) return (windows, seats);
            if (id < offerId) low = middle + 1;
            else high = middle;
        }
        return (0, 0);
    }

    function _bitmapLength(address page) private view returns (uint256 length) {
        assembly ("memory-safe") {
            mstore(0, 0)
            extcodecopy(page, 0, STOP, HEAD)
            length := shr(240, mload(0))
        }
    }
}
