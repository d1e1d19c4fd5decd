// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IVerifier} from "../../../src/interfaces/IVerifier.sol";
import {Malformed} from "../../../src/lib/Malformed.sol";
import {Openings} from "../../../src/lib/Openings.sol";
import {DisputeKit} from "./DisputeKit.sol";

/// @notice Openings of one to four entries, and what is none.
contract OpeningsTest is DisputeKit {
    function setUp() public override {}

    function read(bytes calldata b, bytes32 root) external view returns (Openings.Opening memory) {
        return Openings.read(b, root);
    }

    function _randomList(uint256 count, uint256 seed) private pure returns (bytes memory list) {
        for (uint256 i; i < count; ++i) {
            list = bytes.concat(list, keccak256(abi.encode(seed, i)), bytes17(keccak256(abi.encode(i, seed))));
        }
    }

    /// @dev The positions that are set in a mask.
    function _fromMask(uint256 mask) private pure returns (uint32[] memory p) {
        uint256 k;
        for (uint256 m = mask; m != 0; m &= m - 1) {
            ++k;
        }
        p = new uint32[](k);
        k = 0;
        for (uint256 i; mask >> i != 0; ++i) {
            if (mask >> i & 1 == 1) p[k++] = uint32(i);
        }
    }

    function _checkRead(bytes memory list, uint32 lowest, uint32[] memory at_) private view {
        Openings.Opening memory o = this.read(_open(list, lowest, at_), _outcomeRoot(list, lowest));
        assertEq(o.count, list.length / 49, "count");
        assertEq(o.lowest, list.length == 0 ? type(uint32).max : lowest, "lowest");
        assertEq(o.k, at_.length, "k");
        for (uint256 i; i < at_.length; ++i) {
            assertEq(o.positions[i], at_[i], "position");
            assertEq(o.pairs[i], _get(list, 49 * at_[i], 32), "pair");
            assertEq(o.used[i], _get(list, 49 * at_[i] + 32, 17), "used");
        }
    }

    function test_everySetOfEntriesOfEverySmallListOpens() external view {
        for (uint256 count; count <= 9; ++count) {
            bytes memory list = _randomList(count, count);
            for (uint256 mask; mask < 1 << count; ++mask) {
                uint32[] memory at_ = _fromMask(mask);
                if (at_.length <= 4) _checkRead(list, count == 0 ? type(uint32).max : 0, at_);
            }
        }
    }

    function testFuzz_entriesOfLongerListsOpen(uint8 count_, uint256 mask, uint256 seed) external view {
        uint256 count = bound(count_, 10, 70);
        uint256 bits;
        for (uint256 i; i < 4; ++i) {
            bits |= 1 << (mask >> 8 * i) % count;
        }
        _checkRead(_randomList(count, seed), uint32(seed % count), _fromMask(bits));
    }

    /// @dev Calls `read` and returns whether it took the bytes; if not, it must have said so.
    function _takes(bytes memory b, bytes32 root) private view returns (bool) {
        (bool ok, bytes memory answer) = address(this).staticcall(abi.encodeCall(this.read, (b, root)));
        if (ok) return true;
        assertEq(bytes32(bytes4(answer)), bytes32(IVerifier.BadWitness.selector), "the bringer's fault");
        return false;
    }

    function testFuzz_noByteCanBeOtherwise(uint8 count_, uint256 mask, uint16 place, uint8 change) external view {
        uint256 count = bound(count_, 1, 20);
        bytes memory list = _randomList(count, mask);
        uint32[] memory at_ = _fromMask(1 << mask % count | 1 << (mask >> 8) % count);
        bytes memory b = _open(list, 0, at_);
        b[place % b.length] ^= bytes1(uint8(bound(change, 1, 255)));
        assertTrue(!_takes(b, _outcomeRoot(list, 0)), "changed");
    }

    function testFuzz_siblingsAreAllThereAndNoMore(uint8 count_, uint256 mask, uint8 cut, bytes32 more) external view {
        uint256 count = bound(count_, 1, 40);
        bytes memory list = _randomList(count, mask);
        bytes32 root = _outcomeRoot(list, 0);
        bytes memory b = _open(list, 0, _fromMask(1 << mask % count));
        assertTrue(!_takes(bytes.concat(b, more), root), "one sibling more");
        assertTrue(!_takes(bytes.concat(b, bytes1(more)), root), "one byte more");
        assertTrue(!_takes(_slice(b, 0, b.length - bound(cut, 1, b.length)), root), "less");
    }

    function testFuzz_anyBytesAreTakenOrRefused(bytes memory b, bytes32 root) external view {
        assertTrue(!_takes(b, root), "refused");
    }

    /// @dev Deep trees that nobody could build: 2^32 - 1 entries, all siblings made up.
    function testFuzz_theDeepestTree(uint32 a, uint32 b, bytes32 seed) external view {
        uint32 count = type(uint32).max;
        (uint32 low, uint32 high) = a < b ? (a, b) : (b, a);
        if (low == high || high == count) return;
        bytes memory opening =
            abi.encodePacked(count, uint32(0), uint8(2), low, seed, bytes17(seed), high, seed, bytes17(seed));
        bytes memory siblings;
        uint256 known = 2;
        (uint256 x, uint256 y) = (low, high);
        for (uint256 d; d < 32; ++d) {
            if (known == 2 && x ^ 1 == y) {
                known = 1;
            } else {
                for (uint256 i; i < known; ++i) {
                    siblings = bytes.concat(siblings, keccak256(abi.encode(seed, d, i)));
                }
            }
            (x, y) = (x / 2, y / 2);
        }
        bytes32 root = this.rootOf(bytes.concat(opening, siblings));
        assertTrue(_takes(bytes.concat(opening, siblings), root), "its own root");
        assertTrue(!_takes(bytes.concat(opening, siblings, seed), root), "a sibling more");
        assertTrue(!_takes(bytes.concat(opening, _slice(siblings, 32, siblings.length)), root), "a sibling less");
    }

    /// @dev Climbs with the plain rule of the format, for two entries.
    function rootOf(bytes calldata b) external pure returns (bytes32) {
        uint256[2] memory places = [uint256(uint32(bytes4(b[9:13]))), uint256(uint32(bytes4(b[62:66])))];
        bytes32[2] memory nodes;
        nodes[0] = sha256(abi.encodePacked(uint8(0), uint8(3), b[13:62]));
        nodes[1] = sha256(abi.encodePacked(uint8(0), uint8(3), b[66:115]));
        uint256 known = 2;
        uint256 from = 115;
        for (uint256 d; d < 32; ++d) {
            if (known == 2 && places[0] ^ 1 == places[1]) {
                nodes[0] = sha256(abi.encodePacked(uint8(1), nodes[0], nodes[1]));
                known = 1;
            } else {
                for (uint256 i; i < known; ++i) {
                    bytes32 sibling = bytes32(b[from:from + 32]);
                    from += 32;
                    nodes[i] = places[i] & 1 == 0
                        ? sha256(abi.encodePacked(uint8(1), nodes[i], sibling))
                        : sha256(abi.encodePacked(uint8(1), sibling, nodes[i]));
                }
            }
            (places[0], places[1]) = (places[0] / 2, places[1] / 2);
        }
        bytes32 list = sha256(abi.encodePacked(uint8(2), uint8(3), b[0:4], nodes[0]));
        return sha256(abi.encodePacked(bytes32("quorate/outcome/v1"), list, b[4:8]));
    }

    function test_anEmptyListHasAZeroTop() external view {
        bytes32 root = _outcomeRoot("", type(uint32).max);
        bytes memory b = abi.encodePacked(uint32(0), type(uint32).max, uint8(0), bytes32(0));
        assertTrue(_takes(b, root), "zero");
        bytes32 list = sha256(abi.encodePacked(uint8(2), uint8(3), uint32(0), bytes32(uint256(1))));
        bytes32 other = sha256(abi.encodePacked(bytes32("quorate/outcome/v1"), list, type(uint32).max));
        bytes memory filled = abi.encodePacked(uint32(0), type(uint32).max, uint8(0), bytes32(uint256(1)));
        assertTrue(!_takes(filled, other), "not zero");
    }

    function _expectMalformed(bytes memory b, bytes32 root, uint256 where) private {
        vm.expectRevert(abi.encodeWithSelector(IVerifier.BadWitness.selector, where));
        this.read(b, root);
    }

    function test_positionsAscend() external {
        bytes memory list = _randomList(4, 1);
        bytes32 root = _outcomeRoot(list, 0);
        bytes memory b = _open(list, 0, _positions(1, 2));
        bytes memory rest = _slice(b, 115, b.length);
        bytes memory swapped = bytes.concat(_slice(b, 0, 9), _slice(b, 62, 115), _slice(b, 9, 62), rest);
        _expectMalformed(swapped, root, Malformed.POSITIONS);
        bytes memory twice = bytes.concat(_slice(b, 0, 9), _slice(b, 9, 62), _slice(b, 9, 62), rest);
        _expectMalformed(twice, root, Malformed.POSITIONS);
    }

    function test_positionsLieInTheList() external {
        bytes memory list = _randomList(3, 1);
        bytes memory missing = bytes.concat(list, new bytes(49));
        bytes memory b = _open(missing, 0, _positions(3));
        b[3] = 0x03; // count
        _expectMalformed(b, _outcomeRoot(list, 0), Malformed.POSITIONS);
    }

    function test_fiveEntriesAreTooMany() external {
        bytes memory list = _randomList(8, 1);
        _expectMalformed(_open(list, 0, _fromMask(31)), _outcomeRoot(list, 0), Malformed.LENGTH);
    }
}
