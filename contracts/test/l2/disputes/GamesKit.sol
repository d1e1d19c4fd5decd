// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Accuser} from "./Accuser.sol";

/// @notice A market, a wrong outcome of its round, and those who challenge it.
abstract contract GamesKit is Accuser {
    uint64 internal constant N = 2;
    bytes32 internal constant SALT = keccak256("salt");
    address internal constant OTHER = address(0xC0B1);

    function setUp() public override {
        super.setUp();
        vm.warp(GENESIS + 10);
        _fillMarket(11, 4, 9);
        vm.deal(CHALLENGER, 10 ether);
        vm.deal(OTHER, 10 ether);
        vm.deal(address(this), 10 ether);
    }

    /// @dev An outcome with a wrong score in its first entry, and the witness of that.
    function _wrong() internal returns (Outcome memory wrong, bytes memory witness) {
        wrong = _right(N);
        Entry[] memory entries = _entries(wrong.list);
        entries[0].score += 1;
        wrong = _outcomeOf(wrong, entries);
        for (uint256 i; i < _count(wrong); ++i) {
            witness = _witness(2, wrong, _positions(i));
            (uint8 code,) = _judge(wrong, witness);
            if (code == 11) return (wrong, witness);
        }
        revert("no witness");
    }

    function _commitAs(address who, bytes memory header, bytes memory witness) internal {
        bytes32 c = court.commitmentOf(who, SALT, header, witness);
        vm.prank(who);
        court.commit{value: COMMIT_BOND}(N, c);
    }

    function _revealAs(address who, bytes memory header, bytes memory witness) internal {
        vm.prank(who);
        court.reveal(SALT, header, witness);
    }

    function _challengeAs(address who, bytes memory header, bytes memory witness) internal {
        vm.prank(who);
        court.challenge(header, witness);
    }

    /// @dev Every wei is somebody's: bonds of commitments that stand, of proposals, the pot, credits.
    function _assertSolvent(uint256 commitments, uint256 bonds) internal view {
        uint256 owed = court.pot() + court.creditOf(CHALLENGER) + court.creditOf(OTHER) + court.creditOf(PROPOSER);
        assertEq(address(court).balance, owed + COMMIT_BOND * commitments + bonds, "held and owed");
    }
}
