// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IBridge, IBridgeReceiver} from "../interfaces/IBridge.sol";

/// @title What every end of a bridge shares: it is wired once, and delivers each message once.
/// @dev Ends and the contracts they serve name each other, so one of them must come first: the end is
/// deployed, then what it serves, then the deployer wires the end and has no power over it any more.
abstract contract BridgeEnd {
    /// @notice Who may wire this end, once.
    address public immutable deployer = msg.sender;
    /// @notice The contract on this chain whose messages leave here; zero at an end that only receives.
    address public sender;
    /// @notice The contract on this chain that takes what arrives here; zero at an end that only sends.
    address public receiver;
    /// @notice The other end of this road; zero at an end that needs none.
    address public peer;
    /// @notice Whether the end is wired.
    bool public connected;
    /// @notice Number of the next message that leaves here.
    uint64 public nextNonce;
    /// @notice Whether the message of a number has arrived.
    mapping(uint64 nonce => bool) public delivered;

    /// @notice The end was wired.
    event Connected(address sender, address receiver, address peer);

    /// @notice Only the deployer wires an end, and only once.
    error NotDeployer();
    error AlreadyConnected();
    /// @notice The caller is not the contract that this end belongs to.
    error NotSender(address caller);
    /// @notice The message has been delivered before.
    error AlreadyDelivered(uint64 nonce);

    /// @notice Wires this end. Once, by the deployer.
    function connect(address sender_, address receiver_, address peer_) external {
        if (msg.sender != deployer) revert NotDeployer();
        if (connected) revert AlreadyConnected();
        (sender, receiver, peer, connected) = (sender_, receiver_, peer_, true);
        emit Connected(sender_, receiver_, peer_);
    }

    /// @dev Takes the next number for a message of `sender`.
    function _takeNonce() internal returns (uint64 nonce) {
        if (msg.sender != sender) revert NotSender(msg.sender);
        return nextNonce++;
    }

    /// @dev Hands a message to the receiver. If the receiver reverts, so does this, and the message may come again.
    function _deliver(uint64 nonce, bytes calldata payload) internal {
        if (delivered[nonce]) revert AlreadyDelivered(nonce);
        delivered[nonce] = true;
        emit IBridge.MessageDelivered(nonce, payload);
        IBridgeReceiver(receiver).receiveMessage(payload);
    }
}
