// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {BLS12381} from "../src/lib/BLS12381.sol";

/// @notice Keys and signatures for tests, made with EIP-2537's multiplications.
library BlsKit {
    bytes internal constant GENERATOR_G2 = hex"00000000000000000000000000000000024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d177"
        hex"0bac0326a805bbefd48056c8c121bdb80000000000000000000000000000000013e02b6052719f607dacd3a088274f65"
        hex"596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e"
        hex"000000000000000000000000000000000ce5d527727d6e118cc9cdc6da2e351aadfd9baa8cbdd3a76d429a695160d12c"
        hex"923ac9cc3baca289e193548608b82801000000000000000000000000000000000606c4a02ea734cc32acd2b02bc28b99"
        hex"cb3e287e85a763af267492ab572e99ab3f370d275cec1da1aaa9075ff05f79be";

    error PrecompileFailed();

    /// @notice The public key of a secret, 256 bytes.
    function keyOf(uint256 secret) internal view returns (bytes memory) {
        return _call(0x0e, bytes.concat(GENERATOR_G2, bytes32(secret)));
    }

    /// @notice The public key of a secret, 192 bytes.
    function packedKeyOf(uint256 secret) internal view returns (bytes memory) {
        return BLS12381.packKey(keyOf(secret));
    }

    /// @notice The signature of a secret over a message, 128 bytes.
    function sign(uint256 secret, bytes memory dst, bytes32 message) internal view returns (bytes memory) {
        return _call(0x0c, bytes.concat(BLS12381.hashToG1(bytes.concat(message), dst), bytes32(secret)));
    }

    /// @notice The sum of two points of G1.
    function addG1(bytes memory a, bytes memory b) internal view returns (bytes memory) {
        return _call(0x0b, bytes.concat(a, b));
    }

    function _call(uint160 precompile, bytes memory input) private view returns (bytes memory output) {
        bool ok;
        (ok, output) = address(precompile).staticcall(input);
        if (!ok) revert PrecompileFailed();
    }
}
