// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IRounds} from "../interfaces/IRounds.sol";

/// @title The tree over the list of matches, and its chunks: docs/formats.md, sections 4 and 7.
/// @dev A chunk is an aligned subtree of 256 leaves. The hashing loops are written in assembly: they run
/// twice a match, and the compiler's own calls to SHA-256 would copy every operand once more.
library OutcomeTree {
    /// @notice Bytes of one entry.
    uint256 internal constant ENTRY = 49;
    /// @notice Entries in a full chunk.
    uint256 internal constant CHUNK = 256;
    /// @notice Most entries that a list may have; a longer one cannot be posted.
    uint256 internal constant MAX_COUNT = 1 << 24;
    /// @notice `lowest` of an empty list.
    uint32 internal constant NONE = type(uint32).max;
    /// @dev The top of a chunk of missing leaves.
    bytes32 private constant EMPTY_CHUNK = 0x8e4b3745e5f2f7d48e36b192cb39242fa0f7a76fac1e36a519d8ebe00f3e21fb;
    /// @dev tag("quorate/outcome/v1")
    bytes32 private constant TAG = "quorate/outcome/v1";

    /// @notice The list is longer than can be posted.
    error TooManyEntries(uint256 count);
    /// @notice There is no chunk of that number.
    error NoSuchChunk(uint256 index, uint256 chunks);
    /// @notice The chunk's entries have another length than its place in the list asks for.
    error WrongLength(uint256 got, uint256 expected);
    /// @notice The proof has another length than the depth of the tree asks for.
    error WrongProofLength(uint256 got, uint256 expected);
    /// @notice `lowest` is no position of the list.
    error NoSuchPosition(uint256 lowest, uint256 count);
    /// @notice The chunk does not belong to the root.
    error WrongRoot(bytes32 got, bytes32 expected);
    /// @notice A sibling with no leaf of the list below it is not that of missing leaves.
    error FilledLeaf(uint256 level);
    /// @notice SHA-256 was not given enough gas.
    error HashFailed();

    /// @notice Number of chunks of a list.
    function chunksOf(uint256 count) internal pure returns (uint256) {
        return count == 0 ? 1 : (count + CHUNK - 1) / CHUNK;
    }

    /// @notice Depth of the tree: the least that holds `count` leaves.
    function depthOf(uint256 count) internal pure returns (uint256 depth) {
        while (1 << depth < count) ++depth;
    }

    /// @notice Reverts unless the chunk is part `c.index` of the list that `outcomeRoot` commits to.
    function check(bytes32 outcomeRoot, IRounds.Chunk calldata c) internal view {
        if (c.count > MAX_COUNT) revert TooManyEntries(c.count);
        uint256 chunks = chunksOf(c.count);
        if (c.index >= chunks) revert NoSuchChunk(c.index, chunks);
        if (c.count == 0 ? c.lowest != NONE : c.lowest >= c.count) revert NoSuchPosition(c.lowest, c.count);

        uint256 first = c.index * CHUNK;
        uint256 length = (c.count - first < CHUNK ? c.count - first : CHUNK) * ENTRY;
        if (c.entries.length != length) revert WrongLength(c.entries.length, length);

        uint256 depth = depthOf(c.count);
        uint256 above = depth > 8 ? depth - 8 : 0;
        if (c.proof.length != above) revert WrongProofLength(c.proof.length, above);

        _requirePadding(c, chunks);
        bytes32 top = subtree(c.entries, depth - above);
        uint256 index = c.index;
        for (uint256 i; i < above; ++i) {
            top = index & 1 == 0 ? node(top, c.proof[i]) : node(c.proof[i], top);
            index >>= 1;
        }
        bytes32 got = outcomeRootOf(top, c.count, c.lowest);
        if (got != outcomeRoot) revert WrongRoot(got, outcomeRoot);
    }

    /// @dev Reverts unless siblings beyond the list are tops of missing leaves. Else one list would have many roots, all
    /// of which could be posted, and whoever signed another of them than the quorum would seem to diverge.
    function _requirePadding(IRounds.Chunk calldata c, uint256 chunks) private pure {
        bytes32 empty = EMPTY_CHUNK; // of 2^height chunks
        uint256 height;
        for (uint256 i; i < c.proof.length; ++i) {
            uint256 index = c.index >> i;
            if (index & 1 == 1 || (index + 1) << i < chunks) continue;
            for (; height < i; ++height) {
                empty = node(empty, empty);
            }
            if (c.proof[i] != empty) revert FilledLeaf(i);
        }
    }

    /// @notice Entry `i`, in two words: offer ‖ request ‖ score ‖ tie, and `used` (Capacity, packed).
    function entryAt(bytes calldata entries, uint256 i) internal pure returns (uint256 pair, uint256 used) {
        assembly ("memory-safe") {
            let start := add(entries.offset, mul(ENTRY, i))
            pair := calldataload(start)
            used := shr(120, calldataload(add(start, 0x20)))
        }
    }

    /// @notice Top of the full subtree of `depth` over whole entries; missing leaves are zero.
    function subtree(bytes calldata entries, uint256 depth) internal view returns (bytes32 top) {
        uint256 count = entries.length / ENTRY;
        bytes32[] memory nodes = new bytes32[](1 << depth);
        bool ok = true;
        assembly ("memory-safe") {
            let base := add(nodes, 0x20)
            let buffer := mload(0x40)

            // leaf = SHA-256(00 ‖ kind LIST ‖ entry)
            mstore(buffer, shl(240, 0x0003))
            let source := entries.offset
            for { let target := base } lt(target, add(base, shl(5, count))) { target := add(target, 0x20) } {
                calldatacopy(add(buffer, 2), source, ENTRY)
                ok := and(ok, staticcall(gas(), 2, buffer, add(ENTRY, 2), target, 0x20))
                source := add(source, ENTRY)
            }

            // node = SHA-256(01 ‖ left ‖ right), level over level in place
            mstore8(buffer, 1)
            for { let width := shl(depth, 0x20) } gt(width, 0x20) {} {
                width := shr(1, width)
                for { let i := 0 } lt(i, width) { i := add(i, 0x20) } {
                    mcopy(add(buffer, 1), add(base, add(i, i)), 0x40)
                    ok := and(ok, staticcall(gas(), 2, buffer, 65, add(base, i), 0x20))
                }
            }
            top := mload(base)
        }
        if (!ok) revert HashFailed();
    }

    /// @notice The hash of an inner node.
    function node(bytes32 left, bytes32 right) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(uint8(1), left, right));
    }

    /// @notice The root that operators sign, from the top of the tree.
    function outcomeRootOf(bytes32 top, uint32 count, uint32 lowest) internal pure returns (bytes32) {
        bytes32 listRoot = sha256(abi.encodePacked(uint8(2), uint8(3), count, top));
        return sha256(abi.encodePacked(TAG, listRoot, lowest));
    }
}
