// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {BLS12381} from "./BLS12381.sol";

/// @title Verifies drand beacons of scheme bls-unchained-g1-rfc9380 (quicknet's): signature in G1, no chaining.
library Drand {
    /// @dev (p - 1) / 2, as hi * 2^256 + lo: a y above it carries the sign bit.
    uint256 private constant HALF_HI = 0x0d0088f51cbff34d258dd3db21a5d66b;
    uint256 private constant HALF_LO = 0xb23ba5c279c2895fb39869507b587b120f55ffff58a9ffffdcff7fffffffd555;
    /// @dev The field's prime p, in the same form.
    uint256 private constant P_HI = 0x1a0111ea397fe69a4b1ba7b6434bacd7;
    uint256 private constant P_LO = 0x64774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab;
    /// @dev (p + 1) / 4: since p = 3 mod 4, raising a square to it gives one of its roots.
    uint256 private constant ROOT_HI = 0x0680447a8e5ff9a692c6e9ed90d2eb35;
    uint256 private constant ROOT_LO = 0xd91dd2e13ce144afd9cc34a83dac3d8907aaffffac54ffffee7fbfffffffeaab;

    /// @notice Whether `signature` (48 bytes, compressed) is `key`'s for beacon round `round`. `key` is 256 bytes, in
    /// EIP-2537's form. The coordinate that the compression left out is worked out here (some 40,000 gas).
    /// @dev Total: whatever is handed in, the answer is true or false. Only want of gas reverts.
    function verify(uint64 round, bytes memory signature, bytes memory key) internal view returns (bool) {
        (bool ok, bytes memory point) = decompress(signature);
        return ok && BLS12381.verify(bytes.concat(messageOf(round)), BLS12381.DST_DRAND, key, point);
    }

    /// @notice Whether a beacon may have this public key (192 bytes): a point of G2's subgroup other than infinity.
    function isKey(bytes memory key) internal view returns (bool) {
        if (key.length != BLS12381.PACKED_KEY || keccak256(key) == keccak256(new bytes(192))) return false;
        // The pairing with infinity answers for every valid key, and for nothing else.
        (bool ok, bytes memory answer) =
            address(0x0f).staticcall(bytes.concat(new bytes(BLS12381.G1), BLS12381.padKey(key)));
        return ok && answer.length == 32;
    }

    /// @notice What the beacon signs in `round`.
    function messageOf(uint64 round) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(round));
    }

    /// @notice The point (128 bytes) that a compressed signature means.
    /// @dev `ok` says that length and flags are right. An x that is no point's gives bytes off the curve, and an x
    /// not below the prime stays as it is: both are for the next precompile to refuse.
    function decompress(bytes memory signature) internal view returns (bool ok, bytes memory point) {
        if (signature.length != 48) return (false, "");
        uint256 xHi;
        uint256 xLo;
        assembly ("memory-safe") {
            xHi := shr(128, mload(add(signature, 32)))
            xLo := mload(add(signature, 48))
        }
        bool compressed = xHi >> 126 == 2; // and not infinity
        if (!compressed) return (false, "");
        bool wantsLarge = xHi >> 125 & 1 == 1;
        xHi &= (1 << 125) - 1;
        (uint256 yHi, uint256 yLo) = _rootOfCurve(xHi, xLo);
        bool large = yHi > HALF_HI || (yHi == HALF_HI && yLo > HALF_LO);
        if (large != wantsLarge) {
            // A root of zero becomes p, which is no coordinate; points with y = 0 are outside the subgroup anyway.
            assembly ("memory-safe") {
                yHi := sub(sub(P_HI, yHi), lt(P_LO, yLo))
                yLo := sub(P_LO, yLo)
            }
        }
        return (true, abi.encode(xHi, xLo, yHi, yLo));
    }

    /// @dev A root of x^3 + 4 modulo p, if it has one; else some number below p. x has at most 48 bytes.
    function _rootOfCurve(uint256 xHi, uint256 xLo) private view returns (uint256 yHi, uint256 yLo) {
        bool ok;
        assembly ("memory-safe") {
            // MODEXP's input: three lengths, base, exponent, modulus.
            let m := mload(0x40)
            let base := add(m, 96)
            mstore(m, 48)
            mstore(add(m, 32), 1)
            mstore(add(m, 64), 48)
            mstore(base, shl(128, xHi))
            mstore(add(base, 16), xLo)
            mstore8(add(base, 48), 3)
            mstore(add(base, 49), shl(128, P_HI))
            mstore(add(base, 65), P_LO)
            ok := staticcall(gas(), 5, m, 193, base, 48)
            // Plus 4, which cannot leave 48 bytes; MODEXP reduces its base.
            let hi := shr(128, mload(base))
            let lo := add(mload(add(base, 16)), 4)
            hi := add(hi, lt(lo, 4))
            mstore(base, shl(128, hi))
            mstore(add(base, 16), lo)
            mstore(add(m, 32), 48)
            mstore(add(base, 48), shl(128, ROOT_HI))
            mstore(add(base, 64), ROOT_LO)
            mstore(add(base, 96), shl(128, P_HI))
            mstore(add(base, 112), P_LO)
            ok := and(ok, staticcall(gas(), 5, m, 240, base, 48))
            yHi := shr(128, mload(base))
            yLo := mload(add(base, 16))
        }
        // MODEXP takes any numbers: only gas can have failed. Its price differs between forks, so all is passed on.
        if (!ok) revert BLS12381.TooLittleGas();
    }
}
