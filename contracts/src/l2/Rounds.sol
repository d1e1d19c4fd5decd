// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IBridge} from "../interfaces/IBridge.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {IRounds} from "../interfaces/IRounds.sol";
import {IStakeTable} from "../interfaces/IStakeTable.sol";

/// @title Schedule, policy versions, certificates and outcomes.
abstract contract Rounds is IRounds {
    /// @notice The contracts around this one. `market` is deployed afterwards, at an address known before.
    struct Links {
        IStakeTable table;
        IMarket market;
        IBridge bridge;
        address timelock; // sets policies
    }

    /// @param schedule_ never changes; checked here
    /// @param domain_ whom the headers name on L1
    /// @param links the contracts around this one
    /// @param ring_ how many rounds keep their digest in storage: at least twice settle time and windows
    /// @param policy the first policy's page (docs/formats.md, section 5), in force from round 0
    constructor(Schedule memory schedule_, Domain memory domain_, Links memory links, uint32 ring_, bytes memory policy) {}
}
