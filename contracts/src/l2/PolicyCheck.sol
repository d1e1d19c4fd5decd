// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {PolicyPage} from "../lib/PolicyPage.sol";
import {PolicyRules} from "../lib/PolicyRules.sol";
import {Waits} from "../lib/Waits.sol";
import {OrderBook} from "./OrderBook.sol";

/// @title Judges a policy's page before it takes effect: by its own rules, and by the times of this deployment.
/// @dev A contract of its own, which `Rounds` makes for itself, so that these rules, run once a policy, take no room in it.
/// Without state.
contract PolicyCheck {
    /// @notice The market, whose providers' stake outlasts the waits of health; nothing lies there while the first policy
    /// is judged.
    address public immutable market;
    /// @notice The least seconds for which receipts are taken: two delays of forced inclusion.
    uint256 public immutable leastAppeal;
    uint256 private immutable _healthEpoch;

    /// @notice The receipts of an epoch are taken for less than two delays of forced inclusion: whoever orders the chain's
    /// transactions could keep them out.
    error AppealTooShort(uint256 got, uint256 least);

    /// @param market_ may be deployed afterwards
    /// @param healthEpoch seconds
    /// @param forcedInclusion seconds after which nobody can keep a transaction off this chain
    constructor(address market_, uint256 healthEpoch, uint256 forcedInclusion) {
        (market, leastAppeal, _healthEpoch) = (market_, 2 * forcedInclusion, healthEpoch);
    }

    /// @notice Reverts with `WrongPolicyLength` or `BadPolicy` unless the page follows every rule, with `AppealTooShort` or
    /// `UnbondingTooShort` unless its waits suit this deployment.
    /// @return hash the hash that headers name
    function check(bytes calldata page) external view returns (bytes32 hash) {
        bytes memory copy = page;
        PolicyRules.validate(copy);
        (uint256 certifySeconds, uint256 appealSeconds) = PolicyRules.waitsOf(copy);
        if (appealSeconds < leastAppeal) revert AppealTooShort(appealSeconds, leastAppeal);
        // Before the market there are no providers: `Health` judges the first policy, as it is deployed.
        if (market.code.length != 0) {
            Waits.check(OrderBook(market).providers().unbonding(), _healthEpoch, certifySeconds, appealSeconds);
        }
        return PolicyPage.hash(copy);
    }
}
