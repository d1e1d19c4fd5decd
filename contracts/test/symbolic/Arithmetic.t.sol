// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Capacity} from "../../src/lib/Capacity.sol";
import {Entries} from "../../src/lib/Entries.sol";
import {RoundState} from "../../src/lib/RoundState.sol";
import {IRounds} from "../../src/interfaces/IRounds.sol";

/// @notice Symbolic checks of sums, order and state, for halmos: `run.py` beside this file says how to run them.
contract CheckArithmetic {
    using Entries for uint256;
    using RoundState for uint256;

    function _component(uint256 packed, uint256 i) private pure returns (uint256) {
        return i == 0 ? packed >> 128 & 0xff : packed >> (128 - 32 * i) & 0xffffffff;
    }

    /// @dev `fits` is "at most" in every component, also for the sum of two vectors.
    function check_sumsFitWhenEveryComponentDoes(uint136 a, uint136 b, uint136 room) external pure {
        bool expected = true;
        for (uint256 i; i < 5; ++i) {
            if (_component(a, i) + _component(b, i) > _component(room, i)) expected = false;
        }
        assert(Capacity.fits(Capacity.spread(a) + Capacity.spread(b), Capacity.spread(room)) == expected);
    }

    /// @dev Two spread vectors and a third: equal when the sum is right in every component.
    function check_sumsAreEqualWhenEveryComponentIs(uint136 a, uint136 b, uint136 claimed) external pure {
        bool expected = true;
        for (uint256 i; i < 5; ++i) {
            if (_component(a, i) + _component(b, i) != _component(claimed, i)) expected = false;
        }
        assert((Capacity.spread(a) + Capacity.spread(b) == Capacity.spread(claimed)) == expected);
    }

    /// @dev What is free is each component's difference, not below zero.
    function check_freeIsTheDifferenceOrNothing(uint136 capacity, uint136 used) external pure {
        uint256 free = Capacity.minus(Capacity.spread(capacity), Capacity.spread(used));
        for (uint256 i; i < 5; ++i) {
            (uint256 c, uint256 u) = (_component(capacity, i), _component(used, i));
            assert(free >> (192 - 48 * i) & 0xffffffffffff == (c > u ? c - u : 0));
        }
    }

    /// @dev The rank orders pairs as section 6 says: score, tie, request, offer.
    function check_theRankIsTheOrderOfPairs(uint256 a, uint256 b) external pure {
        bool above = a.score() > b.score();
        if (a.score() == b.score()) {
            above = a.tie() > b.tie();
            if (a.tie() == b.tie()) {
                above = a.request() > b.request() || (a.request() == b.request() && a.offer() > b.offer());
            }
        }
        assert((a.rank() > b.rank()) == above);
        assert((a.rank() == b.rank()) == (a == b));
    }

    /// @dev The order of the list is total, and strict.
    function check_theOrderOfTheListIsTotal(uint256 a, uint256 b) external pure {
        assert(!(a.isBefore(b) && b.isBefore(a)));
        assert(a == b || a.isBefore(b) || b.isBefore(a));
    }

    /// @dev A refutation is read from the slot as it was written, and leaves the rest of the state alone.
    function check_aRefutationIsReadAsItWasWritten(uint256 slot, uint8 code, uint32 position, uint40 time)
        external
        pure
    {
        uint256 after_ = slot.refuted(code, position, time);
        (uint8 c, uint32 p, uint64 t) = after_.refutation();
        assert(c == code && p == position && t == time);
        assert(uint8(after_ >> 40) == uint8(IRounds.Status.Refuted));
        assert(after_ >> 48 & (1 << 144) - 1 == slot >> 48 & (1 << 144) - 1);
    }
}
