// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Roster} from "../../src/lib/Roster.sol";
import {Base} from "../Base.t.sol";

/// @notice The list of what comes and goes, against a record of every second.
contract RosterTest is Base {
    using Roster for Roster.List;

    uint256 private constant SECONDS = 40;
    uint64 private constant IDS = 6;

    Roster.List private _list;
    /// @dev Who was in at the end of each second.
    bool[IDS + 1][SECONDS] private _in;

    function _check(uint64 time) private view {
        bool[IDS + 1] memory seen;
        uint64 size = _list.sizeAt(time);
        for (uint64 place; place < size; ++place) {
            uint64 id = _list.idAt(time, place);
            assertTrue(id != 0 && id <= IDS, "an id at each place");
            assertTrue(!seen[id], "each once");
            seen[id] = true;
        }
        assertEq(_list.idAt(time, size), 0, "nobody behind the last");
        for (uint64 id = 1; id <= IDS; ++id) {
            assertTrue(seen[id] == _in[time][id], "those who were in");
        }
    }

    /// @dev Several changes in a second, and seconds without any; every second is asked for after all of them.
    function testFuzz_theListOfEverySecondIsKept(uint256 seed) external {
        for (uint64 time; time < SECONDS; ++time) {
            vm.warp(time);
            if (time != 0) _in[time] = _in[time - 1];
            seed = uint256(keccak256(abi.encode(seed)));
            for (uint256 k; k < seed % 4; ++k) {
                uint64 id = uint64(seed >> 8 * (2 * k + 1)) % IDS + 1;
                bool isIn = seed >> 8 * (2 * k + 2) & 1 == 1;
                _list.put(id, isIn);
                _in[time][id] = isIn;
            }
        }
        for (uint64 time; time < SECONDS; ++time) {
            _check(time);
        }
    }

    function test_theLastTakesThePlaceOfWhoLeaves() external {
        vm.warp(10);
        for (uint64 id = 1; id <= 4; ++id) {
            _list.put(id, true);
        }
        vm.warp(11);
        _list.put(2, false);
        assertEq(_list.sizeAt(11), 3, "size");
        assertEq(_list.idAt(11, 0), 1, "first");
        assertEq(_list.idAt(11, 1), 4, "second");
        assertEq(_list.idAt(11, 2), 3, "third");
        assertEq(_list.idAt(10, 1), 2, "before");
        assertEq(_list.sizeAt(9), 0, "before all");
    }
}
