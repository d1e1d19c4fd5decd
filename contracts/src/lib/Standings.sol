// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.36;

/// @title The states of providers and machines, each in one word: as checkpoints hold them and disputes read them.
/// @dev Reputation and uptime lie inverted, so that zero (no checkpoint yet) reads as "no observation".
library Standings {
    /// @notice A provider: stake (millionths) ‖ registered GPUs ‖ reputation ‖ slash ‖ epoch of the slash ‖ flags.
    function packProvider(
        uint64 stake_,
        uint32 gpus_,
        uint16 reputation_,
        uint16 slash_,
        uint32 slashEpoch_,
        uint8 flags_
    ) internal pure returns (uint208) {
        return uint208(stake_) << 104 | uint208(gpus_) << 72 | uint208(~reputation_) << 56 | uint208(slash_) << 40
            | uint208(slashEpoch_) << 8 | flags_;
    }

    /// @notice A machine: uptime ‖ flags.
    function packMachine(uint16 uptime_, uint8 flags_) internal pure returns (uint208) {
        return uint208(~uptime_) << 8 | flags_;
    }

    function stake(uint256 provider) internal pure returns (uint64) {
        return uint64(provider >> 104);
    }

    function gpus(uint256 provider) internal pure returns (uint32) {
        return uint32(provider >> 72);
    }

    function reputation(uint256 provider) internal pure returns (uint16) {
        return ~uint16(provider >> 56);
    }

    function slash(uint256 provider) internal pure returns (uint16) {
        return uint16(provider >> 40);
    }

    function slashEpoch(uint256 provider) internal pure returns (uint32) {
        return uint32(provider >> 8);
    }

    function uptime(uint256 machine) internal pure returns (uint16) {
        return ~uint16(machine >> 8);
    }

    /// @notice Flags of either.
    function flags(uint256 word) internal pure returns (uint8) {
        return uint8(word);
    }
}
