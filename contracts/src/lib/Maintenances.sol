// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title A machine's maintenances, one after the other, and how much of any time they take.
/// @dev Each entry keeps the seconds of all before it, so that the seconds of any interval are found by two binary
/// searches, however many maintenances there are: money waits for that number, and nobody may make it dear. Only the
/// last entry ever changes, so no sum goes stale.
library Maintenances {
    /// @notice [from, until) was announced at `announced`. A cancelled one is empty: `from` equals `until`.
    struct Entry {
        uint40 announced;
        uint40 from;
        uint40 until;
        uint64 sum; // seconds of the entries before
    }

    /// @notice The interval is empty or does not follow the one before.
    error BadInterval(uint64 from, uint64 until, uint64 least);
    /// @notice The last one is over, or ended already, or there is none.
    error NothingToEnd();

    /// @notice Adds one behind the last. `until` fits 40 bits: the caller has bounded it.
    function push(Entry[] storage list, uint64 from, uint64 until) internal returns (uint32 index) {
        (uint40 least, uint64 sum) = _tail(list, list.length);
        if (from < least || from >= until) revert BadInterval(from, until, least);
        list.push(Entry(uint40(block.timestamp), uint40(from), uint40(until), sum));
        return uint32(list.length - 1);
    }

    /// @notice Ends the last one now, or empties it if it has not begun.
    /// @dev An emptied one is put where the one before ends: the next may begin from there on, and the order stays.
    function endLast(Entry[] storage list) internal returns (uint32 index, uint64 until) {
        if (list.length == 0) revert NothingToEnd();
        index = uint32(list.length - 1);
        Entry storage e = list[index];
        (uint40 from, uint40 now_) = (e.from, uint40(block.timestamp));
        if (from == e.until || e.until <= now_) revert NothingToEnd();
        if (now_ > from) {
            e.until = now_;
            return (index, now_);
        }
        (uint40 least,) = _tail(list, index);
        (e.from, e.until) = (least, least);
        return (index, from);
    }

    /// @notice Seconds before `t` in maintenance.
    function secondsBefore(Entry[] storage list, uint64 t) internal view returns (uint64) {
        uint256 count = _countFrom(list, t);
        if (count == 0) return 0;
        Entry memory e = list[count - 1];
        return e.sum + (t < e.until ? t : e.until) - e.from;
    }

    /// @notice Whether `t`, which is not the end of time, lies in one.
    function isDuring(Entry[] storage list, uint64 t) internal view returns (bool) {
        uint256 count = _countFrom(list, t + 1);
        return count != 0 && t < list[count - 1].until;
    }

    /// @dev Where entry `count - 1` ends, and the seconds of the first `count`.
    function _tail(Entry[] storage list, uint256 count) private view returns (uint40 until, uint64 sum) {
        if (count == 0) return (0, 0);
        Entry memory e = list[count - 1];
        return (e.until, e.sum + e.until - e.from);
    }

    /// @dev How many begin before `t`. Beginnings never fall.
    function _countFrom(Entry[] storage list, uint64 t) private view returns (uint256 low) {
        uint256 high = list.length;
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (list[middle].from < t) low = middle + 1;
            else high = middle;
        }
    }
}
