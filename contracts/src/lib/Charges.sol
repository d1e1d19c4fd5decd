// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IMarket} from "../interfaces/IMarket.sol";

/// @title What requests lock and leases earn, in micro-dollars.
/// @dev Pure functions of the terms, so that nothing of it is stored: what is locked rounds up, what is earned rounds
/// down and never exceeds what is locked.
library Charges {
    uint256 private constant HOUR = 3600;
    /// @dev Reason of `LeaseClosed`: its tenant left early.
    uint8 private constant BY_TENANT = 1;

    /// @notice What a request of `gpus` GPUs locks, at its budget over its term.
    function lockOf(uint256 gpus, uint256 budget, uint256 term) internal pure returns (uint256) {
        return _up(gpus * budget * term);
    }

    /// @notice What all extensions of a lease lock together, at its ask.
    function extensionOf(uint256 gpus, uint256 ask, uint256 extra) internal pure returns (uint256) {
        return _up(gpus * ask * extra);
    }

    /// @notice All that was ever locked for a request.
    function lockedOf(IMarket.LeaseMoney memory m) internal pure returns (uint256) {
        return lockOf(m.gpus, m.budget, m.term) + extensionOf(m.gpus, m.ask, m.extra);
    }

    /// @notice What `paid` paid seconds of a lease cost: whatever a wrong list paired, never more than was locked.
    function earnedOf(IMarket.LeaseMoney memory m, uint256 paid) internal pure returns (uint256 earned) {
        earned = m.gpus * uint256(m.ask) * paid / HOUR;
        uint256 locked = lockedOf(m);
        if (earned > locked) earned = locked;
    }

    /// @notice What a lease that has ended costs in all, if `paid` is the number of its paid seconds. A tenant who left
    /// early pays the least charge, unless a second was not served.
    function totalOf(IMarket.LeaseMoney memory m, uint256 paid, uint256 minCharge)
        internal
        pure
        returns (uint256 total)
    {
        total = earnedOf(m, paid);
        if (m.reason != BY_TENANT || paid != m.until - m.start || total >= minCharge) return total;
        uint256 locked = lockedOf(m);
        return minCharge < locked ? minCharge : locked;
    }

    function _up(uint256 microHours) private pure returns (uint256) {
        return (microHours + HOUR - 1) / HOUR;
    }
}
