// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title The pair of an entry of the list in one word: offer ‖ request ‖ score ‖ tie (docs/formats.md, section 7).
library Entries {
    function offer(uint256 pair) internal pure returns (uint64) {
        return uint64(pair >> 192);
    }

    function request(uint256 pair) internal pure returns (uint64) {
        return uint64(pair >> 128);
    }

    function score(uint256 pair) internal pure returns (uint64) {
        return uint64(pair >> 64);
    }

    function tie(uint256 pair) internal pure returns (uint64) {
        return uint64(pair);
    }

    /// @notice A number that is larger for a pair that stands higher in the order of pairs: score ‖ tie ‖ request ‖
    /// offer.
    function rank(uint256 pair) internal pure returns (uint256) {
        return pair << 128 | uint256(request(pair)) << 64 | offer(pair);
    }

    /// @notice The word of a pair.
    function word(uint64 offer_, uint64 request_, uint64 score_, uint64 tie_) internal pure returns (uint256) {
        return uint256(offer_) << 192 | uint256(request_) << 128 | uint256(score_) << 64 | tie_;
    }

    /// @notice Whether `a` stands before `b` in the list: offers ascend, and within one the pairs descend.
    function isBefore(uint256 a, uint256 b) internal pure returns (bool) {
        return offer(a) < offer(b) || (offer(a) == offer(b) && rank(a) > rank(b));
    }
}
