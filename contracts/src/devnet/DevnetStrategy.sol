// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title A strategy of EigenLayer's core v1.8 for the devnet: a share is a token.
/// @notice Nothing is earned here, so nothing has to be divided, and nobody can move the rate.
contract DevnetStrategy {
    using SafeERC20 for IERC20;

    /// @notice The core's, which alone moves shares.
    address public immutable strategyManager;
    /// @notice The one token that is taken.
    IERC20 public immutable underlyingToken;
    /// @notice All shares, and tokens here that came by a deposit.
    uint256 public totalShares;

    /// @notice Only the core's `StrategyManager` calls.
    error OnlyStrategyManager();
    /// @notice Another token than `underlyingToken`.
    error OnlyUnderlyingToken();

    modifier onlyCore(IERC20 token) {
        if (msg.sender != strategyManager) revert OnlyStrategyManager();
        if (token != underlyingToken) revert OnlyUnderlyingToken();
        _;
    }

    /// @param strategyManager_ EigenLayer's
    /// @param token the one that is taken; without transfer fee
    constructor(address strategyManager_, IERC20 token) {
        strategyManager = strategyManager_;
        underlyingToken = token;
    }

    /// @notice Counts tokens that the core has just sent here.
    /// @return newShares as many as tokens
    function deposit(IERC20 token, uint256 amount) external onlyCore(token) returns (uint256 newShares) {
        totalShares += amount;
        return amount;
    }

    /// @notice Sends tokens for shares that the core gives up.
    /// @return amountOut as many as shares; the core of v1.8 reads it
    function withdraw(address recipient, IERC20 token, uint256 amountShares)
        external
        onlyCore(token)
        returns (uint256 amountOut)
    {
        totalShares -= amountShares;
        token.safeTransfer(recipient, amountShares);
        return amountShares;
    }

    /// @notice One for one.
    function sharesToUnderlyingView(uint256 amountShares) external pure returns (uint256) {
        return amountShares;
    }

    /// @notice One for one.
    function underlyingToSharesView(uint256 amountUnderlying) external pure returns (uint256) {
        return amountUnderlying;
    }
}
