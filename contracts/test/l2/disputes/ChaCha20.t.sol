// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {ChaCha20} from "../../../src/lib/ChaCha20.sol";
import {Base} from "../../Base.t.sol";

/// @notice The block function against the vectors of RFC 8439 and against the RFC's text, word by word.
contract ChaCha20Test is Base {
    /// @dev The words of a block, joined as the RFC serialises them.
    function _block(bytes32 key, uint64 counter, uint64 nonce) private pure returns (bytes memory out) {
        for (uint256 i; i < 8; ++i) {
            out = bytes.concat(out, _littleEndian(ChaCha20.word(ChaCha20.load(key), counter, nonce, i)));
        }
    }

    function _littleEndian(uint256 x) private pure returns (bytes8 out) {
        for (uint256 i; i < 8; ++i) {
            out |= bytes8(bytes1(uint8(x >> 8 * i))) >> 8 * i;
        }
    }

    /// @dev Section 2.3.2. The counter's upper half is the first word of the RFC's nonce.
    function test_theExampleOfTheText() external pure {
        bytes32 key = 0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f;
        bytes memory expected = hex"10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e"
            hex"d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e";
        assertEq(_block(key, 0x0900000000000001, 0x4a000000), expected, "block");
    }

    /// @dev Appendix A.1.
    function test_theVectorsOfTheAppendix() external pure {
        bytes memory first = hex"76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
            hex"da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586";
        bytes memory second = hex"9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed"
            hex"29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f";
        bytes memory third = hex"3aeb5224ecf849929b9d828db1ced4dd832025e8018b8160b82284f3c949aa5a"
            hex"8eca00bbb4a73bdad192b5c42f73f2fd4e273644c8b36125a64addeb006c13a0";
        bytes memory fourth = hex"72d54dfbf12ec44b362692df94137f328fea8da73990265ec1bbbea1ae9af0ca"
            hex"13b25aa26cb4a648cb9b9d1be65b2c0924a66c54d545ec1b7374f4872e99f096";
        bytes memory fifth = hex"c2c64d378cd536374ae204b9ef933fcd1a8b2288b3dfa49672ab765b54ee27c7"
            hex"8a970e0e955c14f3a88e741b97c286f75f8fc299e8148362fa198a39531bed6d";
        assertEq(_block(0, 0, 0), first, "1");
        assertEq(_block(0, 1, 0), second, "2");
        assertEq(_block(bytes32(uint256(1)), 1, 0), third, "3");
        assertEq(_block(bytes32(uint256(0xff) << 240), 2, 0), fourth, "4");
        assertEq(_block(0, 0, 0x0200000000000000), fifth, "5");
    }

    function testFuzz_aBlockIsThatOfTheText(bytes32 key, uint64 counter, uint64 nonce) external pure {
        uint32[16] memory words = _plain(key, counter, nonce);
        for (uint256 i; i < 8; ++i) {
            uint256 expected = uint256(words[2 * i + 1]) << 32 | words[2 * i];
            assertEq(ChaCha20.word(ChaCha20.load(key), counter, nonce, i), expected, "word");
        }
    }

    /// @dev All ones bring the most carries.
    function test_carriesStayInTheirLanes() external pure {
        uint32[16] memory words = _plain(bytes32(type(uint256).max), type(uint64).max, type(uint64).max);
        uint256 last = ChaCha20.word(ChaCha20.load(bytes32(type(uint256).max)), type(uint64).max, type(uint64).max, 7);
        assertEq(last, uint256(words[15]) << 32 | words[14], "word");
    }

    function test_gas_aBlock() external {
        ChaCha20.Key memory key = ChaCha20.load(keccak256("key"));
        uint256 before = gasleft();
        uint256 word = ChaCha20.word(key, 12_345, 1, 5);
        uint256 gas = before - gasleft();
        assertTrue(word != 0, "used");
        emit log_named_uint("gas of a block", gas);
        assertLe(gas, 6_700, "gas of a block");
    }

    // --- the text of RFC 8439, sections 2.1 to 2.3, with an array of words ---

    function _plain(bytes32 key, uint64 counter, uint64 nonce) private pure returns (uint32[16] memory out) {
        uint32[16] memory s;
        (s[0], s[1], s[2], s[3]) = (0x61707865, 0x3320646e, 0x79622d32, 0x6b206574);
        for (uint256 i; i < 8; ++i) {
            for (uint256 j; j < 4; ++j) {
                s[4 + i] |= uint32(uint8(key[4 * i + j])) << uint32(8 * j);
            }
        }
        (s[12], s[13]) = (uint32(counter), uint32(counter >> 32));
        (s[14], s[15]) = (uint32(nonce), uint32(nonce >> 32));
        for (uint256 i; i < 16; ++i) {
            out[i] = s[i];
        }
        for (uint256 i; i < 10; ++i) {
            _quarter(s, 0, 4, 8, 12);
            _quarter(s, 1, 5, 9, 13);
            _quarter(s, 2, 6, 10, 14);
            _quarter(s, 3, 7, 11, 15);
            _quarter(s, 0, 5, 10, 15);
            _quarter(s, 1, 6, 11, 12);
            _quarter(s, 2, 7, 8, 13);
            _quarter(s, 3, 4, 9, 14);
        }
        unchecked {
            for (uint256 i; i < 16; ++i) {
                out[i] += s[i];
            }
        }
    }

    function _quarter(uint32[16] memory s, uint256 a, uint256 b, uint256 c, uint256 d) private pure {
        unchecked {
            s[a] += s[b];
            s[d] = _rotate(s[d] ^ s[a], 16);
            s[c] += s[d];
            s[b] = _rotate(s[b] ^ s[c], 12);
            s[a] += s[b];
            s[d] = _rotate(s[d] ^ s[a], 8);
            s[c] += s[d];
            s[b] = _rotate(s[b] ^ s[c], 7);
        }
    }

    function _rotate(uint32 x, uint32 by) private pure returns (uint32) {
        return x << by | x >> (32 - by);
    }
}
