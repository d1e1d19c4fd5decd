// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title Arbitrum's delayed inbox on L1: the part that makes retryable tickets.
interface IArbitrumInbox {
    /// @notice Makes a ticket that calls `to` on L2 with `data`, and is tried at once if gas was paid for.
    /// @dev `callValueRefundAddress` may cancel the ticket on L2.
    function createRetryableTicket(
        address to,
        uint256 l2CallValue,
        uint256 maxSubmissionCost,
        address excessFeeRefundAddress,
        address callValueRefundAddress,
        uint256 gasLimit,
        uint256 maxFeePerGas,
        bytes calldata data
    ) external payable returns (uint256 ticketId);
    /// @notice What submitting a ticket costs; `baseFee` 0 stands for the block's.
    function calculateRetryableSubmissionFee(uint256 dataLength, uint256 baseFee) external view returns (uint256);
}

/// @title Arbitrum's bridge on L1: the caller of all that comes from L2.
interface IArbitrumBridge {
    /// @notice The outbox whose message is being executed.
    function activeOutbox() external view returns (address);
}

/// @title Arbitrum's outbox on L1.
interface IArbitrumOutbox {
    /// @notice Who sent, on L2, the message that is being executed.
    function l2ToL1Sender() external view returns (address);
}

/// @title Arbitrum's system precompile on L2, at address 100.
interface IArbSys {
    /// @notice Sends a call to L1, to be executed there once the assertion that holds it is confirmed.
    function sendTxToL1(address destination, bytes calldata data) external payable returns (uint256);
}
