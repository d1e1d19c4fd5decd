// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {Traces} from "./Traces.sol";

/// @title A list of ids that come and go, and what it was at any time.
/// @dev Who comes goes last, and the last takes the place of who leaves: so both cost the same however long the list is,
/// and one of its ids can be drawn by lot without a gap. Each place remembers who stood there since when; a place at or
/// above the size of a time was empty then, whatever it remembers.
library Roster {
    using Checkpoints for Checkpoints.Trace208;
    using Traces for Checkpoints.Trace208;

    struct List {
        Checkpoints.Trace208 size;
        mapping(uint256 place => Checkpoints.Trace208) ids;
        mapping(uint64 id => uint256) follows; // its place + 1, 0 if it is not in the list
    }

    /// @notice Puts `id` into the list, or takes it out. Nothing happens where nothing changes.
    function put(List storage list, uint64 id, bool isIn) internal {
        uint256 next = list.follows[id];
        if ((next != 0) == isIn) return;
        if (isIn) _add(list, id);
        else _remove(list, id, next - 1);
    }

    /// @notice Whether `id` is in the list.
    function has(List storage list, uint64 id) internal view returns (bool) {
        return list.follows[id] != 0;
    }

    /// @notice How many were in the list at the end of second `time`.
    function sizeAt(List storage list, uint64 time) internal view returns (uint64) {
        return uint64(list.size.valueAt(time));
    }

    /// @notice Who stood at a place at the end of second `time`; 0 if nobody did.
    function idAt(List storage list, uint64 time, uint64 place) internal view returns (uint64 id) {
        return place < list.size.valueAt(time) ? uint64(list.ids[place].valueAt(time)) : 0;
    }

    function _add(List storage list, uint64 id) private {
        uint208 size = list.size.latest();
        _stand(list, size, id);
        list.size.push(uint48(block.timestamp), size + 1);
    }

    function _remove(List storage list, uint64 id, uint256 place) private {
        uint208 last = list.size.latest() - 1;
        if (place != last) _stand(list, place, uint64(list.ids[last].latest()));
        list.size.push(uint48(block.timestamp), last);
        delete list.follows[id];
    }

    function _stand(List storage list, uint256 place, uint64 id) private {
        list.ids[place].push(uint48(block.timestamp), id);
        list.follows[id] = place + 1;
    }
}
