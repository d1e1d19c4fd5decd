// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {Times} from "../l1/Times.sol";

/// @title The AVS on L1: registrar of the operator set, BLS keys with proof of possession, stake tables.
interface IServiceManager {
    /// @notice `key` is 192 bytes (docs/formats.md, section 9).
    event OperatorRegistered(address indexed operator, uint32 indexed index, bytes key);
    event OperatorDeregistered(address indexed operator, uint32 indexed index);
    event TableFixed(uint64 indexed epoch, uint32 count, uint128 total, bytes commitment);

    // --- IAVSRegistrar: called by the AllocationManager only. `data` = abi.encode(bytes key256, bytes proof128) ---
    function registerOperator(address operator, address avs, uint32[] calldata operatorSetIds, bytes calldata data)
        external;
    function deregisterOperator(address operator, address avs, uint32[] calldata operatorSetIds) external;
    function supportsAVS(address avs) external view returns (bool);

    /// @notice Fixes the table of a stake epoch and sends its commitment to L2. Anyone, once an epoch,
    /// between `tableOpensAt(epoch)` and `tableLead` before the epoch.
    function fixTable(uint64 epoch) external payable;
    /// @notice The earliest time at which an epoch's table may be fixed.
    function tableOpensAt(uint64 epoch) external view returns (uint64);

    function operatorCount() external view returns (uint32); // indices ever given
    function indexOf(address operator) external view returns (bool known, uint32 index);
    function operatorAt(uint32 index) external view returns (address operator, bool registered);
    function keyAt(uint32 index) external view returns (bytes memory key); // 192 bytes
    /// @notice The sum of the keys of a bitmap's indices (docs/formats.md, section 9), 256 bytes in EIP-2537's form.
    /// Refuses an empty bitmap and bits of indices that nobody has; zero bytes behind are no matter.
    function sumOfKeys(bytes calldata bitmap) external view returns (bytes memory key);
    function keysPage(uint32 page) external view returns (bytes memory);
    function stakesOf(uint64 epoch) external view returns (bytes memory stakesPage);
    function isFixed(uint64 epoch) external view returns (bool);
    function commitmentOf(uint64 epoch) external view returns (bytes memory);
    function popMessage(address operator, bytes calldata key) external view returns (bytes32);
    function operatorSetId() external view returns (uint32);
    function allocationManager() external view returns (address);
    /// @notice The clock of this deployment.
    function times() external view returns (Times memory);
    /// @notice Takes an operator out of the set, if it is in it. `Slasher` only, for one whose slash moved nothing, and
    /// `Rewards`, for one that does too little.
    function eject(address operator) external;
}
