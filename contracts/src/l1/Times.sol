// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @notice The clock of a deployment as L1 needs it. All in Unix seconds or seconds.
/// @dev EigenLayer lets stake leave 14 days after it was asked for. A table that counts a stake must
/// therefore be done with, evidence and execution included, before the stake can be gone.
struct Times {
    uint64 genesis;
    uint32 period;
    uint32 stakeEpoch;
    /// @dev how long before its epoch a table must be fixed at the latest, so that it reaches L2 in time
    uint32 tableLead;
    /// @dev how long before that moment it may be fixed
    uint32 tableWindow;
    uint32 settleTimeout;
    uint32 challengeWindow;
    uint32 revealWindow;
    /// @dev how long a word takes from L2 to L1
    uint32 bridgeDelay;
    /// @dev how long after the end of the evidence window a stored charge may still be executed
    uint32 executionWindow;
    /// @dev seconds between two L1 blocks, at the least: turns times into the core's block numbers
    uint32 secondsPerBlock;
}

/// @title Arithmetic on `Times`. Results are 256 bits wide, so that no round number overflows them.
library TimesLib {
    /// @notice The whole chain of waits must fit in this; the core's 14 days leave a margin of one.
    uint256 internal constant BUDGET = 13 days;

    /// @notice The waits add up to more than the budget.
    error OverBudget(uint256 sum, uint256 budget);
    /// @notice A duration that must not be zero is zero.
    error ZeroDuration();

    /// @notice Refuses times under which a slash could come too late.
    function check(Times memory t) internal pure {
        if (t.period == 0 || t.stakeEpoch == 0 || t.secondsPerBlock == 0) revert ZeroDuration();
        uint256 sum = uint256(t.tableWindow) + t.tableLead + t.stakeEpoch + horizon(t);
        if (sum > BUDGET) revert OverBudget(sum, BUDGET);
    }

    /// @notice The time at which round `n` closes.
    function closeOf(Times memory t, uint64 n) internal pure returns (uint256) {
        return uint256(t.genesis) + uint256(n) * t.period;
    }

    /// @notice The stake epoch of round `n`.
    function epochOf(Times memory t, uint64 n) internal pure returns (uint256) {
        return uint256(n) * t.period / t.stakeEpoch;
    }

    /// @notice The time at which stake epoch `epoch` begins.
    function epochStart(Times memory t, uint64 epoch) internal pure returns (uint256) {
        return uint256(t.genesis) + uint256(epoch) * t.stakeEpoch;
    }

    /// @notice How long after a round's close evidence is taken.
    function evidenceWindow(Times memory t) internal pure returns (uint256) {
        return uint256(t.settleTimeout) + t.challengeWindow + t.revealWindow + t.bridgeDelay;
    }

    /// @notice How long after a round's close an operator may still be slashed for it.
    function horizon(Times memory t) internal pure returns (uint256) {
        return evidenceWindow(t) + t.executionWindow;
    }
}
