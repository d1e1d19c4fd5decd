// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title One direction of the road between L1 and L2.
/// @notice A sender on one chain hands over bytes; the receiver on the other gets exactly these
/// bytes. A message is delivered once: a second delivery is refused.
interface IBridge {
    /// @notice A message was handed to the road.
    event MessageSent(uint64 indexed nonce, address indexed from, bytes payload);
    /// @notice A message arrived and its receiver took it.
    event MessageDelivered(uint64 indexed nonce, bytes payload);

    /// @notice Sends `payload` to the one receiver that this bridge serves on the other chain.
    /// @dev Only the contract that this bridge belongs to may call. Value pays for the road where it costs.
    function send(bytes calldata payload) external payable returns (uint64 nonce);
}

/// @notice What stands at the end of a bridge.
interface IBridgeReceiver {
    /// @dev Only the bridge may call.
    function receiveMessage(bytes calldata payload) external;
}
