// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title Signers whom the certificate of a round left out, shown by anyone until the epoch is paid.
interface IAttendance {
    /// @notice `bitmap`: signers of this call, of whom some may have been known before.
    event Presented(uint64 indexed n, bytes bitmap);

    /// @notice The round has no header that stands, or its epoch is paid.
    error NotPresentable(uint64 n);
    /// @notice Of an epoch's first rounds the digest is gone before showing is over.
    /// @param least rounds that can close from an epoch's start to the last second of showing
    error RingTooShort(uint256 got, uint256 least);

    /// @notice Marks signers of round n. The aggregate is verified over the header's digest.
    function present(uint64 n, bytes calldata bitmap, bytes calldata aggregate) external;
    /// @notice Whether operator `index` was presented in round n. Who is in the certificate itself is in its event.
    function isPresented(uint64 n, uint32 index) external view returns (bool);
    /// @notice Presented signers of round n, 256 operators in a word: bytes from the left, bits within a byte from the right.
    function wordOf(uint64 n, uint256 word) external view returns (uint256);
    /// @notice The last second in which round n takes presentations: its epoch's last deadline and windows, and `grace`.
    function presentableUntil(uint64 n) external view returns (uint64);
}
