// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title Stake outlasts what it answers for: docs/formats.md, section 14.
library Waits {
    /// @notice Stake that leaves can be taken out before a machine that was DOWN then can be slashed.
    error UnbondingTooShort(uint256 got, uint256 least);

    /// @notice Reverts unless stake that leaves as two health epochs begin is still there when they are settled.
    /// @dev All are seconds. The second of the epochs ends after both, then lists are taken, then receipts; slashing begins
    /// in the second after that.
    function check(uint256 unbonding, uint256 healthEpoch, uint256 certifySeconds, uint256 appealSeconds)
        internal
        pure
    {
        uint256 least = 2 * healthEpoch + certifySeconds + appealSeconds + 1;
        if (unbonding < least) revert UnbondingTooShort(unbonding, least);
    }
}
