// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title Kinds of witnesses and codes of refutations: docs/formats.md, section 13.
library Witnesses {
    uint256 internal constant BLOCKING = 1;
    uint256 internal constant ENTRY = 2;
    uint256 internal constant NEIGHBOURS = 3;
    uint256 internal constant REPEATED = 4;
    uint256 internal constant CUT = 5;
    uint256 internal constant SEED = 6;

    /// @notice Bytes of a witness of kind 6.
    uint256 internal constant SEED_LENGTH = 49;

    uint8 internal constant UNKNOWN_REQUEST = 1;
    uint8 internal constant UNKNOWN_OFFER = 2;
    uint8 internal constant MATCHED_TWICE = 3;
    uint8 internal constant REQUEST_NOT_OPEN = 4;
    uint8 internal constant OFFER_NOT_OPEN = 5;
    uint8 internal constant ORDER_IN_OFFER = 6;
    uint8 internal constant OFFERS_NOT_ASCENDING = 7;
    uint8 internal constant WRONG_SUM = 8;
    uint8 internal constant OVER_CAPACITY = 9;
    uint8 internal constant INELIGIBLE = 10;
    uint8 internal constant WRONG_SCORE = 11;
    uint8 internal constant WRONG_TIE = 12;
    uint8 internal constant WRONG_CUT = 13;
    uint8 internal constant BLOCKING_PAIR = 14;
    uint8 internal constant WRONG_SEED = 15;

    /// @notice The position of a fault that is no entry's.
    uint32 internal constant NO_POSITION = type(uint32).max;

    /// @notice The request of the entry that a witness of kind 2 opens, and its position.
    /// @dev Of a witness that was judged: kind 1 byte ‖ count, lowest, k 9 ‖ position 4 ‖ offer 8 ‖ request 8.
    function entryOf(bytes calldata witness) internal pure returns (uint64 request, uint32 position) {
        return (uint64(bytes8(witness[22:30])), uint32(bytes4(witness[10:14])));
    }
}
