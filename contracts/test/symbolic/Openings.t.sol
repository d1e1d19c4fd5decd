// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Openings} from "../../src/lib/Openings.sol";

/// @notice Symbolic checks of openings, for halmos: `run.py` beside this file says how to run them. They hold for any
/// hash without collisions in the place of SHA-256.
contract CheckOpenings {
    function read(bytes calldata b, bytes32 root) external view returns (Openings.Opening memory) {
        return Openings.read(b, root);
    }

    /// @dev The root of a list of three entries, by the plain rule.
    function _root(bytes32[4] memory leaves, uint32 count, uint32 lowest) private pure returns (bytes32) {
        bytes32 left = sha256(abi.encodePacked(uint8(1), leaves[0], leaves[1]));
        bytes32 right = sha256(abi.encodePacked(uint8(1), leaves[2], leaves[3]));
        bytes32 top = sha256(abi.encodePacked(uint8(1), left, right));
        bytes32 list = sha256(abi.encodePacked(uint8(2), uint8(3), count, top));
        return sha256(abi.encodePacked(bytes32("quorate/outcome/v1"), list, lowest));
    }

    function _leaf(bytes32 pair, bytes17 used) private pure returns (bytes32) {
        return sha256(abi.encodePacked(uint8(0), uint8(3), pair, used));
    }

    function _leaves(bytes32[4] memory pairs, bytes17[4] memory used) private pure returns (bytes32[4] memory leaves) {
        for (uint256 i; i < 4; ++i) {
            leaves[i] = _leaf(pairs[i], used[i]);
        }
    }

    /// @dev An opening of one entry of a list of four that is accepted shows the entry that stands there. Every place
    /// in turn, and the first that the list does not have.
    function check_anOpenedEntryIsTheOneThatStandsThere(
        bytes32[4] memory pairs,
        bytes17[4] memory used,
        uint32 lowest,
        bytes32 pair,
        bytes17 shown,
        bytes32 a,
        bytes32 b,
        uint8 which
    ) external view {
        bytes32 root = _root(_leaves(pairs, used), 4, lowest);
        for (uint32 p; p < 5; ++p) {
            if (which != p) continue; // one branch a place, and in it the place is a number
            try this.read(abi.encodePacked(uint32(4), lowest, uint8(1), p, pair, shown, a, b), root) returns (
                Openings.Opening memory o
            ) {
                assert(p < 4 && pairs[p] == pair && used[p] == shown);
                assert(o.pairs[0] == uint256(pair) && o.used[0] == uint256(uint136(shown)));
            } catch {}
        }
    }

    /// @dev Two entries at once, in all pairs of places: both are those that stand there. Neighbours lack one hash, two
    /// entries of different halves lack two, and no other number is taken.
    function check_twoOpenedEntriesAreThoseThatStandThere(
        bytes32[4] memory pairs,
        bytes17[4] memory used,
        bytes32[2] memory shown,
        bytes17[2] memory sums,
        bytes32 a,
        bytes32 b,
        uint8 which
    ) external view {
        bytes32 root = _root(_leaves(pairs, used), 4, 1);
        for (uint32 p; p < 4; ++p) {
            for (uint32 q; q < 4; ++q) {
                if (which != 4 * p + q) continue;
                bytes memory opening = abi.encodePacked(uint32(4), uint32(1), uint8(2), p, shown[0], sums[0]);
                opening = abi.encodePacked(opening, q, shown[1], sums[1], a);
                _checkTwo(pairs, used, opening, root, p, q, false);
                _checkTwo(pairs, used, abi.encodePacked(opening, b), root, p, q, true);
            }
        }
    }

    function _checkTwo(
        bytes32[4] memory pairs,
        bytes17[4] memory used,
        bytes memory opening,
        bytes32 root,
        uint32 p,
        uint32 q,
        bool two
    ) private view {
        try this.read(opening, root) returns (Openings.Opening memory o) {
            assert(p < q && two == (p / 2 != q / 2));
            assert(o.pairs[0] == uint256(pairs[p]) && o.used[0] == uint256(uint136(used[p])));
            assert(o.pairs[1] == uint256(pairs[q]) && o.used[1] == uint256(uint136(used[q])));
        } catch {}
    }

    /// @dev Count and lowest are those of the root.
    function check_countAndLowestAreTheRoots(
        uint32 count,
        uint32 lowest,
        bytes32 top,
        uint32 count_,
        uint32 lowest_,
        bytes32 top_
    ) external view {
        bytes32 list = sha256(abi.encodePacked(uint8(2), uint8(3), count, top));
        bytes32 root = sha256(abi.encodePacked(bytes32("quorate/outcome/v1"), list, lowest));
        bytes memory opening = abi.encodePacked(count_, lowest_, uint8(0), top_);
        try this.read(opening, root) returns (Openings.Opening memory) {
            assert(count == count_ && lowest == lowest_ && top == top_);
        } catch {}
    }
}
