// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title Pays operators through EigenLayer's RewardsCoordinator, by stake and by the share of work that L2 counted.
/// @notice Each stake epoch has the same budget, as far as the contract holds it. An operator gets the part of it that its
/// stake is of all, times its share; what it misses stays here for later epochs and goes to nobody else. Who stays below
/// the floor for some epochs in a row is ejected.
interface IRewards {
    /// @notice L2 has counted an epoch.
    event Told(uint64 indexed epoch, bytes message);
    /// @notice An epoch was handed to the core: `total` of the token for the seconds [start, start + duration).
    event Submitted(uint64 indexed epoch, uint256 total, uint32 start, uint32 duration);
    /// @notice An operator was below the floor in `run` epochs in a row.
    event BelowFloor(uint64 indexed epoch, uint32 indexed operatorIndex, uint16 share, uint16 run);
    /// @notice Anyone may have brought it: the operator is out of the set.
    event Ejected(address indexed operator, uint32 indexed operatorIndex, uint64 epoch);

    /// @notice The caller has no business here.
    error NotBridge(address caller);
    /// @notice L2 has not counted the epoch.
    error NotTold(uint64 epoch);
    /// @notice L2 has told this epoch before: the first word stands.
    error AlreadyTold(uint64 epoch);
    /// @notice This epoch was submitted before; `last` is the newest that was.
    error AlreadySubmitted(uint64 epoch, uint64 last);
    /// @notice The message is not one of `Tally`.
    error BadMessage();
    /// @notice The operator has not been below the floor long enough.
    error NotEjectable(uint32 operatorIndex, uint16 run, uint16 patience);

    /// @notice Hands an epoch's rewards to the core, and counts who was below the floor. Anyone, once. Epochs may be left
    /// out; one that is older than the newest submitted is paid as well, but counts towards no run any more.
    function submit(uint64 epoch) external;
    /// @notice Ejects an operator that was below the floor for `patience` epochs in a row. Anyone.
    function eject(uint32 operatorIndex) external;

    // --- views ---
    /// @return message empty before L2 has counted the epoch
    function messageOf(uint64 epoch) external view returns (bytes memory message);
    /// @notice Whether some epoch was submitted, and the newest of them.
    function lastSubmitted() external view returns (bool any, uint64 epoch);
    function isSubmitted(uint64 epoch) external view returns (bool);
    /// @notice Epochs in a row below the floor.
    function runOf(uint32 operatorIndex) external view returns (uint16);
    /// @notice What an epoch would pay now, by operator; operators ascend strictly, amounts are not zero.
    function payoutOf(uint64 epoch) external view returns (address[] memory operators, uint256[] memory amounts);
    /// @notice The token, what an epoch pays at most (its smallest units), the floor in basis points, and the patience.
    function token() external view returns (address);
    function budget() external view returns (uint256);
    function floor() external view returns (uint16);
    function patience() external view returns (uint16);
}
