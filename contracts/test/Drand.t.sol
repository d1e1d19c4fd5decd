// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Drand} from "../src/lib/Drand.sol";
import {Base} from "./Base.t.sol";

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

    function test_realRoundsVerify() external view {
        assertTrue(Drand.verify(2, ROUND_2, ROUND_2_Y, KEY), "round 2, large y");
        assertTrue(Drand.verify(42, ROUND_42, ROUND_42_Y, KEY), "round 42, small y");
    }

    function test_aRoundsSignatureIsNoOtherRounds() external view {
        assertTrue(!Drand.verify(3, ROUND_2, ROUND_2_Y, KEY), "refused");
    }

    function test_theSignMustFit() external view {
        bytes memory flipped = ROUND_2;
        flipped[0] ^= 0x20;
        assertTrue(!Drand.verify(2, flipped, ROUND_2_Y, KEY), "other sign bit");
    }

    function test_theFlagsMustBeThere() external view {
        bytes memory signature = ROUND_2;
        signature[0] ^= 0x80;
        assertTrue(!Drand.verify(2, signature, ROUND_2_Y, KEY), "not marked compressed");
        signature[0] ^= 0xC0;
        assertTrue(!Drand.verify(2, signature, ROUND_2_Y, KEY), "marked infinite");
    }

    function test_anotherYIsRefused() external view {
        assertTrue(!Drand.verify(2, ROUND_2, ROUND_42_Y, KEY), "y of another point");
        bytes memory y = ROUND_2_Y;
        y[47] ^= 0x01;
        assertTrue(!Drand.verify(2, ROUND_2, y, KEY), "y off the curve");
    }

    function testFuzz_anyBytesGetAnAnswer(uint64 round, bytes memory signature, bytes memory y, bytes memory key)
        external
        view
    {
        assertTrue(!Drand.verify(round, signature, y, key), "refused");
    }

    function testFuzz_anyBytesOfTheRightLengthGetAnAnswer(bytes32 a, bytes16 b, bytes32 c, bytes16 d) external view {
        assertTrue(!Drand.verify(2, bytes.concat(a, b), bytes.concat(c, d), KEY), "refused");
    }
}
