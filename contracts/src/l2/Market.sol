// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IMarket} from "../interfaces/IMarket.sol";
import {IProviders} from "../interfaces/IProviders.sol";
import {IRounds} from "../interfaces/IRounds.sol";

/// @title Offers, requests, leases and escrow.
abstract contract Market is IMarket {
    /// @param rounds_ deployed before, knowing this address
    /// @param providers_ must grant this contract the role MARKET
    /// @param treasury_ takes the fees
    /// @param tokens_ token of each currency by index, at most 32, 6 to 18 decimals, zero address for none
    constructor(IRounds rounds_, IProviders providers_, address treasury_, address[] memory tokens_) {}
}
