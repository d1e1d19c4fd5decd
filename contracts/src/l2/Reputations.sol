// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IEscrow} from "../interfaces/IEscrow.sol";

/// @title How providers kept their leases, weighted by the fees these paid (docs/formats.md, section 14).
/// @dev Fees make it cost something to praise oneself.
abstract contract Reputations is IEscrow {
    /// @dev Basis points, and the fees that they weigh, in micro-dollars.
    struct Reputation {
        uint16 value;
        uint64 weight;
    }

    mapping(address provider => Reputation) private _reputations;

    /// @inheritdoc IEscrow
    function reputationOf(address provider) external view returns (uint16 reputation, uint64 weight) {
        Reputation memory r = _reputations[provider];
        return (r.value, r.weight);
    }

    /// @dev Adds a lease of quality `q` (basis points) that paid a fee; at most `most` of fees weigh.
    /// @return value the provider's reputation since
    function _note(address provider, uint256 q, uint256 fee, uint64 most) internal returns (uint16 value) {
        Reputation storage r = _reputations[provider];
        uint256 weight = r.weight;
        value = uint16((r.value * weight + q * fee) / (weight + fee));
        weight += fee;
        (r.value, r.weight) = (value, weight < most ? uint64(weight) : most);
    }
}
