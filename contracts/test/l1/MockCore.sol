// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IAVSRegistrar} from "../../src/interfaces/eigenlayer/IAVSRegistrar.sol";
import {
    CreateSetParams,
    CreateSetParamsV2,
    DeregisterParams,
    IAllocationManager,
    OperatorSet,
    SlashingParams
} from "../../src/interfaces/eigenlayer/IAllocationManager.sol";
import {IPermissionController} from "../../src/interfaces/eigenlayer/IPermissionController.sol";
import {IStrategyManager} from "../../src/interfaces/eigenlayer/IRewardsCoordinator.sol";

/// @notice AllocationManager, PermissionController and StrategyManager in one, as strict as the real ones where we
/// depend on it.
contract MockCore is IAllocationManager, IPermissionController, IStrategyManager {
    error InvalidCaller();
    error AppointeeAlreadySet();
    error Paused();
    error NonexistentAVSMetadata();
    error InvalidAVSRegistrar();
    error StrategiesMustBeInAscendingOrder();
    error InvalidWadToSlash();
    error OperatorNotSlashable();
    error NotMemberOfSet();

    struct Slash {
        address operator;
        uint256 wad;
        uint256 strategies;
    }

    bool public hasMetadata;
    address public registrar;
    address public slasher;
    address public recipient;
    bool public usedSlot;
    address[] private _strategies;
    Slash[] public slashes;
    mapping(address => bool) public registered;
    mapping(address => bool) public slashable;
    mapping(address operator => mapping(address strategy => uint256)) public stake;
    /// @notice Last block up to which an operator's stake is bound; 0 for ever.
    mapping(address => uint256) public leavingAt;
    /// @notice Strategies that are on the list no more.
    mapping(address => bool) public delisted;
    /// @notice Nobody leaves a set.
    bool public paused;
    address private _avs;
    uint32 private _setId;
    mapping(bytes32 => bool) private _mayCall;

    // --- what tests arrange ---

    function setStake(address operator, address strategy, uint256 amount) external {
        stake[operator][strategy] = amount;
    }

    function setSlashable(address operator, bool yes) external {
        slashable[operator] = yes;
    }

    function setLeavingAt(address operator, uint256 number) external {
        leavingAt[operator] = number;
    }

    function setDelisted(address strategy, bool yes) external {
        delisted[strategy] = yes;
    }

    function setPaused(bool yes) external {
        paused = yes;
    }

    function register(address operator, address avs, uint32 id, bytes calldata data) external {
        registered[operator] = true;
        slashable[operator] = true;
        uint32[] memory ids = new uint32[](1);
        ids[0] = id;
        IAVSRegistrar(registrar).registerOperator(operator, avs, ids, data);
    }

    function deregister(address operator, address avs, uint32[] calldata ids) external {
        registered[operator] = false;
        IAVSRegistrar(registrar).deregisterOperator(operator, avs, ids);
    }

    function slashCount() external view returns (uint256) {
        return slashes.length;
    }

    // --- what the AVS calls ---

    function updateAVSMetadataURI(address avs, string calldata) external {
        if (msg.sender != avs) revert InvalidCaller();
        hasMetadata = true;
    }

    function setAVSRegistrar(address avs, address registrar_) external {
        if (msg.sender != avs) revert InvalidCaller();
        if (!IAVSRegistrar(registrar_).supportsAVS(avs)) revert InvalidAVSRegistrar();
        registrar = registrar_;
    }

    function createRedistributingOperatorSets(
        address avs,
        CreateSetParams[] calldata params,
        address[] calldata recipients
    ) external {
        if (msg.sender != avs) revert InvalidCaller();
        if (!hasMetadata) revert NonexistentAVSMetadata();
        _strategies = params[0].strategies;
        (_avs, _setId) = (avs, params[0].operatorSetId);
        recipient = recipients[0];
    }

    function createRedistributingOperatorSets(
        address avs,
        CreateSetParamsV2[] calldata params,
        address[] calldata recipients
    ) external {
        if (msg.sender != avs) revert InvalidCaller();
        if (!hasMetadata) revert NonexistentAVSMetadata();
        _strategies = params[0].strategies;
        (_avs, _setId) = (avs, params[0].operatorSetId);
        recipient = recipients[0];
        slasher = params[0].slasher;
        usedSlot = true;
    }

    function setAppointee(address account, address appointee, address target, bytes4 selector) external {
        if (msg.sender != account) revert InvalidCaller();
        bytes32 key = keccak256(abi.encode(account, appointee, target, selector));
        if (_mayCall[key]) revert AppointeeAlreadySet();
        _mayCall[key] = true;
        if (target == address(this) && selector == this.slashOperator.selector) slasher = appointee;
    }

    /// @dev The account itself, or one that it appointed.
    function canCall(address account, address caller, address target, bytes4 selector) external view returns (bool) {
        return caller == account || _mayCall[keccak256(abi.encode(account, caller, target, selector))];
    }

    function isOperatorSet(OperatorSet calldata set) external view returns (bool) {
        return _avs != address(0) && set.avs == _avs && set.id == _setId;
    }

    function strategyIsWhitelistedForDeposit(address strategy) external view returns (bool) {
        return !delisted[strategy];
    }

    function deregisterFromOperatorSets(DeregisterParams calldata params) external {
        if (msg.sender != params.operator && msg.sender != params.avs) revert InvalidCaller();
        if (paused) revert Paused();
        if (!registered[params.operator]) revert NotMemberOfSet();
        registered[params.operator] = false;
        IAVSRegistrar(registrar).deregisterOperator(params.operator, params.avs, params.operatorSetIds);
    }

    function slashOperator(address, SlashingParams calldata p)
        external
        returns (uint256 slashId, uint256[] memory shares)
    {
        if (msg.sender != slasher) revert InvalidCaller();
        if (!slashable[p.operator]) revert OperatorNotSlashable();
        shares = new uint256[](p.strategies.length);
        for (uint256 i = 0; i < p.strategies.length; ++i) {
            if (i > 0 && p.strategies[i] <= p.strategies[i - 1]) revert StrategiesMustBeInAscendingOrder();
            uint256 wad = p.wadsToSlash[i];
            if (wad == 0 || wad > 1e18) revert InvalidWadToSlash();
            // Rounded up, as the core does with magnitudes.
            uint256 held = stake[p.operator][p.strategies[i]];
            shares[i] = (held * wad + 1e18 - 1) / 1e18;
            stake[p.operator][p.strategies[i]] = held - shares[i];
        }
        slashes.push(Slash(p.operator, p.wadsToSlash[0], p.strategies.length));
        return (slashes.length, shares);
    }

    function getStrategiesInOperatorSet(OperatorSet calldata) external view returns (address[] memory) {
        return _strategies;
    }

    function isOperatorSlashable(address operator, OperatorSet calldata) external view returns (bool) {
        return slashable[operator];
    }

    /// @dev Counts nothing of an operator whose stake is bound for less long than asked.
    function getMinimumSlashableStake(
        OperatorSet calldata,
        address[] calldata operators,
        address[] calldata strategies,
        uint32 futureBlock
    ) external view returns (uint256[][] memory amounts) {
        amounts = new uint256[][](operators.length);
        for (uint256 i = 0; i < operators.length; ++i) {
            amounts[i] = new uint256[](strategies.length);
            for (uint256 j = 0; j < strategies.length; ++j) {
                uint256 amount = slashable[operators[i]] ? stake[operators[i]][strategies[j]] : 0;
                amounts[i][j] = leavingAt[operators[i]] != 0 && futureBlock > leavingAt[operators[i]] ? 0 : amount;
            }
        }
    }
}
