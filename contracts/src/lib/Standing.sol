// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title Hardware tiers by price, and the ladder of trust that uptime climbs: docs/formats.md, section 5, "standing".
/// @notice Both are data of the policy: no tier and no level has code of its own.
library Standing {
    /// @notice The highest level.
    uint8 internal constant TOP = 6;

    /// @notice A level of the ladder. Shares are basis points.
    struct Level {
        uint16 keep; // least uptime with which a machine keeps the level
        uint16 rise; // least uptime of an epoch that counts towards the next level
        uint16 run; // how many of those in a row lead there
        uint16 weight; // share of the reward that the level earns
    }

    /// @notice The standing section.
    struct Rules {
        uint64[5] floors; // least reference price of each tier, micro-dollars per GPU-hour; the first is 0, ascending
        Level[7] levels; // from the lowest
        uint16 rewardBps; // most that uptime earns in a health epoch, of the machine's stake; 0 is off
        uint64 registerFee; // millionths of the token that registering a machine burns, for each card
    }

    /// @notice The tier of a model: the highest whose floor is not above its reference price. Floors ascend from 0, so
    /// there is one for each price.
    function tierOf(uint64[5] memory floors, uint64 referencePrice) internal pure returns (uint8 tier) {
        tier = 4;
        while (tier != 0 && referencePrice < floors[tier]) --tier;
    }

    /// @notice Where a machine stands after another observed epoch.
    /// @dev Each rise and each fall begins the count anew, and so does an epoch between the two. At the top there is
    /// nothing to count, and a level beyond the top is the top.
    /// @param level 0 to 6, @param run observed epochs in a row that have counted towards the next level
    /// @param uptime the machine's uptime with that epoch, basis points
    function step(Level[7] memory levels, uint8 level, uint16 run, uint16 uptime)
        internal
        pure
        returns (uint8 nextLevel, uint16 nextRun)
    {
        if (level > TOP) level = TOP;
        Level memory here = levels[level];
        if (uptime < here.keep) return (level == 0 ? 0 : level - 1, 0);
        if (level == TOP || uptime < here.rise) return (level, 0);
        uint256 counted = uint256(run) + 1;
        if (counted >= here.run) return (level + 1, 0);
        return (level, uint16(counted)); // below here.run, so 16 bits hold it
    }
}
