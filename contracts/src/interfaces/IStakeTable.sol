// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title The operators' keys and stakes of each stake epoch, as L1 fixed them (docs/formats.md, section 10).
interface IStakeTable {
    /// @notice L1's word for an epoch has come; its pages may be posted.
    event TableCommitted(uint64 indexed epoch, uint32 count, uint128 total, bytes32 commitment);
    event KeysPagePosted(uint32 indexed page, bytes32 hash, address code);
    event StakesPagePosted(uint64 indexed epoch, address code);

    /// @notice Anyone may post a page; it is checked against the commitment. Posting twice changes nothing.
    /// The stakes come last: they are refused while a page of keys is missing.
    function postKeysPage(uint64 epoch, uint32 page, bytes calldata keys) external;
    function postStakesPage(uint64 epoch, bytes calldata stakes) external;

    /// @notice Whether commitment and all pages of an epoch stand.
    function isComplete(uint64 epoch) external view returns (bool);
    /// @notice Whether L1's word for an epoch has come, and its bytes.
    function commitmentOf(uint64 epoch) external view returns (bool known, bytes memory commitment);
    function tableOf(uint64 epoch)
        external
        view
        returns (uint32 count, uint128 total, bytes memory aggregateKey, bytes memory stakes);
    function keysPage(uint64 epoch, uint32 page) external view returns (bytes memory);

    /// @notice Verifies an aggregate over `digest` by the operators of `bitmap`.
    /// @return signed stake of the signers, @return total stake of the table
    /// @dev Reverts on malformed input; a wrong signature reverts with `BadSignature`.
    function verify(uint64 epoch, bytes32 digest, bytes calldata bitmap, bytes calldata aggregate)
        external
        view
        returns (uint256 signed, uint256 total);

    error BadSignature();
    error BadBitmap();
    error NoTable(uint64 epoch);
}
