// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title Whether a machine did work in an epoch that only the claimed cards can do in time: the seam of a later step.
interface IComputeChecks {
    function passed(uint64 offerId, uint32 healthEpoch) external view returns (bool);
}

/// @title Pays providers for machines that are up, by settled health epoch (docs/formats.md, section 14, "Reward").
/// @notice Off while the policy's `reward_bps` is 0, and while there are no compute checks: a machine that is up is not yet
/// one that works.
interface IUptimeRewards {
    event Rewarded(uint64 indexed offerId, address indexed provider, uint32 indexed healthEpoch, uint256 amount);
    event Funded(address indexed from, uint256 amount);

    /// @notice No compute check tells that the machine works.
    error NotChecked(uint64 offerId, uint32 healthEpoch);
    /// @notice The epoch is not settled, or the machine's uptime was not carried over it.
    error NotObserved(uint32 healthEpoch, uint32 next);
    /// @notice The machine was paid for the epoch.
    error AlreadyRewarded(uint64 offerId, uint32 healthEpoch);
    /// @notice The epoch earns nothing under its policy.
    error NothingEarned(uint64 offerId, uint32 healthEpoch);
    /// @notice Without compute checks nothing is ever paid: what is funded would stay for ever.
    error NoChecks();
    /// @notice The contract holds less: fund it first.
    error Unfunded(uint256 amount, uint256 held);

    /// @notice Adds to what rewards are paid from, in the network's token. Refused where there are no compute checks.
    function fund(uint256 amount) external;
    /// @notice Pays a machine's provider for a settled health epoch, once. Anyone.
    function claim(uint64 offerId, uint32 healthEpoch) external returns (uint256 amount);

    // --- views ---
    /// @notice What `claim` would pay, in the token's smallest units; 0 if nothing.
    function earned(uint64 offerId, uint32 healthEpoch) external view returns (uint256 amount);
    function isRewarded(uint64 offerId, uint32 healthEpoch) external view returns (bool);
    function checks() external view returns (IComputeChecks);
}
