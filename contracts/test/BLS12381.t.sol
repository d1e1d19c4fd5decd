// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {BLS12381} from "../src/lib/BLS12381.sol";
import {Base} from "./Base.t.sol";
import {BlsKit} from "./BlsKit.sol";

/// @notice The library behind a call, so that gas can be limited and reverts caught.
contract BlsCaller {
    function verify(bytes memory message, bytes memory dst, bytes memory key, bytes memory signature)
        external
        view
        returns (bool)
    {
        return BLS12381.verify(message, dst, key, signature);
    }

    function addG2(bytes memory a, bytes memory b) external view returns (bytes memory sum) {
        bytes memory input = bytes.concat(a, b);
        sum = new bytes(256);
        uint256 from;
        uint256 to;
        assembly ("memory-safe") {
            from := add(input, 32)
            to := add(sum, 32)
        }
        BLS12381.addG2(from, to);
    }

    function negateG2(bytes memory point) external pure returns (bytes memory) {
        uint256 at_;
        assembly ("memory-safe") {
            at_ := add(point, 32)
        }
        BLS12381.negateG2(at_);
        return point;
    }
}

contract BLS12381Test is Base {
    bytes private constant RFC_DST = "QUUX-V01-CS02-with-BLS12381G1_XMD:SHA-256_SSWU_RO_";
    bytes32 private constant MESSAGE = keccak256("message");
    uint256 private constant P_HI = 0x1a0111ea397fe69a4b1ba7b6434bacd7;
    uint256 private constant P_LO = 0x64774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab;

    BlsCaller private immutable bls = new BlsCaller();

    // --- hashing, RFC 9380 J.9.1 ---

    function _checkHash(bytes memory message, bytes memory expected96) private view {
        bytes memory point = BLS12381.hashToG1(message, RFC_DST);
        bytes memory got = new bytes(96);
        for (uint256 i = 0; i < 48; ++i) {
            got[i] = point[16 + i];
            got[48 + i] = point[80 + i];
        }
        assertEq(got, expected96, "RFC 9380 point");
    }

    function test_hashOfTheEmptyMessage() external view {
        _checkHash(
            "",
            hex"052926add2207b76ca4fa57a8734416c8dc95e24501772c814278700eed6d1e4e8cf62d9c09db0fac349612b759e79a1"
            hex"08ba738453bfed09cb546dbb0783dbb3a5f1f566ed67bb6be0e8c67e2e81a4cc68ee29813bb7994998f3eae0c9c6a265"
        );
    }

    function test_hashOfAShortMessage() external view {
        _checkHash(
            "abc",
            hex"03567bc5ef9c690c2ab2ecdf6a96ef1c139cc0b2f284dca0a9a7943388a49a3aee664ba5379a7655d3c68900be2f6903"
            hex"0b9c15f3fe6e5cf4211f346271d7b01c8f3b28be689c8429c85b67af215533311f0b8dfaaa154fa6b88176c229f2885d"
        );
    }

    function test_hashOfAMessageLongerThanABlock() external view {
        bytes memory q = new bytes(128);
        for (uint256 i = 0; i < 128; ++i) {
            q[i] = "q";
        }
        _checkHash(
            bytes.concat("q128_", q),
            hex"15f68eaa693b95ccb85215dc65fa81038d69629f70aeee0d0f677cf22285e7bf58d7cb86eefe8f2e9bc3f8cb84fac488"
            hex"1807a1d50c29f430b8cafc4f8638dfeeadf51211e1602a5f184443076715f91bb90a48ba1e370edce6ae1062f5e6dd38"
        );
    }

    /// @dev Against the precompile for modular exponentiation, exponent 1.
    function _checkReduce(uint256 hi, uint256 lo) private view {
        (bool ok, bytes memory expected) =
            address(5).staticcall(abi.encodePacked(uint256(64), uint256(1), uint256(64), hi, lo, uint8(1), P_HI, P_LO));
        assertTrue(ok, "MODEXP succeeds");
        (uint256 gotHi, uint256 gotLo) = BLS12381.reduce(hi, lo);
        assertEq(abi.encode(gotHi, gotLo), expected, "reduced");
    }

    function testFuzz_reduceIsModulo(uint256 hi, uint256 lo) external view {
        _checkReduce(hi, lo);
        _checkReduce(hi >> 120, lo);
    }

    function test_reduceAtTheEdges() external view {
        uint256[6] memory his = [uint256(0), P_HI - 1, P_HI, P_HI + 1, 3 * P_HI, type(uint256).max];
        uint256[5] memory los = [uint256(0), P_LO - 1, P_LO, P_LO + 1, type(uint256).max];
        for (uint256 i = 0; i < his.length; ++i) {
            for (uint256 j = 0; j < los.length; ++j) {
                _checkReduce(his[i], los[j]);
            }
        }
    }

    // --- signatures ---

    function _verify(bytes memory key, bytes memory signature) private view returns (bool) {
        return bls.verify(bytes.concat(MESSAGE), BLS12381.DST_VOTE, key, signature);
    }

    function testFuzz_aSignatureVerifiesForItsMessageAndTagOnly(uint256 seed, bytes32 message) external view {
        uint256 secret = bound(seed, 1, 1 << 250);
        bytes memory key = BlsKit.keyOf(secret);
        bytes memory signature = BlsKit.sign(secret, BLS12381.DST_VOTE, message);
        assertTrue(bls.verify(bytes.concat(message), BLS12381.DST_VOTE, key, signature), "accepted");
        assertTrue(!bls.verify(bytes.concat(~message), BLS12381.DST_VOTE, key, signature), "other message");
        assertTrue(!bls.verify(bytes.concat(message), BLS12381.DST_POSSESSION, key, signature), "other tag");
        assertTrue(
            !bls.verify(bytes.concat(message), BLS12381.DST_VOTE, BlsKit.keyOf(secret + 1), signature), "other key"
        );
    }

    function test_infinityIsRefusedAsKeyAndAsSignature() external view {
        bytes memory key = BlsKit.keyOf(7);
        bytes memory signature = BlsKit.sign(7, BLS12381.DST_VOTE, MESSAGE);
        assertTrue(_verify(key, signature), "accepted");
        assertTrue(!_verify(new bytes(256), new bytes(128)), "both infinite");
        assertTrue(!_verify(key, new bytes(128)), "signature infinite");
        assertTrue(!_verify(new bytes(256), signature), "key infinite");
    }

    function test_wrongLengthsAreRefused() external view {
        bytes memory key = BlsKit.keyOf(7);
        bytes memory signature = BlsKit.sign(7, BLS12381.DST_VOTE, MESSAGE);
        assertTrue(!_verify(bytes.concat(key, hex"00"), signature), "long key");
        assertTrue(!_verify(key, bytes.concat(signature, hex"00")), "long signature");
        assertTrue(!_verify("", ""), "nothing");
    }

    /// @dev x + p is the same number modulo p, and no canonical coordinate.
    function test_aCoordinateNotBelowThePrimeIsRefused() external view {
        bytes memory key = BlsKit.keyOf(7);
        bytes memory signature = BlsKit.sign(7, BLS12381.DST_VOTE, MESSAGE);
        (uint256 hi, uint256 lo, uint256 yHi, uint256 yLo) = abi.decode(signature, (uint256, uint256, uint256, uint256));
        unchecked {
            uint256 sum = lo + P_LO;
            hi = hi + P_HI + (sum < lo ? 1 : 0);
            lo = sum;
        }
        assertTrue(!_verify(key, abi.encode(hi, lo, yHi, yLo)), "refused");
    }

    /// @dev (0, 2) lies on the curve, and outside the subgroup.
    function test_aPointOutsideTheSubgroupIsRefused() external view {
        assertTrue(!_verify(BlsKit.keyOf(7), abi.encode(0, 0, 0, 2)), "refused");
    }

    function testFuzz_hostileBytesAreNeverASignature(bytes32 a, bytes32 b, bytes32 c, bytes32 d, uint8 shape)
        external
        view
    {
        bytes memory signature = BlsKit.sign(7, BLS12381.DST_VOTE, MESSAGE);
        bytes memory key = BlsKit.keyOf(7);
        if (shape % 3 == 0) signature = abi.encode(a, b, c, d);
        if (shape % 3 == 1) signature[uint256(b) % 128] ^= bytes1(uint8(1 + uint256(a) % 255));
        if (shape % 3 == 2) key[uint256(b) % 256] ^= bytes1(uint8(1 + uint256(a) % 255));
        assertTrue(!_verify(key, signature), "refused");
    }

    /// @dev Whatever gas the caller has, a good signature is never called bad, and a bad one never good.
    function test_wantOfGasNeverDecides() external view {
        bytes memory key = BlsKit.keyOf(7);
        bytes memory good = BlsKit.sign(7, BLS12381.DST_VOTE, MESSAGE);
        bytes memory bad = BlsKit.sign(8, BLS12381.DST_VOTE, MESSAGE);
        uint256 answers;
        for (uint256 gas = 1_000; gas < 140_000; gas += 137) {
            try bls.verify{gas: gas}(bytes.concat(MESSAGE), BLS12381.DST_VOTE, key, good) returns (bool ok) {
                assertTrue(ok, "good stays good");
                ++answers;
            } catch {}
            try bls.verify{gas: gas}(bytes.concat(MESSAGE), BLS12381.DST_VOTE, key, bad) returns (bool ok) {
                assertTrue(!ok, "bad stays bad");
            } catch {}
            // Malformed input burns what the pairing was given; the answer must survive that.
            try bls.verify{gas: gas}(bytes.concat(MESSAGE), BLS12381.DST_VOTE, key, abi.encode(1, 2, 3, 4)) returns (
                bool ok
            ) {
                assertTrue(!ok, "malformed stays bad");
            } catch {}
        }
        assertTrue(answers > 10, "some had enough");
    }

    // --- points of G2 ---

    function testFuzz_sumsAndDifferencesOfKeys(uint128 a, uint128 b) external view {
        uint256 x = uint256(a) + 2;
        uint256 y = uint256(b) + x + 1;
        bytes memory sum = bls.addG2(BlsKit.keyOf(x), BlsKit.keyOf(y));
        assertEq(sum, BlsKit.keyOf(x + y), "sum");
        assertEq(bls.addG2(sum, bls.negateG2(BlsKit.keyOf(x))), BlsKit.keyOf(y), "difference");
    }

    function test_aKeyAndItsNegativeMakeInfinity() external view {
        bytes memory key = BlsKit.keyOf(5);
        assertEq(bls.addG2(key, bls.negateG2(BlsKit.keyOf(5))), new bytes(256), "infinity");
        assertEq(bls.negateG2(new bytes(256)), new bytes(256), "infinity negated");
    }

    function test_addRefusesWhatIsNoPoint() external {
        bytes memory key = BlsKit.keyOf(5);
        vm.expectRevert(BLS12381.NotOnCurve.selector);
        bls.addG2(key, abi.encode(1, 2, 3, 4, 5, 6, 7, 8));
    }

    function testFuzz_packedKeysComeBack(uint128 secret) external view {
        bytes memory key = BlsKit.keyOf(uint256(secret) + 1);
        assertEq(BLS12381.padKey(BLS12381.packKey(key)), key, "padded again");
    }

    function test_gasOfOneVerification() external {
        bytes memory key = BlsKit.keyOf(7);
        bytes memory signature = BlsKit.sign(7, BLS12381.DST_VOTE, MESSAGE);
        bytes memory message = bytes.concat(MESSAGE);
        uint256 before = gasleft();
        bool ok = BLS12381.verify(message, BLS12381.DST_VOTE, key, signature);
        uint256 used = before - gasleft();
        assertTrue(ok, "accepted");
        emit log_named_uint("BLS12381.verify", used);
        assertLe(used, 120_000, "gas of one verification");
    }
}
