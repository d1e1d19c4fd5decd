// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title What EigenLayer's AllocationManager calls on an AVS.
interface IAVSRegistrar {
    /// @notice An operator joins; a revert refuses it.
    function registerOperator(address operator, address avs, uint32[] calldata operatorSetIds, bytes calldata data)
        external;
    /// @notice An operator leaves. Must never revert: the core calls it without a net.
    function deregisterOperator(address operator, address avs, uint32[] calldata operatorSetIds) external;
    /// @notice Whether this registrar serves `avs`.
    function supportsAVS(address avs) external view returns (bool);
}
