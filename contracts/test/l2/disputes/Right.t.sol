// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IRounds} from "../../../src/interfaces/IRounds.sol";
import {Accuser} from "./Accuser.sol";

/// @notice Nothing that a right outcome's list can be made to show is a fault.
abstract contract RightOutcomes is Accuser {
    uint64 private constant N = 2;

    function testFuzz_noWitnessRefutesARightOutcome(uint256 seed) external {
        vm.warp(GENESIS + 10);
        _fillMarket(seed, 4, 8);
        Outcome memory right = _right(N);
        bytes memory header = _settleAndPost(right);
        assertTrue(_statusOf(N) == IRounds.Status.Settled, "settled");
        uint256 count = _count(right);
        for (uint256 i; i < count; ++i) {
            _stands(header, _witness(2, right, _positions(i)));
            if (i == 0) _stands(header, _witness(3, right, _positions(0)));
            else _stands(header, _witness(3, right, _positions(i - 1, i)));
            for (uint256 j = i + 1; j < count; ++j) {
                _stands(header, _witness(4, right, _positions(i, j)));
                if (i == right.lowest || j == right.lowest) _stands(header, _witness(5, right, _positions(i, j)));
            }
        }
        _stands(header, _witness(5, right, new uint32[](0)));
        for (uint64 r; r <= market.requestCount() + 1; ++r) {
            for (uint64 o; o <= market.offerCount() + 1; ++o) {
                _stands(header, _blocking(right, r, o));
            }
        }
    }

    function _stands(bytes memory header, bytes memory witness) private view {
        (uint8 code, uint32 position) = verifier.judge(header, witness);
        assertEq(code, 0, "no fault");
        assertEq(position, 0, "no position");
    }
}

/// @notice Without a limit of matches.
/// forge-config: default.fuzz.runs = 12
contract RightTest is RightOutcomes {}

/// @notice With a limit that most rounds reach.
/// forge-config: default.fuzz.runs = 12
contract RightCutTest is RightOutcomes {
    function setUp() public override {
        maxMatches = 3;
        super.setUp();
    }

    /// @dev A list that goes on behind the limit, and one that stops before a pair which it should hold.
    function testFuzz_aListCutInTheWrongPlace(uint256 seed) external {
        vm.warp(GENESIS + 10);
        _fillMarket(seed, 4, 8);
        Outcome memory right = _right(2);
        vm.assume(_count(right) == 3);
        maxMatches = 4;
        Outcome memory longer = _right(2);
        maxMatches = 3;
        vm.assume(_count(longer) == 4);
        assertTrue(_shows(longer, 5, 13), "too long");

        Entry[] memory entries = _entries(longer.list);
        uint256 first;
        for (uint256 i; i < 4; ++i) {
            if (_rankAt(longer.list, i) > _rankAt(longer.list, first)) first = i;
        }
        Outcome memory wrong = _outcomeOf(right, _without(entries, first));
        bytes memory header = _settleAndPost(wrong);
        assertTrue(_statusOf(2) == IRounds.Status.Settled, "posted in full");
        assertTrue(_someBlocks(wrong, header), "a pair blocks");
    }
}
