// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IBridge} from "../interfaces/IBridge.sol";
import {IArbitrumInbox} from "../interfaces/arbitrum/IArbitrum.sol";
import {ArbitrumBridgeDownEnd} from "./ArbitrumBridgeDownEnd.sol";
import {BridgeEnd} from "./BridgeEnd.sol";

/// @title From L1 to Arbitrum, by retryable tickets: the end on L1. Its peer is `ArbitrumBridgeDownEnd`.
/// @dev What the value does not cover of the gas on L2 leaves a ticket that anyone may redeem there, for seven
/// days; nobody can cancel it.
contract ArbitrumBridgeDown is IBridge, BridgeEnd {
    /// @notice Arbitrum's delayed inbox.
    IArbitrumInbox public immutable inbox;
    /// @notice Gas on L2 for taking a message.
    uint256 public immutable gasLimit;

    /// @notice The value must cover the ticket, and more than one wei a gas (Arbitrum takes 1 for a query).
    error ValueTooLow(uint256 got, uint256 least);

    /// @param inbox_ Arbitrum's delayed inbox
    /// @param gasLimit_ gas on L2 for delivering one message
    constructor(address inbox_, uint256 gasLimit_) {
        inbox = IArbitrumInbox(inbox_);
        gasLimit = gasLimit_;
    }

    /// @inheritdoc IBridge
    function send(bytes calldata payload) external payable returns (uint64 nonce) {
        nonce = _takeNonce();
        emit MessageSent(nonce, msg.sender, payload);
        bytes memory data = abi.encodeCall(ArbitrumBridgeDownEnd.deliver, (nonce, payload));
        uint256 submission = inbox.calculateRetryableSubmissionFee(data.length, 0);
        uint256 least = submission + 2 * gasLimit;
        if (msg.value < least) revert ValueTooLow(msg.value, least);
        // What is left over goes back, on L2, to whoever pays for this transaction. The right to cancel goes to
        // the peer, which cannot use it: else a payer could bury a table.
        inbox.createRetryableTicket{value: msg.value}(
            peer, 0, submission, tx.origin, peer, gasLimit, (msg.value - submission) / gasLimit, data
        );
    }

    /// @notice What `send` asks for at a gas price on L2, for a payload of `length` bytes.
    function quote(uint256 length, uint256 l2GasPrice) external view returns (uint256) {
        // Selector, nonce, offset, length, payload padded.
        uint256 size = 100 + (length + 31) / 32 * 32;
        return inbox.calculateRetryableSubmissionFee(size, 0) + gasLimit * l2GasPrice;
    }
}
