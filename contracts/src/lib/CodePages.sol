// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {SSTORE2} from "solady/utils/SSTORE2.sol";

/// @title Bytes kept as contract code behind a STOP: dear to write, cheap to read.
/// @dev One page holds at most `MAX` bytes (EIP-170 less the STOP).
library CodePages {
    /// @notice The most that one page holds.
    uint256 internal constant MAX = 24_575;

    /// @notice The bytes do not fit in one page.
    error PageTooLong(uint256 length);
    /// @notice There is no page at this address, or it is shorter than what was asked for.
    error PageTooShort(address page);

    /// @notice Stores `data` at a new address.
    function write(bytes memory data) internal returns (address page) {
        if (data.length > MAX) revert PageTooLong(data.length);
        return SSTORE2.write(data);
    }

    /// @notice Stores `data` at `addressOf(key)`. Reverts if something stands there already.
    function writeAt(bytes32 key, bytes memory data) internal returns (address page) {
        if (data.length > MAX) revert PageTooLong(data.length);
        return SSTORE2.writeDeterministic(data, key);
    }

    /// @notice Where `writeAt` of this contract puts the page of `key`: found without reading storage,
    /// and nobody else can write there.
    function addressOf(bytes32 key) internal view returns (address page) {
        return SSTORE2.predictDeterministicAddress(key);
    }

    /// @notice Whether a page stands at `page`.
    function exists(address page) internal view returns (bool) {
        return page.code.length != 0;
    }

    /// @notice The whole page.
    function read(address page) internal view returns (bytes memory) {
        if (!exists(page)) revert PageTooShort(page);
        return SSTORE2.read(page);
    }

    /// @notice Bytes `start` to `start + length` of a page.
    function read(address page, uint256 start, uint256 length) internal view returns (bytes memory data) {
        if (page.code.length < 1 + start + length) revert PageTooShort(page);
        return SSTORE2.read(page, start, start + length);
    }
}
