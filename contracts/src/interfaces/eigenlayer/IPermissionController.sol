// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title The part of EigenLayer's PermissionController that an AVS calls.
interface IPermissionController {
    /// @notice Lets `appointee` call `selector` of `target` for `account`.
    function setAppointee(address account, address appointee, address target, bytes4 selector) external;
}
