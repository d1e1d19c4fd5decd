// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";

/// @title What a checkpointed value was at a time.
/// @dev Beside the look-ups of `Checkpoints` for what disputes ask: nearly always one of the last values. A checkpoint is
/// one slot, and is read once.
library Traces {
    using Checkpoints for Checkpoints.Trace208;

    /// @dev Bits of a checkpoint's key (its time), below its value.
    uint256 private constant KEY = 48;
    uint256 private constant TIME = (1 << KEY) - 1;

    /// @notice The value at the end of second `t`; 0 before the first checkpoint.
    /// @dev The newest is looked at, the second, the fourth, and so on: the cost is that of what has changed since.
    function valueAt(Checkpoints.Trace208 storage trace, uint256 t) internal view returns (uint256 value) {
        uint256 high = trace.length(); // all from here on are later than t
        uint256 low; // all before are not; `value` is that of the last of them
        uint256 first = _firstOf(trace);
        unchecked {
            // Places lie below the length, and doubling `back` passes it long before it overflows.
            uint256 length = high;
            for (uint256 back = 1; low == 0 && high != 0; back <<= 1) {
                uint256 probe = length > back ? length - back : 0;
                uint256 checkpoint = _read(first + probe);
                if (checkpoint & TIME > t) high = probe;
                else (low, value) = (probe + 1, checkpoint >> KEY);
            }
            while (low < high) {
                uint256 middle = (low + high) / 2;
                uint256 checkpoint = _read(first + middle);
                if (checkpoint & TIME > t) high = middle;
                else (low, value) = (middle + 1, checkpoint >> KEY);
            }
        }
    }

    /// @dev The slot of the first checkpoint: a trace is one array.
    function _firstOf(Checkpoints.Trace208 storage trace) private pure returns (uint256 slot) {
        assembly ("memory-safe") {
            mstore(0, trace.slot)
            slot := keccak256(0, 0x20)
        }
    }

    function _read(uint256 slot) private view returns (uint256 checkpoint) {
        assembly ("memory-safe") {
            checkpoint := sload(slot)
        }
    }
}
