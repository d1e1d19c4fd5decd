// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title Operators whose signatures count no more on L2, because they signed what was refuted.
/// @notice A strike holds to the end of the stake epoch after the one in which L1 can have heard of the refutation and
/// slashed: later tables know. The quorum stays that of the whole total.
interface IStrikes {
    event Struck(uint64 indexed n, uint64 untilEpoch, bytes bitmap);

    /// @notice A signer of the certificate was struck.
    error StruckSigner(uint32 index);
    /// @notice The round was not refuted.
    error NotRefuted(uint64 n);

    /// @notice Strikes the signers of a refuted round's header. Anyone; the aggregate is verified over its digest.
    function strike(uint64 n, bytes calldata bitmap, bytes calldata aggregate) external;
    /// @notice Reverts with `StruckSigner` if a struck operator is in the bitmap of a certificate of this epoch.
    function check(uint64 epoch, bytes calldata bitmap) external view;
    function isStruck(uint32 index, uint64 epoch) external view returns (bool);
    /// @notice The last epoch for which any strike holds.
    function lastEpoch() external view returns (uint64);
}
