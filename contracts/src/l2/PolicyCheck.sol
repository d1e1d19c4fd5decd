// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {PolicyPage} from "../lib/PolicyPage.sol";
import {PolicyRules} from "../lib/PolicyRules.sol";

/// @title Judges a policy's page before it takes effect.
/// @dev A contract of its own, which `PolicyBook` makes for itself, so that these rules, run once a policy, take no room
/// in `Rounds`. Without state.
contract PolicyCheck {
    /// @notice Reverts with `WrongPolicyLength` or `BadPolicy` unless the page follows every rule.
    /// @return hash the hash that headers name
    function check(bytes calldata page) external pure returns (bytes32 hash) {
        bytes memory copy = page;
        PolicyRules.validate(copy);
        return PolicyPage.hash(copy);
    }
}
