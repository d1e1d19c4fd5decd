// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IProviders} from "../interfaces/IProviders.sol";

/// @title Which settled health epochs say something about a machine, and what: docs/formats.md, section 14, "Pay".
library Observation {
    uint256 private constant FULL = 10_000;

    /// @notice Whether an epoch without a window DOWN says anything about a machine that was registered at its first
    /// second: it was at the last one as well, and its flags were zero at both. One with a window DOWN always does: an
    /// agent pauses its machine when it fails.
    /// @param retiredAt beyond all times if it is not retired
    function isClear(IProviders providers, uint64 offerId, uint256 retiredAt, uint256 first, uint256 last)
        internal
        view
        returns (bool)
    {
        return retiredAt > last && _flagsAt(providers, offerId, first) == 0 && _flagsAt(providers, offerId, last) == 0;
    }

    /// @notice What an observed epoch is worth, basis points.
    function value(uint256 windows, uint256 down) internal pure returns (uint256) {
        return FULL * (windows - down) / windows;
    }

    /// @dev A machine's flags at a time.
    function _flagsAt(IProviders providers, uint64 offerId, uint256 time) private view returns (uint8 flags) {
        (, flags) = providers.machineAt(offerId, uint64(time));
    }
}
