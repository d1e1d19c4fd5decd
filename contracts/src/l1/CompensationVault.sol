// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title Where slashed shares go: the operator set's redistribution recipient, fixed in the core for ever.
/// @notice Has no owner. What EigenLayer clears to it can leave in one direction only, to the core's burn
/// address, by anyone: neither the slashed nor the accuser gains by a slash. A capped bounty for the accuser
/// comes later, with a vault of its own for a new operator set, since a set's recipient never changes.
contract CompensationVault {
    using SafeERC20 for IERC20;

    /// @notice EigenLayer's own burn address.
    address public constant BURN_ADDRESS = 0x00000000000000000000000000000000000E16E4;

    /// @notice All that was held of a token was burned.
    event Burned(address indexed token, uint256 amount);

    /// @notice Sends all that is held of `token` to the burn address.
    function burn(IERC20 token) external {
        uint256 amount = token.balanceOf(address(this));
        emit Burned(address(token), amount);
        token.safeTransfer(BURN_ADDRESS, amount);
    }
}
