// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title What operators sign about health: lists of windows DOWN, and receipts (docs/formats.md, section 14).
library HealthMessages {
    /// @notice Bytes of a list before its entries, and of an entry.
    uint256 internal constant HEAD = 102;
    uint256 internal constant ENTRY = 41;
    /// @notice Most entries of a list.
    uint256 internal constant MOST = 256;
    /// @notice Code of a machine as a subject.
    uint256 internal constant MACHINE = 1;

    uint32 private constant VERSION = 1;
    /// @dev tag("quorate/down/v1"), tag("quorate/receipt/v1")
    bytes32 private constant LIST_TAG = "quorate/down/v1";
    bytes32 private constant RECEIPT_TAG = "quorate/receipt/v1";
    /// @dev Where a list's epoch begins, behind tag, version and network.
    uint256 private constant EPOCH = 96;

    /// @notice The bytes are no list of this deployment.
    error BadList();
    /// @notice The list's entry at `position` stands out of order, or names no window or one beyond the epoch's.
    error BadEntry(uint256 position);

    /// @notice The health epoch and the number of entries of a list, whose head and length are checked here.
    /// @param network the deployment's 60 bytes
    function headOf(bytes calldata list, bytes memory network) internal pure returns (uint32 epoch, uint256 count) {
        if (list.length < HEAD || keccak256(list[:EPOCH]) != keccak256(abi.encodePacked(LIST_TAG, VERSION, network))) {
            revert BadList();
        }
        epoch = uint32(bytes4(list[EPOCH:EPOCH + 4]));
        count = uint16(bytes2(list[EPOCH + 4:HEAD]));
        if (count == 0 || count > MOST || list.length != HEAD + count * ENTRY) revert BadList();
    }

    /// @notice The entry at `position`, which the list must hold. `subject` is code ‖ id, as a number.
    /// @param former the subject before it, 0 for the first: no subject of a list is 0
    /// @param allowed the epoch's windows
    function entryAt(bytes calldata list, uint256 position, uint256 former, uint256 allowed)
        internal
        pure
        returns (uint256 subject, uint256 windows)
    {
        assembly ("memory-safe") {
            let entry := add(add(list.offset, HEAD), mul(position, ENTRY))
            subject := shr(184, calldataload(entry))
            windows := calldataload(add(entry, 9))
        }
        if (subject <= former || windows == 0 || windows & ~allowed != 0) revert BadEntry(position);
    }

    /// @notice The id of the entry at `position`, which the list must hold.
    function idAt(bytes calldata list, uint256 position) internal pure returns (uint64) {
        uint256 from = HEAD + position * ENTRY + 1;
        return uint64(bytes8(list[from:from + 8]));
    }

    /// @notice What a receipt's signature is over.
    function receipt(bytes memory network, uint32 epoch, uint64 offerId, uint16 window)
        internal
        pure
        returns (bytes32)
    {
        return sha256(
            abi.encodePacked(RECEIPT_TAG, VERSION, network, uint8(MACHINE), offerId, epoch, window, bytes17(0))
        );
    }

    /// @notice The mask of the windows of an epoch that has `count` of them, 1 to 256.
    function maskOf(uint256 count) internal pure returns (uint256) {
        return count < 256 ? (1 << count) - 1 : type(uint256).max;
    }
}
