// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {BLS12381} from "../src/lib/BLS12381.sol";
import {Drand} from "../src/lib/Drand.sol";
import {Base} from "./Base.t.sol";
import {BlsKit} from "./BlsKit.sol";

/// @notice Real rounds of drand's quicknet.
contract DrandTest is Base {
    bytes private constant KEY = hex"000000000000000000000000000000000d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5"
        hex"a6e9c76a4bc09e76eae8991ef5ece45a0000000000000000000000000000000003cf0f2896adee7eb8b5f01fcad39122"
        hex"12c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d10645100000000000000000000000000000000"
        hex"0e5db2b6bfbb01c867749cadffca88b36c24f3012ba09fc4d3022c5c37dce0f977d3adb5d183c7477c442b1f04515273"
        hex"0000000000000000000000000000000001a714f2edb74119a2f2b0d5a7c75ba902d163700a61bc224ededd8e63aef7be"
        hex"1aaf8e93d7a9718b047ccddb3eb5d68b";
    bytes private constant ROUND_2 =
        hex"b6b6a585449b66eb12e875b64fcbab3799861a00e4dbf092d99e969a5eac57dd3f798acf61e705fe4f093db926626807";
    bytes private constant ROUND_2_Y =
        hex"15ff2dfd0adad43e0219d11f00f14d4e14cb0d8292bd2c0a8ec634c1b402c2a067fc5d9c53aa2aa0aab8214ca1fce58c";
    bytes private constant ROUND_42 =
        hex"95a9f9f5b231b7714de1553105d8ffdf3dcda24cfdb1e689319bccf79a9c8ce430a91b811fbfaf763900bc998b5d686a";
    bytes private constant ROUND_42_Y =
        hex"05b5c086615e8435b242b95593c258658b5f7b0e0181870d13f88a1d06275046e42db0886eb64885e980c926403ced18";

    function test_aRoundsSignatureIsNoOtherRounds() external view {
        assertTrue(!Drand.verify(3, ROUND_2, KEY), "refused");
    }

    function test_theSignMustFit() external view {
        bytes memory flipped = ROUND_2;
        flipped[0] ^= 0x20;
        assertTrue(!Drand.verify(2, flipped, KEY), "other sign bit");
    }

    function test_theFlagsMustBeThere() external view {
        bytes memory signature = ROUND_2;
        signature[0] ^= 0x80;
        assertTrue(!Drand.verify(2, signature, KEY), "not marked compressed");
        signature[0] ^= 0xC0;
        assertTrue(!Drand.verify(2, signature, KEY), "marked infinite");
    }

    function test_theMissingCoordinateIsFound() external view {
        (bool ok, bytes memory point) = Drand.decompress(ROUND_2);
        assertTrue(ok, "round 2");
        assertEq(point, _point(ROUND_2, ROUND_2_Y), "large y");
        (ok, point) = Drand.decompress(ROUND_42);
        assertTrue(ok, "round 42");
        assertEq(point, _point(ROUND_42, ROUND_42_Y), "small y");
    }

    /// @dev Both coordinates in EIP-2537's form, the flags taken off.
    function _point(bytes memory x, bytes memory y) private pure returns (bytes memory point) {
        x = bytes.concat(x);
        x[0] &= 0x1f;
        return bytes.concat(new bytes(16), x, new bytes(16), y);
    }

    function test_realRoundsVerify() external view {
        assertTrue(Drand.verify(2, ROUND_2, KEY), "round 2");
        assertTrue(Drand.verify(42, ROUND_42, KEY), "round 42");
        assertTrue(!Drand.verify(3, ROUND_2, KEY), "another round's");
    }

    /// @dev Every other value of the first byte marks another form, another sign, or an x not below the prime.
    function testFuzz_oneChangedByteIsRefused(uint8 position, uint8 change) external view {
        bytes memory signature = bytes.concat(ROUND_2);
        signature[position % 48] ^= bytes1(uint8(bound(change, 1, 255)));
        assertTrue(!Drand.verify(2, signature, KEY), "refused");
    }

    /// @dev A valid signature whose x leaves room for x + p beside the flags, and that other way to write it.
    function test_thereIsOneWayToWriteAPoint() external view {
        (uint256 secret, uint64 round) = (7, 0);
        (uint256 hi, uint256 lo, uint256 sign) = (type(uint256).max, 0, 0);
        while (hi >= 0x05ff << 112) {
            bytes memory point = BlsKit.sign(secret, BLS12381.DST_DRAND, Drand.messageOf(++round));
            uint256 yHi;
            (hi, lo, yHi,) = abi.decode(point, (uint256, uint256, uint256, uint256));
            sign = yHi > 0x0d0088f51cbff34d258dd3db21a5d66b ? 5 : 4;
        }
        bytes memory key = BlsKit.keyOf(secret);
        assertTrue(Drand.verify(round, _compressed(hi, lo, sign), key), "x itself");
        unchecked {
            lo += 0x64774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab;
            hi += 0x1a0111ea397fe69a4b1ba7b6434bacd7;
            if (lo < 0x64774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab) ++hi;
        }
        assertTrue(!Drand.verify(round, _compressed(hi, lo, sign), key), "x + p");
    }

    function _compressed(uint256 hi, uint256 lo, uint256 flags) private pure returns (bytes memory) {
        return abi.encodePacked(uint128(hi | flags << 125), lo);
    }

    /// @dev The fuzzer knows this file's constants and tries the true signature too.
    function testFuzz_any48BytesGetAnAnswer(bytes32 a, bytes16 b, bytes memory other) external view {
        _onlyTheTrueOne(bytes.concat(a, b));
        _onlyTheTrueOne(other);
    }

    function _onlyTheTrueOne(bytes memory signature) private view {
        bool genuine = keccak256(signature) == keccak256(ROUND_2);
        assertTrue(Drand.verify(2, signature, KEY) == genuine, "only the beacon's own");
    }

    /// @dev Outside, so that gas can be limited.
    function isRound2(bytes memory signature) external view returns (bool) {
        return Drand.verify(2, signature, KEY);
    }

    function test_wantOfGasNeverDecides() external view {
        uint256 answered;
        for (uint256 gas = 5_000; gas < 230_000; gas += 1_013) {
            (bool ok, bytes memory answer) =
                address(this).staticcall{gas: gas}(abi.encodeCall(this.isRound2, (ROUND_2)));
            if (!ok) continue;
            assertTrue(abi.decode(answer, (bool)), "never called bad");
            ++answered;
        }
        assertTrue(answered > 10, "some had enough");
    }

    function testFuzz_anyBytesGetAnAnswer(uint64 round, bytes memory signature, bytes memory key) external view {
        assertTrue(!Drand.verify(round, signature, key), "refused");
    }
}
