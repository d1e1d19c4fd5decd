// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @dev The price of adding two points of G2, and what must be left before the call (see `BLS12381`). Outside the
/// library, so that the loop in StakeTable can name them in assembly.
uint256 constant G2ADD_GAS = 600;
uint256 constant G2ADD_NEEDS = 1_110;

/// @title BLS signatures over BLS12-381 with the precompiles of EIP-2537: signatures in G1, keys in G2.
/// @notice Points are in the precompiles' form: each coordinate 64 bytes, of which the first 16 are zero;
/// a G1 point is x, y (128 bytes), a G2 point x.c0, x.c1, y.c0, y.c1 (256 bytes). Hashing to G1 is that of
/// RFC 9380, suite BLS12381G1_XMD:SHA-256_SSWU_RO_.
/// @dev Want of gas never decides. A precompile that fails burns what it was given and says no more, so
/// before each call we ask for the gas of that call, hand over exactly that, and revert with
/// `TooLittleGas` if it is not there. What may then still fail is what the caller handed in.
library BLS12381 {
    /// @notice Domain tag of votes.
    bytes internal constant DST_VOTE = "BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_";
    /// @notice Domain tag of proofs of possession.
    bytes internal constant DST_POSSESSION = "BLS_POP_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_";
    /// @notice Domain tag of drand's quicknet.
    bytes internal constant DST_DRAND = "BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_";

    /// @notice Bytes of a point in G1, of one in G2, and of a G2 key without its padding.
    uint256 internal constant G1 = 128;
    uint256 internal constant G2 = 256;
    uint256 internal constant PACKED_KEY = 192;

    /// @notice Less gas is left than the next precompile needs.
    error TooLittleGas();
    /// @notice A key or a point does not have its length.
    error BadLength(uint256 got, uint256 expected);
    /// @notice G2ADD refused: the bytes are no point of the curve.
    error NotOnCurve();

    /// @dev The field's prime, as hi * 2^256 + lo.
    uint256 private constant P_HI = 0x1a0111ea397fe69a4b1ba7b6434bacd7;
    uint256 private constant P_LO = 0x64774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab;
    /// @dev floor(2^512 / p)
    uint256 private constant MU = 0x9d835d2f3cc9e45ce28101b0cc7a6ba29;

    uint256 private constant G1ADD_GAS = 375;
    uint256 private constant PAIRING_2_GAS = 102_900;
    uint256 private constant MAP_GAS = 5_500;

    /// @dev What must be left before a call: its price, one 63rd more, since a call may pass on 63/64 of what is
    /// left, and some 500 for what is spent before it is made.
    uint256 private constant PAIRING_2_NEEDS = 105_100;
    uint256 private constant HASH_NEEDS = 13_000; // two maps and an addition

    /// @notice Whether `signature` is `key`'s over `message` under `dst`.
    /// @dev False for whatever is malformed: wrong lengths, coordinates not below the prime, points off the
    /// curve or outside the subgroup, infinity as key or as signature.
    function verify(bytes memory message, bytes memory dst, bytes memory key, bytes memory signature)
        internal
        view
        returns (bool ok)
    {
        if (key.length != G2 || signature.length != G1) return false;
        uint256 input;
        assembly ("memory-safe") {
            input := mload(0x40)
            mstore(0x40, add(input, 768))
            mcopy(input, add(signature, 32), 128)
            mcopy(add(input, 512), add(key, 32), 256)
        }
        unchecked {
            _hashToG1(message, dst, input + 384);
        }
        return _pairingHolds(input);
    }

    /// @notice As `verify`, with the 256 bytes of the key in memory at `key`, and the signature in calldata.
    function verifyAt(bytes memory message, bytes memory dst, uint256 key, bytes calldata signature)
        internal
        view
        returns (bool ok)
    {
        if (signature.length != G1) return false;
        uint256 input;
        assembly ("memory-safe") {
            input := mload(0x40)
            mstore(0x40, add(input, 768))
            calldatacopy(input, signature.offset, 128)
            mcopy(add(input, 512), key, 256)
        }
        unchecked {
            _hashToG1(message, dst, input + 384);
        }
        return _pairingHolds(input);
    }

    /// @dev Whether e(signature, -G2) * e(hash, key) = 1, where memory at `input` holds signature (128),
    /// room (256), hash (128), key (256).
    function _pairingHolds(uint256 input) private view returns (bool ok) {
        if (gasleft() < PAIRING_2_NEEDS) revert TooLittleGas();
        assembly ("memory-safe") {
            // The negated generator of G2.
            mstore(add(input, 128), 0x024aa2b2f08f0a91260805272dc51051)
            mstore(add(input, 160), 0xc6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8)
            mstore(add(input, 192), 0x13e02b6052719f607dacd3a088274f65)
            mstore(add(input, 224), 0x596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e)
            mstore(add(input, 256), 0x0d1b3cc2c7027888be51d9ef691d77bc)
            mstore(add(input, 288), 0xb679afda66c73f17f9ee3837a55024f78c71363275a75d75d86bab79f74782aa)
            mstore(add(input, 320), 0x13fa4d4a0ad8b1ce186ed5061789213d)
            mstore(add(input, 352), 0x993923066dddaf1040bc3ff59f825c78df74f2d75467e25e0f55f8a00fa030ed)
            // Infinity is all zeros, and no other point of the subgroup has y = 0 (such a point would have order 2).
            let signatureFinite := or(mload(add(input, 64)), mload(add(input, 96)))
            let keyFinite :=
                or(
                    or(mload(add(input, 640)), mload(add(input, 672))),
                    or(mload(add(input, 704)), mload(add(input, 736)))
                )
            if and(iszero(iszero(signatureFinite)), iszero(iszero(keyFinite))) {
                // The precompile checks coordinates, curve and subgroup of all four points.
                mstore(0, 0)
                ok := staticcall(PAIRING_2_GAS, 0x0f, input, 768, 0, 32)
                ok := and(and(ok, eq(returndatasize(), 32)), eq(mload(0), 1))
            }
        }
    }

    /// @notice RFC 9380's hash_to_curve for G1.
    function hashToG1(bytes memory message, bytes memory dst) internal view returns (bytes memory point) {
        point = new bytes(G1);
        uint256 output;
        assembly ("memory-safe") {
            output := add(point, 32)
        }
        _hashToG1(message, dst, output);
    }

    /// @notice Adds the two points of G2 that stand one after the other at `input` and writes the sum to `output`.
    /// @dev Reverts with `NotOnCurve` for what is no point; the precompile does not check the subgroup.
    function addG2(uint256 input, uint256 output) internal view {
        if (gasleft() < G2ADD_NEEDS) revert TooLittleGas();
        bool ok;
        assembly ("memory-safe") {
            ok := staticcall(G2ADD_GAS, 0x0d, input, 512, output, 256)
            ok := and(ok, eq(returndatasize(), 256))
        }
        if (!ok) revert NotOnCurve();
    }

    /// @notice Negates the point of G2 at `point`, in place.
    function negateG2(uint256 point) internal pure {
        assembly ("memory-safe") {
            for { let y := add(point, 128) } lt(y, add(point, 256)) { y := add(y, 64) } {
                let hi := mload(y)
                let lo := mload(add(y, 32))
                // p - 0 would be p, which is no canonical coordinate.
                if or(hi, lo) {
                    mstore(y, sub(sub(P_HI, hi), lt(P_LO, lo)))
                    mstore(add(y, 32), sub(P_LO, lo))
                }
            }
        }
    }

    /// @notice A key of 192 bytes in the precompiles' form.
    function padKey(bytes memory packed) internal pure returns (bytes memory key) {
        if (packed.length != PACKED_KEY) revert BadLength(packed.length, PACKED_KEY);
        key = new bytes(G2);
        uint256 from;
        uint256 to;
        assembly ("memory-safe") {
            from := add(packed, 32)
            to := add(key, 32)
        }
        padKeyAt(from, to);
    }

    /// @notice Pads the 192 bytes at `from` into the 256 at `to`.
    function padKeyAt(uint256 from, uint256 to) internal pure {
        assembly ("memory-safe") {
            mstore(to, shr(128, mload(from)))
            mstore(add(to, 32), mload(add(from, 16)))
            mstore(add(to, 64), shr(128, mload(add(from, 48))))
            mstore(add(to, 96), mload(add(from, 64)))
            mstore(add(to, 128), shr(128, mload(add(from, 96))))
            mstore(add(to, 160), mload(add(from, 112)))
            mstore(add(to, 192), shr(128, mload(add(from, 144))))
            mstore(add(to, 224), mload(add(from, 160)))
        }
    }

    /// @notice A key in the precompiles' form without its padding. Meant for keys that a pairing has accepted.
    function packKey(bytes memory key) internal pure returns (bytes memory packed) {
        if (key.length != G2) revert BadLength(key.length, G2);
        packed = new bytes(PACKED_KEY);
        assembly ("memory-safe") {
            for { let i := 0 } lt(i, 4) { i := add(i, 1) } {
                mcopy(add(add(packed, 32), mul(i, 48)), add(add(key, 48), mul(i, 64)), 48)
            }
        }
    }

    /// @notice hi * 2^256 + lo modulo the field's prime.
    /// @dev Barrett's way, with MU = floor(2^512 / p): the quotient floor(hi * MU / 2^256) is never too large,
    /// and too small by less than 3, so that at most two subtractions are left.
    function reduce(uint256 hi, uint256 lo) internal pure returns (uint256, uint256) {
        assembly ("memory-safe") {
            // The high word of a product: from the product modulo 2^256 and modulo 2^256 - 1.
            let low := mul(hi, MU)
            let mm := mulmod(hi, MU, not(0))
            let q := sub(sub(mm, low), lt(mm, low))
            // Take off q * p.
            low := mul(q, P_LO)
            mm := mulmod(q, P_LO, not(0))
            hi := sub(sub(hi, add(sub(sub(mm, low), lt(mm, low)), mul(q, P_HI))), lt(lo, low))
            lo := sub(lo, low)
            for {} iszero(lt(hi, P_HI)) {} {
                if and(eq(hi, P_HI), lt(lo, P_LO)) { break }
                hi := sub(sub(hi, P_HI), lt(lo, P_LO))
                lo := sub(lo, P_LO)
            }
        }
        return (hi, lo);
    }

    /// @dev hash_to_curve into the 128 bytes of memory at `output`.
    function _hashToG1(bytes memory message, bytes memory dst, uint256 output) private view {
        uint256 room = _expand(message, dst);
        if (gasleft() < HASH_NEEDS) revert TooLittleGas();
        bool ok;
        unchecked {
            ok = _map(room, room + 128) && _map(room + 64, room + 256);
        }
        assembly ("memory-safe") {
            ok := and(ok, staticcall(G1ADD_GAS, 0x0b, add(room, 128), 256, output, 128))
            ok := and(ok, eq(returndatasize(), 128))
        }
        // A point of the curve comes out of every field element, so nothing but gas can have failed.
        if (!ok) revert TooLittleGas();
    }

    /// @dev Maps the 512-bit number at `input`, modulo p, to a point of G1 at `output`.
    function _map(uint256 input, uint256 output) private view returns (bool ok) {
        uint256 hi;
        uint256 lo;
        assembly ("memory-safe") {
            hi := mload(input)
            lo := mload(add(input, 32))
        }
        (hi, lo) = reduce(hi, lo);
        assembly ("memory-safe") {
            mstore(0, hi)
            mstore(32, lo)
            ok := staticcall(MAP_GAS, 0x10, 0, 64, output, 128)
            ok := and(ok, eq(returndatasize(), 128))
        }
    }

    /// @dev expand_message_xmd with SHA-256 to 128 bytes. Returns a pointer to them, with 256 bytes of room behind.
    function _expand(bytes memory message, bytes memory dst) private view returns (uint256 room) {
        bool ok;
        assembly ("memory-safe") {
            room := mload(0x40)
            let input := add(room, 384)
            mstore(0x40, input)
            let dstLength := mload(dst)
            // b0 = H(64 zero bytes, message, 0x0080, 0x00, dst, len(dst))
            mstore(input, 0)
            mstore(add(input, 32), 0)
            let end := add(add(input, 64), mload(message))
            mcopy(add(input, 64), add(message, 32), mload(message))
            mstore(end, shl(232, 0x008000))
            mcopy(add(end, 3), add(dst, 32), dstLength)
            end := add(add(end, 3), dstLength)
            mstore8(end, dstLength)
            ok := staticcall(gas(), 2, input, sub(add(end, 1), input), 0, 32)
            let b0 := mload(0)
            // b(i) = H(b0 xor b(i - 1), i, dst, len(dst)), b(1) with b0 alone
            let index := add(input, 32)
            let length := add(dstLength, 34)
            mcopy(add(input, 33), add(dst, 32), dstLength)
            mstore8(sub(add(input, length), 1), dstLength)
            mstore(input, b0)
            mstore8(index, 1)
            ok := and(ok, staticcall(gas(), 2, input, length, room, 32))
            mstore(input, xor(b0, mload(room)))
            mstore8(index, 2)
            ok := and(ok, staticcall(gas(), 2, input, length, add(room, 32), 32))
            mstore(input, xor(b0, mload(add(room, 32))))
            mstore8(index, 3)
            ok := and(ok, staticcall(gas(), 2, input, length, add(room, 64), 32))
            mstore(input, xor(b0, mload(add(room, 64))))
            mstore8(index, 4)
            ok := and(ok, staticcall(gas(), 2, input, length, add(room, 96), 32))
        }
        // SHA-256 takes any input: only gas can have failed.
        if (!ok) revert TooLittleGas();
    }
}
