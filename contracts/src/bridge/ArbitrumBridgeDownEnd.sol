// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {BridgeEnd} from "./BridgeEnd.sol";

/// @title From L1 to Arbitrum, by retryable tickets: the end on L2. Its peer is `ArbitrumBridgeDown`.
contract ArbitrumBridgeDownEnd is BridgeEnd {
    /// @dev Arbitrum adds this to the address of a contract that sends from L1.
    uint160 private constant ALIAS_OFFSET = uint160(0x1111000000000000000000000000000000001111);

    /// @notice The caller is not the peer on L1, by its alias.
    error NotPeer(address caller);

    /// @notice Takes a message. Only the peer's tickets can call this.
    function deliver(uint64 nonce, bytes calldata payload) external {
        unchecked {
            if (!connected || msg.sender != address(uint160(peer) + ALIAS_OFFSET)) revert NotPeer(msg.sender);
        }
        _deliver(nonce, payload);
    }
}
