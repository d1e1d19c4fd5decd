// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IBridge} from "../interfaces/IBridge.sol";
import {BridgeEnd} from "./BridgeEnd.sol";

/// @title The devnet's bridge: one on each chain, and a relayer whom both believe.
/// @notice It proves nothing. Production refuses it by `isDevnetOnly`.
/// @dev On L1 the sender is ServiceManager and the receiver Slasher; on L2 the sender is Rounds and the
/// receiver StakeTable. The relayer reads `MessageSent` here and calls `deliver` there.
contract PlainBridge is IBridge, BridgeEnd {
    /// @notice Who carries the messages.
    address public immutable relayer;

    /// @notice The caller is not the relayer.
    error NotRelayer(address caller);
    /// @notice This road costs nothing.
    error ValueNotTaken();

    constructor(address relayer_) {
        relayer = relayer_;
    }

    /// @notice Says what this is, for configurations that must refuse it.
    function isDevnetOnly() external pure returns (bool) {
        return true;
    }

    /// @inheritdoc IBridge
    function send(bytes calldata payload) external payable returns (uint64 nonce) {
        if (msg.value != 0) revert ValueNotTaken();
        nonce = _takeNonce();
        emit MessageSent(nonce, msg.sender, payload);
    }

    /// @notice Delivers message `nonce` of the other end. Relayer only.
    function deliver(uint64 nonce, bytes calldata payload) external {
        if (msg.sender != relayer) revert NotRelayer(msg.sender);
        _deliver(nonce, payload);
    }
}
