// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title Orders as a dispute reads them: what a round's inputs take of the market, in one call each.
/// @notice Records lie in contract code, where anyone reads them: `page` and `offset` say where.
/// Total: ids that nobody has given out have page zero, whatever else is asked.
interface IInputs {
    /// @notice A request (320 bytes), and where it was matched.
    /// @return page where its record lies; zero if there is no such request
    /// @return offset of the record in the page's code
    /// @return created when it was posted
    /// @return closed when it was cancelled; 2^64 - 1 if it was not
    /// @return round 0-based round + 1 in which it was matched, or 0
    /// @return position of its entry in that round's list
    function requestAt(uint64 id)
        external
        view
        returns (address page, uint256 offset, uint64 created, uint64 closed, uint64 round, uint32 position);

    /// @notice An offer (160 bytes) as it was open at `t`.
    /// @return page where its record lies; zero if no version was open. `available_until` is not looked at
    /// @return offset of the record in the page's code
    /// @return used of the machine at `t` (Capacity, packed)
    function offerAt(uint64 id, uint64 t) external view returns (address page, uint256 offset, uint136 used);
}
