// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title A strategy for devnets and tests: one share is one token, for ever.
/// @dev Speaks what EigenLayer's core asks of a strategy (v1.8). One to one, because nothing is ever earned or
/// lost here: StrategyManager and DelegationManager keep the shares.
contract DevnetStrategy {
    using SafeERC20 for IERC20;

    /// @notice The only one who deposits and withdraws.
    address public immutable strategyManager;
    /// @notice The one token that is taken.
    IERC20 public immutable underlyingToken;
    /// @notice All shares there are.
    uint256 public totalShares;

    error OnlyStrategyManager();
    error OnlyUnderlyingToken();

    constructor(address strategyManager_, IERC20 token) {
        strategyManager = strategyManager_;
        underlyingToken = token;
    }

    modifier onlyManager(IERC20 token) {
        if (msg.sender != strategyManager) revert OnlyStrategyManager();
        if (address(token) != address(underlyingToken)) revert OnlyUnderlyingToken();
        _;
    }

    /// @notice Counts tokens that the manager has sent here before.
    function deposit(IERC20 token, uint256 amount) external onlyManager(token) returns (uint256 newShares) {
        totalShares += amount;
        return amount;
    }

    /// @notice Pays out shares.
    function withdraw(address recipient, IERC20 token, uint256 amountShares)
        external
        onlyManager(token)
        returns (uint256 amountOut)
    {
        totalShares -= amountShares;
        token.safeTransfer(recipient, amountShares);
        return amountShares;
    }

    /// @notice Shares in tokens.
    function sharesToUnderlyingView(uint256 amountShares) external pure returns (uint256) {
        return amountShares;
    }

    /// @notice Shares in tokens.
    function sharesToUnderlying(uint256 amountShares) external pure returns (uint256) {
        return amountShares;
    }

    /// @notice Tokens in shares.
    function underlyingToSharesView(uint256 amountUnderlying) external pure returns (uint256) {
        return amountUnderlying;
    }

    /// @notice Tokens in shares.
    function underlyingToShares(uint256 amountUnderlying) external pure returns (uint256) {
        return amountUnderlying;
    }

    /// @notice Says what this is.
    function explanation() external pure returns (string memory) {
        return "devnet only: one share is one token";
    }
}
