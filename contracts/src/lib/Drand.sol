// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {BLS12381} from "./BLS12381.sol";

/// @title Verifies drand beacons of scheme bls-unchained-g1-rfc9380 (quicknet's): signature in G1, no chaining.
library Drand {
    /// @dev (p - 1) / 2, as hi * 2^256 + lo: a y above it carries the sign bit.
    uint256 private constant HALF_HI = 0x0d0088f51cbff34d258dd3db21a5d66b;
    uint256 private constant HALF_LO = 0xb23ba5c279c2895fb39869507b587b120f55ffff58a9ffffdcff7fffffffd555;

    /// @notice Whether `signature` (48 bytes, compressed) is `key`'s for beacon round `round`, where `y` (48 bytes)
    /// is the coordinate that the compression left out. `key` is 256 bytes, in EIP-2537's form.
    /// @dev Total: whatever is handed in, the answer is true or false. Only want of gas reverts.
    function verify(uint64 round, bytes memory signature, bytes memory y, bytes memory key)
        internal
        view
        returns (bool)
    {
        (bool ok, bytes memory point) = decompress(signature, y);
        return ok && BLS12381.verify(bytes.concat(messageOf(round)), BLS12381.DST_DRAND, key, point);
    }

    /// @notice What the beacon signs in `round`.
    function messageOf(uint64 round) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(round));
    }

    /// @notice The point (128 bytes) that a compressed signature means if its y is `y`.
    /// @dev Checks lengths, the three flags and the sign. That the coordinates are below the prime and on the
    /// curve is for the precompile to check; with both, y is the only one that fits.
    function decompress(bytes memory signature, bytes memory y) internal pure returns (bool ok, bytes memory point) {
        if (signature.length != 48 || y.length != 48) return (false, "");
        uint256 xHi;
        uint256 xLo;
        uint256 yHi;
        uint256 yLo;
        assembly ("memory-safe") {
            xHi := shr(128, mload(add(signature, 32)))
            xLo := mload(add(signature, 48))
            yHi := shr(128, mload(add(y, 32)))
            yLo := mload(add(y, 48))
        }
        // Flags, highest bit first: compressed, infinity, sign of y.
        uint256 flags = xHi >> 125;
        bool large = yHi > HALF_HI || (yHi == HALF_HI && yLo > HALF_LO);
        if (flags != (large ? 5 : 4)) return (false, "");
        return (true, abi.encode(xHi & ((1 << 125) - 1), xLo, yHi, yLo));
    }
}
