// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IRounds} from "../../../src/interfaces/IRounds.sol";
import {OutcomeTree} from "../../../src/lib/OutcomeTree.sol";
import {DisputeKit} from "./DisputeKit.sol";

/// @notice A list has one root: what stands for missing leaves cannot be chosen.
contract PaddingTest is DisputeKit {
    function setUp() public override {}

    function check(bytes32 root, IRounds.Chunk calldata c) external view {
        OutcomeTree.check(root, c);
    }

    /// @dev The root that a chunk leads to, by the plain rule.
    function _rootOf(IRounds.Chunk memory c) private pure returns (bytes32) {
        bytes32[][] memory levels = _levels(c.entries);
        bytes32 top = levels[levels.length - 1][0];
        for (uint256 d = levels.length - 1; d < 8; ++d) {
            top = sha256(abi.encodePacked(uint8(1), top, _empty(d)));
        }
        for (uint256 i; i < c.proof.length; ++i) {
            top = c.index >> i & 1 == 0
                ? sha256(abi.encodePacked(uint8(1), top, c.proof[i]))
                : sha256(abi.encodePacked(uint8(1), c.proof[i], top));
        }
        bytes32 list = sha256(abi.encodePacked(uint8(2), uint8(3), c.count, top));
        return sha256(abi.encodePacked(bytes32("quorate/outcome/v1"), list, c.lowest));
    }

    function _empty(uint256 depth) private pure returns (bytes32 top) {
        for (uint256 d; d < depth; ++d) {
            top = sha256(abi.encodePacked(uint8(1), top, top));
        }
    }

    /// @dev The last chunk of a list of `chunks` chunks, with siblings of noise where the list has leaves.
    function _last(uint256 chunks, bytes32 seed) private pure returns (IRounds.Chunk memory c) {
        uint256 depth;
        while (1 << depth < chunks) ++depth;
        c.entries = new bytes(49);
        c.count = uint32(256 * (chunks - 1) + 1);
        c.index = uint32(chunks - 1);
        c.proof = new bytes32[](depth);
        for (uint256 i; i < depth; ++i) {
            c.proof[i] = c.index >> i & 1 == 0 ? _empty(8 + i) : sha256(abi.encode(seed, i));
        }
    }

    function testFuzz_missingLeavesAreZero(uint16 chunks_, bytes32 seed, uint8 which) external {
        IRounds.Chunk memory c = _last(bound(chunks_, 2, 65_536), seed);
        this.check(_rootOf(c), c);
        uint256 level = which % c.proof.length;
        bool missing = c.index >> level & 1 == 0;
        c.proof[level] = seed;
        bytes32 root = _rootOf(c);
        if (missing) vm.expectRevert(abi.encodeWithSelector(OutcomeTree.FilledLeaf.selector, level));
        this.check(root, c);
    }

    /// @dev A chunk in the middle may have siblings of both sorts: only those beyond the list are fixed.
    function testFuzz_onlySiblingsBeyondTheListAreFixed(uint16 chunks_, uint16 index, bytes32 seed) external view {
        uint256 chunks = bound(chunks_, 3, 60_000);
        IRounds.Chunk memory c = _last(chunks, seed);
        c.index = uint32(index % (chunks - 1));
        c.entries = new bytes(49 * 256);
        for (uint256 i; i < c.proof.length; ++i) {
            uint256 sibling = uint256(c.index) >> i ^ 1;
            c.proof[i] = sibling << i < chunks ? sha256(abi.encode(seed, i)) : _empty(8 + i);
        }
        this.check(_rootOf(c), c);
    }
}
