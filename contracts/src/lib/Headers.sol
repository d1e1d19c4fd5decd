// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title The header that operators sign: docs/formats.md, section 9. The one place that knows its bytes.
library Headers {
    /// @notice Bytes of a whole header.
    uint256 internal constant LENGTH = 272;
    /// @notice Two headers whose first 104 bytes agree speak of the same round.
    uint256 internal constant SAME_ROUND = 104;
    /// @notice Two headers whose first 240 bytes agree were computed from the same inputs.
    uint256 internal constant SAME_INPUTS = 240;
    /// @notice Where the seed stands, up to `SAME_INPUTS`; behind it comes the outcome root.
    uint256 internal constant SEED = 208;
    /// @notice Version of the protocol that these contracts speak.
    uint32 internal constant PROTOCOL_VERSION = 1;
    /// @dev tag("quorate/header/v1")
    bytes32 internal constant TAG = "quorate/header/v1";

    /// @notice The part of a header that never changes: who speaks to whom.
    struct Domain {
        uint64 l1ChainId;
        uint64 l2ChainId;
        address rounds; // on L2
        address avs; // ServiceManager on L1
        uint32 operatorSet;
    }

    /// @notice The part of a header that belongs to one round.
    struct Body {
        uint64 n;
        uint64 snapshotNumber;
        bytes32 snapshotHash;
        bytes32 policyHash;
        bytes32 inputsRoot;
        bytes32 seed;
        bytes32 outcomeRoot;
    }

    /// @notice The first 96 bytes, equal in all headers of one deployment.
    function prefix(Domain memory d) internal pure returns (bytes memory) {
        return abi.encodePacked(TAG, PROTOCOL_VERSION, d.l1ChainId, d.l2ChainId, d.rounds, d.avs, d.operatorSet);
    }

    /// @notice The 272 bytes of a header. `prefix96` comes from `prefix`.
    function encode(bytes memory prefix96, Body memory b) internal pure returns (bytes memory) {
        return abi.encodePacked(
            prefix96, b.n, b.snapshotNumber, b.snapshotHash, b.policyHash, b.inputsRoot, b.seed, b.outcomeRoot
        );
    }

    /// @notice The round of a header of full length.
    function roundOf(bytes calldata header) internal pure returns (uint64) {
        return uint64(bytes8(header[96:SAME_ROUND]));
    }

    /// @notice Whether `header` has the length of a header and begins with `prefix96`.
    function belongs(bytes calldata header, bytes memory prefix96) internal pure returns (bool) {
        return beginsWith(header, keccak256(prefix96));
    }

    /// @notice Whether `header` has the length of a header and begins with the prefix of this Keccak-256 hash.
    function beginsWith(bytes calldata header, bytes32 prefixHash) internal pure returns (bool) {
        return header.length == LENGTH && keccak256(header[:96]) == prefixHash;
    }

    /// @notice Whether the first `length` bytes of two headers agree.
    function sameUpTo(bytes calldata a, bytes calldata b, uint256 length) internal pure returns (bool) {
        return keccak256(a[:length]) == keccak256(b[:length]);
    }
}
