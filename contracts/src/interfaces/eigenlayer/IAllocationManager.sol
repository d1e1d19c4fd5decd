// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @notice One operator set of an AVS, as the core names it.
struct OperatorSet {
    address avs;
    uint32 id;
}

/// @notice What to slash: `strategies` strictly ascending, one wad (of 1e18, above zero) each.
struct SlashingParams {
    address operator;
    uint32 operatorSetId;
    address[] strategies;
    uint256[] wadsToSlash;
    string description;
}

/// @notice A new operator set in the dialect up to v1.8: who may slash stands in the PermissionController.
struct CreateSetParams {
    uint32 operatorSetId;
    address[] strategies;
}

/// @notice A new operator set in the dialect from v1.9: with its one slasher.
struct CreateSetParamsV2 {
    uint32 operatorSetId;
    address[] strategies;
    address slasher;
}

/// @notice Which sets of which AVS an operator is taken out of.
struct DeregisterParams {
    address operator;
    address avs;
    uint32[] operatorSetIds;
}

/// @title The part of EigenLayer's AllocationManager that an AVS calls (v1.8 and v1.9).
interface IAllocationManager {
    function updateAVSMetadataURI(address avs, string calldata metadataURI) external;
    function setAVSRegistrar(address avs, address registrar) external;
    function createRedistributingOperatorSets(
        address avs,
        CreateSetParams[] calldata params,
        address[] calldata redistributionRecipients
    ) external;
    function createRedistributingOperatorSets(
        address avs,
        CreateSetParamsV2[] calldata params,
        address[] calldata redistributionRecipients
    ) external;
    function deregisterFromOperatorSets(DeregisterParams calldata params) external;
    function slashOperator(address avs, SlashingParams calldata params)
        external
        returns (uint256 slashId, uint256[] memory shares);
    function getStrategiesInOperatorSet(OperatorSet calldata operatorSet) external view returns (address[] memory);
    function isOperatorSlashable(address operator, OperatorSet calldata operatorSet) external view returns (bool);
    function getMinimumSlashableStake(
        OperatorSet calldata operatorSet,
        address[] calldata operators,
        address[] calldata strategies,
        uint32 futureBlock
    ) external view returns (uint256[][] memory slashableStake);
}
