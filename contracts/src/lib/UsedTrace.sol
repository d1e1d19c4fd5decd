// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title What is used of a machine, and what was used of it at any time.
/// @dev The newest checkpoint lies in the offer's head slot, beside what is read with it anyway; it moves into
/// the history only when a later one replaces it. So a change costs one new slot, and the first none.
/// A head, from its low bits: used 136 | since 40 | length of the history 32 | left to the market 48.
/// A checkpoint of the history: used 136 | since 40, in ascending order of `since`, each `since` once.
library UsedTrace {
    uint256 private constant USED = (1 << 136) - 1;
    uint256 private constant TIME = (1 << 40) - 1;
    uint256 private constant LENGTH = (1 << 32) - 1;
    uint256 private constant CHECKPOINT = (1 << 176) - 1;

    /// @notice Replaced checkpoints of all offers, by offer and place.
    struct History {
        mapping(uint256 offerAndPlace => uint256) checkpoints;
    }

    /// @notice What is used now (Capacity, packed).
    function used(uint256 head) internal pure returns (uint256) {
        return head & USED;
    }

    /// @notice Whether what is used now was used at `t` already.
    function isSince(uint256 head, uint256 t) internal pure returns (bool) {
        return head >> 136 & TIME <= t;
    }

    /// @notice The head after `value` has become used, now. The caller stores it.
    function push(History storage history, uint256 offer, uint256 head, uint256 value) internal returns (uint256) {
        uint256 since = head >> 136 & TIME;
        // Nothing to keep: the default, or a state that never stood at the end of a second.
        if (since != 0 && since != block.timestamp) {
            history.checkpoints[_key(offer, head >> 176 & LENGTH)] = head & CHECKPOINT;
            unchecked {
                head += 1 << 176; // one change a second fills the length in 136 years
            }
        }
        return head >> 176 << 176 | block.timestamp << 136 | value;
    }

    /// @notice What was used at the end of second `t` (Capacity, packed).
    function valueAt(History storage history, uint256 offer, uint256 head, uint256 t) internal view returns (uint256) {
        if (head >> 136 & TIME <= t) return head & USED;
        uint256 high = head >> 176 & LENGTH; // all from here on are later than t
        uint256 low;
        // The value asked for is nearly always among the last: look there first, in growing steps.
        for (uint256 step = 1; low < high; step <<= 1) {
            uint256 probe = high > step ? high - step : 0;
            if (_sinceOf(history, offer, probe) <= t) {
                low = probe + 1;
                break;
            }
            high = probe;
        }
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (_sinceOf(history, offer, middle) <= t) low = middle + 1;
            else high = middle;
        }
        return high == 0 ? 0 : history.checkpoints[_key(offer, high - 1)] & USED;
    }

    function _sinceOf(History storage history, uint256 offer, uint256 place) private view returns (uint256) {
        return history.checkpoints[_key(offer, place)] >> 136 & TIME;
    }

    function _key(uint256 offer, uint256 place) private pure returns (uint256) {
        return offer << 32 | place;
    }
}
