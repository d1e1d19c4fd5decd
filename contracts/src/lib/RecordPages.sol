// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title Orders' records in contract code, one page a posting batch.
/// @dev Page k is the k-th contract that this one creates, so its address follows from k (the RLP of creator and
/// nonce, which starts at 1: EIP-161) and no storage names it. The contract that uses this library must
/// create nothing else. A page's code: STOP ‖ time of its posting u40 ‖ records.
/// A locator names a record in 32 bits: page (26) | index in the page (6).
library RecordPages {
    /// @notice Most records in one page.
    uint256 internal constant MAX_RECORDS = 64;
    /// @notice Bytes before the first record.
    uint256 internal constant HEADER = 6;
    /// @notice Pages that locators can name.
    uint256 private constant MAX_PAGES = 1 << 26;
    /// @dev Creation code that returns what follows its ten bytes: PUSH2 size, DUP1, PUSH1 10, RETURNDATASIZE,
    /// CODECOPY, RETURNDATASIZE, RETURN; then the page's STOP. The size is in the second and third byte.
    uint256 private constant CREATOR = 0x61000080600a3d393df300;

    /// @notice The page could not be created, or not where it was expected.
    error PageNotCreated(uint256 page);

    /// @notice Stores `records` as page `page`, stamped with the block's time.
    function create(uint256 page, bytes memory records) internal {
        if (page >= MAX_PAGES) revert PageNotCreated(page);
        uint256 prefix = (CREATOR | (HEADER + records.length) << 64) << 40 | block.timestamp;
        address created;
        assembly ("memory-safe") {
            // The prefix (16 bytes) stands in the length's place for the moment of the creation.
            let length := mload(records)
            mstore(records, prefix)
            created := create(0, add(records, 16), add(length, 16))
            mstore(records, length)
        }
        if (created == address(0) || created != addressOf(page)) revert PageNotCreated(page);
    }

    /// @notice The address of page `page` (from 1).
    function addressOf(uint256 page) internal view returns (address a) {
        assembly ("memory-safe") {
            // RLP of [creator, page]: a number below 128 is its own encoding.
            let width := 0
            let item := page
            if gt(page, 0x7f) {
                width := add(add(add(1, gt(page, 0xff)), gt(page, 0xffff)), gt(page, 0xffffff))
                item := or(shl(shl(3, width), add(0x80, width)), page)
            }
            let bits := shl(3, add(width, 1))
            let rlp := or(shl(bits, or(shl(160, or(shl(8, add(0xd6, width)), 0x94)), address())), item)
            mstore(0, rlp)
            a := and(keccak256(sub(9, width), add(23, width)), 0xffffffffffffffffffffffffffffffffffffffff)
        }
    }

    /// @notice The page of a locator.
    function pageOf(uint256 locator) internal view returns (address) {
        return addressOf(locator >> 6);
    }

    /// @notice When a page was posted.
    function createdOf(address page) internal view returns (uint256 time) {
        assembly ("memory-safe") {
            extcodecopy(page, 0, 1, 0x20)
            time := shr(216, mload(0))
        }
    }

    /// @notice Where in its page a record of `width` bytes begins.
    function offsetOf(uint256 locator, uint256 width) internal pure returns (uint256) {
        unchecked {
            return HEADER + (locator & 63) * width;
        }
    }

    /// @notice The 32 bytes at `offset` of a page.
    function word(address page, uint256 offset) internal view returns (uint256 value) {
        assembly ("memory-safe") {
            extcodecopy(page, 0, offset, 0x20)
            value := mload(0)
        }
    }

    /// @notice A whole record of `width` bytes.
    function read(uint256 locator, uint256 width) internal view returns (bytes memory record) {
        address page = pageOf(locator);
        uint256 offset = offsetOf(locator, width);
        record = new bytes(width);
        assembly ("memory-safe") {
            extcodecopy(page, add(record, 0x20), offset, width)
        }
    }
}
