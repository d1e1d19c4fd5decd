// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Base} from "./Base.t.sol";

/// @notice The machine that the contracts need is there.
contract SmokeTest is Base {
    /// @dev EIP-2537 is live: the sum of two infinities is 128 zero bytes.
    function test_precompilesAnswer() external view {
        (bool ok, bytes memory sum) = address(0x0b).staticcall(new bytes(256));
        assertTrue(ok, "G1ADD succeeds");
        assertEq(sum, new bytes(128), "infinity plus infinity");
    }

    function testFuzz_bound(uint256 x) external pure {
        uint256 y = bound(x, 3, 7);
        assertTrue(y >= 3 && y <= 7, "within the bounds");
    }
}
