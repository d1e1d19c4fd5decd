// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IRounds} from "../interfaces/IRounds.sol";

/// @title Emits `RoundCertified`.
/// @dev The event has more fields than the compiler's stack holds, so its ABI encoding is put together here: the
/// struct below is its head, word for word, and the three byte strings follow.
library CertifiedLog {
    /// @notice The head of the event's data: ten values, then where each byte string begins.
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

    uint256 private constant LENGTH = 13 * 32;

    /// @notice Emits the event of round n. Digest, stakes, policy hash and seed are in `h`; the rest is filled in.
    function write(uint256 n, Head memory h, IRounds.Settlement calldata s) internal {
        h.time = block.timestamp;
        h.snapshotNumber = s.snapshotNumber;
        h.snapshotHash = s.snapshotHash;
        h.inputsRoot = s.inputsRoot;
        h.outcomeRoot = s.outcomeRoot;
        uint256 start;
        assembly ("memory-safe") {
            start := mload(0x40)
        }
        uint256 end = start + LENGTH;
        h.beaconAt = end - start;
        end = _append(end, s.beaconSignature);
        h.bitmapAt = end - start;
        end = _append(end, s.bitmap);
        h.aggregateAt = end - start;
        end = _append(end, s.aggregate);
        bytes32 topic = IRounds.RoundCertified.selector;
        assembly ("memory-safe") {
            mcopy(start, h, LENGTH)
            log2(start, sub(end, start), topic, n)
        }
    }

    /// @dev Writes a byte string at `place`, its length before it and zeros after it up to a whole word.
    function _append(uint256 place, bytes calldata b) private pure returns (uint256 end) {
        assembly ("memory-safe") {
            mstore(place, b.length)
            end := add(place, 0x20)
            mstore(add(end, and(b.length, not(0x1f))), 0)
            calldatacopy(end, b.offset, b.length)
            end := add(end, and(add(b.length, 0x1f), not(0x1f)))
        }
    }
}
