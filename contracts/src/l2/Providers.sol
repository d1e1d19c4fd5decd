// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IProviders} from "../interfaces/IProviders.sol";

/// @title Stake, uptime, reputation, slash rate and status of providers, checkpointed by time.
abstract contract Providers is IProviders {
    /// @param token_ the network's token, 6 to 18 decimals
    /// @param unbonding_ seconds between leaving stake and taking it out; longer than a round and its windows
    /// @param admin who grants the roles MARKET, HEALTH, MONEY; deployment grants MARKET to `Market`
    constructor(IERC20Metadata token_, uint32 unbonding_, address admin) {}
}
