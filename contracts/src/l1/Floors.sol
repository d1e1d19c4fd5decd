// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

import {IRewards} from "../interfaces/IRewards.sol";
import {IServiceManager} from "../interfaces/IServiceManager.sol";

/// @notice A stake epoch's stakes and shares of work, by operator index.
struct Work {
    uint256 rounds; // weight of the sampled rounds that counted
    uint256 total; // stake of all
    uint256[] stakes;
    uint256[] shares; // basis points
}

/// @title Who does too little for too long, and what follows (docs/formats.md, section 15, "Floor").
/// @notice Ejecting takes no stake: too little work is shown by signatures that are missing, and that proves no fault.
abstract contract Floors is IRewards {
    /// @notice The highest floor: an operator that does half of its work is never ejected for the other half.
    uint16 public constant HIGHEST_FLOOR = 5_000;
    /// @notice The least patience: one bad epoch ejects nobody.
    uint16 public constant LEAST_PATIENCE = 2;

    /// @dev How long an operator has been below the floor.
    struct Run {
        uint16 run;
        uint64 ejectedAt; // 0: never
    }

    /// @notice The AVS, whose tables, indices and operator set are used.
    IServiceManager public immutable serviceManager;
    /// @inheritdoc IRewards
    uint16 public immutable floor;
    /// @inheritdoc IRewards
    uint16 public immutable patience;

    mapping(uint32 operatorIndex => Run) private _runs;

    /// @notice The floor is above `HIGHEST_FLOOR`.
    error FloorTooHigh(uint16 got, uint16 most);
    /// @notice The patience is below `LEAST_PATIENCE`.
    error PatienceTooShort(uint16 got, uint16 least);

    constructor(IServiceManager serviceManager_, uint16 floor_, uint16 patience_) {
        if (floor_ > HIGHEST_FLOOR) revert FloorTooHigh(floor_, HIGHEST_FLOOR);
        if (patience_ < LEAST_PATIENCE) revert PatienceTooShort(patience_, LEAST_PATIENCE);
        (serviceManager, floor, patience) = (serviceManager_, floor_, patience_);
    }

    /// @inheritdoc IRewards
    /// @dev Also of one that is out already: whoever comes back begins anew, however it left. The core's deregistration
    /// runs in this call and in no other, so whatever it does, epochs are submitted.
    function eject(uint32 operatorIndex) external {
        Run storage r = _runs[operatorIndex];
        if (r.run < patience) revert NotEjectable(operatorIndex, r.run, patience);
        (r.run, r.ejectedAt) = (0, uint64(block.timestamp));
        (address operator,) = serviceManager.operatorAt(operatorIndex);
        (, uint64 epoch) = lastSubmitted();
        emit Ejected(operator, operatorIndex, epoch);
        serviceManager.eject(operator);
    }

    /// @inheritdoc IRewards
    function runOf(uint32 operatorIndex) external view returns (uint16) {
        return _runs[operatorIndex].run;
    }

    /// @inheritdoc IRewards
    function lastSubmitted() public view virtual returns (bool any, uint64 epoch);

    /// @dev Carries runs over an epoch. Where those below the floor have a third of the stake or more, no run changes:
    /// so many do not sleep at once, something else is broken.
    function _countRuns(uint64 epoch, Work memory w) internal {
        if (w.rounds == 0 || 3 * _stakeBelow(w) >= w.total) return;
        uint64 opens = serviceManager.tableOpensAt(epoch);
        for (uint256 i = 0; i < w.stakes.length; ++i) {
            if (w.stakes[i] != 0) _countRun(epoch, opens, uint32(i), uint16(w.shares[i]));
        }
    }

    /// @dev An epoch whose table may have been fixed before the operator was ejected says what it did not do after that.
    function _countRun(uint64 epoch, uint64 opens, uint32 operatorIndex, uint16 share) private {
        Run storage r = _runs[operatorIndex];
        (uint16 run, uint64 ejectedAt) = (r.run, r.ejectedAt);
        if (ejectedAt != 0 && opens <= ejectedAt) return;
        if (share >= floor) {
            if (run != 0) r.run = 0;
            return;
        }
        if (run < type(uint16).max) r.run = ++run;
        emit BelowFloor(epoch, operatorIndex, share, run);
    }

    function _stakeBelow(Work memory w) private view returns (uint256 below) {
        for (uint256 i = 0; i < w.stakes.length; ++i) {
            if (w.shares[i] < floor) below += w.stakes[i];
        }
    }
}
