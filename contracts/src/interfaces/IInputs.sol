// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title Orders as a dispute reads them: what a round's inputs take of the market, in one call each.
/// @notice Total: ids that nobody has given out have empty records, whatever else is asked.
interface IInputs {
    /// @notice A request, and where it was matched.
    /// @return record 320 bytes; empty if there is no such request
    /// @return created when it was posted
    /// @return closed when it was cancelled; 2^64 - 1 if it was not
    /// @return round 0-based round + 1 in which it was matched, or 0
    /// @return position of its entry in that round's list
    /// @return offerId the machine that it was matched to
    function requestAt(uint64 id)
        external
        view
        returns (bytes memory record, uint64 created, uint64 closed, uint64 round, uint32 position, uint64 offerId);

    /// @notice An offer as it was open at `t`.
    /// @return record 160 bytes; empty if no version was open. `available_until` is not looked at
    /// @return used of the machine at `t` (Capacity, packed)
    function offerAt(uint64 id, uint64 t) external view returns (bytes memory record, uint136 used);
}
