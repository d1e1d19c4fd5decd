// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IRounds} from "../../src/interfaces/IRounds.sol";
import {OutcomeTree} from "../../src/lib/OutcomeTree.sol";
import {Kit} from "./Kit.sol";
import {vm2} from "./Vm2.sol";

/// @notice The library's tree against the plain one of the kit.
contract OutcomeTreeTest is Kit {
    function setUp() public override {}

    function check(bytes32 root, IRounds.Chunk calldata c) external view {
        OutcomeTree.check(root, c);
    }

    /// @dev `count` entries of noise: the tree does not read them.
    function _noise(uint256 count) private pure returns (bytes memory list) {
        list = new bytes(49 * count);
        for (uint256 i; i < count; ++i) {
            bytes32 a = keccak256(abi.encode("noise", i));
            bytes32 b = keccak256(abi.encode("more", i));
            assembly ("memory-safe") {
                let at_ := add(add(list, 0x20), mul(49, i))
                mstore(at_, a)
                mstore(add(at_, 17), b)
            }
        }
    }

    function _acceptsAllChunks(uint256 count, uint32 lowest) private view {
        bytes memory list = _noise(count);
        bytes32 root = _outcomeRoot(list, lowest);
        for (uint32 i; i < OutcomeTree.chunksOf(count); ++i) {
            IRounds.Chunk memory c = _chunk(0, list, i);
            if (count != 0) c.lowest = lowest;
            this.check(root, c);
        }
    }

    function test_acceptsTheChunksOfEverySize() external view {
        uint16[12] memory counts = [uint16(0), 1, 2, 3, 7, 8, 255, 256, 257, 511, 513, 1025];
        for (uint256 i; i < counts.length; ++i) {
            _acceptsAllChunks(counts[i], counts[i] == 0 ? 0 : counts[i] - 1);
        }
    }

    function testFuzz_acceptsTheChunksOfAnySize(uint16 count, uint32 lowest) external view {
        count = uint16(bound(count, 1, 300));
        _acceptsAllChunks(count, uint32(bound(lowest, 0, count - 1)));
    }

    /// @dev Any changed byte of the entries gives another root.
    function testFuzz_refusesAnAlteredEntry(uint16 place, uint8 change) external {
        bytes memory list = _noise(300);
        bytes32 root = _outcomeRoot(list, 0);
        IRounds.Chunk memory c = _chunk(0, list, 1);
        place = uint16(bound(place, 0, c.entries.length - 1));
        c.entries[place] ^= bytes1(uint8(bound(change, 1, 255)));
        vm2.expectPartialRevert(OutcomeTree.WrongRoot.selector);
        this.check(root, c);
    }

    function test_refusesAChunkAtAnotherPlace() external {
        bytes memory list = _noise(600);
        IRounds.Chunk memory c = _chunk(0, list, 1);
        c.index = 0;
        bytes32 root = _outcomeRoot(list, 0);
        vm2.expectPartialRevert(OutcomeTree.WrongRoot.selector);
        this.check(root, c);
    }

    function test_refusesAnAlteredProof() external {
        bytes memory list = _noise(600);
        IRounds.Chunk memory c = _chunk(0, list, 1);
        c.proof[1] ^= bytes32(uint256(1));
        bytes32 root = _outcomeRoot(list, 0);
        vm2.expectPartialRevert(OutcomeTree.WrongRoot.selector);
        this.check(root, c);
    }

    function test_refusesAnotherLowest() external {
        bytes memory list = _noise(5);
        IRounds.Chunk memory c = _chunk(0, list, 0);
        c.lowest = 1;
        bytes32 root = _outcomeRoot(list, 0);
        vm2.expectPartialRevert(OutcomeTree.WrongRoot.selector);
        this.check(root, c);
    }

    function test_refusesAnotherCountOfTheSameDepth() external {
        bytes memory list = _noise(600);
        IRounds.Chunk memory c = _chunk(0, list, 0);
        c.count = 601;
        bytes32 root = _outcomeRoot(list, 0);
        vm2.expectPartialRevert(OutcomeTree.WrongRoot.selector);
        this.check(root, c);
    }

    function test_refusesAPositionBeyondTheList() external {
        bytes memory list = _noise(5);
        IRounds.Chunk memory c = _chunk(0, list, 0);
        c.lowest = 5;
        bytes32 root = _outcomeRoot(list, 5);
        vm.expectRevert(abi.encodeWithSelector(OutcomeTree.NoSuchPosition.selector, 5, 5));
        this.check(root, c);
    }

    function test_refusesALowestInAnEmptyList() external {
        IRounds.Chunk memory c = _chunk(0, "", 0);
        c.lowest = 0;
        bytes32 root = _outcomeRoot("", 0);
        vm.expectRevert(abi.encodeWithSelector(OutcomeTree.NoSuchPosition.selector, 0, 0));
        this.check(root, c);
    }

    function test_refusesEntriesOfAnotherLength() external {
        bytes memory list = _noise(5);
        IRounds.Chunk memory c = _chunk(0, list, 0);
        c.entries = _noise(4);
        bytes32 root = _outcomeRoot(list, 0);
        vm.expectRevert(abi.encodeWithSelector(OutcomeTree.WrongLength.selector, 196, 245));
        this.check(root, c);
    }

    function test_refusesAProofOfAnotherLength() external {
        bytes memory list = _noise(5);
        IRounds.Chunk memory c = _chunk(0, list, 0);
        c.proof = new bytes32[](1);
        bytes32 root = _outcomeRoot(list, 0);
        vm.expectRevert(abi.encodeWithSelector(OutcomeTree.WrongProofLength.selector, 1, 0));
        this.check(root, c);
    }

    function test_refusesAChunkBeyondTheList() external {
        bytes memory list = _noise(5);
        IRounds.Chunk memory c = _chunk(0, list, 0);
        c.index = 1;
        bytes32 root = _outcomeRoot(list, 0);
        vm.expectRevert(abi.encodeWithSelector(OutcomeTree.NoSuchChunk.selector, 1, 1));
        this.check(root, c);
    }

    function test_refusesAListTooLongToPost() external {
        IRounds.Chunk memory c = _chunk(0, _noise(5), 0);
        c.count = (1 << 24) + 1;
        vm.expectRevert(abi.encodeWithSelector(OutcomeTree.TooManyEntries.selector, c.count));
        this.check(0, c);
    }
}
