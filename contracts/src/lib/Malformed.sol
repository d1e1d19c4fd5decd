// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title What `BadWitness` names: where the bytes that a challenger brought are not those of docs/formats.md, section 13.
library Malformed {
    /// @notice The header has another length, or is of another deployment.
    uint256 internal constant HEADER = 1;
    /// @notice There is no witness of this kind.
    uint256 internal constant KIND = 2;
    /// @notice The bytes end too early, or behind their end there are more.
    uint256 internal constant LENGTH = 3;
    /// @notice Positions do not ascend, or lie beyond the list.
    uint256 internal constant POSITIONS = 4;
    /// @notice There are more or fewer siblings than the entries lack.
    uint256 internal constant SIBLINGS = 5;
    /// @notice Entries and siblings do not lead to the header's outcome root.
    uint256 internal constant ROOT = 6;
    /// @notice The kind takes another number of entries, or others.
    uint256 internal constant ENTRIES = 7;
    /// @notice More pairs were asked for than one call answers, or no whole number.
    uint256 internal constant PAIRS = 8;
}
