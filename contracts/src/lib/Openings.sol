// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {LibBit} from "solady/utils/LibBit.sol";
import {IVerifier} from "../interfaces/IVerifier.sol";
import {OutcomeTree} from "./OutcomeTree.sol";
import {Malformed} from "./Malformed.sol";

/// @title Opens up to four entries of a list under an outcome root: docs/formats.md, section 13.
/// @notice Reverts with `BadWitness` unless the bytes are an opening of that very root, to the last byte.
library Openings {
    /// @notice Most entries that one opening holds.
    uint256 internal constant MOST = 4;

    /// @dev count ‖ lowest ‖ k
    uint256 private constant HEAD = 9;
    /// @dev position ‖ entry
    uint256 private constant LEAF = 53;

    /// @notice What was opened, by position ascending. Only the first `k` of each array count.
    struct Opening {
        uint256 count; // entries in the list
        uint256 lowest; // what the root says is the lowest one's position
        uint256 k;
        uint256[4] positions;
        uint256[4] pairs; // offer ‖ request ‖ score ‖ tie
        uint256[4] used; // Capacity, packed
    }

    /// @notice Reads an opening and checks it against the root.
    function read(bytes calldata b, bytes32 outcomeRoot) internal view returns (Opening memory o) {
        if (b.length < HEAD) revert IVerifier.BadWitness(Malformed.LENGTH);
        uint256 head;
        assembly ("memory-safe") {
            head := calldataload(b.offset)
        }
        (o.count, o.lowest, o.k) = (head >> 224, uint32(head >> 192), uint8(head >> 184));
        uint256 entries = HEAD + LEAF * o.k;
        if (o.k > MOST || b.length < entries || (b.length - entries) % 32 != 0) {
            revert IVerifier.BadWitness(Malformed.LENGTH);
        }
        bytes32 top = o.k == 0 ? _onlyTop(b[HEAD:], o.count) : _topOf(o, b[HEAD:entries], b[entries:]);
        if (OutcomeTree.outcomeRootOf(top, uint32(o.count), uint32(o.lowest)) != outcomeRoot) {
            revert IVerifier.BadWitness(Malformed.ROOT);
        }
    }

    /// @notice Reverts unless just `k` entries were opened.
    function require_(Opening memory o, uint256 k) internal pure {
        if (o.k != k) revert IVerifier.BadWitness(Malformed.ENTRIES);
    }

    /// @notice Index of the entry at a position of the list; reverts if it was not opened.
    function find(Opening memory o, uint256 position) internal pure returns (uint256 i) {
        while (i < o.k && o.positions[i] != position) ++i;
        if (i == o.k) revert IVerifier.BadWitness(Malformed.ENTRIES);
    }

    /// @dev Of no entry: the one sibling is the top, which is zero over an empty list.
    function _onlyTop(bytes calldata siblings, uint256 count) private pure returns (bytes32 top) {
        if (siblings.length != 32) revert IVerifier.BadWitness(Malformed.SIBLINGS);
        top = bytes32(siblings);
        if (count == 0 && top != 0) revert IVerifier.BadWitness(Malformed.ROOT);
    }

    /// @dev Takes the entries in and climbs from them to the top.
    function _topOf(Opening memory o, bytes calldata leaves, bytes calldata siblings)
        private
        view
        returns (bytes32 top)
    {
        uint256[4] memory places;
        bytes32[4] memory nodes;
        uint256 next; // the least position that may come
        for (uint256 i; i < o.k; ++i) {
            (uint256 place, bytes32 leaf) = _leaf(o, leaves[LEAF * i:], i);
            if (place < next || place >= o.count) revert IVerifier.BadWitness(Malformed.POSITIONS);
            next = place + 1;
            places[i] = place;
            nodes[i] = leaf;
        }
        uint256 taken;
        uint256 depth = o.count == 1 ? 0 : LibBit.fls(o.count - 1) + 1;
        (top, taken) = _climb(nodes, places, o.k, depth, siblings);
        // What stands beyond the last one is none, and where they end too early the bytes behind were taken for some.
        if (taken != siblings.length) revert IVerifier.BadWitness(Malformed.SIBLINGS);
    }

    /// @dev Takes one entry in: leaf = SHA-256(00 ‖ kind LIST ‖ entry).
    function _leaf(Opening memory o, bytes calldata b, uint256 i) private view returns (uint256 place, bytes32 leaf) {
        uint256 pair;
        uint256 used;
        bool ok;
        assembly ("memory-safe") {
            place := shr(224, calldataload(b.offset))
            pair := calldataload(add(b.offset, 4))
            used := shr(120, calldataload(add(b.offset, 36)))
            let buffer := mload(0x40)
            mstore(buffer, shl(240, 0x0003))
            calldatacopy(add(buffer, 2), add(b.offset, 4), 49)
            ok := staticcall(gas(), 2, buffer, 51, 0, 0x20)
            leaf := mload(0)
        }
        if (!ok) revert OutcomeTree.HashFailed();
        o.positions[i] = place;
        o.pairs[i] = pair;
        o.used[i] = used;
    }

    /// @dev Level by level from the leaves up; in each, by position, two known neighbours become their parent, and
    /// any other node does so with the next sibling. At most 4 nodes and 32 levels.
    function _climb(
        bytes32[4] memory nodes,
        uint256[4] memory places,
        uint256 k,
        uint256 depth,
        bytes calldata siblings
    ) private view returns (bytes32 top, uint256 taken) {
        bool ok = true;
        assembly ("memory-safe") {
            // node = SHA-256(01 ‖ left ‖ right), put together in a buffer of which `left` is the second byte
            let left := add(mload(0x40), 1)
            mstore8(sub(left, 1), 1)
            k := shl(5, k)
            for {} depth { depth := sub(depth, 1) } {
                let to := 0
                for { let i := 0 } lt(i, k) {} {
                    let place := mload(add(places, i))
                    mstore(add(left, shl(5, and(place, 1))), mload(add(nodes, i)))
                    i := add(i, 0x20)
                    switch and(lt(i, k), eq(mload(add(places, i)), xor(place, 1)))
                    case 0 {
                        calldatacopy(add(left, shl(5, iszero(and(place, 1)))), add(siblings.offset, taken), 0x20)
                        taken := add(taken, 0x20)
                    }
                    default {
                        mstore(add(left, 0x20), mload(add(nodes, i)))
                        i := add(i, 0x20)
                    }
                    ok := and(ok, staticcall(gas(), 2, sub(left, 1), 65, add(nodes, to), 0x20))
                    mstore(add(places, to), shr(1, place))
                    to := add(to, 0x20)
                }
                k := to
            }
            top := mload(nodes)
        }
        if (!ok) revert OutcomeTree.HashFailed();
    }
}
