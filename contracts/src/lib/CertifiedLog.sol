// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IRounds} from "../interfaces/IRounds.sol";

/// @title Emits `RoundCertified`.
/// @dev The event has more fields than the compiler's stack holds, so its ABI encoding is put together here: the
/// struct below is its head, word for word, and the three byte strings follow.
library CertifiedLog {
    /// @dev The head: ten values, then where each byte string begins.
    struct Head {
        bytes32 digest;
        uint256 time;
        uint256 signedStake;
        uint256 totalStake;
        uint256 snapshotNumber;
        bytes32 snapshotHash;
        bytes32 policyHash;
        bytes32 inputsRoot;
        bytes32 seed;
        bytes32 outcomeRoot;
        uint256 beaconAt;
        uint256 bitmapAt;
        uint256 aggregateAt;
    }

    uint256 private constant HEAD = 13 * 32;

    /// @notice What a certificate is about, and whose it is.
    struct Certificate {
        bytes32 digest;
        bytes32 policyHash;
        bytes32 seed;
        uint256 signed;
        uint256 total;
    }

    /// @notice Emits the event for a settlement that was accepted.
    function write(IRounds.Settlement calldata s, Certificate memory c) internal {
        Head memory h;
        h.digest = c.digest;
        h.time = block.timestamp;
        h.signedStake = c.signed;
        h.totalStake = c.total;
        h.snapshotNumber = s.snapshotNumber;
        h.snapshotHash = s.snapshotHash;
        h.policyHash = c.policyHash;
        h.inputsRoot = s.inputsRoot;
        h.seed = c.seed;
        h.outcomeRoot = s.outcomeRoot;
        h.beaconAt = HEAD;
        h.bitmapAt = h.beaconAt + 32 + _padded(s.beaconSignature.length);
        h.aggregateAt = h.bitmapAt + 32 + _padded(s.bitmap.length);
        bytes memory data =
            bytes.concat(abi.encode(h), _tail(s.beaconSignature), _tail(s.bitmap), _tail(s.aggregate));
        bytes32 topic = IRounds.RoundCertified.selector;
        uint256 n = s.n;
        assembly ("memory-safe") {
            log2(add(data, 0x20), mload(data), topic, n)
        }
    }

    function _tail(bytes calldata b) private pure returns (bytes memory) {
        return abi.encodePacked(b.length, b, new bytes(_padded(b.length) - b.length));
    }

    function _padded(uint256 length) private pure returns (uint256) {
        return (length + 31) / 32 * 32;
    }
}
