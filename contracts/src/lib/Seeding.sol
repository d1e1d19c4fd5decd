// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title The seed of a round: docs/formats.md, section 8.
library Seeding {
    /// @dev The text that seeds begin with, not padded.
    string private constant TAG = "quorate/seed/v1";

    /// @notice What all seeds of a deployment have in common.
    struct Source {
        uint64 l1ChainId;
        uint64 l2ChainId;
        address rounds; // on L2
        bytes32 chainHash; // of the beacon
    }

    /// @notice The seed that a signature of beacon round `r` gives round `n`. Whether it is the beacon's is for the
    /// caller to ask.
    function seedOf(Source memory s, uint64 n, uint64 r, bytes calldata signature) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(TAG, s.l1ChainId, s.l2ChainId, s.rounds, n, s.chainHash, r, signature));
    }
}
