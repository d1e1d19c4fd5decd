// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IRounds} from "../interfaces/IRounds.sol";

/// @title Arithmetic of the schedule: docs/formats.md, section 8.
/// @dev Times and round numbers are carried in 256 bits, so nothing here overflows for any `uint64` round.
library Schedules {
    /// @notice What `validate` found wrong.
    enum Flaw {
        None,
        ZeroLength, // period, settle time-out, epochs and beacon period must be at least one second
        DelayTooShort, // the beacon would come before a snapshot can be known and written down
        NoTimeToSettle, // the deadline does not lie beyond the beacon
        RingTooSmall, // a round's digest would be overwritten before its windows are over
        WindowsTooShort // a censor could keep a challenge out for a whole window
    }

    /// @notice The schedule breaks a rule.
    error BadSchedule(Flaw flaw);

    /// @notice Seconds by which `delay` must exceed `depth` (one block a second at the slowest): one for the
    /// block that makes the snapshot known, one to write it down.
    uint256 internal constant MARGIN = 2;

    /// @notice Checks what must hold for every schedule.
    /// @param ring number of rounds whose digest is kept
    /// @param forcedInclusion seconds after which nobody can keep a transaction off this chain
    function validate(IRounds.Schedule memory s, uint256 ring, uint256 forcedInclusion) internal pure {
        if (s.period == 0 || s.settleTimeout == 0 || s.stakeEpoch == 0 || s.healthEpoch == 0 || s.beaconPeriod == 0) {
            revert BadSchedule(Flaw.ZeroLength);
        }
        if (uint256(s.delay) < uint256(s.depth) + MARGIN) revert BadSchedule(Flaw.DelayTooShort);
        // The beacon round comes at most one beacon period after close + delay.
        if (uint256(s.settleTimeout) <= uint256(s.delay) + s.beaconPeriod) revert BadSchedule(Flaw.NoTimeToSettle);
        uint256 kept = uint256(s.settleTimeout) + s.challengeWindow + s.revealWindow;
        if (ring * s.period < 2 * kept) revert BadSchedule(Flaw.RingTooSmall);
        // Whoever finds a fault late has time to commit, and time to reveal, past a censor.
        if (s.challengeWindow < 2 * forcedInclusion || s.revealWindow < forcedInclusion) {
            revert BadSchedule(Flaw.WindowsTooShort);
        }
    }

    /// @notice The time at which round n closes; its inputs are the writes before that.
    function closeOf(IRounds.Schedule memory s, uint256 n) internal pure returns (uint256) {
        return s.genesis + n * s.period;
    }

    /// @notice The last second at which round n takes a certificate or a chunk.
    function deadlineOf(IRounds.Schedule memory s, uint256 n) internal pure returns (uint256) {
        return closeOf(s, n) + s.settleTimeout;
    }

    /// @notice The stake epoch whose table decides round n.
    function epochOf(IRounds.Schedule memory s, uint256 n) internal pure returns (uint256) {
        return n * s.period / s.stakeEpoch;
    }

    /// @notice R(n): the first beacon round not before close(n) + delay.
    function beaconRound(IRounds.Schedule memory s, uint256 n) internal pure returns (uint256) {
        uint256 earliest = closeOf(s, n) + s.delay;
        if (earliest <= s.beaconGenesis) return 1;
        return (earliest - s.beaconGenesis + s.beaconPeriod - 1) / s.beaconPeriod + 1;
    }

    /// @notice When beacon round `r` (from 1) is published.
    function beaconTime(IRounds.Schedule memory s, uint256 r) internal pure returns (uint256) {
        return s.beaconGenesis + (r - 1) * s.beaconPeriod;
    }

    /// @notice The first round with a close later than `time`.
    function firstAfter(IRounds.Schedule memory s, uint256 time) internal pure returns (uint256) {
        return time < s.genesis ? 0 : (time - s.genesis) / s.period + 1;
    }

    /// @notice Rounds from one live round to the next while nothing is certified.
    function stride(IRounds.Schedule memory s) internal pure returns (uint256) {
        return s.settleTimeout / s.period + 1;
    }

    /// @notice Whether round n is live, `first` being the first round after the last end (n0).
    function isLive(IRounds.Schedule memory s, uint256 first, uint256 n) internal pure returns (bool) {
        return n >= first && (n - first) % stride(s) == 0;
    }

    /// @notice The last live round that has closed by `time`, if there is one.
    function lastLive(IRounds.Schedule memory s, uint256 first, uint256 time)
        internal
        pure
        returns (bool any, uint256 n)
    {
        uint256 closed = firstAfter(s, time); // rounds 0 to closed - 1 have closed
        if (closed <= first) return (false, 0);
        return (true, closed - 1 - (closed - 1 - first) % stride(s));
    }
}
