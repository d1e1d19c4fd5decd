// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @notice Cheatcodes beyond those of the test base.
interface Vm2 {
    function computeCreateAddress(address deployer, uint256 nonce) external pure returns (address);
    function getNonce(address account) external view returns (uint64);
    function parseJsonBoolArray(string calldata json, string calldata key) external pure returns (bool[] memory);
    function expectPartialRevert(bytes4 selector) external;

    struct Gas {
        uint64 gasLimit;
        uint64 gasTotalUsed;
        uint64 gasMemoryUsed;
        int64 gasRefunded;
        uint64 gasRemaining;
    }

    function lastCallGas() external view returns (Gas memory);
    function addr(uint256 key) external pure returns (address);
    function sign(uint256 key, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function setNonce(address account, uint64 nonce) external;
}

Vm2 constant vm2 = Vm2(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
