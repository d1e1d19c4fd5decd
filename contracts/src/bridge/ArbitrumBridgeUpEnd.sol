// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IArbitrumBridge, IArbitrumOutbox} from "../interfaces/arbitrum/IArbitrum.sol";
import {BridgeEnd} from "./BridgeEnd.sol";

/// @title From Arbitrum to L1, through the outbox: the end on L1. Its peer is `ArbitrumBridgeUp`.
contract ArbitrumBridgeUpEnd is BridgeEnd {
    /// @notice Arbitrum's bridge: it makes the calls that come out of the outbox.
    IArbitrumBridge public immutable bridge;

    /// @notice The call does not come out of Arbitrum's outbox.
    error NotArbitrum(address caller);
    /// @notice It does, but somebody else sent it.
    error NotPeer(address l2Sender);

    /// @param bridge_ Arbitrum's bridge on this chain
    constructor(address bridge_) {
        bridge = IArbitrumBridge(bridge_);
    }

    /// @notice Takes a message. Only what the peer sent on L2 can call this.
    function deliver(uint64 nonce, bytes calldata payload) external {
        if (msg.sender != address(bridge)) revert NotArbitrum(msg.sender);
        address l2Sender = IArbitrumOutbox(bridge.activeOutbox()).l2ToL1Sender();
        if (!connected || l2Sender != peer) revert NotPeer(l2Sender);
        _deliver(nonce, payload);
    }
}
