// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title What a stake epoch's work is judged by: rounds and probes drawn by lot (docs/formats.md, section 15).
library Samples {
    /// @notice Samples of each kind.
    uint16 internal constant COUNT = 16;
    /// @notice The kinds.
    uint8 internal constant ROUND = 1;
    uint8 internal constant PROBE = 2;

    /// @dev tag("quorate/sample/v1")
    bytes32 private constant TAG = "quorate/sample/v1";

    /// @notice What begins within a stake epoch, of rounds or health epochs: both begin at genesis and every `length`
    /// seconds from there. A round is of the epoch in which it closes, which is when it "begins" here.
    /// @param stakeEpoch seconds
    /// @return first the first of them, or of a later epoch if there is none
    function within(uint256 epoch, uint256 stakeEpoch, uint256 length)
        internal
        pure
        returns (uint256 first, uint256 count)
    {
        first = Math.ceilDiv(epoch * stakeEpoch, length);
        count = Math.ceilDiv((epoch + 1) * stakeEpoch, length) - first;
    }

    /// @notice Three numbers below 2^64 for the sample `i` of a kind.
    function lot(bytes32 randomness, uint64 epoch, uint8 kind, uint16 i)
        internal
        pure
        returns (uint256 x, uint256 y, uint256 z)
    {
        uint256 word = uint256(sha256(abi.encodePacked(TAG, randomness, epoch, kind, i)));
        return (word >> 192, uint64(word >> 128), uint64(word >> 64));
    }

    /// @notice A number below 2^64 as one below `count`, which is at most 2^64.
    function scale(uint256 number, uint256 count) internal pure returns (uint256) {
        return number * count >> 64;
    }
}
