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
        uint256 entries;
        unchecked {
            entries = HEAD + LEAF * o.k;
            if (o.k > MOST || b.length < entries || (b.length - entries) % 32 != 0) {
                revert IVerifier.BadWitness(Malformed.LENGTH);
            }
        }
        bytes32 top = o.k == 0 ? _onlyTop(b[HEAD:], o.count) : _topOf(o, b[HEAD:], b[entries:]);
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
        uint256[8] memory nodes; // place, hash; place, hash; ...
        uint256 next; // the least position that may come
        unchecked {
            for (uint256 i; i < o.k; ++i) {
                uint256 place = _leaf(o, leaves, i, nodes);
                if (place < next || place >= o.count) revert IVerifier.BadWitness(Malformed.POSITIONS);
                next = place + 1;
            }
            uint256 depth = o.count == 1 ? 0 : LibBit.fls(o.count - 1) + 1;
            uint256 start;
            uint256 end;
            assembly ("memory-safe") {
                start := siblings.offset
            }
            (top, end) = _climb(nodes, o.k, depth, start);
            // Behind the last one stood something, or where they end too early what stands there was taken for some.
            if (end - start != siblings.length) revert IVerifier.BadWitness(Malformed.SIBLINGS);
        }
    }

    /// @dev Takes entry `i` in: leaf = SHA-256(00 ‖ kind LIST ‖ entry).
    function _leaf(Opening memory o, bytes calldata leaves, uint256 i, uint256[8] memory nodes)
        private
        view
        returns (uint256 place)
    {
        bool ok;
        assembly ("memory-safe") {
            let source := add(leaves.offset, mul(i, LEAF))
            let slot := shl(5, i)
            place := shr(224, calldataload(source))
            mstore(add(mload(add(o, 0x60)), slot), place)
            source := add(source, 4)
            mstore(add(mload(add(o, 0x80)), slot), calldataload(source))
            mstore(add(mload(add(o, 0xa0)), slot), shr(120, calldataload(add(source, 0x20))))
            let buffer := mload(0x40)
            mstore(buffer, shl(240, 0x0003))
            calldatacopy(add(buffer, 2), source, 49)
            let node := add(nodes, shl(1, slot))
            mstore(node, place)
            ok := staticcall(gas(), 2, buffer, 51, add(node, 0x20), 0x20)
        }
        if (!ok) revert OutcomeTree.HashFailed();
    }

    /// @dev From the leaves up to the top. As long as no two known nodes are neighbours each level takes one sibling for
    /// each node, so that a node's siblings stand `k` apart and it climbs alone; then a level is done in which some are.
    /// @param sibling where the siblings begin in the calldata; `end` is where they end
    function _climb(uint256[8] memory nodes, uint256 k, uint256 depth, uint256 sibling)
        private
        view
        returns (bytes32 top, uint256 end)
    {
        end = sibling;
        unchecked {
            while (depth != 0) {
                uint256 alone = _levelsAlone(nodes, k);
                if (alone > depth) alone = depth;
                for (uint256 i; i < k; ++i) {
                    _climbAlone(nodes, i, alone, end + 32 * i, 32 * k);
                }
                end += 32 * k * alone;
                depth -= alone;
                if (depth == 0) break;
                (k, end) = _meet(nodes, k, end);
                --depth;
            }
        }
        top = bytes32(nodes[1]);
    }

    /// @dev For how many levels no two nodes are neighbours.
    function _levelsAlone(uint256[8] memory nodes, uint256 k) private pure returns (uint256) {
        if (k == 1) return 256;
        uint256 least = type(uint256).max;
        unchecked {
            for (uint256 i = 1; i < k; ++i) {
                // Neighbours differ in the last bit alone: what counts is the highest bit that differs.
                uint256 apart = nodes[2 * i - 2] ^ nodes[2 * i];
                if (apart < least) least = apart;
            }
        }
        return LibBit.fls(least);
    }

    /// @dev Climbs from node `i` by `levels`, with a sibling each, the first at `sibling` and the next ones `stride` on.
    function _climbAlone(uint256[8] memory nodes, uint256 i, uint256 levels, uint256 sibling, uint256 stride)
        private
        view
    {
        bool ok = true;
        assembly ("memory-safe") {
            // node = SHA-256(01 ‖ left ‖ right), put together in a buffer of 65 bytes. `own` is the half that the node
            // known so far stands in, and each hash is written where the next one wants it; the sibling takes the other
            // half. SHA-256 fails only for want of gas, and then the 64th that is left is less than another one takes: the
            // last answer stands for all.
            let buffer := mload(0x40)
            mstore8(buffer, 1)
            let left := add(buffer, 1)
            let halves := add(left, add(left, 0x20)) // of which the sibling's is what `own` is not
            let node := add(nodes, shl(6, i))
            let bits := shl(5, mload(node)) // of the place: bit 5 says which half is the node's own
            let own := add(left, and(bits, 0x20))
            mstore(own, mload(add(node, 0x20)))
            let end := add(sibling, mul(levels, stride))

            // Level by level until what is left is a multiple of four, then four a turn: turns are half of the work.
            for { let four := add(sibling, mul(and(levels, 3), stride)) } lt(sibling, four) {
                sibling := add(sibling, stride)
            } {
                calldatacopy(sub(halves, own), sibling, 0x20)
                bits := shr(1, bits)
                own := add(left, and(bits, 0x20))
                ok := staticcall(gas(), 2, buffer, 65, own, 0x20)
            }
            for {} lt(sibling, end) { sibling := add(sibling, stride) } {
                calldatacopy(sub(halves, own), sibling, 0x20)
                own := add(left, and(shr(1, bits), 0x20))
                ok := staticcall(gas(), 2, buffer, 65, own, 0x20)

                sibling := add(sibling, stride)
                calldatacopy(sub(halves, own), sibling, 0x20)
                own := add(left, and(shr(2, bits), 0x20))
                ok := staticcall(gas(), 2, buffer, 65, own, 0x20)

                sibling := add(sibling, stride)
                calldatacopy(sub(halves, own), sibling, 0x20)
                own := add(left, and(shr(3, bits), 0x20))
                ok := staticcall(gas(), 2, buffer, 65, own, 0x20)

                sibling := add(sibling, stride)
                calldatacopy(sub(halves, own), sibling, 0x20)
                bits := shr(4, bits)
                own := add(left, and(bits, 0x20))
                ok := staticcall(gas(), 2, buffer, 65, own, 0x20)
            }
            mstore(node, shr(5, bits))
            mstore(add(node, 0x20), mload(own))
        }
        if (!ok) revert OutcomeTree.HashFailed();
    }

    /// @dev One level, by position: two known neighbours become their parent, any other node does so with the next
    /// sibling. Nodes are overwritten from the first on by those of the level above; returns how many those are.
    function _meet(uint256[8] memory nodes, uint256 k, uint256 sibling)
        private
        view
        returns (uint256 above, uint256 next)
    {
        bool ok = true;
        assembly ("memory-safe") {
            let left := add(mload(0x40), 1)
            mstore8(sub(left, 1), 1)
            let end := add(nodes, shl(6, k))
            let to := nodes
            for { let from := nodes } lt(from, end) {} {
                let place := mload(from)
                let side := shl(5, and(place, 1))
                mstore(add(left, side), mload(add(from, 0x20)))
                from := add(from, 0x40)
                switch and(lt(from, end), eq(mload(from), xor(place, 1)))
                case 0 {
                    calldatacopy(add(left, xor(side, 0x20)), sibling, 0x20)
                    sibling := add(sibling, 0x20)
                }
                default {
                    mstore(add(left, 0x20), mload(add(from, 0x20)))
                    from := add(from, 0x40)
                }
                mstore(to, shr(1, place))
                ok := and(ok, staticcall(gas(), 2, sub(left, 1), 65, add(to, 0x20), 0x20))
                to := add(to, 0x40)
            }
            above := shr(6, sub(to, nodes))
        }
        if (!ok) revert OutcomeTree.HashFailed();
        next = sibling;
    }
}
