// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {ChaCha20} from "./ChaCha20.sol";

/// @title Keys, ties and the random factor of pairs: docs/formats.md, section 6.
library Lottery {
    /// @notice Kinds of orders, which are the streams of their keys.
    uint256 internal constant OFFER = 1;
    uint256 internal constant REQUEST = 2;

    uint256 private constant FOLD_REQUEST = 0x9E3779B97F4A7C15;
    uint256 private constant FOLD_OFFER = 0xD1B54A32D192ED03;

    /// @notice The key of an order under a seed.
    function key(ChaCha20.Key memory seed, uint256 kind, uint64 id) internal pure returns (uint256) {
        return ChaCha20.word(seed, id >> 3, kind, id & 7);
    }

    /// @notice The two halves of a 128-bit product, folded.
    function fold(uint256 requestKey, uint256 offerKey) internal pure returns (uint64) {
        unchecked {
            uint256 product = (requestKey ^ FOLD_REQUEST) * (offerKey ^ FOLD_OFFER); // of two 64-bit numbers
            return uint64(product >> 64 ^ product);
        }
    }

    /// @notice The tie of a pair.
    function tie(bytes32 seed, uint64 request, uint64 offer) internal pure returns (uint64) {
        ChaCha20.Key memory k = ChaCha20.load(seed);
        return fold(key(k, REQUEST, request), key(k, OFFER, offer));
    }

    /// @notice The random factor of a tie, 0 to 10,000.
    function jitter(uint64 tie_) internal pure returns (uint256) {
        return (uint256(tie_) >> 32) * 10_001 >> 32;
    }
}
